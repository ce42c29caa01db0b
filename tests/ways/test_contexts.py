"""Context variables and contexts."""

import contextvars
import decimal

import pytest

import appsnap
from appsnap import EVERYTHING, loads
from appsnap.kinds import KINDS

CURRENT = contextvars.ContextVar("current", default="nobody")


@pytest.mark.parametrize("kind", KINDS)
class TestVariable:
    """`ContextVar`."""

    def test_of_module(self, kind):
        """A variable that a module holds comes back as that very one."""
        data = appsnap.dumps([CURRENT], kind=kind)

        assert loads(data, trust=EVERYTHING)[0] is CURRENT

    def test_of_nobody(self, kind):
        """Another one is made anew, by a stranger's file as well, once for all that refer to it."""
        variable = contextvars.ContextVar("variable")

        first, second = loads(appsnap.dumps([variable, variable], kind=kind, sign=False))

        assert first is second
        assert first.name == "variable"
        with pytest.raises(LookupError):
            first.get()

    def test_default(self, kind):
        """Its default comes back, and the value of this context doesn't."""
        variable = contextvars.ContextVar("variable", default=(1,))
        variable.set((2,))

        (restored,) = loads(appsnap.dumps([variable], kind=kind), trust=EVERYTHING)

        assert restored.get() == (1,)

    def test_context(self, kind):
        """A context comes back with its values, from a stranger's file as well."""
        first, second = contextvars.ContextVar("first"), contextvars.ContextVar("second")
        context = contextvars.Context()
        context.run(first.set, [1])
        context.run(second.set, 2)

        restored, variable = loads(appsnap.dumps([context, first], kind=kind, sign=False))

        assert restored[variable] == [1]
        assert sorted(map(str, restored.values())) == ["2", "[1]"]


def test_not_alive():
    """A copy of the current context is saved with its values, one of them the library's own."""
    decimal.getcontext()
    CURRENT.set("Ada")

    restored = loads(appsnap.dumps(contextvars.copy_context()), trust=EVERYTHING)

    assert restored[CURRENT] == "Ada"
