"""Python's own types that are neither numbers nor containers: bytes, views, ranges, exceptions, bare objects."""

from __future__ import annotations

import array
import builtins
import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap.recipe.values.arguments import call, check, of
from appsnap.recipe.values.containers import STATEFUL
from appsnap.recipe.values.registry import ValueType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appsnap.recipe.values.registry import Make

__all__ = ["OBJECTS", "TYPES"]

# Bytes


def _make_latin1(args: tuple[Any, ...]) -> bytes:
    """`_codecs.encode(text, "latin1")`: the bytes of pickle protocols below 3. Some other codecs run code."""
    text, codec = args
    check(type(text) is str and codec in ("latin1", "latin-1"), "takes a text and latin1")
    return bytes(text, "latin-1")


def _make_bytearray(args: tuple[Any, ...]) -> bytearray:
    if len(args) == 2:
        return bytearray(_make_latin1(args))
    of(bytes, bytearray, most=1)(args)
    return bytearray(*args)


def _reduce_memoryview(view: memoryview) -> Any:
    base = view.obj
    if type(base) in _buffers():
        whole = memoryview(base)
        if view.c_contiguous and _layout(view) == _layout(whole):
            return memoryview, (base,)
    if view.format != "B" or view.ndim != 1:
        raise TypeError("a memoryview that is neither of plain bytes nor of all of its object")
    if view.contiguous:
        return memoryview, (pickle.PickleBuffer(view),)
    return memoryview, (bytes(view) if view.readonly else bytearray(view),)


def _layout(view: memoryview) -> tuple[Any, ...]:
    return view.format, view.shape, view.strides, view.readonly


def _make_memoryview(args: tuple[Any, ...]) -> memoryview:
    (base,) = args
    check(type(base) in _buffers(), "takes bytes or an array")
    # Its bytes would be addresses of objects.
    check(not getattr(getattr(base, "dtype", None), "hasobject", False), "takes no array of objects")
    return memoryview(base)


def _buffers() -> tuple[Any, ...]:
    """Return the types whose values a view may show as a whole."""
    return bytes, bytearray, array.array, getattr(sys.modules.get("numpy"), "ndarray", array.array)


def _reduce_array(value: array.array[Any]) -> Any:
    """Take an array apart as it does itself, but without a copy of its items."""
    empty: Any = array.array(value.typecode).__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    function, (cls, typecode, form, _), *_ = empty
    return function, (cls, typecode, form, pickle.PickleBuffer(memoryview(value).toreadonly()))


def _make_array(args: tuple[Any, ...]) -> Any:
    cls, typecode, format_code, data = args
    # A subclass is one that the caller trusts. Neither its `__new__` nor its `__init__` is called.
    check(isinstance(cls, type) and issubclass(cls, array.array) and type(data) is bytes, "takes a class and bytes")
    made = array._array_reconstructor(cls, typecode, format_code, data)  # type: ignore[attr-defined]  # noqa: SLF001 - pickles of arrays name it
    if array.array.typecode.__get__(made) in ("u", "w"):
        array.array.tounicode(made)  # raises ValueError for a number that is no character, as each look at it would
    return made


def _check_items(args: tuple[Any, ...]) -> None:
    """Check the arguments of a subclass of array."""
    typecode, items = (*args, ())[:2]
    check(1 <= len(args) <= 2 and type(typecode) is str, "takes a code and items")
    check(type(items) in (list, tuple, bytes, str), "takes a code and items")


def _make_range(args: tuple[Any, ...]) -> range:
    of(int, bool, least=1, most=3)(args)
    # Its length is a quotient, which takes quadratic time.
    check(all(number.bit_length() <= 10_000 for number in args), "takes numbers of at most 3,000 digits")
    return range(*args)


# Exceptions

# Some have two names: IOError is OSError.
_EXCEPTIONS = dict.fromkeys(x for x in vars(builtins).values() if isinstance(x, type) and issubclass(x, BaseException))


def _exception(cls: type[BaseException]) -> Make:
    def make(args: tuple[Any, ...]) -> Any:
        check_exception(cls, args)
        return cls(*args)

    return make


def check_exception(cls: type, args: tuple[Any, ...]) -> None:
    """Check the arguments of a class of exceptions of Python, or of the class that a subclass is made by."""
    if issubclass(cls, (BaseExceptionGroup, SyntaxError)):
        # They make a tuple of their second argument, even of a range of 100 billion.
        check(all(type(argument) in (list, tuple) for argument in args[1:2]), "takes a list or a tuple")
    if issubclass(cls, SyntaxError):
        # A list could be filled later, and a copy takes it again.
        check(all(type(place) is tuple and _is_place(place) for place in args[1:2]), "takes a tuple of a place")
    native = _unicode_error(cls)
    if native is not None:
        encoding = () if native is UnicodeTranslateError else (str,)
        check((*map(type, args),) == (*encoding, _TEXTS[native], int, int, str), "takes texts and numbers")
        check(_is_span(*args[-4:-1]), "its place must lie within its text")


