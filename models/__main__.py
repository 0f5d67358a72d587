"""`python -m models`: the command line."""

from models.commands import main

if __name__ == "__main__":
    main()
