"""Suggestions for mistyped words: commands, modules, and names in a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Group", "UnknownCommand", "closest"]


def closest(word: str, words: Iterable[str]) -> str:
    """Return the word that is most like another one, or an empty text if none is like it."""
    by_lower = {other.lower(): other for other in words}
    lower = word.lower()
    begun = [other for other in by_lower if len(lower) > 1 and other.startswith(lower)]
    if len(begun) == 1:
        return by_lower[begun[0]]
    import difflib  # noqa: PLC0415 - only for a word that is mistyped

    found = difflib.get_close_matches(lower, by_lower, 1)
    return by_lower[found[0]] if found else ""


def _is_slip(word: str, other: str) -> bool:
    """Tell whether a word is another one, cut or mistyped: stop is not store, nor is help shell."""
    import difflib  # noqa: PLC0415 - as above

    lower = word.lower()
    return other.startswith(lower) or difflib.SequenceMatcher(None, lower, other).ratio() > 0.75


class UnknownCommand(click.UsageError):
    """A word in the place of a command or plugin is none. `suggestion` is what to type instead, or empty.

    `command` is one that lists what can stand there, or empty. Then the help does.
    """

    def __init__(
        self, word: str, suggestion: str, context: click.Context | None, *, noun: str = "command", command: str = ""
    ) -> None:
        super().__init__(f"no such {noun} {word!r}", context)
        self.suggestion = suggestion
        self.command = command


class Group(click.Group):
    """A group that suggests a command for a mistyped one, and for the words of other programs."""

    synonyms: ClassVar[Mapping[str, str]] = {}
    """What people type, with the command that does it. No other word is suggested for these: it may do the opposite."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Names it in errors of its arguments, where click doesn't: an option without its value."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if error.ctx is None and ctx.invoked_subcommand is not None:
                error.ctx = click.Context(self, ctx, ctx.invoked_subcommand)
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names. Raises UnknownCommand, with a suggestion."""
        word = args[0]
        commands = self.list_commands(ctx)
        if word not in commands and not word.startswith("-") and not ctx.resilient_parsing:
            found = closest(word, [*commands, *self.synonyms])
            suggestion = self.synonyms.get(found, found) if found in commands or _is_slip(word, found) else ""
            from pathlib import Path  # noqa: PLC0415 - only for a word that is mistyped

            if not suggestion and Path(word).is_file():
                suggestion = "show"
            raise UnknownCommand(word, suggestion, ctx)
        return super().resolve_command(ctx, args)
