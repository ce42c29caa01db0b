"""`appsnap audit`: the names that a snapshot wants, and which of them are trusted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from appsnap.cli import output
from appsnap.cli.app import COMMANDS
from appsnap.cli.errors import trusting_command, what_runs
from appsnap.cli.options import as_json, maps, reads, trusts
from appsnap.cli.project import trust_in
from appsnap.errors import NotTrusted
from appsnap.gc_pause import gc_paused
from appsnap.printable import as_word, escaped, plural
from appsnap.recipe.carried import code_facts
from appsnap.recipe.outline import quoted
from appsnap.recipe.trust import Everything, Trust, audit
from appsnap.snapshot.opened import unverified_facts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from appsnap.cli.inputs import Input
    from appsnap.errors import Obstacle, Want
    from appsnap.recipe.carried import CarriedCode
    from appsnap.snapshot import Snapshot

__all__ = ["command", "findings"]


@click.command(
    "audit",
    short_help=COMMANDS["audit"],
    epilog="""\b
Examples:
  appsnap audit shop.tap
  appsnap audit shop.tap --trust 'shop.*'""",
)
@reads()
@maps()
@trusts()
@click.option("--code", "show_code", is_flag=True, help="Print the source text of the code in FILE, too.")
@as_json
@click.pass_context
@gc_paused
def command(
    context: click.Context, /, *, source: Input, trust: Sequence[str] | Everything, show_code: bool, as_json: bool
) -> int:
    """List the names that a snapshot wants, and which of them are trusted.

    Each line has a verdict, the use, the name, and the first path that wants it. Nothing is imported. The verdicts:

    \b
      built-in     the name is harmless, and always trusted
      trusted      --trust allows it, or the file's signature or passphrase
      trusted by ./pyproject.toml
                   [tool.appsnap] trust there allows it, and you have agreed to
                   that list with `appsnap keys trust-folder`
      code         it makes functions or classes from code in the file, and it
                   isn't trusted
      not trusted  all others

    The use is reference (it is kept), create (objects of the class are made,
    without its __init__) or call: it runs, with arguments from the file. The function that the header names runs
    without arguments, before anything else of the file is imported.

    An effect has a line of its own, as "appends to /var/log/shop.log": a file
    that is opened again, an address that is listened on. Its path is the one
    that it leads to from here, once links are followed.

    Further lines have a path, and begin with:

    \b
      no --trust can allow this     only --trust-everything can
      depends on pkg.C              it loads if that class has a __setstate__,
                                    which takes such a state

    The data of large arrays in a plain file isn't verified, and the output says so.

    The exit code is 0 if all names are trusted and nothing is beyond them, else 3. Then the last line is the command
    that allows all of it.
    """  # noqa: D301 - click wants the character of \b, not its two letters
    snapshot = source.open(large="mapped")
    wanted = snapshot.names
    provenance = snapshot.provenance
    trusted = trust_in(snapshot, trust)
    beyond = _missing(snapshot, ())
    missing = _missing(snapshot, trusted)
    obstacles = [] if isinstance(trusted, Everything) else snapshot.obstacles
    impossible = [obstacle for obstacle in obstacles if not obstacle.depends_on]
    good = not missing and not impossible
    allow = None if good else trusting_command(() if impossible else [*missing], context.find_root().obj)
    code = snapshot.code
    by_project = set() if isinstance(trusted, Everything) else {*_missing(snapshot, trust)} - {*missing}
    rows = [(_verdict(want, beyond, missing, by_project), want) for want in wanted]
    if as_json:
        names = (_as_object(verdict, want, trusted=want not in missing) for verdict, want in rows)
        is_cut = output.write_json(
            {
                "file": snapshot.name,
                "signer": snapshot.signer,
                "provenance": provenance,
                "unverified_arrays": snapshot.unverified,
                "trusted": good,
                "allow": allow,
            },
            snapshot.most_output,
            names=names,
            obstacles=map(dataclasses.asdict, obstacles),
            code=map(dataclasses.asdict, code),
        )
    else:
        is_cut = output.write(_table(rows), snapshot.most_output)
        output.write(_code_lines(code) if show_code else [])
        output.write(map(_line, obstacles))
        verdict = f"{len(missing):,} not trusted" if missing else "all trusted"
        verdict += f", {len(impossible):,} beyond --trust" if impossible else ""
        facts = [
            f"{', '.join(_counts(wanted))}, {verdict}",
            *code_facts(code),
            *unverified_facts(snapshot.unverified),
            provenance,
        ]
        output.write(["; ".join(facts)])
        output.write(filter(None, [what_runs(missing), allow]))
    if is_cut:
        output.cut(source.path, "names")
    return 0 if good else NotTrusted.exit_code


def findings(snapshot: Snapshot) -> Iterator[str]:
    """Yield a line for each name of a snapshot that isn't harmless, and for all that no trust in names allows."""
    missing = _missing(snapshot, ())
    yield from _table([(_verdict(want, missing, missing, ()), want) for want in snapshot.names if want in missing])
    yield from map(_line, snapshot.obstacles)


