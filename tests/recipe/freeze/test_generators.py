"""Generators that haven't begun are saved as the calls that made them, and so are ended ones; others are refused."""

import types

import pytest

from appsnap import EVERYTHING, CannotSave, NotTrusted, dumps, loads
from appsnap.kinds import KINDS


def count(first, /, step=1, *more, last=9, **rest):
    """Count, and yield the arguments at last."""
    yield from range(first, last, step)
    yield more, rest


def copied(*numbers):
    """Yield the numbers."""
    yield from numbers


class Counter:
    def __init__(self, end):
        self.end = end
        self.iterator = self.count(2)

    def count(self, step):
        """Count to the end."""
        yield from range(0, self.end, step)

    @classmethod
    def names(cls, more):
        """Yield the name of the class."""
        yield cls.__name__ + more

    @staticmethod
    def letters(text):
        """Yield the letters."""
        yield from text


class Other(Counter):
    def count(self, step):
        """Count from behind."""
        yield from reversed([*super().count(step)])


def counter_of(number, base=object):
    """Return a class with a generator that yields a number."""

    class Yields(base):
        def number(self):
            """Yield the number."""
            yield number

    return Yields


Low = counter_of(1)
High = counter_of(2, Low)
Low.__qualname__, High.__qualname__ = "Low", "High"


@pytest.mark.parametrize("kind", KINDS)
class TestUnbegun:
    def test_functions(self, kind):
        """Each sort of argument is the same."""
        made = [count(1), count(1, 2, 3, 4, last=5, more=6), copied(), copied(1, 2)]

        again = loads(dumps(made, kind), trust=EVERYTHING)

        assert {*map(type, again)} == {types.GeneratorType}
        assert [[*one] for one in again] == [[*one] for one in made]

    def test_methods(self, kind):
        """A method belongs to the restored object, which may hold the generator itself."""
        one, names, letters, base = loads(
            dumps([Counter(6), Other.names("!"), Counter.letters("ab"), Counter.count(Other(3), 1)], kind),
            trust=EVERYTHING,
        )

        one.end = 4
        assert [*one.iterator] == [0, 2]
        assert ([*names], [*letters], [*base]) == (["Other!"], ["a", "b"], [0, 1, 2])

    def test_changed_argument(self, kind):
        """An argument is the object of today, shared with others."""
        items = []
        made = [items, copied(items)]
        items.append(1)

        same, again = loads(dumps(made, kind), trust=EVERYTHING)

        assert next(again) is same == [1]

    def test_save_begins_nothing(self, kind):
        """The saved generator hasn't begun, either."""
        made = copied(1)

        dumps(made, kind)

        assert [*made] == [1]

    def test_strangers(self, kind):
        """A stranger's file needs trust in the function."""
        data = dumps(copied(1), kind)

        with pytest.raises(NotTrusted, match="copied"):
            loads(data)
        assert [*loads(data, trust=[f"call:{__name__}.copied"])] == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_ended(kind):
    """A generator that has ended is over, and any file may have one."""
    made = copied()
    assert [*made] == []

    one, same = loads(dumps([made, made], kind))

    assert one is same
    assert type(one) is types.GeneratorType
    assert [*one] == []


def begun():
    """Return a generator that has yielded."""
    made = copied(1, 2)
    next(made)
    return made


def local():
    """Return a generator of a function that no name leads to."""

    def one():
        yield 1

    return one()


@pytest.mark.parametrize("make", [begun, local, lambda: (x for x in ())])
def test_others(make):
    """A generator that has begun is refused, and so is one whose function isn't found."""
    with pytest.raises(CannotSave, match=r"\(builtins.generator\).*keep the arguments of its function"):
        dumps([make()])


def test_same_code():
    """A generator of a base whose method has the same code, and other variables, isn't taken for one of the class."""
    assert [*loads(dumps(High().number()), trust=EVERYTHING)] == [2]

    with pytest.raises(CannotSave, match="keep the arguments of its function"):
        dumps(Low.number(High()))
