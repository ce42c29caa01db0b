"""Calls that stand for a step of another sort, or have their arguments in another form.

Pickle has no opcode for a bound method, a module or a constant like `NoneType`, so pickles hold calls for them:
`getattr(owner, "method")` is a `Member`, `import_module("os")` is a `Name`. A recipe always has the step itself, in
every kind, and so a reader sees one form only.

People who write source give keywords to the types of values, where a `Call` has arguments by position alone. Pickle has
no opcode for a call with keywords: `called(function, args, keywords)` stands for it.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import TYPE_CHECKING, Any

from appsnap.recipe import steps
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.recipe.steps import NameOrOperand, Step

__all__ = ["CALLED", "KEYWORDED", "SET_STATE", "SPELLINGS", "by_keywords", "canonical_step", "positional"]


def canonical_step(step: steps.Call | steps.Member, meaning: Callable[[NameOrOperand], NameOrOperand]) -> Step:
    """Return the step that a `Call` or a `Member` stands for: another step, or the same one.

    `meaning` returns the name or the long text that an operand stands for, and any other operand unchanged. In the
    given step and in the returned one, a `Name` may stand in the place of an operand. Raises ValueError for a malformed
    name, and for a call of `set_state`: only a `SetState` can replace it, and that makes nothing.
    """
    if isinstance(step, steps.Member):
        steps.check_member(step.name)
        above = meaning(step.owner)
        if type(above) is not steps.Name:
            return step
        return _checked(above.module, f"{above.qualname}.{step.name}" if above.qualname else step.name)
    name = meaning(step.function)
    if step.names or type(name) is not steps.Name or name.dotted not in SPELLINGS:
        return step
    args = step.args
    if name == SET_STATE and len(args) == 2:
        raise ValueError("a call of set_state, where SetState is the step to use")
    match name.dotted, [meaning(argument) for argument in args]:
        case "builtins.getattr", [_, str(attribute)]:
            return canonical_step(steps.Member(args[0], attribute), meaning)
        case "importlib.import_module" | "twisted.persisted.styles.unpickleModule", [str(module)]:
            return _checked(module, "")
        case "twisted.persisted.styles.unpickleMethod", [str(method), Ref() as owner, _]:
            steps.check_member(method)
            return steps.Member(owner, method)
        case "twisted.persisted.styles._unpickleFunction", [str(path)]:
            module, _, function_name = path.rpartition(".")
            return _checked(module, function_name)
        case "builtins.type", [None]:
            return steps.Name("types", "NoneType")
        case ("copyreg.__newobj__", [_, *_]) | (
            "copyreg._reconstructor",
            [_, steps.Name(module="builtins", qualname="object"), None],
        ):
            rest = args[1:] if name.qualname == "__newobj__" else ()
            return steps.New(args[0], rest)  # type: ignore[arg-type]  # the caller checks that it is a class
    return step


SET_STATE = steps.Name("appsnap.actions", "set_state")
"""The function that pickles call to set a state. In a recipe its call is a `SetState`."""

CALLED = steps.Name("appsnap.actions", "called")
"""The function that pickles call for a call with keywords. In a recipe that is a `Call` of the other function."""

SPELLINGS = frozenset(
    {
        "appsnap.actions.set_state",
        "builtins.getattr",
        "builtins.type",
        "copyreg.__newobj__",
        "copyreg._reconstructor",
        "importlib.import_module",
        "twisted.persisted.styles._unpickleFunction",
        "twisted.persisted.styles.unpickleMethod",
        "twisted.persisted.styles.unpickleModule",
    }
)
"""The functions whose calls may stand for another step."""


def _checked(module: str, qualname: str) -> steps.Name:
    steps.check_name(module, qualname)
    return steps.Name(module, qualname)


# Keywords


def positional(name: steps.Name, args: Sequence[Any], keys: Sequence[str], values: Sequence[Any]) -> list[Any]:
    """Return the arguments by position of a call with keywords, of one of the names in `KEYWORDED`.

    The call makes the same value. An empty tuple among the arguments is one that has to be made. Raises TypeError and
    ValueError for arguments that Python would refuse as well, and OverflowError.
    """
    if not keys and name not in _COMPUTED:
        return [*args]
    plan = _plan(name, len(args), tuple(keys)) if keys else ()
    if plan:
        found = [[*args, *values, None, 0][at] for at in plan]
        if name not in _COMPUTED or ({*map(type, found)} == {int} and 0 <= found[1] < _DAY and 0 <= found[2] < _SECOND):
            return found
    parameters = KEYWORDED[name]
    what = name.qualname
    if len(args) > len(parameters):
        raise TypeError(f"{what} takes at most {len(parameters)} arguments, not {len(args)}")
    given = dict(zip(parameters, args, strict=False))
    for key, value in zip(keys, values, strict=True):
        if key not in parameters:
            raise TypeError(f"{what} has no {key:.60}: it takes {', '.join(parameters)}")
        if key in given:
            raise TypeError(f"{what} has two values for {key}")
        given[key] = value
    if name in _COMPUTED and all(type(value) in _PLAIN for value in given.values()):
        computed: Sequence[Any] = _COMPUTED[name](given, bool(keys))
        return [*computed]
    if given.get("fold"):
        return _folded(what, given)
    given.pop("fold", None)
    last = max((at for at, parameter in enumerate(parameters) if parameter in given), default=-1)
    for parameter in parameters[: last + 1]:
        if parameter not in given and parameter not in _DEFAULTS:
            raise TypeError(f"{what} needs a value for {parameter}")
    return [given.get(parameter, _DEFAULTS.get(parameter)) for parameter in parameters[: last + 1]]


@functools.lru_cache
def _plan(name: steps.Name, count: int, keys: tuple[str, ...]) -> tuple[int, ...]:
    """Return which of the arguments, the values of keywords, None and 0 are the arguments by position.

    Calls alike share the answer. It is empty for a call that has to be looked at in full.
    """
    parameters = KEYWORDED[name]
    given = {parameter: at for at, parameter in enumerate((*parameters[:count], *keys))}
    if (
        count > len(parameters)
        or len(given) < count + len(keys)
        or "fold" in given
        or not given.keys() <= {*parameters}
    ):
        return ()
    last = max(parameters.index(parameter) for parameter in given)
    if name in _COMPUTED:
        if last > 2 or name.qualname != "timedelta":
            return ()
        return tuple(given.get(parameter, -1) for parameter in parameters[:3])
    wanted = parameters[: last + 1]
    if any(parameter not in given and _DEFAULTS.get(parameter, ()) == () for parameter in wanted):
        return ()
    return tuple(given.get(parameter, -2 if _DEFAULTS.get(parameter) is None else -1) for parameter in wanted)


def by_keywords(name: steps.Name, args: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Return arguments as people write them, some by keywords: `positional` makes the same arguments of them again."""
    match name.qualname, args:
        case "timedelta", [days, seconds, microseconds] if {*map(type, args)} == {int}:
            if 0 <= seconds < _DAY and 0 <= microseconds < _SECOND:
                given = {"days": days, "seconds": seconds, "microseconds": microseconds}
                return (), {key: value for key, value in given.items() if value} or {"days": 0}
        case "datetime", [year, month, day, *clock, zone] if len(clock) == 4:
            return (year, month, day, *_without_zeros(clock)), {"tzinfo": zone}
        case "time", [*clock, zone] if len(clock) == 4:
            return _without_zeros(clock), {"tzinfo": zone}
    return args, {}


