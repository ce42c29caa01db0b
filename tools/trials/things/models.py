"""Models of pydantic, attrs and msgspec, by name and by value."""

import datetime as dt
import enum
import functools
import typing

import attrs
import msgspec
import pydantic
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel, SecretStr, computed_field, field_validator

from trials.things import filled

T = typing.TypeVar("T")


class Address(BaseModel):
    """Plain."""

    city: str


class User(BaseModel):
    """Nested."""

    name: str
    age: int = 3
    address: Address | None = None
    tags: list[str] = Field(default_factory=list)


class Private(BaseModel):
    """With private attributes."""

    a: int
    _secret: list = PrivateAttr(default_factory=list)
    _none: int = PrivateAttr()


class Extra(BaseModel):
    """With more attributes."""

    model_config = ConfigDict(extra="allow")
    a: int = 1


class Frozen(BaseModel):
    """Frozen."""

    model_config = ConfigDict(frozen=True)
    a: int


class Checked(BaseModel):
    """With validators."""

    model_config = ConfigDict(validate_assignment=True)
    a: int

    @field_validator("a")
    @classmethod
    def positive(cls, value):
        if value < 0:
            raise ValueError("negative")
        return value

    @computed_field
    @property
    def double(self) -> int:
        return self.a * 2

    @functools.cached_property
    def cached(self):
        return [self.a]


class Box(BaseModel, typing.Generic[T]):
    """Generic."""

    content: T


class Tree(BaseModel):
    """Recursive."""

    value: int
    parts: list["Tree"] = []


class Root(RootModel[list[int]]):
    """A root model."""


class Secret(BaseModel):
    """With secrets, times, unions."""

    password: SecretStr
    when: dt.datetime
    either: int | str
    url: pydantic.AnyUrl | None = None


@pydantic.dataclasses.dataclass
class PDataclass:
    """A dataclass of pydantic."""

    a: int
    b: list = Field(default_factory=list)


class Arbitrary(BaseModel):
    """Holds anything."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    thing: object


@attrs.define
class Point:
    """With slots."""

    x: int
    y: int = 2
    tags: list = attrs.Factory(list)


@attrs.frozen
class Key:
    """Frozen."""

    name: str


@attrs.define(slots=False)
class Open:
    """Without slots."""

    a: int


@attrs.define
class Child(Point):
    """Inherits."""

    z: int = 5


@attrs.define
class PrivateA:
    """Private names, converters, validators."""

    _a: int = attrs.field(converter=int, validator=attrs.validators.ge(0))
    b: int = attrs.field(init=False, default=7)


@attrs.define
class Hooks:
    """With hooks."""

    a: int
    double: int = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.double = self.a * 2


@attrs.define(kw_only=True)
class KwOnly:
    """By keyword."""

    a: int


@attrs.define(cache_hash=True, frozen=True)
class Hashed:
    """Keeps its hash."""

    a: str


@attrs.define(slots=True, weakref_slot=False)
class NoWeak:
    """Without a slot for weak references."""

    a: int


@attrs.define
class Cached:
    """With a cached property in slots."""

    a: int

    @functools.cached_property
    def twice(self):
        return self.a * 2


@attrs.define
class AError(Exception):
    """An exception."""

    code: int
    text: str = "t"


@attrs.define(kw_only=True)
class AErrorKw(Exception):
    """An exception by keyword."""

    code: int


@attrs.define(getstate_setstate=False)
class NoState:
    """Without states of attrs."""

    a: int


@attrs.define(eq=False)
class Identity:
    """Compared by identity."""

    a: object = None


class Struct(msgspec.Struct):
    """Plain."""

    a: int
    b: list = []


class StructFrozen(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen."""

    a: int
    b: str = "b"


class StructTagged(msgspec.Struct, tag="t", array_like=True):
    """Tagged."""

    a: int


class StructDict(msgspec.Struct, dict=True, weakref=True):
    """With attributes."""

    a: int


