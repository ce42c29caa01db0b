"""The command line: arguments, words and exit codes. The work is done elsewhere.

* A *command* is a module of `commands`. `app` finds and runs it.
* An *input* is a file that a command reads, an *output* a file that it writes: `inputs`, made by `options`.
* *Standard input and output* are files named `-`: `standard`.
* A *source* of a passphrase is a terminal, a file, a command, a file descriptor or the environment: `passphrase`.
* A *hint* is the next thing to type after an error: `errors`.
* The *project* is the current folder: its modules, and the names that its pyproject.toml trusts.

Results go to stdout; errors, progress and notes to stderr: `output`, `progress`. Exit codes: 0 done, 1 failed, 2 usage,
3 not trusted, 4 passphrase, 5 damaged, 6 not in the grammar of source, 70 not stopped in time, 130 interrupted, 141
nobody reads the output any more.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process, and exit."""
    if sys.argv[1:] == ["--version"]:
        # Scripts ask often, so nothing else is imported.
        from appsnap._version import __version__  # noqa: PLC0415

        try:
            # Not print: it would keep the text after an error, and write it again.
            if sys.stdout is not None:
                os.write(sys.stdout.fileno(), f"appsnap {__version__}\n".encode())
        except OSError:
            pass  # `run` fails in the same way, and tells why
        else:
            return
    if sys.argv[1:2] == ["run"]:
        from appsnap.runner.signals import SIGNALS  # noqa: PLC0415 - as above

        SIGNALS.keep()
    from appsnap.cli import output  # noqa: PLC0415 - as above
    from appsnap.cli.app import run  # noqa: PLC0415 - as above

    if "--json" in sys.argv[1:]:
        output.reserve_stdout()
    sys.exit(run(sys.argv[1:]))
