"""`appsnap load`: build the application in a file, and print it, run it, or open a shell with it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

import appsnap
from appsnap.cli import output, standard
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json, code_from, depth, reads, trusts
from appsnap.cli.project import search_current_folder
from appsnap.errors import Damaged, PassphraseError, WrongKind
from appsnap.kinds import KINDS
from appsnap.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appsnap.cli.inputs import Input
    from appsnap.recipe.trust import Everything

__all__ = ["command"]


@click.command(
    "load",
    short_help=COMMANDS["load"],
    epilog="""\b
Examples:
  appsnap load shop.tap
  appsnap load shop.etap --run
  appsnap load strangers.tap --trust 'shop.*' --trust call:shop.make
  appsnap load shop.tac --kind python --shell""",
)
@reads(kinds=(*KINDS, "python"))
@trusts()
@code_from()
@click.option("--run", is_flag=True, help="Start the application, and stop it on Ctrl-C, SIGTERM or SIGHUP.")
@click.option("--shell", is_flag=True, help='Open a Python shell, where the application is "application".')
@click.option("--quiet", is_flag=True, help="Don't print the tree.")
@click.option("--check", is_flag=True, help="Note attributes that a class doesn't declare, or not of that type.")
@depth(20)
@as_json
def command(
    *,
    source: Input,
    trust: Sequence[str] | Everything,
    code_from: str | None,
    check: bool,
    run: bool,
    shell: bool,
    quiet: bool,
    depth: int,
    as_json: bool,
) -> int:
    """Load an application from a file, and print it, run it or talk to it.

    Some files are trusted as a whole, as you trust a program: those signed by you, those signed by a key that you trust
    (`appsnap keys`), and those opened with a passphrase. Any other file is refused if it wants names that aren't
    trusted, before anything is imported. A name is trusted if it is harmless, if --trust allows it, or if the
    pyproject.toml of this folder lists it in [tool.appsnap] trust, and you have agreed to that list with `appsnap keys
    trust-folder`. `appsnap audit` lists the names. If anything is trusted, modules are found in the current folder too,
    after all others.

    An edited source file has lost its signature. `appsnap sign FILE` signs it as it is now. In an edited file, an
    attribute is an error if it is no field of its dataclass, but like one that is missing. `--check` notes all
    attributes, in any file, that are no fields of their classes, and values that aren't of the declared type.

    With --kind python, FILE is a script. It is run, and has to assign "application".
    """
    if sum((run, shell, as_json, quiet)) > 1 and not (quiet and (run or shell)):
        raise click.UsageError("give only one of --run, --shell, --json and --quiet")
    if check and source.kind == "python":
        raise click.UsageError("a script is a program, and is run: leave out --check")
    if shell and standard.stdin_readers():
        raise click.UsageError(f"--shell reads standard input, and so does {standard.stdin_readers()[0]}")
    notes: list[str] | None = [] if check else None
    load = functools.partial(_load, source, trust, code_from, notes)
    if run:
        from appsnap.runner.process import serve  # noqa: PLC0415 - asyncio is slow to import

        return serve(functools.partial(load, to_run=True), output.note)
    application = load()
    if shell:
        from appsnap.cli.shell import talk  # noqa: PLC0415 - seldom needed

        talk(application)
    elif as_json:
        from appsnap.cli.service_tree import rows  # noqa: PLC0415 - it imports the interfaces

        output.write_json([row.to_dict() for row in rows(application, depth)])
    elif not quiet:
        from appsnap.cli.service_tree import lines  # noqa: PLC0415 - as above

        output.write(lines(application, depth))
    return 0


def _load(
    source: Input,
    trust: Sequence[str] | Everything,
    code_from: str | None,
    notes: list[str] | None,
    *,
    to_run: bool = False,
) -> Any:
    if source.kind == "python":
        if trust:
            raise click.UsageError("a script is a program, and is run: leave out --trust")
        if source.limits != LIMITS:
            raise click.UsageError("a script is a program, and is run: leave out --limit")
        if source.is_keyed:
            raise PassphraseError(
                f"{source.path} is a script, and scripts aren't encrypted", hint="leave out the options that open it"
            )
        from appsnap import script  # noqa: PLC0415 - only scripts need it

        search_current_folder()
        return script.run("/dev/stdin" if source.path == "-" else source.path)
    try:
        application, enough = source.load(trust, code_from=code_from, notes=notes)
    except Damaged as error:
        if source.path.endswith((".tac", ".py")) and source.kind is None and error.offset is None:
            raise WrongKind(
                f"{source.path} is a script, not a snapshot",
                hint=f"to run it: {output.command_line(['load', source.path, '--kind', 'python'])}",
            ) from None
        raise
    for line in notes or ():
        output.note(f"note: {line}")
    if to_run and enough is not appsnap.EVERYTHING:
        from appsnap.recipe.trust import Trust  # noqa: PLC0415 - as below
        from appsnap.runner.vouched import check_vouched  # noqa: PLC0415 - it imports asyncio

        check_vouched(application, Trust(enough))
    return application
