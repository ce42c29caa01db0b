"""Objects that are found by a name, and objects that are made of attributes alone."""

import asyncio
import functools
import inspect
import sysconfig

import pytest

from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS


def through(function):
    """Return a decorated function."""

    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@through
@functools.lru_cache
def twice(number):
    """Return twice a number."""
    return 2 * number


class Parameter(inspect.Parameter):
    """A parameter with a constructor of its own, and slots beside those of its base."""

    __slots__ = ("text",)

    def __init__(self, text):
        super().__init__("name", inspect.Parameter.KEYWORD_ONLY, default=3)
        self.text = text


class Hidden:
    """An object whose attributes all go to a dictionary in a slot."""

    __slots__ = ("_values",)

    def __init__(self):
        object.__setattr__(self, "_values", {})

    def __getattr__(self, name):
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self._values[name] = value


@pytest.mark.parametrize("kind", KINDS)
class TestNames:
    """Names that lead to an object."""

    def restored(self, obj, kind):
        """Save and load an object."""
        return loads(dumps([obj], kind=kind), trust=EVERYTHING)[0]

    def test_behind_decorators(self, kind):
        """A function is found behind the decorators that have taken its name."""
        inner = twice.__wrapped__.__wrapped__

        assert self.restored(inner, kind) is inner
        assert self.restored(twice.__wrapped__, kind) is twice.__wrapped__

    def test_sentinel_without_state(self, kind, module):
        """A library's sentinel goes by name even if it has an `__eq__`, for it can have no state."""
        shop = module(
            "shop_library",
            "class Missing:\n    __slots__ = ()\n    def __eq__(self, other): return False\n"
            "    def __hash__(self): return 0\nMISSING = Missing()\n",
        )
        shop.__file__ = f"{sysconfig.get_paths()['purelib']}/shop_library.py"

        assert self.restored(shop.MISSING, kind) is shop.MISSING

    def test_other_constructor(self, kind):
        """A subclass of a class written in Python consists of its attributes, whatever its constructor takes."""
        found = self.restored(Parameter("hint"), kind)

        assert (found.text, found.name, found.default, found.kind) == (
            "hint",
            "name",
            3,
            inspect.Parameter.KEYWORD_ONLY,
        )

    def test_slot(self, kind):
        """A slot is set as it is, where the class puts attributes elsewhere."""
        obj = Hidden()
        obj.color = "red"

        assert self.restored(obj, kind).color == "red"

    def test_closed_loop(self, kind):
        """A closed event loop comes back closed."""
        loop = asyncio.new_event_loop()
        loop.close()

        assert loads(dumps([loop], kind=kind, sign=False))[0].is_closed()
