"""The tree of services of a loaded application: names and classes."""

from __future__ import annotations

import collections
import enum
import itertools
import reprlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from appsnap.interfaces import IServiceCollection
from appsnap.printable import label
from appsnap.recipe import values
from appsnap.recipe.outline import quoted
from appsnap.service import MultiService
from appsnap.twisted_services import adapted, implements, service_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Row", "lines", "rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """One object of the tree. `level` is 0 at the root. `omitted` counts the children that are too deep to be shown."""

    level: int
    name: str | None
    type: str
    omitted: int
    last: tuple[bool, ...]
    """For each level from 1 on: whether the object, or its ancestor on that level, is the last child."""

    def to_dict(self) -> dict[str, Any]:
        """Return the row for JSON."""
        fields = asdict(self)
        del fields["last"]
        return fields


def rows(root: Any, depth: int) -> Iterator[Row]:
    """Yield the root, and the services below it down to a depth, each before its children."""
    found = {id(root)}
    lists: set[int] = set()
    stack: list[tuple[Any, tuple[bool, ...]]] = [(root, ())]
    while stack:
        obj, last = stack.pop()
        children = [child for child in _children(obj, lists) if id(child) not in found]
        omitted = len(children) if len(last) >= depth else 0
        yield Row(len(last), _name(obj), f"{type(obj).__module__}.{type(obj).__qualname__}", omitted, last)
        if not omitted:
            found.update(map(id, children))
            ends = [False] * (len(children) - 1) + [True]
            stack += [(child, (*last, end)) for child, end in zip(children, ends, strict=False)][::-1]


def lines(root: Any, depth: int) -> Iterator[str]:
    """Yield the lines of a tree. A plain value is shown as Python writes it."""
    if type(root) in _CONTAINERS or _is_plain(root):
        yield _BRIEF.repr(root)
        return
    for row in rows(root, depth):
        indent = "".join("    " if end else "│   " for end in row.last[:-1])
        branch = "" if not row.last else "└── " if row.last[-1] else "├── "
        name = "" if row.name is None else f"{row.name}: "
        yield f"{indent}{branch}{name}{row.type}{' …' if row.omitted else ''}"


class _Brief(reprlib.Repr):
    """Describes values briefly. An object that holds others is described by its class, unless it is a list or the like.

    The `repr` of such an object follows every path through it, and a file of some hundred bytes can have 2^60 paths.
    """

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - its signature
        return quoted(x)

    def repr_instance(self, x: Any, level: int) -> str:
        return super().repr_instance(x, level) if _is_plain(x) else f"<{type(x).__module__}.{type(x).__qualname__}>"


def _is_plain(value: Any) -> bool:
    """Tell whether a value holds no other, so that its `repr` is short."""
    value_type = values.of_type(type(value))
    return isinstance(value, enum.Enum) or (value_type is not None and value_type.plain)


_BRIEF = _Brief()
_CONTAINERS = frozenset({collections.deque, dict, frozenset, list, set, tuple})
_MOST_CHILDREN = 1_000_000
_HOLDERS = (collections.deque, dict, frozenset, list, set, tuple)


def _children(obj: Any, lists: set[int]) -> Sequence[Any]:
    """Return the services of a collection. `lists` has the lists of services that were returned already."""
    collection: Any = adapted(IServiceCollection, obj)
    # A stranger's file may have anything here: a range of a billion, or one list for all services.
    if not implements(IServiceCollection, type(collection)):
        return ()
    if getattr(type(collection), "__iter__", None) is not MultiService.__iter__:
        return [*itertools.islice(collection, _MOST_CHILDREN)]
    services = getattr(collection, "services", ())
    if not isinstance(services, _HOLDERS) or id(services) in lists:
        return ()
    lists.add(id(services))
    return [*services]


def _name(obj: Any) -> str | None:
    service = service_in(obj)
    name = getattr(obj if service is None else service, "name", None)
    return None if name is None else label(name)
