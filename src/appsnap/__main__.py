"""`python -m appsnap` is the command line."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # As in the installed program: the current folder comes last, and only where something is trusted.
        del sys.path[0]
    from appsnap.cli import main

    main()
