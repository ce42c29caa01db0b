"""The pickle kind: three pickles in a row, of protocol 5. Header, body, trailer; header and trailer are dictionaries.

The header's `size` is the number of bytes of the body, its `buffers` says where in it large byte strings and bytearrays
have their data. The trailer has `steps` where the body was written from a recipe; where the C pickler wrote it from
objects, it has `restored` - the classes whose objects get their state by `actions.set_state` - and `left_out`: the
others that have transient attributes, which are in none of their states. A pickle without header is read as a body
alone.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appsnap import evolve
from appsnap.errors import AppsnapError, Damaged
from appsnap.files.streams import Memory
from appsnap.gc_pause import gc_paused
from appsnap.kinds import Document
from appsnap.kinds.header import Header, Trailer
from appsnap.kinds.large import Body, Layout, Parts, Sealed, padded, spans, take_apart
from appsnap.kinds.pickle import opcodes
from appsnap.kinds.pickle.sink import Sink
from appsnap.kinds.pickle.writer import encode
from appsnap.limits import LIMITS
from appsnap.recipe.build import build
from appsnap.recipe.freeze.rules import PROTOCOL, Rules
from appsnap.recipe.steps import Dict, List, Recipe, Value
from appsnap.recipe.trust import EVERYTHING, Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from appsnap.kinds.header import Seal
    from appsnap.kinds.large import Held

__all__ = [
    "Frame",
    "assemble",
    "has_header",
    "locate",
    "open_frame",
    "read",
    "unpickle_objects",
    "write",
    "write_objects",
]


# From objects, by the C pickler


@gc_paused
def write_objects(
    header: Header, obj: Any, distributions: Callable[[Iterable[str]], dict[str, str]], seal: Seal | None = None
) -> Sealed:
    """Return the document of objects, in pieces. `distributions` tells those that modules come from.

    Raises whatever pickle raises, and RecursionError for what is nested too deep.
    """
    rules = Rules()
    body = _pickled(obj, rules)
    sharing = rules.sharing.found()
    if sharing is not None:
        rules = Rules(sharing)
        body = _pickled(obj, rules)
    classes = {"restored": sorted(rules.restored), "left_out": dict(sorted(rules.left_out.items()))}
    return assemble(header, body, seal, distributions=distributions(rules.modules), **classes)


def _pickled(obj: Any, rules: Rules) -> Body:
    sink = Sink()
    pickler = _Pickler(sink, PROTOCOL)
    pickler.reducer_override = rules  # type: ignore[method-assign]  # the C pickler looks it up when it begins
    pickler.dump(obj)
    return sink.body


class _Pickler(pickle.Pickler):
    """The C pickler, with room for the rules."""


class _Unpickler(pickle.Unpickler):
    """The C unpickler, which finds renamed classes, and gives up where one has transient attributes only by now."""

    def __init__(self, file: io.BytesIO, buffers: Iterable[Held], trailer: Trailer) -> None:
        super().__init__(file, buffers=buffers)
        self._restored = frozenset(trailer.restored or ())
        self._left_out = trailer.left_out or {}

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(*evolve.current_name(module, name))
        dotted = f"{module}.{name}"
        if isinstance(found, type) and evolve.needs_restoring(found):
            left_out = self._left_out.get(dotted)
            if dotted not in self._restored if left_out is None else evolve.transients_digest(found) != left_out:
                raise pickle.UnpicklingError(f"{dotted} had other transient attributes when it was saved")
        return found


@gc_paused
def unpickle_objects(frame: Frame, steps: int = LIMITS.steps, *, once: bool = False) -> Any:
    """Return the objects of a document that is trusted as code, by the C unpickler.

    What `write` wrote, and bare pickles, are built from their steps, so that transient attributes are treated alike;
    and so is what the C unpickler fails at, so that the error names the place. The buffers themselves are handed over
    where that happens `once`, else copies.
    """
    if frame.trailer is not None and frame.trailer.steps is None:
        file = io.BytesIO(frame.out_of_band())
        buffers = frame.buffers.values() if once else map(_copied, frame.buffers.values())
        try:
            with evolve.upgrades():
                return _Unpickler(file, buffers, frame.trailer).load()
        except AppsnapError:
            raise
        except Exception:  # noqa: BLE001, S110 - whatever it is, it comes up again, or doesn't
            pass
    return build(frame.document(steps).recipe, _EVERYTHING, once=once)


def _copied(data: Held) -> Held:
    return data if type(data) is bytes else bytearray(data)


# The document


def assemble(header: Header, body: Body, seal: Seal | None = None, **more: Any) -> Sealed:
    """Return header, body and trailer as one document. `more` are the fields of the trailer besides its checksums."""

    def trailer(sha256: str, buffers: list[str] | None) -> bytes:
        return _plain(Trailer(sha256, buffers=buffers, **more).to_dict("pickle", seal))

    return Sealed(padded(header.to_dict() | {"size": body.size}, body, _plain), body, trailer)


def write(header: Header, recipe: Recipe, distributions: dict[str, str], seal: Seal | None = None) -> Sealed:
    """Return the document of a recipe, in pieces."""
    return assemble(header, encode(recipe), seal, steps=len(recipe.steps), distributions=distributions)


def locate(head: memoryview) -> Layout | None:
    """Return where the buffers of a document stand that begins so, or None for a bare pickle."""
    if not has_header(head):
        return None
    fields, start = _read_plain(head, 0)
    return None if not isinstance(fields, dict) else Layout(_spans(fields, start), _type_of)


def _spans(fields: dict[str, Any], start: int) -> list[tuple[int, int]]:
    found = spans(fields, start, _HEAD)
    size = fields.get("size")
    if found and not (type(size) is int and sum(found[-1]) <= start + size):
        raise Damaged("the table of buffers has one that ends behind the body", offset=found[-1][0])
    return found


def _type_of(number: int, size: int, before: bytearray) -> type[bytes | bytearray]:
    cls = _TYPES.get(bytes(before[-_HEAD : 1 - _HEAD]))
    if cls is None or before[1 - _HEAD :] != size.to_bytes(8, "little"):
        raise Damaged(f"buffer {number} stands where no opcode of its size is", offset=len(before))
    return cls


_TYPES: dict[bytes, type[bytes | bytearray]] = {pickle.BINBYTES8: bytes, pickle.BYTEARRAY8: bytearray}
_HEAD = 9
"""Bytes before the data of a buffer: one of these opcodes, and the length."""


def read(data: memoryview, steps: int = LIMITS.steps) -> Document:
    """Return the document that bytes spell."""
    return open_frame(data).document(steps)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the body, and where that begins and ends. A bare pickle has no header and no trailer.

    `data` is the skeleton of the document; `buffers` are by their places in it.
    """

    data: memoryview
    start: int
    end: int
    header: Header | None
    trailer: Trailer | None
    buffers: dict[int, Held]

    def document(self, steps: int = LIMITS.steps) -> Document:
        """Read the body, if it has no more steps than that."""
        recipe, stop = opcodes.read(self.data[: self.end], self.start, steps, self.buffers)
        if stop != self.end:
            raise Damaged(f"something stands behind the {'body' if self.header else 'pickle'}", offset=stop)
        return Document(recipe, self.header, self.trailer)

    def out_of_band(self) -> Buffer:
        """Return the body as a pickle that is handed its buffers."""
        if not self.buffers:
            return self.data[self.start : self.end]
        places = [self.start, *self.buffers]
        pieces = [self.data[begin : place - _HEAD] for begin, place in itertools.pairwise(places)]
        return pickle.NEXT_BUFFER.join([*pieces, self.data[places[-1] : self.end]])


