"""`appsnap run`: an application as a process, from a snapshot, a script, a module or a plugin."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import code_from, listens, maps, reads, recipients, trusts
from appsnap.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.cli.inputs import Input
    from appsnap.recipe.trust import Everything

__all__ = ["command"]

_FOLDER = click.Path(exists=True, file_okay=False)


class _Seconds(click.FloatRange):
    """A number of seconds, which may be infinite."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return found


_SECONDS = _Seconds(min=0)
_SOME_SECONDS = _Seconds(min=0, min_open=True)


class _Octal(click.ParamType[int]):
    """A file mode mask, as `umask` of a shell takes it."""

    name = "octal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            mask = int(value, 8)
        except ValueError:
            mask = -1
        if not 0 <= mask <= 0o777:
            self.fail(f"{value!r} is no octal number from 0 to 777", param, ctx)
        return mask


class _Command(click.Command):
    """A command whose options may stand before or after WHAT. If WHAT is a plugin, those behind it are the plugin's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave the arguments of a plugin to it."""
        parser = self.make_parser(ctx)
        parser.allow_interspersed_args = False
        word: object = None
        rest: list[str] = []
        # Without --help, and with an error that the second look finds again, there is no WHAT to look for.
        with_help = ctx.resilient_parsing
        ctx.resilient_parsing = True
        try:
            values, rest, _ = parser.parse_args([*args])
            word = values.get("read_path")
        except click.UsageError:
            pass
        finally:
            ctx.resilient_parsing = with_help
        rest = rest if isinstance(word, str) and _is_plugin(word) else []
        ctx.meta[__name__] = rest
        return super().parse_args(ctx, args[: len(args) - len(rest)])


def _is_plugin(word: str) -> bool:
    from appsnap.cli.what import is_plugin  # noqa: PLC0415 - help doesn't need it

    return is_plugin(word)


