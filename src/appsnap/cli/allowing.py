"""The exact command that would trust what a file wants, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.cli.output import command_line
from appsnap.errors import MOST_NAMED
from appsnap.recipe.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from appsnap.errors import Want

__all__ = ["allowing", "signing"]


def allowing(wants: Sequence[Want], arguments: Sequence[str]) -> str:
    """Return what to type so that a command with these arguments trusts more names, and what to think of before.

    Without names, it is the whole file that would have to be trusted. For `audit` that is the command that would load;
    others refer to it where there are very many names.
    """
    audited = arguments[:1] == ["audit"]
    if audited:
        arguments = ["load", *(word for word in arguments[1:] if word != "--json")]
    if not wants:
        return _everything("no --trust can allow that", arguments)
    if any(want.carries_code for want in wants):
        return _everything("the file carries code, which runs when it is loaded", arguments)
    unnameable = next((want.name for want in wants if not _can_be_named(want)), None)
    if unnameable is not None:
        return _everything(f"no --trust can name {unnameable!r}", arguments)
    grants = dict.fromkeys(want.grant for want in wants)
    if len(grants) > MOST_NAMED and not audited:
        return f"`appsnap audit` lists all {len(wants):,} names, and last what would allow them"
    return _with_options(arguments, [word for grant in grants for word in ("--trust", grant)])


def signing(arguments: Sequence[str]) -> str:
    """Return what to type so that what `save` or `convert` with these arguments left unsigned is signed."""
    return _with_options(["save", *_without_trust(arguments[1:])], ["--trust-everything"])


def _can_be_named(want: Want) -> bool:
    try:
        Trust([want.grant])
    except ValueError:
        return False
    return True


def _everything(why: str, arguments: Sequence[str]) -> str:
    command = _with_options(_without_trust(arguments), ["--trust-everything"])
    return f"{why}; if you trust who wrote it as you trust a program: {command}"


def _without_trust(arguments: Sequence[str]) -> list[str]:
    words = iter(arguments)
    kept = []
    for word in words:
        if word == "--trust":
            next(words, None)
        elif not word.startswith("--trust="):
            kept.append(word)
    return kept


def _with_options(arguments: Iterable[str], options: Sequence[str]) -> str:
    words = [*arguments]
    end = words.index("--") if "--" in words else len(words)
    return command_line([*words[:end], *options, *words[end:]])
