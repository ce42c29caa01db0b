"""`appsnap load`: build the application in a file, and print it, or open a shell with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output, standard
from appsnap.cli.app import COMMANDS
from appsnap.cli.options import as_json, code_from, depth, maps, reads, trusts
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
  appsnap load shop.etap --json
  appsnap load strangers.tap --trust 'shop.*' --trust call:shop.make
  appsnap load shop.tac --kind python --shell""",
)
@reads(kinds=(*KINDS, "python"))
@maps()
@trusts()
@code_from()
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
    shell: bool,
    quiet: bool,
    depth: int,
    as_json: bool,
) -> int:
    """Load an application from a file, and print it or talk to it.

    `appsnap run` runs it. Some files are trusted as a whole, as you trust a program: those signed by you, those signed
    by a key that you trust (`appsnap keys`), and those opened with a passphrase. Any other file is refused if it wants
    names that aren't trusted, before anything is imported. A name is trusted if it is harmless, if --trust allows it,
    or if the pyproject.toml of this folder lists it in [tool.appsnap] trust, and you have agreed to that list with
    `appsnap keys trust-folder`. `appsnap audit` lists the names, and the files that FILE opens again, which are trusted
    with their paths. If anything is trusted, modules are found in the current folder too, after all others.

    An edited source file has lost its signature. `appsnap sign FILE` signs it as it is now. In an edited file, an
    attribute is an error if it is no field of its dataclass, but like one that is missing. `--check` notes all
    attributes, in any file, that are no fields of their classes, and values that aren't of the declared type.

    With --kind python, FILE is a script. It is run, and has to assign "application".
    """
    if as_json and (shell or quiet):
        raise click.UsageError("give only one of --shell, --json and --quiet")
    if check and source.kind == "python":
        raise click.UsageError("a script is a program, and is run: leave out --check")
    if shell and standard.stdin_readers():
        raise click.UsageError(f"--shell reads standard input, and so does {standard.stdin_readers()[0]}")
    notes: list[str] | None = [] if check else None
    application = _load(source, trust, code_from, notes)
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
) -> Any:
    if source.kind == "python":
        if trust:
            raise click.UsageError("a script is a program, and is run: leave out --trust")
        if source.limits != LIMITS:
            raise click.UsageError("a script is a program, and is run: leave out --limit")
        if source.folders:
            raise click.UsageError("a script is a program, and is run: leave out --map")
        if source.is_keyed:
            raise PassphraseError(
                f"{source.path} is a script, and scripts aren't encrypted", hint="leave out the options that open it"
            )
        from appsnap import script  # noqa: PLC0415 - only scripts need it

        search_current_folder()
        return script.run("/dev/stdin" if source.path == "-" else source.path)
    try:
        application, _ = source.load(trust, code_from=code_from, notes=notes)
    except Damaged as error:
        if source.path.endswith((".tac", ".py")) and source.kind is None and error.offset is None:
            raise WrongKind(
                f"{source.path} is a script, not a snapshot",
                hint=f"to run it: {output.command_line(['load', source.path, '--kind', 'python'])}",
            ) from None
        raise
    for line in notes or ():
        output.note(f"note: {line}")
    return application
