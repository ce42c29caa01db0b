"""Classes that the vectors trust: each does nothing but keep what it is given.

`called` has what was called all the same. A vector that needs them says so in its `trust`. An implementation in
another language needs classes of these names.
"""

from __future__ import annotations

import collections
import enum

from appsnap.evolve import Versioned

called: list[tuple[str, tuple]] = []
"""What was called, though the vectors only refer to it: it stays empty."""

settings = {"live": True}
"""An object that lives in the process: no vector may change it."""


def callback(*args, **keywords):
    """Leave a trace of having been called."""
    called.append(("callback", (*args, *keywords.items())))


class Plain:
    """An object with attributes, and a method to refer to."""

    def method(self, *args):
        """Leave a trace of having been called."""
        called.append(("Plain.method", args))


class Other(Plain):
    """An object of the same layout: `__class__` could be assigned."""


class Meta(type):
    """A class of classes."""


class Made(metaclass=Meta):
    """A class that such a class has made."""


class Slots:
    """An object with slots only."""

    __slots__ = ("first", "second")


class Hooked:
    """An object that takes its state itself."""

    def __setstate__(self, state):
        self.state = state


class Numbers(list):
    """A list with attributes."""


class Table(dict):
    """A dictionary with attributes."""


class Group(set):
    """A set with attributes."""


class Proxy(collections.UserDict):
    """Hands on to its attribute `data` what is set as its items."""


class Series(collections.UserList):
    """Hands on to its attribute `data` what it is extended by."""


class Chain(collections.ChainMap):
    """Hands on to the first of its `maps` what is set as its items."""


Pair = collections.namedtuple("Pair", "left right")  # noqa: PYI024 - as people write it without types


class Color(enum.Enum):
    """An enumeration."""

    RED = 1
    GREEN = 2


class Old(Versioned):
    """A class whose saved state is older than its code."""

    persistenceVersion = 1  # noqa: N815 - the name that Versioned looks for

    def upgradeToVersion1(self):
        """Leave a trace of the upgrade."""
        self.upgraded = True


class ByKeyword:
    """An object that is made from keyword arguments."""

    def __new__(cls, *, first=None):
        """Keep what is given."""
        self = super().__new__(cls)
        self.first = first
        return self


class Outer:
    """A class that holds another one."""

    class Inner:
        """A nested class."""
