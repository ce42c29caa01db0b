"""`appsnap` itself: finds the command, runs it, and turns every error into words and an exit code."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

import click

from appsnap._version import __version__
from appsnap.cli import output
from appsnap.cli.suggest import Group
from appsnap.runner.signals import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

__all__ = ["COMMANDS", "appsnap", "run"]

COMMANDS = {
    "save": "Save an application to a file.",
    "load": "Load an application from a file, and print it or talk to it.",
    "run": "Run an application as a process.",
    "status": "Tell whether an application runs, and when it was saved.",
    "snapshot": "Save a running application now.",
    "stop": "Stop a running application, and wait for it.",
    "make": "Make an application from a plugin and its options, and save it to a file.",
    "plugins": "List the plugins that are installed.",
    "show": "Show the content of a snapshot, without importing any of it.",
    "audit": "List the names that a snapshot wants, and which of them are trusted.",
    "convert": "Write a snapshot in another kind or with other layers.",
    "sign": "Sign a snapshot with your key, where it is.",
    "verify": "Check that a snapshot is whole.",
    "keys": "Show your key, and choose the keys and folders that you trust.",
    "completion": "Print a script that completes commands in your shell.",
}
"""The commands, each with the first line of its help. The module of the same name has the command as `command`."""


class _LazyGroup(Group):
    """A group that imports the module of a command only when the command is run or asked for help."""

    synonyms = {  # noqa: RUF012 - nobody changes it
        "help": "--help",
        "version": "--version",
        **dict.fromkeys(("dump", "write", "store", "freeze", "pickle", "upgrade"), "save"),
        **dict.fromkeys(("start", "serve", "exec", "restart", "reload", "daemon"), "run"),
        **dict.fromkeys(("restore", "open", "unpickle", "shell"), "load"),
        **dict.fromkeys(("cat", "view", "inspect", "info", "print", "display", "tree", "dis"), "show"),
        **dict.fromkeys(("names", "scan", "permissions"), "audit"),
        **dict.fromkeys(("export", "encrypt", "decrypt", "compress", "decompress", "recode", "armor"), "convert"),
        **dict.fromkeys(("kill", "halt", "shutdown", "quit", "end"), "stop"),
        **dict.fromkeys(("check", "validate", "test", "fsck"), "verify"),
        **dict.fromkeys(("key", "trust", "trust-folder", "untrust", "revoke", "keyring", "keygen"), "keys"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"appsnap.cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only shells ask

        found = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  appsnap save shop:application shop.tap
  appsnap show shop.tap
  appsnap run shop.tap --trust 'shop.*'

A file named - is standard input or standard output. A terminal gets only text there.

\b
Environment:
  APPSNAP_PASSPHRASE          the passphrase, unless an option gives one
  APPSNAP_SOURCE_PASSPHRASE   the passphrase of the file that save or convert reads
  APPSNAP_CONFIG_DIR          the folder of your key, and of the keys and folders that you trust
  APPSNAP_TRACEBACK           set to 1 to see tracebacks of errors

\b
Exit codes:
  0 done, 1 failed, 2 usage, 3 not trusted, 4 passphrase, 5 damaged, 6 not in the grammar of source,
  70 not stopped in time""",
)
@click.version_option(__version__, prog_name="appsnap", message="%(prog)s %(version)s")
def appsnap() -> None:
    """Save a Python application, a tree of services with all its state, to a file, and bring it back."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line, and return its exit code."""
    output.prepare()
    own = os.getpid()
    try:
        code = _invoke([*arguments] or ["--help"])
        output.finish()
    except BrokenPipeError:
        # Nobody reads the output any more. 128 + SIGPIPE is the exit code that a shell gives to a killed program.
        output.discard_output()
        return 141
    except SystemExit as error:
        # A fork of the application ends as that wants.
        if error.code or os.getpid() != own or "_APPSNAP_COMPLETE" in os.environ:
            raise
        # Code of the application has asked for the exit code of success, and the command hasn't succeeded.
        from appsnap.cli.errors import show  # noqa: PLC0415 - only for an error

        return show(error, arguments)
    except Stopped:
        output.note("stopping before it has started")
        return 0
    except BaseException as error:  # noqa: BLE001 - users get a line for every error, and no traceback
        from appsnap.cli.errors import show  # noqa: PLC0415 - only for an error

        return show(error, arguments)
    return code


def _invoke(arguments: list[str]) -> int:
    if "_APPSNAP_COMPLETE" in os.environ:
        appsnap.main(arguments, "appsnap")
    try:
        with appsnap.make_context("appsnap", [*arguments], obj=arguments) as context:
            return appsnap.invoke(context) or 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
