"""Entry point of `python -m models`, the command line."""

from models.cli import main

if __name__ == "__main__":
    main()
