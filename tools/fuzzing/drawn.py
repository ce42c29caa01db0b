"""Random expressions: calls of the constructors that any file may call, with arguments at their edges.

Some are those of the values in `tests/zoo.py`, with a part of them changed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from appsnap.errors import AppsnapError
from appsnap.recipe import steps, values
from appsnap.recipe.freeze import freeze
from appsnap.recipe.values import registry
from fuzzing.expressions import CONTAINERS
from fuzzing.goldens import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fuzzing.expressions import Expression

__all__ = ["case"]

_NUMBERS = [0, 1, -1, 2, 3, 7, 10, 24, 60, 100, 255, 256, 9999, 10_000, 2**31 - 1, 2**31, -(2**31), 2**32, 2**40, 2**62]
_NUMBERS += [2**63 - 1, -(2**63), 2**63, 2**64, 10**19, -(10**30), 1 << 9_000]
_FLOATS = [0.0, -0.0, 1.5, -1e300, 1e-300, float("inf"), float("nan")]
_TEXTS = [
    "",
    "a",
    "x" * 60,
    "ä",
    "\ud800",
    "\U0010ffff",
    "\0",
    "1",
    "-1.5e10",
    "1e999999",
    "NaN",
    "sNaN1",
    "1/3",
    "utf-8",
]
_TEXTS += [
    "s",
    "ns",
    "D",
    "Y",
    "as",
    "25s",
    "999999999Y",
    "0s",
    "generic",
    "a|b",
    "(a*)*b",
    "[a-z]{3}",
    "127.0.0.1",
    "::1%1",
]
_TEXTS += [
    "10.0.0.0/8",
    "UTC",
    "Europe/Vienna",
    "/a/../b",
    "12345678-1234-5678-1234-567812345678",
    "args",
    "C",
    "F",
    "{}",
]
_BYTES = [b"", b"\0", b"\xff", b"abc", bytes(8), b"\xff" * 8, bytes(range(64)), b"\x07\xe8\x01\x01", bytes(10), b"a|b"]
_KEYS = [
    "args",
    "a",
    "start",
    "end",
    "object",
    "encoding",
    "reason",
    "value",
    "code",
    "name",
    "path",
    "msg",
    "filename",
    "errno",
]
_KEYS += [
    "__cause__",
    "__context__",
    "__suppress_context__",
    "__traceback__",
    "__notes__",
    "offset",
    "end_offset",
    "text",
    "lineno",
]
_KEYS += [
    "characters_written",
    "obj",
    "data",
    "maps",
    "int",
    "is_safe",
    "strides",
    "shape",
    "dtype",
    "flat",
    "default_factory",
]
_KEYS += [
    "maxlen",
    "func",
    "keywords",
    "_numerator",
    "services",
    "parent",
    "components",
    "step",
    "call",
    "handler",
    "port",
    ".state",
]
_CODES = "?bhilqBHILQefdgFDG"
_UNITS = ["", "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"]


def case(chance: Random) -> list[Expression]:
    """Return the values of a case: some random ones, and numbers and texts to combine them with."""
    made = [_value(chance, 0) for _ in range(chance.randint(1, 4))]
    if chance.random() < 0.5:
        made.append(_changed(chance, chance.choice(made)))
    return [*made, _atom(chance)]


def _atom(chance: Random) -> Expression:
    pool: list[Any] = chance.choice([_NUMBERS, _NUMBERS, _FLOATS, _TEXTS, _TEXTS, _BYTES, [None, True, False]])
    if chance.random() < 0.1:
        return chance.choice(
            [chance.randint(-(2**65), 2**65), chance.randbytes(chance.randrange(40)), chance.uniform(-9, 9)]
        )
    return chance.choice(pool)


def _value(chance: Random, depth: int) -> Expression:
    if depth > 4:
        return _atom(chance)
    kind = chance.random()
    if kind < 0.15:
        return _atom(chance)
    if kind < 0.3:
        return (chance.choice([*CONTAINERS]), [_value(chance, depth + 1) for _ in range(chance.randrange(4))])
    if kind < 0.35:
        return ("dict", [(_atom(chance), _value(chance, depth + 1)) for _ in range(chance.randrange(4))])
    if kind < 0.4:
        return ("name", chance.choice(_REFERABLE))
    if kind < 0.6:
        return chance.choice(_fitting)(chance, depth)
    if kind < 0.8:
        return _changed(chance, chance.choice(_examples()))
    if kind < 0.84:
        return ("new", chance.choice(_CREATABLE), _state(chance, depth))
    arguments = [_value(chance, depth + 1) for _ in range(chance.choice([0, 1, 1, 2, 2, 3, 4, 6]))]
    return ("call", chance.choice(_CALLABLE), arguments, _state(chance, depth) if chance.random() < 0.3 else None)


def _state(chance: Random, depth: int) -> Expression:
    if chance.random() < 0.1:
        return _value(chance, depth + 1)
    return ("dict", [(chance.choice(_KEYS), _value(chance, depth + 1)) for _ in range(chance.randrange(4))])


_SCHEMA = [name for name in registry._constructors if not name.endswith("_core.multiarray._reconstruct")]  # noqa: SLF001 - the tests are about all of them
_CALLABLE = sorted(_SCHEMA)
_CREATABLE = sorted(name for name in registry._by_name if values.is_creatable(name))  # noqa: SLF001 - as above
_REFERABLE = sorted(
    name for name in (*registry._by_name, *registry._objects) if values.is_referable(name) and "reactor" not in name  # noqa: SLF001 - as above
)  # fmt: skip


# Calls whose arguments fit more often


def _dtype_text(chance: Random) -> str:
    order = chance.choice(["", "<", ">", "|", "="])
    kind = chance.random()
    if kind < 0.3:
        return order + chance.choice(_CODES)
    if kind < 0.6:
        return order + chance.choice("biufcSUV") + str(chance.choice([0, 1, 2, 4, 8, 16, 3, 100, 2**20, 2**31 - 1]))
    multiple = chance.choice(["", "", "1", "2", "7", "25", "0", "00", "999999999", "3600", "60"])
    unit = chance.choice(_UNITS)
    return order + chance.choice("mM") + "8" + (f"[{multiple}{unit}]" if unit or chance.random() < 0.1 else "")


def _dtype_argument(chance: Random, depth: int) -> Expression:
    if depth > 3 or chance.random() < 0.6:
        return _dtype_text(chance)
    shape = ("tuple", [chance.choice([0, 1, 2, 3, 1000, 2**20, 2**31 - 1]) for _ in range(chance.randint(1, 3))])
    shapes = [shape] if chance.random() < 0.2 else []
    names = chance.choice(["a", "ab", "abc"])
    return ("list", [("tuple", [name, _dtype_argument(chance, depth + 1), *shapes]) for name in names])


def _dtype(chance: Random, depth: int) -> Expression:
    kind = chance.random()
    if kind < 0.75 or depth > 3:
        return ("call", "numpy.dtype", [_dtype_argument(chance, depth)], None)
    if kind < 0.85:
        shape = ("tuple", [chance.choice([1, 2, 3, 2**16, 2**31 - 1]) for _ in range(chance.randint(1, 3))])
        return ("call", "numpy.dtype", [("tuple", [_dtype(chance, depth + 1), shape])], None)
    if kind < 0.92:
        metadata = ("dict", [(_atom(chance), _atom(chance))])
        return ("call", "numpy.dtype", [_dtype(chance, depth + 1), False, False, metadata], None)
    names = [*"abc"[: chance.randint(1, 3)]]
    formats = ("list", [_dtype(chance, depth + 1) for _ in names])
    offsets = ("list", [chance.choice([0, 1, 8, 16, 100]) for _ in names])
    size = chance.choice([8, 24, 200, 2**31 - 1])
    described = [("names", ("list", names)), ("formats", formats), ("offsets", offsets), ("itemsize", size)]
    return ("call", "numpy.dtype", [("dict", described), chance.random() < 0.3], None)


def _array(chance: Random, depth: int) -> Expression:
    text = _dtype_text(chance)
    size = {
        "b": 1,
        "B": 1,
        "?": 1,
        "h": 2,
        "H": 2,
        "e": 2,
        "i": 4,
        "I": 4,
        "f": 4,
        "g": 16,
        "F": 8,
        "D": 16,
        "G": 32,
    }.get(text[-1:], 8)
    digits = text.lstrip("<>|=")[1:]
    if digits.isdigit():
        size = int(digits) * (4 if "U" in text else 1)
    shape = [chance.choice([0, 1, 1, 2, 3]) for _ in range(chance.randrange(4))]
    length = size
    for n in shape:
        length *= n
    data = chance.randbytes(length) if length < 4000 else b""
    if chance.random() < 0.2:
        shape = [chance.choice([1, 2, 2**20, 2**31]) for _ in range(chance.randint(1, 3))]
        strides = ("tuple", [chance.choice([0, 0, 1, size, -size]) for _ in shape])
        return (
            "call",
            "numpy.ndarray",
            [("tuple", shape), ("call", "numpy.dtype", [text], None), data, 0, strides, "C"],
            None,
        )
    arguments = [("tuple", shape), ("call", "numpy.dtype", [text], None), data, 0, None, chance.choice("CF")]
    if chance.random() < 0.1:
        arguments[1] = _dtype(chance, depth)
    return ("call", "numpy.ndarray", arguments, _state(chance, depth) if chance.random() < 0.1 else None)


def _time(chance: Random, _: int) -> Expression:
    unit = chance.choice(["", "1", "2", "25", "0", "00", "7", "999999999", "1000", "3600"]) + chance.choice(_UNITS)
    number = chance.choice([*_NUMBERS, chance.randint(-(2**63), 2**63)])
    return ("call", chance.choice(["numpy.datetime64", "numpy.timedelta64"]), [number, unit], None)


def _letters(chance: Random, _: int) -> Expression:
    code, form = chance.choice([("u", 21), ("u", 20), ("B", 0), ("d", 16), ("q", 12), ("f", 14), ("u", 18), ("i", 9)])
    arguments = [("name", "array.array"), code, form, chance.randbytes(chance.choice([0, 4, 8, 16]))]
    return ("call", "array._array_reconstructor", arguments, None)


def _error(chance: Random, depth: int) -> Expression:
    name = chance.choice(
        ["UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError", "SyntaxError", "OSError"]
    )
    number = [0, 1, 2, -1, 3, 2**40, -(2**40), 2**70, 10**11, "a"]
    text: Any = chance.choice([b"abc", b"", "abc", "", "\ud800x"])
    arguments: list[Any] = [text, chance.choice(number), chance.choice(number), "why"]
    if name == "SyntaxError":
        arguments = [
            "m",
            (
                "tuple",
                ["f", *(chance.choice(number) for _ in range(2)), "text", *(chance.choice(number) for _ in range(2))],
            ),
        ]
    elif name != "UnicodeTranslateError":
        arguments.insert(0, "utf-8")
    return ("call", f"builtins.{name}", arguments, _state(chance, depth) if chance.random() < 0.4 else None)


def _partial(chance: Random, depth: int) -> Expression:
    inner = ("name", chance.choice(_REFERABLE)) if chance.random() < 0.5 else _value(chance, depth + 1)
    arguments = ("tuple", [_value(chance, depth + 1) for _ in range(chance.randrange(3))])
    keywords = ("dict", [(chance.choice(_KEYS), _value(chance, depth + 1)) for _ in range(chance.randrange(3))])
    state = ("tuple", [inner, arguments, keywords, None])
    return ("call", "functools.partial", [("name", "builtins.list")], state)


def _chain(chance: Random, _: int) -> Expression:
    """Return a nest of one constructor, near the limit on levels or beyond it."""
    inner: Expression = ("name", "builtins.list")
    name = chance.choice(
        [
            "functools.partial",
            "collections.deque",
            "builtins.ValueError",
            "builtins.StopIteration",
            "collections.defaultdict",
        ]
    )
    wrap = chance.choice([None, "tuple", "list"])
    levels = [10, 100, 480, 990, 3_000]
    if name == "collections.deque":
        levels = [10]  # two that differ at the bottom are compared in 2**levels steps: once for ==, once for the result
    for _level in range(chance.choice(levels)):
        held = inner if wrap is None or name in ("functools.partial", "collections.defaultdict") else (wrap, [inner])
        inner = ("call", name, [("list", [held]) if name == "collections.deque" else held], None)
    return inner


def _twice(chance: Random, _: int) -> Expression:
    """Return a value that holds another one twice, and so on."""
    what = chance.choice(["dtype", "chain map"])
    inner: Expression = ("call", "numpy.dtype", [chance.choice(["<i8", "S0", "<f4"])], None)
    if what == "chain map":
        inner = ("dict", [])
    for _level in range(chance.choice([3, 8, 40])):
        if what == "dtype":
            parts: list[tuple[str, Any]] = [("names", ("list", ["a", "b"])), ("formats", ("list", [inner, inner]))]
            parts += [("offsets", ("list", [0, 0])), ("itemsize", 8)]
            inner = ("call", "numpy.dtype", [("dict", parts), False], None)
            if chance.random() < 0.2:
                inner = ("call", "numpy.dtype", [("tuple", [inner, ("tuple", [chance.choice([1, 2, 100])])])], None)
        else:
            state = ("dict", [("maps", ("list", [inner, inner]))])
            inner = ("new", "collections.ChainMap", chance.choice([state, ("tuple", [state, None])]))
    return inner


_fitting: list[Callable[[Random, int], Expression]] = [
    _dtype,
    _array,
    _array,
    _time,
    _time,
    _letters,
    _error,
    _error,
    _partial,
    _chain,
    _twice,
]


# Real values, changed

_found: list[Expression] = []


def _examples() -> list[Expression]:
    """Return the values of `tests/zoo.py` that need no trust, as expressions."""
    if not _found:
        prepare()
        zoo: Any = importlib.import_module("zoo")
        for value in [*zoo.VALUES, *zoo.ARRAYS]:
            if "zoo" not in type(value).__module__:
                try:
                    recipe = freeze(value)
                except AppsnapError:
                    continue
                expression = _expression(recipe)
                if expression is not None:
                    _found.append(expression)
    return _found


def _expression(recipe: steps.Recipe) -> Expression | None:
    """Return a recipe as an expression, or None if a name in it isn't allowed to all files, or a filling comes late."""
    made: list[Any] = []

    def one(operand: Any) -> Any:
        return made[operand] if type(operand) is steps.Ref else operand

    for step in recipe.steps:
        if isinstance(step, steps.Name):
            made.append(("name", step.dotted))
        elif isinstance(step, steps.Value):
            made.append(bytes(step.value) if not isinstance(step.value, str) else step.value)
        elif isinstance(step, (steps.Tuple, steps.List, steps.Set, steps.FrozenSet)):
            made.append((type(step).__name__.lower(), [one(item) for item in step.items]))
        elif isinstance(step, steps.Dict):
            made.append(("dict", [(one(key), one(value)) for key, value in zip(step.keys, step.values, strict=True)]))
        elif isinstance(step, steps.Call):
            function = one(step.function)
            if function[0] != "name" or function[1] not in _CALLABLE or step.names:
                return None
            made.append(("call", function[1], [one(item) for item in step.args], None))
        elif isinstance(step, steps.SetState) and made[step.target][0] == "call":
            made[step.target] = (*made[step.target][:3], one(step.state))
        else:
            return None
    return one(recipe.root)


def _changed(chance: Random, expression: Expression) -> Expression:
    """Return an expression in which some part is another one."""
    if type(expression) is not tuple or chance.random() < 0.2:
        return _value(chance, 4) if chance.random() < 0.5 else expression
    word, *rest = expression
    if word == "call":
        name, arguments, state = rest
        if arguments and chance.random() < 0.9:
            at = chance.randrange(len(arguments))
            changed = _atom(chance) if type(arguments[at]) is not tuple else _changed(chance, arguments[at])
            return (word, name, [*arguments[:at], changed, *arguments[at + 1 :]], state)
        return (word, name, arguments, _state(chance, 3))
    if word in CONTAINERS and rest[0]:
        at = chance.randrange(len(rest[0]))
        return (word, [*rest[0][:at], _changed(chance, rest[0][at]), *rest[0][at + 1 :]])
    return expression
