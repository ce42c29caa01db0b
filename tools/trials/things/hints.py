"""Objects of typing, by name and by value."""

import collections.abc
import typing
from typing import Annotated, Any, Callable, ClassVar, Final, Generic, Literal, Optional, TypeVar, Union

from trials.things import filled

T = TypeVar("T")
B = TypeVar("B", bound=int)
C = TypeVar("C", int, str, covariant=False)
P = typing.ParamSpec("P")
Ts = typing.TypeVarTuple("Ts")
Id = typing.NewType("Id", int)
Alias = dict[str, list[T]]


class Store(Generic[T]):
    """Generic."""

    def __init__(self, item: T = None):
        self.item = item


class Shelf(Store[int]):
    """Not generic any more."""


class Many(Generic[T, B]):
    """Generic in two."""


class Quacks(typing.Protocol):
    """A protocol."""

    def quack(self) -> str: ...


@typing.runtime_checkable
class Runs(typing.Protocol):
    """A protocol that is checked."""

    def run(self): ...


class Movie(typing.TypedDict, total=False):
    """A typed dict."""

    title: str


class Hinted:
    """With annotations."""

    a: int
    b: "Hinted"
    c: ClassVar[int] = 1


@typing.overload
def over(x: int) -> int: ...


@typing.overload
def over(x: str) -> str: ...


def over(x):
    """Overloaded."""
    return x


@typing.final
class Last:
    """Final."""


def _local_generic():
    U = TypeVar("U")

    class Local(Generic[U]):
        def __init__(self, x: U):
            self.x = x

    return Local(1)


def _local_typed():
    U = TypeVar("U")

    class Local(Generic[U]):
        pass

    return [Local[int](), Local[U], U]


def _local_protocol():
    @typing.runtime_checkable
    class Local(typing.Protocol):
        def run(self) -> int: ...

    class Runner(Local):
        def run(self):
            return 1

    return [Runner(), Local]


def _local_typeddict():
    class Local(typing.TypedDict):
        a: int

    return Local


def _annotated_function():
    def f(x: "int", y: Optional[int] = None) -> list[str]:
        return [x, y]

    return f


THINGS = {
    "typevar": lambda: T,
    "typevar bound": lambda: [B, C],
    "typevar local": lambda: TypeVar("Local"),
    "typevar AnyStr": lambda: typing.AnyStr,
    "paramspec": lambda: P,
    "paramspec args": lambda: [P.args, P.kwargs],
    "typevartuple": lambda: Ts,
    "unpack": lambda: typing.Unpack[Ts],
    "newtype": lambda: Id,
    "newtype local": lambda: typing.NewType("Local", int),
    "any": lambda: Any,
    "special forms": lambda: [typing.Union, typing.Optional, typing.NoReturn, typing.Self, ClassVar, Final],
    "optional": lambda: Optional[int],
    "union": lambda: Union[int, str],
    "union new": lambda: int | None,
    "list": lambda: typing.List[int],
    "dict bare": lambda: typing.Dict,
    "dict": lambda: typing.Dict[str, typing.Tuple[int, ...]],
    "callable": lambda: Callable[[int], str],
    "callable abc": lambda: collections.abc.Callable[[int, str], None],
    "callable of a paramspec": lambda: Callable[P, int],
    "callable concatenate": lambda: Callable[typing.Concatenate[int, P], int],
    "literal": lambda: Literal["a", 1, None],
    "literal true": lambda: Literal[True, 1],
    "annotated": lambda: Annotated[int, "note", [1]],
    "final": lambda: Final[int],
    "type": lambda: type[int],
    "generic class": lambda: Store,
    "generic alias": lambda: Store[int],
    "generic alias open": lambda: Store[T],
    "generic alias of two": lambda: Many[str, int],
    "alias": lambda: Alias,
    "alias filled": lambda: Alias[int],
    "generic instance": lambda: Store(1),
    "generic instance typed": lambda: Store[int](1),
    "generic instance of a subclass": lambda: Shelf(1),
    "protocol": lambda: [Quacks, Runs],
    "typeddict": lambda: Movie,
    "typeddict value": lambda: Movie(title="a"),
    "forwardref": lambda: typing.ForwardRef("Store"),
    "forwardref in a list": lambda: typing.List["Store"],
    "hints": lambda: typing.get_type_hints(Hinted),
    "annotations": lambda: Hinted.__annotations__,
    "overloaded": lambda: over,
    "final class": lambda: Last(),
    "io": lambda: [typing.IO, typing.TextIO, typing.Pattern[str]],
    "abc": lambda: [collections.abc.Mapping, collections.abc.Iterable[int]],
    "required": lambda: typing.Required[int],
    "typeguard": lambda: typing.TypeGuard[int],
    "supports": lambda: typing.SupportsInt,
    "starred": lambda: tuple[*Ts],
    "generic local": _local_generic,
    "generic local typed": _local_typed,
    "protocol local": _local_protocol,
    "typeddict local": _local_typeddict,
    "function local annotated": _annotated_function,
    "generic subclass with attribute": lambda: filled(Store(1), __orig_class__=Store[int]),
}
CHECKS = {
    "newtype": lambda n: n(5),
    "newtype local": lambda n: (n(5), n.__name__),
    "generic instance typed": lambda s: (s.item, s.__orig_class__),
    "generic local": lambda x: (x.x, [p.__name__ for p in type(x).__parameters__], type(x)[int].__args__),
    "generic local typed": lambda x: (x[0].__orig_class__.__origin__ is type(x[0]), x[1].__args__[0] is x[2]),
    "protocol local": lambda x: (x[0].run(), isinstance(x[0], x[1])),
    "typeddict local": lambda t: (t(a=1), t.__required_keys__),
    "function local annotated": lambda f: (f(1), typing.get_type_hints(f)),
    "alias filled": str,
    "literal true": str,
    "typevar bound": lambda x: (x[0] is B, x[1] is C),
    "paramspec args": lambda x: x[0].__origin__ is P,
    "forwardref": lambda f: f.__forward_arg__,
}
OPAQUE = {"generic local", "generic local typed", "protocol local", "typeddict local"}