def open_frame(data: memoryview | Parts) -> Frame:
    """Read header and trailer, and check with them that the body is whole."""
    parts = data if isinstance(data, Parts) else take_apart(Memory(data), locate)
    data = parts.skeleton
    if not has_header(data):
        return Frame(data, 0, len(data), None, None, {})
    fields, start = _read_plain(data, 0)
    header = Header.from_dict(fields, "pickle")
    held = sum(len(one) for _, one in parts.buffers)
    size = fields.get("size")
    if type(size) is not int or not 0 <= size - held < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    found = _spans(fields, start)
    end = start + size - held
    fields, stop = _read_plain(data, end)
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    trailer = Trailer.from_dict(fields, "pickle", hashlib.sha256(data[:end]).hexdigest(), parts.digests)
    parts.check(found, trailer.buffers)
    return Frame(data, start, end, header, trailer, dict(parts.buffers))


def _plain(fields: dict[str, Any]) -> bytes:
    return pickle.dumps(fields, PROTOCOL)


def has_header(data: memoryview) -> bool:
    """Tell whether a pickle is one of ours, or a bare one."""
    return bytes(data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)]) == _MAGIC


# The header's first key, as protocol 5 spells it: PROTO, FRAME, EMPTY_DICT, MEMOIZE and MARK come before it.
_MAGIC = pickle.SHORT_BINUNICODE + b"\x07appsnap"
_MAGIC_AT = 2 + 9 + 3


def _read_plain(data: memoryview, start: int) -> tuple[Any, int]:
    recipe, stop = opcodes.read(data, start)
    if any(type(step) not in (Dict, List, Value) for step in recipe.steps):
        raise Damaged("header or trailer is no plain data", offset=start)
    return build(recipe, _NOTHING), stop


_EVERYTHING = Trust(EVERYTHING)
_NOTHING = Trust()
