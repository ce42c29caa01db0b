"""The tree of services as it is, restored: names and classes."""

from __future__ import annotations

import reprlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from appsnap.interfaces import IServiceCollection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Row", "lines", "rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """One object of the tree. `level` is 0 at the root; `omitted` counts children deeper than was asked for."""

    level: int
    name: str | None
    type: str
    omitted: int
    last: tuple[bool, ...]
    """For each level from 1 on: whether the object, or what holds it, is the last one there."""

    def to_dict(self) -> dict[str, Any]:
        """Return the row for JSON."""
        fields = asdict(self)
        del fields["last"]
        return fields


def rows(root: Any, depth: int) -> Iterator[Row]:
    """Yield a restored object, and the services below it as deep as is asked for, each before its children."""
    found = {id(root)}
    stack: list[tuple[Any, tuple[bool, ...]]] = [(root, ())]
    while stack:
        obj, last = stack.pop()
        children = [child for child in _children(obj) if id(child) not in found]
        omitted = len(children) if len(last) >= depth else 0
        yield Row(len(last), _name(obj), f"{type(obj).__module__}.{type(obj).__qualname__}", omitted, last)
        if not omitted:
            found.update(map(id, children))
            ends = [False] * (len(children) - 1) + [True]
            stack += [(child, (*last, end)) for child, end in zip(children, ends, strict=False)][::-1]


def lines(root: Any, depth: int) -> Iterator[str]:
    """Yield the lines of a tree. What is no collection of services is shown by its `repr`, if it has one of its own."""
    own_repr = any("__repr__" in vars(base) for base in type(root).__mro__[:-1])
    if IServiceCollection(root, None) is None and own_repr:
        yield reprlib.repr(root)
        return
    for row in rows(root, depth):
        indent = "".join("    " if end else "│   " for end in row.last[:-1])
        branch = "" if not row.last else "└── " if row.last[-1] else "├── "
        name = "" if row.name is None else f"{row.name}: "
        yield f"{indent}{branch}{name}{row.type}{' …' if row.omitted else ''}"


def _children(obj: Any) -> Sequence[Any]:
    collection: IServiceCollection | None = IServiceCollection(obj, None)
    return () if collection is None else [*collection]


def _name(obj: Any) -> str | None:
    name = getattr(obj, "name", None)
    return name if isinstance(name, str) else None