def _without_zeros(clock: Sequence[Any]) -> Sequence[Any]:
    end = len(clock)
    while end and type(clock[end - 1]) is int and clock[end - 1] == 0:
        end -= 1
    return clock[:end]


def _duration(given: dict[str, Any], named: bool) -> Sequence[Any]:
    if not named and len(given) <= 3 and float not in map(type, given.values()):
        return [*given.values()]
    whole = dt.timedelta(**given)
    return whole.days, whole.seconds, whole.microseconds


def _fraction(given: dict[str, Any], _named: bool) -> Sequence[Any]:
    number = given.get("numerator", 0)
    if "denominator" in given:
        return number, given["denominator"]
    if type(number) is str and not re.fullmatch(r"\s*[-+]?[0-9]{0,300}\.[0-9]{0,300}\s*", number):
        return [number]  # a number with an exponent may be of any size
    import fractions  # noqa: PLC0415 - few files have one

    whole = fractions.Fraction(number)
    return whole.numerator, whole.denominator


def _decimal(given: dict[str, Any], _named: bool) -> Sequence[Any]:
    value = given.get("value", "0")
    if type(value) is int and value.bit_length() > 14_300:
        return [value]  # the time for its digits grows with the square of their number
    import decimal  # noqa: PLC0415 - few files have one

    return [value if type(value) is str else str(decimal.Decimal(value))]