def _unicode_error(cls: type) -> Any:
    return next((base for base in cls.__mro__ if base in _TEXTS), None)


_TEXTS: dict[type, type] = {UnicodeDecodeError: bytes, UnicodeEncodeError: str, UnicodeTranslateError: str}
"""Exceptions that have a place in a text, each with the type of the text."""

_FARTHEST = 1_000_000


def _is_span(text: Any, start: Any, end: Any) -> bool:
    """Tell whether a place lies within a text. Python reads the memory there, without a look at the length."""
    return type(start) is type(end) is int and 0 <= start < end <= len(text)


def _is_place(parts: Iterable[Any]) -> bool:
    """Tell whether parts fit a SyntaxError. `traceback` writes as many carets as there are columns."""
    return all(
        type(part) in (str, bytes, type(None)) or (type(part) is int and -_FARTHEST < part < _FARTHEST)
        for part in parts
    )


def _is_exception_state(error: Any, state: Any) -> bool:
    """Tell whether a state fits an exception. The checks of the arguments hold for the attributes, too."""
    if state is None:
        return True
    # Python makes a tuple of `args`, even of a range of 100 billion.
    if type(state) is not dict or type(state.get("args", ())) is not tuple:
        return False
    if "args" in state and not _can_be_copied(error, state["args"]):
        return False
    if type(state.get("__notes__", [])) not in (list, tuple):
        return False  # `traceback` prints each note
    native = _unicode_error(type(error))
    if native is not None and not state.keys().isdisjoint(_SPAN):
        parts = [state[name] if name in state else getattr(native, name).__get__(error) for name in _SPAN]
        return type(parts[0]) is _TEXTS[native] and _is_span(*parts)
    if issubclass(type(error), SyntaxError):
        return _is_place(state.get(name) for name in _PLACE)
    return True


def _can_be_copied(error: Any, args: tuple[Any, ...]) -> bool:
    """Tell whether `args` fit the constructor: `copy` and `pickle` call it with them."""
    cls = type(error)
    if isinstance(cls.__init__, types.FunctionType) or isinstance(cls.__new__, types.FunctionType):
        return True  # of a trusted class
    try:
        check_exception(cls, args)
    except ValueError:
        return False
    return True


_SPAN = ("object", "start", "end")
_PLACE = ("filename", "lineno", "offset", "text", "end_lineno", "end_offset")


TYPES = (
    ValueType(name="builtins.object", cls=object, make=call(object, most=0), creatable=True, identity=True),
    ValueType(name="builtins.str", cls=str, inherited=of(str, most=1), plain=True),
    ValueType(
        name="builtins.bytes",
        cls=bytes,
        make=call(bytes, most=0),
        inherited=of(bytes, most=1),
        made_by={"_codecs.encode": _make_latin1},
        methods=True,
        plain=True,
    ),
    ValueType(name="builtins.bytearray", cls=bytearray, make=_make_bytearray, identity=True, methods=True, plain=True),
    ValueType(
        name="builtins.memoryview",
        cls=memoryview,
        reduce=_reduce_memoryview,
        make=_make_memoryview,
        identity=True,
        plain=True,
    ),
    ValueType(
        name="array.array",
        cls=array.array,
        reduce=_reduce_array,
        inherited=_check_items,
        made_by={"array._array_reconstructor": _make_array},
        filled_by=STATEFUL,  # a subclass has attributes
        identity=True,
        plain=True,
    ),
    ValueType(
        name="builtins.range",
        cls=range,
        make=_make_range,
        methods=True,
        plain=True,
        # A number of numpy is compared with each number of a range.
        compared=lambda value: abs(value.stop - value.start) // abs(value.step),
    ),
    ValueType(
        name="builtins.slice",
        cls=slice,
        make=call(slice, int, float, str, bytes, bool, type(None), least=1, most=3),
    ),
    ValueType(name="types.NoneType", cls=types.NoneType, plain=True),
    ValueType(name="types.EllipsisType", cls=types.EllipsisType),
    ValueType(name="types.NotImplementedType", cls=types.NotImplementedType),
    *(
        ValueType(
            name=f"builtins.{cls.__name__}",
            cls=cls,
            make=_exception(cls),
            filled_by=STATEFUL,
            takes=_is_exception_state if cls is BaseException else None,
        )
        for cls in _EXCEPTIONS
    ),
)

OBJECTS = ("builtins.Ellipsis", "builtins.NotImplemented")
