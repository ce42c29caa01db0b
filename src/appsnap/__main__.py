"""`python -m appsnap` is the command line."""

from appsnap.cli import main

if __name__ == "__main__":
    main()