class StructPost(msgspec.Struct):
    """With __post_init__."""

    a: int

    def __post_init__(self):
        self.a += 1


class Mode(enum.Enum):
    """An enumeration."""

    A = 1


def _local_model():
    class Local(BaseModel):
        a: int = 1
        b: list[int] = []

    return Local(a=2)


def _local_validated():
    class Local(BaseModel):
        a: int

        @field_validator("a")
        @classmethod
        def double(cls, value):
            return value * 2

    return Local(a=2)


def _local_attrs():
    @attrs.define
    class Local:
        a: int
        b: list = attrs.Factory(list)

    return Local(1)


def _local_frozen():
    @attrs.frozen
    class Local:
        a: int

    return Local(1)


def _local_struct():
    class Local(msgspec.Struct):
        a: int
        b: int = 2

    return Local(1)


def _identity_cycle():
    it = Identity()
    it.a = [it]
    return it


def _private():
    it = Private(a=1)
    it._secret.append(2)
    return it


def _partial():
    return User.model_construct(name=5)


THINGS = {
    "model": lambda: User(name="a", address={"city": "b"}, tags=["x"]),
    "model defaults": lambda: User(name="a"),
    "model private": _private,
    "model extra": lambda: Extra(a=1, b=[2]),
    "model frozen": lambda: Frozen(a=1),
    "model checked": lambda: Checked(a=1),
    "model cached": lambda: (c := Checked(a=1), c.cached, c)[2],
    "model generic": lambda: Box[int](content=1),
    "model generic open": lambda: Box(content=[1]),
    "model recursive": lambda: Tree(value=1, parts=[Tree(value=2)]),
    "model root": lambda: Root([1, 2]),
    "model secret": lambda: Secret(password="p", when="2024-01-01T00:00:00Z", either="x", url="http://a/"),
    "model unchecked": _partial,
    "model arbitrary": lambda: Arbitrary(thing=Point(1)),
    "model shared": lambda: [m := Address(city="a"), m, User(name="x", address=m)],
    "model class": lambda: User,
    "model created": lambda: pydantic.create_model("Made", a=(int, 1)),
    "model field": lambda: User.model_fields["age"],
    "pydantic dataclass": lambda: PDataclass(1, [2]),
    "pydantic adapter": lambda: pydantic.TypeAdapter(list[int]),
    "pydantic error": lambda: _error(),
    "pydantic url": lambda: pydantic.AnyUrl("http://a/b"),
    "pydantic secret": lambda: SecretStr("s"),
    "model local": _local_model,
    "model local validated": _local_validated,
    "attrs": lambda: Point(1, tags=[2]),
    "attrs unset": lambda: (p := Point(1), delattr(p, "y"), p)[2],
    "attrs frozen": lambda: {Key("a"): Key("b")},
    "attrs without slots": lambda: filled(Open(1), extra=[2]),
    "attrs child": lambda: Child(1, 2, [3], 4),
    "attrs private": lambda: PrivateA("5"),
    "attrs hooks": lambda: Hooks(3),
    "attrs kw_only": lambda: KwOnly(a=1),
    "attrs hashed": lambda: (h := Hashed("a"), hash(h), {h: 1})[2],
    "attrs no weakref": lambda: NoWeak(1),
    "attrs cached": lambda: (c := Cached(2), c.twice, c)[2],
    "attrs error": lambda: AError(3),
    "attrs error kw_only": lambda: AErrorKw(code=3),
    "attrs no state": lambda: NoState(1),
    "attrs cycle": _identity_cycle,
    "attrs shared": lambda: [p := Point(1), p],
    "attrs class": lambda: Point,
    "attrs fields": lambda: attrs.fields(Point),
    "attrs nothing": lambda: [attrs.NOTHING, {"x": attrs.NOTHING}],
    "attrs factory": lambda: attrs.Factory(list),
    "attrs validators": lambda: [attrs.validators.instance_of(int), attrs.converters.optional],
    "attrs local": _local_attrs,
    "attrs local frozen": _local_frozen,
    "attrs made": lambda: attrs.make_class("Made", ["a", "b"])(1, 2),
    "struct": lambda: Struct(1, [2]),
    "struct frozen": lambda: {StructFrozen(a=1): StructFrozen(a=2)},
    "struct tagged": lambda: StructTagged(1),
    "struct dict": lambda: filled(StructDict(1), extra=[2]),
    "struct post init": lambda: StructPost(1),
    "struct unset": lambda: [msgspec.UNSET, msgspec.NODEFAULT],
    "struct encoder": lambda: msgspec.json.Encoder(),
    "struct raw": lambda: msgspec.Raw(b"1"),
    "struct meta": lambda: msgspec.Meta(gt=1),
    "struct local": _local_struct,
}


