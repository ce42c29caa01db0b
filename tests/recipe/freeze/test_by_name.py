# ruff: noqa: D102, SLOT002 - classes as people write them
"""Named tuples, dataclasses, attrs' classes and structs whose fields changed: by name, own files and strangers'."""

import collections
import dataclasses
import pickle
import typing

import pytest

from appsnap import EVERYTHING, dumps, loads
from appsnap.errors import CannotBuild
from appsnap.kinds import KINDS
from appsnap.recipe.build import build
from appsnap.recipe.steps import List, Name, New, Recipe, Ref, SetState
from appsnap.recipe.trust import Trust

TRUST = [f"{__name__}.*"]
BOTH = [TRUST, EVERYTHING]


def dataclass(*fields, **options):
    return dataclasses.make_dataclass("Changing", fields, frozen=True, slots=True, **options)


def attrs_class(*fields):
    attr = pytest.importorskip("attr")
    found = {}
    for name, *rest in fields:
        default = rest[1] if len(rest) > 1 else None
        if default is None:
            found[name] = attr.ib()
        elif default.default is not dataclasses.MISSING:
            found[name] = attr.ib(default=default.default)
        else:
            found[name] = attr.ib(factory=default.default_factory)
    return attr.make_class("Changing", found, slots=True, frozen=True)


def named_tuple(*fields):
    defaults = [field[2].default for field in fields if len(field) > 2]
    return collections.namedtuple("Changing", [field[0] for field in fields], defaults=defaults)  # noqa: PYI024


def typed(*fields):
    return typing.NamedTuple("Changing", [(field[0], int) for field in fields])


MAKERS = [dataclass, attrs_class, named_tuple]
FACTORY = dataclasses.field(default_factory=lambda: [7])
SEVEN = dataclasses.field(default=7)


def put(cls, name="Changing"):
    cls.__module__ = __name__
    globals()[name] = cls
    return cls


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", BOTH)
class TestChanged:
    @pytest.mark.parametrize("maker", [*MAKERS, typed])
    def test_swapped(self, kind, trust, maker):
        """Each value comes back in the field of its name."""
        obj = put(maker(("x", int), ("y", int)))(1, 2)
        data = dumps([obj, obj], kind)
        put(maker(("y", int), ("x", int)))

        back, other = loads(data, trust=trust)

        assert (back.x, back.y) == (1, 2)
        assert back is other

    @pytest.mark.parametrize("maker", MAKERS)
    def test_a_new_field_has_its_default(self, kind, trust, maker):
        """A field that the file doesn't have gets the default of the class."""
        data = dumps(put(maker(("x", int)))(1), kind)
        put(maker(("x", int), ("z", int, SEVEN)))

        back = loads(data, trust=trust)

        assert (back.x, back.z) == (1, 7)

    @pytest.mark.parametrize("maker", [dataclass, attrs_class])
    def test_a_default_is_made_for_each_object(self, kind, trust, maker):
        """A default factory is called once for each object."""
        cls = put(maker(("x", int)))
        data = dumps([cls(1), cls(2)], kind)
        put(maker(("x", int), ("z", list, FACTORY)))

        one, other = loads(data, trust=trust)

        assert one.z == other.z == [7]
        assert one.z is not other.z

    @pytest.mark.parametrize("maker", MAKERS)
    def test_a_new_field_without_a_default(self, kind, trust, maker):
        """The error has the path and names the field."""
        data = dumps({"it": put(maker(("x", int)))(1)}, kind)
        put(maker(("x", int), ("z", int)))

        with pytest.raises(CannotBuild, match=r"\bz'") as caught:
            loads(data, trust=trust)

        assert caught.value.path == 'object["it"]'

    @pytest.mark.parametrize("maker", MAKERS)
    def test_a_field_is_gone(self, kind, trust, maker):
        """A value without a field is an error: it is never dropped."""
        data = dumps({"it": put(maker(("x", int), ("z", int)))(1, 2)}, kind)
        put(maker(("x", int)))

        with pytest.raises(CannotBuild, match=r"'z'") as caught:
            loads(data, trust=trust)

        assert caught.value.path == 'object["it"]'

    def test_becomes_an_ordinary_class(self, kind, trust):
        """A class that isn't frozen any more, or has no slots any more, finds its attributes."""
        data = dumps(put(dataclass(("x", int), ("y", int)))(1, 2), kind)
        put(dataclasses.make_dataclass("Changing", [("y", int), ("x", int)]))

        back = loads(data, trust=trust)

        assert (back.x, back.y) == (1, 2)

    def test_was_an_ordinary_class(self, kind, trust):
        """A class that becomes frozen, with slots, finds its attributes."""
        data = dumps(put(dataclasses.make_dataclass("Changing", [("y", int), ("x", int)]))(2, 1), kind)
        put(dataclass(("x", int), ("y", int)))

        back = loads(data, trust=trust)

        assert (back.x, back.y) == (1, 2)


class WithMore(dataclass(("x", int))):
    """A subclass has a `__dict__`: the attributes in it are no fields."""


class Recursive(typing.NamedTuple):
    part: list
    name: str = "r"


class Own(collections.namedtuple("Own", "x y")):  # noqa: PYI024
    """It has a `__new__` of its own, so its fields are no keywords."""

    def __new__(cls, total):
        return super().__new__(cls, total - 1, 1)

    def __getnewargs__(self):
        return (self.x + self.y,)


