"""The command line: one module a command; nothing but arguments, words and exit codes.

Results go to stdout; errors, progress and notes to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 not trusted,
4 passphrase, 5 damaged, 130 interrupted, 141 nobody reads the output any more.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process, and exit."""
    if sys.argv[1:] == ["--version"]:
        # Asked by scripts, and often: nothing else is imported for it.
        from appsnap._version import __version__  # noqa: PLC0415

        print(f"appsnap {__version__}")  # noqa: T201 - the words are imported with the rest
        return
    from appsnap.cli.app import run  # noqa: PLC0415 - as above

    sys.exit(run(sys.argv[1:]))