def _counts(wanted: Sequence[Want]) -> Iterator[str]:
    effects = sum(bool(want.does) for want in wanted)
    yield plural(len(wanted) - effects, "name")
    if effects:
        yield plural(effects, "effect")


def _code_lines(code: Sequence[CarriedCode]) -> Iterator[str]:
    """Yield the code in a file: each text once, behind the list of the places in it that a load makes use of."""
    texts = {(one.filename, one.version, one.source): [] for one in code if one.source}  # type: dict[tuple[str, str, str], list[CarriedCode]]
    for one in code:
        if one.source:
            texts[one.filename, one.version, one.source].append(one)
        else:
            version = (
                f"for Python {as_word(one.version)} only" if one.version else "for a Python that the file doesn't tell"
            )
            yield escaped(f"bytecode {version}, which can't be shown: {as_word(one.name or 'code')} at {one.path}")
    for (filename, version, source), places in texts.items():
        yield escaped(f"{quoted(filename)}, saved by Python {as_word(version)}; the load makes use of:")
        yield from (escaped(f"    line {one.line}: {as_word(one.name)} at {one.path}") for one in places)
        lines = source.splitlines()
        yield from (f"{number:{len(str(len(lines)))}}  {escaped(line)}" for number, line in enumerate(lines, 1))


def _missing(snapshot: Snapshot, trust: Sequence[str] | Everything) -> dict[Want, None]:
    try:
        audit(snapshot.document.recipe, Trust(trust), snapshot.prepares)
    except NotTrusted as error:
        return dict.fromkeys(error.wants)
    return {}


def _line(obstacle: Obstacle) -> str:
    verdict = f"depends on {as_word(obstacle.depends_on)}" if obstacle.depends_on else "no --trust can allow this"
    return f"{verdict}: {obstacle}"


def _verdict(want: Want, beyond: Collection[Want], missing: Collection[Want], by_project: Collection[Want]) -> str:
    if want not in beyond:
        return "built-in"
    if want in by_project:
        return "trusted by ./pyproject.toml"
    if want not in missing:
        return "trusted"
    return "code" if want.carries_code else "not trusted"


def _as_object(verdict: str, want: Want, *, trusted: bool) -> dict[str, Any]:
    return {
        "name": want.name,
        "use": want.use,
        "path": want.path,
        "verdict": verdict,
        "trusted": trusted,
        "grant": want.grant,
        **({"effect": want.words} if want.does else {}),
    }


def _table(rows: Sequence[tuple[str, Want]]) -> Iterable[str]:
    # A very long name doesn't push the paths of the others out of sight.
    width = max((len(as_word(want.name)) for _, want in rows if len(want.name) <= 50 and not want.does), default=0)
    widest = max((len(verdict) for verdict, _ in rows), default=0)
    for verdict, want in rows:
        begin = f"{verdict:{max(widest, 11)}}  "
        if want.does:
            yield f"{begin}{want.words:{width + 11}}  {want.path}"
        else:
            yield f"{begin}{want.use:9}  {as_word(want.name):{width}}  {want.path}"
