# ruff: noqa: D102 - the classes are as people write them
"""Tests of containers that wait for the hashes of their keys."""

import dataclasses

import attrs
import pytest

from appsnap import EVERYTHING, CannotBuild, dumps, loads
from appsnap.kinds import KINDS
from appsnap.recipe.build import build
from appsnap.recipe.steps import List, Name, New, Recipe, Ref, Set, State
from appsnap.recipe.trust import Trust


class Named:
    def __init__(self, name):
        self.name = name
        self.friends = set()
        self.notes = {}

    def __hash__(self):
        return hash(self.name)

    def __eq__(self, other):
        return isinstance(other, Named) and self.name == other.name


class Slotted:
    __slots__ = ("name", "notes")

    def __init__(self, name):
        self.name = name
        self.notes = {"first": 1, self: 2, "last": 3}

    def __hash__(self):
        return hash(self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    friends: set = dataclasses.field(default_factory=set, compare=False)


@attrs.frozen
class ByAttrs:
    name: str
    friends: set = attrs.field(factory=set, eq=False)


class Table(dict):
    def __init__(self, name):
        self.name = name
        self[self] = self

    def __hash__(self):
        return hash(self.name)


class Sorted(Named):
    """It makes its own state from the items of a container."""

    def __setstate__(self, state):
        self.__dict__.update(state, friends=set(state["friends"]))


class Broken(Named):
    def __hash__(self):
        return self.number()

    def number(self):
        return len(self.name)


def came_back(obj, kind):
    return loads(dumps(obj, kind), trust=EVERYTHING)


@pytest.mark.parametrize("kind", KINDS)
class TestLate:
    @pytest.mark.parametrize("cls", [Named, Frozen, ByAttrs])
    def test_friends(self, kind, cls):
        """Objects that are items of each other's sets come back, and are found there."""
        tea, milk = cls("tea"), cls("milk")
        tea.friends.add(milk)
        milk.friends.add(tea)
        made = came_back([tea, "after"], kind)[0]

        (other,) = made.friends
        assert made in other.friends
        assert cls("milk") in made.friends

    def test_own_key(self, kind):
        """An object may be a key of its own attribute, also inside of a tuple. The order of the keys is kept."""
        tea = Named("tea")
        tea.notes = {"first": 1, tea: 2, (tea, 1): [tea.notes], "last": 4}
        made = came_back(tea, kind)

        assert [*made.notes] == ["first", made, (made, 1), "last"]
        assert made.notes[Named("tea")] == 2

    def test_slots(self, kind):
        """An object with slots may be a key of its own slot."""
        made = came_back(Slotted("tea"), kind)

        assert made.notes[made] == 2
        assert [*made.notes] == ["first", made, "last"]

    def test_own_item(self, kind):
        """A dictionary may be a key of itself."""
        made = came_back(Table("tea"), kind)

        assert made[made] is made

    def test_granted(self, kind):
        """A stranger's file with the names that it lists comes back, too."""
        tea = Named("tea")
        tea.friends.add(tea)
        made = loads(dumps(tea, kind, sign=False), trust=[f"{__name__}.Named"])

        assert made in made.friends

    def test_state_from_an_unfilled_container(self, kind):
        """A class never gets a container whose items are still missing, if it may look at them."""
        tea, milk = Sorted("tea"), Sorted("milk")
        tea.friends.add(milk)
        milk.friends.add(tea)

        with pytest.raises(CannotBuild, match=r"friends.*has no attribute 'name'"):
            came_back(tea, kind)

    def test_no_hash_at_all(self, kind, monkeypatch):
        """The error of a key that never has a hash is reported with the path."""
        tea = Broken("tea")
        tea.friends.add(tea)
        data = dumps([tea, "after"], kind)
        monkeypatch.delattr(Broken, "number")

        with pytest.raises(CannotBuild, match=r"friends.*has no attribute 'number'"):
            loads(data, trust=EVERYTHING)


@pytest.mark.timeout(100)
def test_many_sets():
    """40,000 sets wait for one object."""
    many = 40_000
    steps = [Name(__name__, "Named"), New(Ref(0), []), *[Set([Ref(1)])] * many, State(Ref(1), ["name"], ["a"])]
    made = build(Recipe([*steps, List([Ref(2), Ref(1 + many)])], Ref(2 + many)), Trust([f"{__name__}.Named"]))

    assert [[one.name for one in some] for some in made] == [["a"], ["a"]]
