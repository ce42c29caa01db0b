"""The three pickles of a document: header, body, trailer. Header and trailer are dictionaries.

All are of protocol 5. The header's `size` is the number of bytes of the body. The trailer has `steps`
if the body was written from a recipe. If the C pickler wrote the body from objects, the trailer has two fields instead:
`restored_by_call`, the classes whose objects get their state by `actions.set_state`; and `transient_digests`, the
other classes with transient attributes. None of these attributes is in the states of their objects.

A pickle without a header is read as a body alone.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import pickle
from typing import TYPE_CHECKING, Any

from appsnap.errors import CannotLoad, Damaged
from appsnap.files.streams import Memory
from appsnap.kinds import Document, most_steps
from appsnap.kinds.header import Header, Trailer, distributions_of
from appsnap.kinds.large import Body, DocumentParts, DocumentStream, Place, padded, read_table, take_apart, type_of
from appsnap.kinds.pickle import reader
from appsnap.kinds.pickle.writer import OPCODES, encode
from appsnap.limits import LIMITS
from appsnap.recipe import steps
from appsnap.recipe.steps import PROTOCOL, Operand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

    from typing_extensions import Buffer

    from appsnap.kinds import MostSteps
    from appsnap.kinds.header import Signer
    from appsnap.kinds.large import Data
    from appsnap.kinds.pickle.native import StoppedError
    from appsnap.recipe.freeze import Notes

__all__ = ["assemble", "has_header", "locate", "read", "write", "write_objects"]


# Out


def write(header: Header, recipe: Recipe, distributions: dict[str, str], sign: Signer | None = None) -> DocumentStream:
    """Return the document of a recipe, in pieces."""
    return assemble(header, encode(recipe), sign, steps=len(recipe.steps), distributions=distributions)


def write_objects(header: Header, obj: Any, sign: Signer | None, notes: Notes) -> DocumentStream:
    """Return the document of objects, in pieces, by the C pickler. Raises any error of pickle or of a class."""
    from appsnap.kinds.pickle import native  # noqa: PLC0415 - few commands save

    body, rules = native.pickle_objects(obj, notes)
    notes.recipe = functools.partial(_recipe_of, body)
    return assemble(
        header,
        body,
        sign,
        distributions=distributions_of(rules.modules),
        restored_by_call=sorted(rules.restored),
        transient_digests=dict(sorted(rules.left_out.items())),
    )


def _recipe_of(body: Body) -> Recipe | None:
    """Return the recipe of a body, or None if it is so large that to read it takes seconds."""
    if body.size > _MOST_TO_READ:
        return None
    try:
        return reader.read(memoryview(b"".join(body)), 0, _MOST_STEPS, {})[0]
    except CannotLoad:
        return None


_MOST_TO_READ = 16 << 20
_MOST_STEPS = 200_000


def assemble(header: Header, body: Body, sign: Signer | None = None, **more: Any) -> DocumentStream:
    """Return header, body and trailer as one document. `more` are the fields of the trailer besides its checksums."""

    def trailer(sha256: str, buffers: list[str] | None) -> bytes:
        return _plain(Trailer(sha256, buffers=buffers, **more).to_dict("pickle", sign))

    return DocumentStream(padded(header.to_dict() | {"size": body.size}, body, _plain), body, trailer)


def _plain(fields: dict[str, Any]) -> bytes:
    return pickle.dumps(fields, PROTOCOL)


# In


def read(data: memoryview | DocumentParts, most: MostSteps = LIMITS.steps) -> Document:
    """Return a document whose header, trailer and checksums are verified. Its body is read later.

    `most` bounds the steps of the body. The document has `objects` if the C pickler wrote it from objects. Then all
    transient attributes are treated as they are by the steps.
    """
    parts = data if isinstance(data, DocumentParts) else take_apart(Memory(data), locate)
    data = parts.skeleton
    if not has_header(data):
        return Document(None, None, functools.partial(_read_body, data, 0, {}, most_steps(most, None)))
    fields, start = _read_plain(data, 0)
    header = Header.from_dict(fields, "pickle")
    taken_out = sum(len(one) for _, one in parts.large)
    size = fields.get("size")
    if type(size) is not int or not 0 <= size - taken_out < len(data) - start:
        raise Damaged(
            "the body is not all there", offset=len(data), hint="the file is truncated; take another copy of it"
        )
    table = _read_table(fields, start)
    end = start + size - taken_out
    fields, stop = _read_plain(data, end)
    if stop != len(data):
        raise Damaged("something stands behind the trailer", offset=stop)
    trailer = Trailer.from_dict(fields, "pickle", hashlib.sha256(data[:end]).hexdigest(), parts.digests)
    parts.check(table, trailer.buffers)
    for place, one in parts.large:
        if data[place - _HEAD : place] != OPCODES[type_of(one)] + len(one).to_bytes(8, "little"):
            raise Damaged("large data stands behind another opcode, or another size", offset=place)
    large = dict(parts.large)
    body = data[:end]
    most = most_steps(most, trailer)
    objects = functools.partial(_unpickle, body, start, large, trailer) if trailer.steps is None else None
    return Document(header, trailer, functools.partial(_read_body, body, start, large, most), objects=objects)


def _read_body(data: memoryview, start: int, large: Mapping[int, Data], most: int) -> Recipe:
    try:
        recipe, stop = reader.read(data, start, most, large)
    except Damaged as error:
        if not start and _OF_JOBLIB in bytes(data[:_HEAD_OF_JOBLIB]):
            error.hint = "joblib wrote the file, with arrays between the opcodes: joblib.load reads it"
        elif not start and not error.offset:
            # The caller said that it is a pickle, perhaps of an old protocol: those have no mark.
            from appsnap.kinds.foreign import HEAD_SIZE, describe  # noqa: PLC0415 - only for an error

            name, hint = describe(bytes(data[:HEAD_SIZE]))
            if name:
                raise Damaged(f"no pickle, but {name}", hint=hint) from error
        raise
    if stop != len(data):
        raise Damaged(f"something stands behind the {'body' if start else 'pickle'}", offset=stop)
    return recipe


_OF_JOBLIB = b"joblib.numpy_pickle"
_HEAD_OF_JOBLIB = 64 << 10


def _unpickle(data: memoryview, start: int, large: Mapping[int, Data], trailer: Trailer, *, copy: bool = True) -> Any:
    from appsnap.kinds.pickle import native  # noqa: PLC0415 - `appsnap show` makes no objects

    body: Buffer = data[start:]
    if large:
        places = [start, *large]
        pieces = [data[begin : place - _HEAD] for begin, place in itertools.pairwise(places)]
        body = pickle.NEXT_BUFFER.join([*pieces, data[places[-1] :]])
    read_up_to = functools.partial(reader.steps_after, data, start, LIMITS.steps, large)

    def locate(obj: Any, made: list[Any]) -> str:
        recipe, _, entries = read_up_to(len(made))
        entry = next((entry for entry, one in zip(entries, made, strict=True) if one is obj), None)
        name = f"<{type(obj).__module__}.{type(obj).__qualname__}>"
        from appsnap.recipe.outline import Outline  # noqa: PLC0415 - only for an error

        return Outline(recipe).path(entry) if type(entry) is Ref else name

    try:
        return native.unpickle_objects(body, large.values(), trailer, locate, copy=copy)
    except native.StoppedError as stopped:
        if stopped.is_by_nature:
            raise
        raise _located(stopped, *read_up_to(len(stopped.made))) from stopped.error


def _located(stopped: StoppedError, recipe: Recipe, numbers: range, entries: list[Any]) -> CannotLoad:
    """Return the error of the C unpickler with its path. It is one of the steps that come after the last object."""
    from appsnap.recipe.failures import failure  # noqa: PLC0415 - only for an error

    if stopped.name is not None:
        number = recipe.steps.index(steps.Name(*stopped.name))
        return failure(recipe, number, stopped.error)
    made = {entry: obj for entry, obj in zip(entries, stopped.made, strict=True) if type(entry) is Ref}
    fillers = [number for number in numbers if type(recipe.steps[number]) in steps.FILLERS]
    makers = [number for number in numbers if type(recipe.steps[number]) in _CALLING]
    frame = stopped.frame
    first = _first_argument(frame)
    number = next((one for one in fillers if made.get(recipe.steps[one][0], _NOTHING) is first), -1)  # type: ignore[call-overload]  # the target
    if number < 0:
        of_state = frame is not None and frame.f_code.co_name == "__setstate__"
        order = [*fillers, *makers] if of_state else [*reversed(makers), *fillers]
        number = next(iter(order), len(recipe.steps) - 1)
    return failure(recipe, number, stopped.error)


_CALLING = (steps.Call, steps.New, steps.Member)
_NOTHING = object()


def _first_argument(frame: FrameType | None) -> Any:
    """Return the first argument of a call: the object of a method."""
    if frame is None or not frame.f_code.co_varnames:
        return None
    first = frame.f_locals.get(frame.f_code.co_varnames[0])
    return first[0] if not frame.f_code.co_argcount and type(first) is tuple and first else first


def locate(head: memoryview) -> Sequence[Place]:
    """Return the table of large data of a document that begins with `head`. Raises Damaged for a cut header."""
    if not has_header(head):
        return ()
    fields, start = _read_plain(head, 0)
    return _read_table(fields, start) if isinstance(fields, dict) else ()


def _read_table(fields: dict[str, Any], start: int) -> Sequence[Place]:
    table = read_table(fields, start, _HEAD)
    size = fields.get("size")
    if table and not (type(size) is int and table[-1].begin + table[-1].size <= start + size):
        raise Damaged("large data ends behind the body", offset=table[-1].begin)
    return table


_MOST_PLAIN = 100_000
"""Steps of a header or a trailer, which have one for each long text and each list."""

_HEAD = 9
"""Bytes before large data: its opcode and its length."""


def has_header(data: memoryview) -> bool:
    """Tell whether a pickle is a document with a header, or a bare pickle."""
    return bytes(data[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)]) == _MAGIC


# The header's first key, as protocol 5 spells it: PROTO, FRAME, EMPTY_DICT, MEMOIZE and MARK come before it.
_MAGIC = pickle.SHORT_BINUNICODE + b"\x07appsnap"
_MAGIC_AT = 2 + 9 + 3


def _read_plain(data: memoryview, start: int) -> tuple[Any, int]:
    recipe, stop = reader.read(data, start, _MOST_PLAIN)
    try:
        return _plain_data(recipe), stop
    except ValueError as error:
        raise Damaged(str(error), offset=start) from None


def _plain_data(recipe: Recipe) -> Any:
    """Return the lists and dictionaries of a recipe. Raises ValueError for other steps, and for keys that aren't texts.

    The hashes of texts differ from process to process. So no file can have keys of equal hashes, which take long.
    """
    made: list[Any] = []

    def value(operand: Operand) -> Any:
        return made[operand] if type(operand) is Ref else operand

    for step in recipe.steps:
        if type(step) is steps.List:
            made.append([value(item) for item in step.items])
        elif type(step) is steps.Dict:
            keys = [value(key) for key in step.keys]
            if not all(type(key) is str for key in keys):
                raise ValueError("header or trailer has a key that is not a text")
            made.append(dict(zip(keys, map(value, step.values), strict=True)))
        elif type(step) is steps.Value:
            made.append(step.value)
        else:
            raise ValueError("header or trailer is not plain data")
    return value(recipe.root)