class WithDict(collections.namedtuple("WithDict", "x y")):  # noqa: PYI024
    """It has attributes beside its fields."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", BOTH)
class TestShapes:
    def test_attributes_beside_the_fields(self, kind, trust):
        """They come back, though the methods of the decorator know nothing of them."""
        obj = WithMore(1)
        object.__setattr__(obj, "more", [2])

        back = loads(dumps(obj, kind), trust=trust)

        assert (back.x, back.more) == (1, [2])

    def test_attributes_of_a_named_tuple(self, kind, trust):
        """A subclass without `__slots__` keeps its attributes."""
        obj = WithDict(1, 2)
        obj.more = 3

        back = loads(dumps(obj, kind), trust=trust)

        assert (back, back.more, type(back)) == (obj, 3, WithDict)

    def test_in_itself(self, kind, trust):
        """A named tuple whose list has the tuple in it is one object."""
        obj = Recursive([])
        obj.part.append(obj)

        back = loads(dumps(obj, kind), trust=trust)

        assert back.part[0] is back

    def test_own_way(self, kind, trust):
        """A class with a `__new__` of its own is made by its own arguments."""
        assert loads(dumps(Own(5), kind), trust=trust) == (4, 1)

    def test_in_a_set(self, kind, trust):
        """They are hashed once they are whole."""
        cls = put(dataclass(("x", int)))
        found = {WithDict(1, 2), WithDict(3, 4)}

        assert loads(dumps([found, (cls(1),)], kind), trust=trust) == [found, (cls(1),)]


@pytest.mark.parametrize("trust", BOTH)
class TestByPosition:
    """Pickles by pickle itself, and files of the first days, have no names."""

    def test_pickles_of_others(self, trust):
        """They load as long as the class has as many fields."""
        objects = [put(dataclass(("x", int), ("y", int)))(1, 2), WithDict(1, 2)]

        assert loads(pickle.dumps(objects), kind="pickle", trust=trust) == objects

    @pytest.mark.parametrize("fields", [[("x", int)], [("x", int), ("y", int), ("z", int, SEVEN)]])
    def test_another_number_of_fields(self, trust, fields):
        """Nobody knows which field the values belong to."""
        put(dataclass(*fields))
        steps = [Name(__name__, "Changing"), New(Ref(0), []), List([1, 2]), SetState(Ref(1), Ref(2))]

        with pytest.raises(CannotBuild, match="the state has 2 fields, and the class has"):
            build(Recipe(steps, Ref(1)), Trust(trust))


def test_a_field_without_a_value():
    """It can't be saved: no load could tell it from a new field."""
    cls = put(dataclass(("x", int), ("y", int)))
    obj = cls.__new__(cls)
    object.__setattr__(obj, "x", 1)
    for kind in KINDS:
        with pytest.raises(Exception, match="y"):
            dumps(obj, kind)


@pytest.mark.parametrize("kind", KINDS)
class TestStructs:
    def test_swapped(self, kind):
        """The fields of a struct are found by name."""
        msgspec = pytest.importorskip("msgspec")
        obj = put(msgspec.defstruct("Changing", [("x", int), ("y", int)], module=__name__))(1, 2)
        data = dumps({"it": obj}, kind)
        put(msgspec.defstruct("Changing", [("y", int), ("x", int)], module=__name__))

        back = loads(data, trust=EVERYTHING)["it"]

        assert (back.x, back.y) == (1, 2)

        put(msgspec.defstruct("Changing", [("y", int)], module=__name__))
        with pytest.raises(CannotBuild, match="'x'"):
            loads(data, trust=EVERYTHING)

    def test_frozen_with_keywords(self, kind):
        """A struct that msgspec rebuilds from keywords gets no field twice: a frozen one would refuse it."""
        msgspec = pytest.importorskip("msgspec")
        cls = put(msgspec.defstruct("Changing", [("x", int)], module=__name__, frozen=True, kw_only=True))

        assert loads(dumps(cls(x=1), kind), trust=EVERYTHING) == cls(x=1)


def test_hash_of_attrs():
    """A class of attrs that keeps its hash computes it anew."""
    attr = pytest.importorskip("attr")
    cls = put(attr.make_class("Changing", ["x"], slots=True, frozen=True, cache_hash=True))
    obj = cls(1)
    hash(obj)
    for kind in KINDS:
        back = loads(dumps(obj, kind), trust=EVERYTHING)

        assert hash(back) == hash(obj)
        assert back == obj


@pytest.mark.parametrize("trust", BOTH)
@pytest.mark.parametrize("kind", KINDS)
class TestUnset:
    @pytest.mark.parametrize("library", ["dataclasses", "attr"])
    def test_set_by_a_method(self, kind, trust, library):
        """A field that only a method sets may be unset, before and after. pickle can't save such an object."""
        if library == "attr":
            attr = pytest.importorskip("attr")
            cls = attr.make_class("Changing", {"x": attr.ib(), "group": attr.ib(init=False)}, slots=True)
        else:
            cls = dataclass(("x", int), ("group", int, dataclasses.field(init=False)))
        obj = put(cls)(1)

        back = loads(dumps(obj, kind), trust=trust)

        assert type(back) is cls
        assert back.x == 1
        assert not hasattr(back, "group")
        object.__setattr__(back, "group", 5)
        assert loads(dumps(back, kind), trust=trust).group == 5
