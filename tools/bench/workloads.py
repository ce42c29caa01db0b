"""The data to be saved and loaded, in any size, and a check of the loaded data."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap import service
from bench import mixed
from bench.parts import SHAPES, mixed_tree, parts_of, walked

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ARRAY", "ARRAYS", "DEEP", "GRAPH", "MIXED", "RECORDS", "SERVICES", "Data", "Small"]


@dataclass(frozen=True, slots=True)
class Data:
    """One sort of data. `make` makes it in a given size; `holds` tells whether an object equals it.

    `twisted` makes the same data of Twisted's own classes, for the peers from Twisted. The size of `heavy` data is its
    size in bytes; the loaded data itself then doesn't count as extra memory.
    """

    make: Callable[[int], Any]
    holds: Callable[[Any, int], bool]
    twisted: Callable[[int], Any] | None = None
    heavy: bool = False


# Services


class Small(service.Service):
    """A typical service: a name, a port, some options, a number."""

    def __init__(self, number: int) -> None:
        self.name, self.port, self.options, self.rate = parts_of(number)


def _make_services(size: int) -> service.MultiService:
    root = service.MultiService()
    for number in range(size):
        Small(number).setServiceParent(root)
    return root


def _make_twisted_services(size: int) -> Any:
    from bench import twisted_service  # noqa: PLC0415 - Twisted may be missing

    return twisted_service.make(size)


def _holds_services(root: Any, size: int) -> bool:
    last = root.services[-1]
    return (
        len(root.services) == size
        and (last.name, last.port, last.options, last.rate) == parts_of(size - 1)
        and last.parent is root
        and root.getServiceNamed("service-0") is root.services[0]
    )


SERVICES = Data(_make_services, _holds_services, _make_twisted_services)


# The mixed tree


def _make_mixed(size: int) -> service.MultiService:
    tree: service.MultiService = mixed_tree(mixed, service.MultiService, size)
    return tree


def _make_twisted_mixed(size: int) -> Any:
    from bench import twisted_service  # noqa: PLC0415 - as above

    return twisted_service.make_mixed(size)


def _holds_mixed(root: Any, size: int) -> bool:
    ones, wanted = list(walked(root)), list(walked(_make_mixed(size)))
    found: dict[str, list[Any]] = {name: [] for name in (*SHAPES, "Group")}
    for one in ones:
        found[type(one).__name__].append(one)
    return (
        [type(one).__name__ for one in ones] == [type(one).__name__ for one in wanted]
        and all(_plain(one) == _plain(other) for one, other in zip(ones, wanted, strict=True))
        # Shared parts, and parts that refer to each other.
        and len({id(one.config) for one in (*found["Web"], *found["Mail"])}) == 1
        and len({id(job.tags) for job in found["Job"]}) == 1
        and all(cache.options is cache.parent.options for cache in found["Cache"])
        and all(peer.partner is None or peer.partner.partner is peer for peer in found["Peer"])
        and all(job in before.wanted_by for job in found["Job"] for before in job.after)
        and {id(one.parent) for one in ones} == {id(root), *map(id, found["Group"])}
    )


_LINKS = {"parent", "services", "namedServices", "_lifecycle", "partner", "after", "wanted_by"}


def _plain(one: Any) -> dict[str, Any]:
    """Return the attributes of a service that hold no other services."""
    return {name: value for name, value in vars(one).items() if name not in _LINKS}


MIXED = Data(_make_mixed, _holds_mixed, _make_twisted_mixed)


# Plain data


def _record(number: int) -> dict[str, Any]:
    return {"name": f"customer {number}", "orders": number, "spent": number / 3}


RECORDS = Data(
    lambda size: [_record(number) for number in range(size)],
    lambda records, size: len(records) == size and records[-1] == _record(size - 1),
)


# Arrays


def _make_array(size: int) -> Any:
    import numpy as np  # noqa: PLC0415 - as Twisted

    return np.random.default_rng(0).integers(0, 1 << 62, size // 8)  # can't be compressed


def _holds_array(array: Any, size: int) -> bool:
    import numpy as np  # noqa: PLC0415 - as Twisted

    first = np.random.default_rng(0).integers(0, 1 << 62, min(1000, size // 8))
    return bool(array.shape == (size // 8,) and (array[: len(first)] == first).all())


def _make_arrays(size: int) -> Any:
    import numpy as np  # noqa: PLC0415 - as Twisted

    return [np.arange(128) + number for number in range(size)]


def _holds_arrays(arrays: Any, size: int) -> bool:
    return len(arrays) == size and arrays[-1].tolist() == list(range(size - 1, size + 127))


ARRAY = Data(_make_array, _holds_array, heavy=True)
ARRAYS = Data(_make_arrays, _holds_arrays)


# Shapes


def _make_deep(size: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(size - 1):
        inner = [inner]
    return inner


def _holds_deep(found: list[Any], size: int) -> bool:
    depth = 1
    while found:
        (found,) = found
        depth += 1
    return depth == size


DEEP = Data(_make_deep, _holds_deep)

LAYERS = 20
"""Layers of the graph: few, because some peers recurse."""


def _make_graph(size: int) -> list[Any]:
    chosen = random.Random(0)
    layer: list[Any] = []
    for level in range(LAYERS):
        parts = [chosen.sample(layer, min(4, len(layer))) for _ in range(size // LAYERS)]
        layer = [{"level": level, "parts": part} for part in parts]
    return layer


def _holds_graph(top: list[Any], size: int) -> bool:
    known: dict[int, Any] = {}
    found = top
    while found:
        known |= {id(node): node for node in found}
        found = [part for node in {id(node): node for node in found}.values() for part in node["parts"]]
    # A copy for each reference would be up to 4 ** 19 times as many. Some nodes of a layer have no reference to them.
    return len(top) == size // LAYERS and len(known) <= size


GRAPH = Data(_make_graph, _holds_graph)
