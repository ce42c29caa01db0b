"""Values in the form of expressions, and the files of these.

An expression is an atom, or a tuple whose first item is a word: `("call", dotted name, arguments, state)`,
`("new", dotted name, state)`, `("name", dotted name)`, `("dict", pairs)`, or `("list", items)` and the like. A state is
an expression or None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from vectors.spelling import R, Script, spell

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONTAINERS", "Expression", "replaced", "shown", "spelled"]

Expression = Any

CONTAINERS = {"tuple": "Tuple", "list": "List", "set": "Set", "frozenset": "FrozenSet"}
"""The words of containers of items, each with the step that makes one."""

_DEEPEST = 12


def shown(expression: Expression, depth: int = 0) -> str:
    """Return an expression as a text."""
    if type(expression) is not tuple:
        return repr(expression)
    if depth > _DEEPEST:
        return "…"
    word, *rest = expression
    if word == "name":
        return str(rest[0])
    if word == "dict":
        pairs = ", ".join(f"{shown(key, depth + 1)}: {shown(value, depth + 1)}" for key, value in rest[0])
        return f"{{{pairs}}}"
    items = ", ".join(
        shown(item, depth + 1) for item in (rest[1] if word == "call" else [] if word == "new" else rest[0])
    )
    state = f" with the state {shown(rest[-1], depth + 1)}" if word in ("call", "new") and rest[-1] is not None else ""
    name = rest[0] if word == "call" else f"new {rest[0]}" if word == "new" else word
    return f"{name}({items}){state}"


def replaced(expression: Expression) -> Iterator[Expression]:
    """Yield simpler expressions in the place of one."""
    if type(expression) is not tuple:
        if expression:
            yield from (type(expression)(), 1 if type(expression) is int and expression != 1 else None)
        return
    word, *rest = expression
    if word == "dict":
        for at, (key, value) in enumerate(rest[0]):
            yield (word, [*rest[0][:at], *rest[0][at + 1 :]])
            for simpler in replaced(value):
                yield (word, [*rest[0][:at], (key, simpler), *rest[0][at + 1 :]])
    elif word == "call":
        name, arguments, state = rest
        if state is not None:
            yield (word, name, arguments, None)
            for simpler in replaced(state):
                yield (word, name, arguments, simpler)
        yield from (part for part in arguments if type(part) is tuple)
        for changed in _shorter(arguments):
            yield (word, name, changed, state)
    elif word == "new":
        for simpler in replaced(rest[1]):
            yield (word, rest[0], simpler)
    elif word in CONTAINERS:
        yield from rest[0]
        for changed in _shorter(rest[0]):
            yield (word, changed)


def _shorter(items: list[Expression]) -> Iterator[list[Expression]]:
    for at in reversed(range(len(items))):
        yield [*items[:at], *items[at + 1 :]]
        for simpler in replaced(items[at]):
            yield [*items[:at], simpler, *items[at + 1 :]]


# Documents


def spelled(expressions: list[Expression]) -> bytes:
    """Return the file of a list of values."""
    script = Script()
    names: dict[str, R] = {}
    # Without recursion: a chain is deeper than Python's stack.
    done: dict[int, Any] = {}
    waiting = [*expressions[::-1]]
    while waiting:
        expression = waiting[-1]
        if type(expression) is not tuple:
            waiting.pop()
            continue
        missing = [part for part in _parts(expression) if type(part) is tuple and id(part) not in done]
        if missing:
            waiting += missing
        else:
            waiting.pop()
            if id(expression) not in done:
                done[id(expression)] = _made(script, names, expression, done)
    root = script.make("List", [_operand(script, expression, done) for expression in expressions])
    return spell("msgpack", script.steps, root)


def _parts(expression: Expression) -> list[Expression]:
    word, *rest = expression
    if word == "dict":
        return [part for pair in rest[0] for part in pair]
    if word == "call":
        return [*rest[1], rest[2]]
    return [] if word == "name" else [rest[1]] if word == "new" else [*rest[0]]


def _made(script: Script, names: dict[str, R], expression: Expression, done: dict[int, Any]) -> R:
    word, *rest = expression

    def name(dotted: str) -> R:
        if dotted not in names:
            names[dotted] = script.make("Name", *_split(dotted))
        return names[dotted]

    def one(part: Expression) -> Any:
        return _operand(script, part, done)

    if word == "name":
        return name(rest[0])
    if word == "dict":
        keys, items = [one(key) for key, _ in rest[0]], [one(item) for _, item in rest[0]]
        return script.make("Dict", keys, items)
    if word in CONTAINERS:
        return script.make(CONTAINERS[word], [one(item) for item in rest[0]])
    operands = [one(part) for part in rest[1]] if word == "call" else []
    state = one(rest[-1])
    made = script.make("Call", name(rest[0]), operands) if word == "call" else script.make("New", name(rest[0]), [])
    if state is not None:
        script.do("SetState", made, state)
    return made


def _operand(script: Script, expression: Expression, done: dict[int, Any]) -> Any:
    if type(expression) is tuple:
        return done[id(expression)]
    if isinstance(expression, (str, bytes)) and len(expression) > steps.INLINE:
        return script.make("Value", expression)
    return expression


def _split(dotted: str) -> tuple[str, str]:
    module, _, qualname = dotted.rpartition(".")
    if module in {"zoneinfo.ZoneInfo", "uuid.SafeUUID"}:
        outer, _, cls = module.rpartition(".")
        return outer, f"{cls}.{qualname}"
    return module, qualname