def _uuid(given: dict[str, Any], _named: bool) -> Sequence[Any]:
    import uuid  # noqa: PLC0415 - few files have one

    return [given["hex"] if [*given] == ["hex"] else str(uuid.UUID(**given))]


def _folded(what: str, given: dict[str, Any]) -> list[Any]:
    """Return the arguments of a time that comes twice in its night: only the packed form of a pickle has that."""
    zone = given.pop("tzinfo", None)
    if not {int, bool}.issuperset(map(type, given.values())):
        raise TypeError(f"{what} takes numbers and a time zone")  # a reference is an integer, too
    cls: Any = dt.datetime if what == "datetime" else dt.time
    packed = cls(**given).__reduce_ex__(4)[1]
    return [*packed] if zone is None else [*packed, zone]


_DAY, _SECOND = 86_400, 1_000_000
_PLAIN = frozenset({int, float, str, bytes})
_CLOCK = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
_DEFAULTS = {
    "tzinfo": None,
    **dict.fromkeys(("hour", "minute", "second", "microsecond", "numerator", "real"), 0),
    "iterable": (),
}

KEYWORDED: dict[steps.Name, tuple[str, ...]] = {
    steps.Name("collections", "deque"): ("iterable", "maxlen"),
    steps.Name("builtins", "complex"): ("real", "imag"),
    steps.Name("datetime", "date"): ("year", "month", "day"),
    steps.Name("datetime", "datetime"): ("year", "month", "day", *_CLOCK),
    steps.Name("datetime", "time"): _CLOCK,
    steps.Name("datetime", "timedelta"): (
        *("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"),
    ),
    steps.Name("datetime", "timezone"): ("offset", "name"),
    steps.Name("decimal", "Decimal"): ("value",),
    steps.Name("fractions", "Fraction"): ("numerator", "denominator"),
    **{
        steps.Name("ipaddress", f"IPv{version}{sort}"): ("address",)
        for version in (4, 6)
        for sort in ("Address", "Interface", "Network")
    },
    steps.Name("re", "compile"): ("pattern", "flags"),
    steps.Name("uuid", "UUID"): ("hex", "bytes", "bytes_le", "fields", "int"),
    steps.Name("zoneinfo", "ZoneInfo"): ("key",),
}
"""The types and functions whose calls may have keywords in source: their parameters, in order."""

_COMPUTED: dict[steps.Name, Callable[[dict[str, Any], bool], Sequence[Any]]] = {
    steps.Name("datetime", "timedelta"): _duration,
    steps.Name("decimal", "Decimal"): _decimal,
    steps.Name("fractions", "Fraction"): _fraction,
    steps.Name("uuid", "UUID"): _uuid,
}
"""Those whose recipe has other arguments: functions that compute them from plain ones, with keywords or without."""