def _error():
    try:
        User(name=[])
    except pydantic.ValidationError as error:
        return error


CHECKS = {
    "model": lambda m: (m.model_dump(), m.model_fields_set, m == User(name="a", address={"city": "b"}, tags=["x"])),
    "model private": lambda m: (m._secret, m.model_dump()),
    "model extra": lambda m: (m.b, m.model_extra, m.model_fields_set),
    "model frozen": hash,
    "model checked": lambda m: (m.double, m.a),
    "model generic": lambda m: (type(m).__name__, m.content, type(m)(content="5").content),
    "model secret": lambda m: (m.password.get_secret_value(), m.url, m.when),
    "model local": lambda m: (m.model_dump(), type(m)(a="5").a, type(m)().b),
    "model local validated": lambda m: (m.a, type(m)(a=5).a),
    "model created": lambda c: c(a="3").a,
    "model shared": lambda x: (x[0] is x[1], x[2].address is x[0]),
    "pydantic dataclass": lambda p: p,
    "pydantic adapter": lambda a: a.validate_python(["1"]),
    "pydantic error": lambda e: e.errors(),
    "pydantic url": str,
    "pydantic secret": lambda s: s.get_secret_value(),
    "model field": repr,
    "attrs": lambda p: (attrs.asdict(p), repr(p)),
    "attrs frozen": lambda k: k[Key("a")],
    "attrs hashed": lambda h: h[Hashed("a")],
    "attrs cached": lambda c: c.twice,
    "attrs error": lambda e: (e.code, e.text, e.args),
    "attrs error kw_only": lambda e: (e.code, e.args),
    "attrs nothing": lambda x: (x[0] is attrs.NOTHING, x[1]["x"] is attrs.NOTHING),
    "attrs fields": lambda f: [(x.name, x.default is attrs.NOTHING) for x in f],
    "attrs local": lambda x: (attrs.asdict(x), type(x)(2).b),
    "attrs local frozen": lambda x: (x.a, hash(x) == hash(type(x)(1)), type(x)(5)),
    "attrs made": lambda x: (x.a, x.b),
    "attrs cycle": lambda x: x.a[0] is x,
    "struct": lambda s: (msgspec.to_builtins(s), s == Struct(1, [2])),
    "struct frozen": lambda s: s[StructFrozen(a=1)].a,
    "struct tagged": msgspec.json.encode,
    "struct dict": lambda s: (s.a, s.extra),
    "struct post init": lambda s: s.a,
    "struct unset": lambda x: (x[0] is msgspec.UNSET, x[1] is msgspec.NODEFAULT),
    "struct local": lambda s: (s.a, s.b, msgspec.to_builtins(s), type(s)(7).b),
    "struct raw": bytes,
}
OPAQUE = {n for n in THINGS if n.startswith("struct") or " local" in n}
OPAQUE |= {
    "pydantic adapter",
    "pydantic error",
    "model created",
    "model generic",
    "attrs made",
    "attrs fields",
    "model field",
}
assert Mode
