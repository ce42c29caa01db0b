"""Ways for matches of regular expressions, those of `re` and of `regex`: the pattern is matched again.

A pattern of a stranger's may take for ever, so a stranger's file needs `call:` for that.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from appsnap.errors import Refused
from appsnap.ways import saves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["fullmatch", "match", "search"]


def match(pattern: Any, text: Any, pos: int, endpos: int, /) -> Any:
    """Return the match of a pattern that begins at `pos`."""
    return pattern.match(text, pos, endpos)


def fullmatch(pattern: Any, text: Any, pos: int, endpos: int, /) -> Any:
    """Return the match of a pattern with all of a text from `pos` to `endpos`."""
    return pattern.fullmatch(text, pos, endpos)


def search(pattern: Any, text: Any, pos: int, endpos: int, /) -> Any:
    """Return the first match of a pattern behind `pos`."""
    return pattern.search(text, pos, endpos)


def _calls(found: Any) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Yield the calls that may have given a match. One of `finditer` is taken for a match that begins where it is."""
    args = found.re, found.string, found.pos, found.endpos
    yield from ((function, args) for function in (match, search))
    if found.span() == (found.pos, found.endpos):  # else it would search for long, and in vain
        yield fullmatch, args
    yield match, (found.re, found.string, found.start(), found.endpos)


def _facts(found: Any) -> Any:
    spans = [found.span(group) for group in range(len(found.groups()) + 1)]
    repeated = [found.spans(group) for group in range(len(spans))] if hasattr(found, "spans") else None
    return spans, repeated, found[0], found.groups(), found.lastindex


@saves("re.Match")
@saves("_regex.Match")
def _(found: Any) -> Any:
    # The text may have changed since, or isn't there any more.
    with contextlib.suppress(AttributeError, TypeError, ValueError, IndexError):
        for function, args in _calls(found):
            again = function(*args)
            if again is not None and _facts(again) == _facts(found):
                return function, args
    raise Refused("a match that its pattern finds no more", "keep its groups, as match.groups() returns them")
