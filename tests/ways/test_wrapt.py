"""Functions and methods that wrapt decorates come back, and so do its proxies."""

import pytest

from appsnap import EVERYTHING, CannotSave, dumps, loads
from appsnap.kinds import KINDS

wrapt = pytest.importorskip("wrapt")


@wrapt.decorator
def loud(wrapped, instance, args, keywords):
    """Return the result in capital letters."""
    return wrapped(*args, **keywords).upper()


@loud
def greet(name):
    """Greet somebody."""
    return f"hello {name}"


class Greeter:
    def __init__(self, name):
        self.name = name

    @loud
    def greet(self):
        """Greet the one."""
        return f"hello {self.name}"

    @loud
    @classmethod
    def kind(cls):
        """Return the name of the class."""
        return cls.__name__


class Polite(Greeter):
    pass


def greeting(name):
    """Return a function that no name leads to."""
    return loud(lambda: f"hello {name}")


@pytest.mark.parametrize("kind", KINDS)
class TestWrapt:
    def test_functions(self, kind):
        """A function of a module is the same one, and another one works as before."""
        found, other = loads(dumps([greet, greeting("bob")], kind), trust=EVERYTHING)

        assert found is greet
        assert other() == "HELLO BOB"

    def test_methods(self, kind):
        """A bound method belongs to the restored object, also one of a base."""
        ann = Greeter("ann")

        again, method, of_base, of_class = loads(
            dumps([ann, ann.greet, Polite("bob").greet, Polite.kind], kind), trust=EVERYTHING
        )

        again.name = "eve"
        assert (method(), of_base(), of_class()) == ("HELLO EVE", "HELLO BOB", "POLITE")

    def test_proxies(self, kind):
        """A proxy is one of the restored object."""
        prices = {"tea": 3}

        again, proxy = loads(dumps([prices, wrapt.ObjectProxy(prices)], kind), trust=EVERYTHING)

        assert type(proxy) is wrapt.ObjectProxy
        assert proxy.__wrapped__ is again

    def test_own_attributes(self, kind):
        """A proxy and a function keep the attributes that are their own, and not those of the dictionary below."""
        proxy, function = wrapt.ObjectProxy({"_self_below": 1}), greeting("bob")
        proxy._self_count, function._self_calls = 3, [proxy]

        again, other = loads(dumps([proxy, function], kind), trust=EVERYTHING)

        assert (again._self_count, dict(again)) == (3, {"_self_below": 1})
        assert not hasattr(again, "_self_below")
        assert other._self_calls[0] is again
        assert other() == "HELLO BOB"

    def test_refused(self, kind):
        """A bound function that no class has is refused with its reason."""
        bound = loud(Greeter.kind.__wrapped__.__func__).__get__(Greeter("ann"), Greeter)

        with pytest.raises(CannotSave, match="a bound function that its class doesn't have under a name"):
            dumps(bound, kind)
