"""From objects to a document, in whatever kind, and how far whoever takes that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.gc_pause import gc_paused
from appsnap.kinds import kind_named, pickle
from appsnap.kinds.header import distributions_of
from appsnap.kinds.large import Sealed
from appsnap.recipe import steps
from appsnap.recipe.freeze import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from appsnap.kinds.header import Header, Seal

    Progress = Callable[[int, int], object]

__all__ = ["counted", "document"]


@gc_paused
def document(obj: Any, header: Header, seal: Seal | None) -> Iterable[Buffer]:
    """Return the document of objects, in pieces. Raises CannotSave with every place that no file can hold."""
    module = kind_named(header.kind)
    if header.kind == "pickle":
        pickled = _pickled(header, obj, seal)
        if pickled is not None:
            return pickled
    root = "application" if type(obj).__name__ == "Application" else "object"
    recipe = freeze(obj, root=root)
    modules = {step.module for step in recipe.steps if isinstance(step, steps.Name)}
    return module.write(header, recipe, distributions_of(modules), seal)


def counted(pieces: Iterable[Buffer], progress: Progress | None) -> Iterator[Buffer]:
    """Tell `progress` how many bytes have been taken, and how many there are."""
    if progress is None:
        yield from pieces
        return
    total = pieces.size if isinstance(pieces, Sealed) else sum(memoryview(piece).nbytes for piece in pieces)
    done = 0
    for piece in pieces:
        yield piece
        done += memoryview(piece).nbytes
        progress(min(done, total), total)


def _pickled(header: Header, obj: Any, seal: Seal | None) -> Iterable[Buffer] | None:
    """Return what the C pickler makes of an object, or None where it gives up.

    It does so at the first thing that can't be saved, and at what is nested too deep. `freeze` finds all the places of
    the one, and doesn't mind the other.
    """
    try:
        return pickle.write_objects(header, obj, distributions_of, seal)
    except Exception:  # noqa: BLE001 - whatever a __reduce__ raises, freeze meets it again and says where
        return None
