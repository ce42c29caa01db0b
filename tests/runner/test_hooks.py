import pytest

from appsnap.errors import ServiceError
from appsnap.runner.hooks import after_restore, around_snapshot
from appsnap.service import Application, MultiService, Service


class Hooked(Service):
    """Notes the calls of its hooks."""

    def __init__(self, name, calls, failing=()):
        self.name = name
        self.calls = calls
        self.failing = failing

    def _called(self, hook):
        self.calls.append(f"{hook} {self.name}")
        if hook in self.failing:
            raise ValueError(f"no {hook}")

    def beforeSnapshot(self):  # noqa: D102 - see `hooks`
        self._called("before")

    def afterSnapshot(self):  # noqa: D102 - see `hooks`
        self._called("after")

    def afterRestore(self):  # noqa: D102 - see `hooks`
        self._called("restore")


def tree(*children):
    application = Application("app")
    Service().setServiceParent(application)
    for child in children:
        child.setServiceParent(application)
    return application


class TestAroundSnapshot:
    def test_order(self):
        """The second hooks come in the reverse order of the first ones."""
        calls = []
        application = tree(Hooked("a", calls), Hooked("b", calls))

        with around_snapshot(application, pytest.fail):
            calls.append("save")

        assert calls == ["before a", "before b", "save", "after b", "after a"]

    def test_first_hook_fails(self):
        """The save doesn't take place, and those that were told so far are told the end."""
        calls = []
        application = tree(Hooked("a", calls), Hooked("b", calls, ["before"]), Hooked("c", calls))

        with (
            pytest.raises(ServiceError, match=r'beforeSnapshot of application\.services\["b"\] .*Hooked.*no before'),
            around_snapshot(application, pytest.fail),
        ):
            calls.append("save")

        assert calls == ["before a", "before b", "after b", "after a"]

    def test_save_fails(self):
        """The second hooks are called all the same, and the error is that of the save."""
        calls = []

        with pytest.raises(OSError, match="full"), around_snapshot(tree(Hooked("a", calls)), pytest.fail):
            raise OSError(28, "full")
        assert calls == ["before a", "after a"]

    def test_second_hook_fails(self):
        """Each error is told, the others are called, and nothing is raised."""
        calls = []
        errors = []
        application = tree(Hooked("a", calls), Hooked("b", calls, ["after"]))

        with around_snapshot(application, errors.append):
            pass

        assert calls == ["before a", "before b", "after b", "after a"]
        assert [error.path for error in errors] == ['application.services["b"]']

    def test_coroutine(self):
        """A coroutine is an error: nobody would wait for it."""

        class Wrong(Service):
            async def beforeSnapshot(self):
                pass

        with pytest.raises(ServiceError, match="plain method"), around_snapshot(tree(Wrong()), pytest.fail):
            pytest.fail("saved all the same")

    def test_deep_tree(self):
        """The depth of a tree has no limit."""
        calls = []
        application = parent = Application("deep")
        for _ in range(5_000):
            child = MultiService()
            child.setServiceParent(parent)
            parent = child
        Hooked("a", calls).setServiceParent(parent)

        with around_snapshot(application, pytest.fail):
            pass

        assert calls == ["before a", "after a"]


class TestAfterRestore:
    def test_called_once(self):
        """Each service is told, in the order of the tree."""
        calls = []

        after_restore(tree(Hooked("a", calls), Hooked("b", calls)))

        assert calls == ["restore a", "restore b"]

    def test_fails(self):
        """An error has the path."""
        with pytest.raises(ServiceError, match=r'afterRestore of application\.services\["a"\]'):
            after_restore(tree(Hooked("a", [], ["restore"])))