@click.command(
    "run",
    cls=_Command,
    short_help=COMMANDS["run"],
    options_metavar="[OPTIONS]",
    epilog="""\b
Examples:
  appsnap run shop.tap
  appsnap run shop.tap --state /var/lib/shop --uid shop
  appsnap run shop.tac --autosave 10 --state state
  appsnap run shop:application --logfile shop.log --daemon --pidfile shop.pid
  appsnap run shop.api:app --listen 127.0.0.1:8000
  appsnap run web --path public --port 8080""",
)
@reads(argument="WHAT", kinds=(*KINDS, "python"))
@maps("WHAT")
@trusts("WHAT")
@code_from(argument="WHAT")
@listens("WHAT")
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, readable=False),
    help="Keep the state of the application in a folder: it survives the process. The folder is made.",
)
@click.option(
    "--autosave",
    metavar="SECONDS",
    type=_SECONDS,
    default=60.0,
    show_default=True,
    help="Save so long after the last save has ended. 0 saves only at the end and when asked to.",
)
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Keep so many generations of the state.",
)
@click.option(
    "--save-timeout",
    metavar="SECONDS",
    type=_SOME_SECONDS,
    default=60.0,
    show_default=True,
    help="End a saving process that stands still for so long, and save in the application's process.",
)
@click.option("--fresh", is_flag=True, help="Start from WHAT, and not from the state. The old generations stay.")
@recipients("the state")
@click.option("--plain", is_flag=True, help="Write the state unencrypted, even if WHAT is encrypted.")
@click.option(
    "--rundir",
    metavar="DIR",
    type=_FOLDER,
    help="Run in this folder. Paths on the command line are those of the folder where the command is given.",
)
@click.option("--umask", metavar="OCTAL", type=_Octal(), help="Set the mask for the modes of new files.")
@click.option("--uid", metavar="USER", help="Become this user, a name or a number, once the ports are bound.")
@click.option("--gid", metavar="GROUP", help="Become this group. By default, it is the user's own.")
@click.option(
    "--pidfile",
    metavar="FILE",
    type=click.Path(dir_okay=False, readable=False),
    help="Write the number of the process to a file, and lock that.",
)
@click.option(
    "--logfile",
    metavar="FILE",
    type=click.Path(dir_okay=False, readable=False),
    help="Write the log to a file instead of stderr. SIGUSR1 opens it anew.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    help="Leave out log lines below this level.",
)
@click.option("--daemon", is_flag=True, help="Run in the background. The command returns when the application runs.")
@click.option(
    "--stop-timeout",
    metavar="SECONDS",
    type=_SOME_SECONDS,
    default=30.0,
    show_default=True,
    help="End the process if the application has not stopped so long after SIGTERM. inf waits for ever.",
)
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    source: Input,
    trust: Sequence[str] | Everything,
    code_from: str | None,
    recipients: Sequence[str],
    plain: bool,
    listen: tuple[str, int] | None,
    **values: Any,
) -> int:
    """Run an application as a process.

    SIGTERM, SIGINT or Ctrl-C stops it. WHAT is looked for in this order:

    \b
      a snapshot   loaded as `appsnap load` does
      a script     (.tac, .py) that assigns "application"; it is run
      module:name  an object in a module
      a plugin     followed by its own options; `appsnap plugins` lists them

    With --listen, WHAT is an application of a web framework: FastAPI, Starlette, Quart, Sanic, Litestar, aiohttp,
    Flask, Django, or any other one of ASGI or WSGI. An application that has one server already gets the address. An
    object with start() and stop(), or with async def run(), needs no option.

    With --state, the same command goes on where the application was: after a stop, a crash, or a power failure. SIGUSR2
    and `appsnap snapshot DIR` save it at once, and --autosave does now and then. Saving doesn't stop the application.

    SIGHUP takes in new code: the process saves the application, tries the new code in a fresh interpreter, and then
    runs the same command line again in its place. Listening sockets stay open meanwhile.

    Exit codes of the run itself: 0 stopped, 1 failed to start, to stop or to save at the end, 70 not stopped in time.
    """  # noqa: D301 - click wants the character of \b, not its two letters
    from appsnap.cli.what import Wanted, find_what  # noqa: PLC0415 - asyncio is slow to import
    from appsnap.runner import daemon, process, restart  # noqa: PLC0415 - as above
    from appsnap.runner.handover import Handover  # noqa: PLC0415 - as above
    from appsnap.runner.options import Options  # noqa: PLC0415 - as above

    # Before any code of others is imported: its children would have the descriptors, too.
    handover = Handover.take()
    if handover is not None and handover.mode == "trial":
        restart.begin_trial()
    if values["state"] is None:
        for option in ("autosave", "keep", "save_timeout", "fresh"):
            if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
                raise click.UsageError(f"--{option.replace('_', '-')} is for an application with a --state")
        if recipients or plain:
            raise click.UsageError("-r, -R and --plain are for an application with a --state")
    if recipients and plain:
        raise click.UsageError("--plain contradicts an option that encrypts")
    wanted = Wanted(
        source, trust, code_from, context.find_root().obj, context.meta[__name__], recipients, plain, listen
    )
    what = find_what(wanted, values["state"])
    paths = {
        name: os.path.abspath(values[name])  # noqa: PTH100 - links in it stay
        for name in ("state", "rundir", "pidfile", "logfile")
        if values[name] is not None
    }
    options = Options(folder=os.getcwd(), **{**values, **paths})  # noqa: PTH109 - a text, as the others
    if options.daemon and handover is None:
        return daemon.launch()
    if handover is not None:
        source.secrets.passphrase = handover.secrets.get("passphrase")
        source.secrets.identities = handover.secrets.get("identities")
    return process.serve(what, options, _voice(context), handover)


def _voice(context: click.Context) -> Any:
    from appsnap.cli.errors import explain, show  # noqa: PLC0415 - help doesn't need it
    from appsnap.runner.voice import Voice  # noqa: PLC0415 - as above

    arguments = context.find_root().obj
    return Voice(output.note, lambda error: explain(error, arguments), lambda error: show(error, arguments))
