"""`python -m recurrent_explorer_app`: the console script without installing it."""

from recurrent_explorer_app import main

if __name__ == "__main__":
    main()
