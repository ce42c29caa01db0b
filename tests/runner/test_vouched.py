import functools
import types

import pytest

from appsnap import EVERYTHING, errors
from appsnap.internet import StreamServerService, TimerService
from appsnap.recipe.trust import Trust
from appsnap.runner.vouched import check_vouched
from appsnap.service import Application, MultiService, Service
from appsnap.waiting import path


class Shop(Service):
    def tick(self):
        """Work."""

    def __call__(self):
        """Work."""

    @classmethod
    def made(cls):
        """Work."""


class Ticker(TimerService):
    pass


def work():
    """Work."""


@functools.lru_cache
def cached():
    """Work."""


def tree(*services):
    application = Application("shop")
    for service in services:
        service.setServiceParent(application)
    return application


TIMER = "appsnap.internet.TimerService"


class TestCallables:
    @pytest.mark.parametrize(
        ("function", "grant"),
        [
            (work, f"call:{__name__}.work"),
            (functools.partial(functools.partial(work)), f"call:{__name__}.work"),
            (bytearray, "call:builtins.bytearray"),
            (Shop().tick, f"{__name__}.Shop"),
            (Shop.made, f"{__name__}.Shop"),
            (Shop(), f"{__name__}.Shop"),
            ([].append, "builtins.list"),
            ("a".__add__, "builtins.str"),
            (print, "call:builtins.print"),
        ],
        ids=["function", "partial", "class", "method", "class method", "object", "list", "wrapper", "builtin"],
    )
    def test_are_asked_for(self, function, grant):
        """Each function that a timer would call needs trust, and so does the timer, all of them at once."""
        application = tree(TimerService(1, function), StreamServerService(function))

        with pytest.raises(errors.NotTrusted) as caught:
            check_vouched(application, Trust())

        wanted = [want.grant for want in caught.value.wants]
        assert {*wanted} == {TIMER, "appsnap.internet.StreamServerService", grant}
        assert "--trust" in caught.value.hint
        check_vouched(application, Trust(wanted))

    def test_of_a_subclass(self):
        """The function of a timer of a class of yours is the file's choice, too."""
        application = tree(Ticker(1, work))

        with pytest.raises(errors.NotTrusted) as caught:
            check_vouched(application, Trust([f"{__name__}.*"]))

        assert [want.grant for want in caught.value.wants] == [f"call:{__name__}.work"]

    def test_of_a_deep_service(self):
        """Services of services are looked at."""
        inner = MultiService()
        TimerService(1, work).setServiceParent(inner)

        with pytest.raises(errors.NotTrusted, match=r"application\.services\[0\]\.services\[0\]"):
            check_vouched(tree(inner), Trust([TIMER]))

    def test_of_a_component(self):
        """So is the service that a component of the application is."""
        application = Application("shop")
        application.components = {"appsnap.interfaces.IService": TimerService(1, work)}

        with pytest.raises(errors.NotTrusted):
            check_vouched(application, Trust())

    @pytest.mark.parametrize("method", ["privilegedStartService", "startService", "stopService"])
    def test_in_the_place_of_a_method(self, method):
        """An attribute may take the place of a method. It needs trust in each service, and in the application."""
        inner = tree(Service())
        for application, service in ((inner, inner), (inner, inner.services[0])):
            vars(service)[method] = functools.partial(bytearray, 10)

            with pytest.raises(errors.NotTrusted) as caught:
                check_vouched(application, Trust())

            assert [want.grant for want in caught.value.wants] == ["call:builtins.bytearray"]
            check_vouched(application, Trust(["call:builtins.bytearray"]))
            del vars(service)[method]

    @pytest.mark.parametrize("hook", ["afterRestore", "beforeSnapshot", "afterSnapshot"])
    def test_hooks(self, hook):
        """A hook is called if a service has it, so an attribute of its name needs trust in any service."""
        service = Service()
        vars(service)[hook] = work

        with pytest.raises(errors.NotTrusted, match=f"{__name__}.work to call"):
            check_vouched(tree(service), Trust())

    @pytest.mark.parametrize(
        ("function", "grants"),
        [
            (work.__call__, {f"call:{__name__}.work"}),
            (functools.partial(work).__call__, {f"call:{__name__}.work"}),
            (Shop().tick.__call__, {f"{__name__}.Shop"}),
            (types.MethodType(work, Shop()), {f"call:{__name__}.work", f"{__name__}.Shop"}),
            (functools.partial(Shop.made), {f"{__name__}.Shop"}),
            (cached, {f"call:{__name__}.cached"}),
        ],
        ids=["function", "partial", "method", "bound", "class method", "cached"],
    )
    def test_behind_others(self, function, grants):
        """The function that is called in the end needs trust, however it is wrapped."""
        service = Service()
        service.startService = function

        with pytest.raises(errors.NotTrusted) as caught:
            check_vouched(tree(service), Trust())

        assert {want.grant for want in caught.value.wants} == grants
        check_vouched(tree(service), Trust(grants))

    def test_called_later(self):
        """Functions of timers and servers have a trust of their own. It isn't for attributes, and makes no timer."""
        application = tree(TimerService(1, work), StreamServerService(work))
        servers = Trust([TIMER, "appsnap.internet.StreamServerService"])
        called = Trust([f"call:{__name__}.work", TIMER])

        check_vouched(application, servers, called)

        for trust, later in ((servers, Trust()), (Trust(), called)):
            with pytest.raises(errors.NotTrusted):
                check_vouched(application, trust, later)
        application.services[0].startService = work
        with pytest.raises(errors.NotTrusted) as caught:
            check_vouched(application, servers, called)
        assert [want.grant for want in caught.value.wants] == [f"call:{__name__}.work"]

    def test_hint_for_names_of_scripts(self):
        """A name that a shell would take for something else is quoted in the hint."""

        class Web(Service):
            def tick(self):
                """Work."""

        Web.__module__, Web.__qualname__ = "<shop.tac>", "Web"

        with pytest.raises(errors.NotTrusted) as caught:
            check_vouched(tree(TimerService(1, Web().tick)), Trust([TIMER]))

        assert caught.value.hint.endswith("--trust '<shop.tac>.Web'")
        check_vouched(tree(TimerService(1, Web().tick)), Trust([TIMER, "<shop.tac>.Web"]))

    def test_of_other_attributes(self):
        """Others that may be called are data: no class of appsnap calls them."""
        service = Service()
        service.work = work

        check_vouched(tree(service), Trust())

    def test_of_your_own_classes(self):
        """A tree of classes that are trusted needs nothing else."""
        check_vouched(tree(Shop(), MultiService()), Trust([f"{__name__}.Shop"]))
        check_vouched(tree(TimerService(1, work)), Trust(EVERYTHING))


def with_(**attributes):
    application = tree(Shop())
    vars(application).update(attributes)
    return application


def round_parents():
    one, other = MultiService(), MultiService()
    application = tree(one)
    one.parent, other.parent = other, one
    return application


ONE = Shop()


class TestTrees:
    @pytest.mark.parametrize(
        "application",
        [
            with_(name=[[]]),
            with_(name=range(10**12)),
            with_(name="a" * 5_000),
            with_(services=range(10**12)),
            with_(services=[1]),
            with_(services={}),
            with_(components={"appsnap.interfaces.IService": range(5)}),
            with_(services=[ONE, ONE]),
            round_parents(),
            MultiService.__new__(MultiService),
        ],
        ids=[
            "name-list",
            "name-range",
            "name-long",
            "range",
            "number",
            "dict",
            "component",
            "twice",
            "parents",
            "no-services",
        ],
    )
    def test_are_trees_of_services(self, application):
        """A tree that is none isn't run, and the message about it is short."""
        with pytest.raises((errors.CannotLoad, AttributeError)) as caught:
            check_vouched(application, Trust([f"{__name__}.*"]))

        assert type(caught.value) is errors.CannotLoad
        assert len(str(caught.value)) < 1_000

    def test_of_other_names(self):
        """A namespace that looks like a service is none."""
        with pytest.raises(errors.CannotLoad, match="no service"):
            check_vouched(types.SimpleNamespace(name="a", services=[]), Trust())

    def test_paths(self):
        """The path of a service ends where its parents come back, and shows other names than texts by their class."""
        one, other = MultiService(), MultiService()
        one.parent, other.parent = other, one
        one.name = other.name = [[]]

        assert path(one) == 'services["<builtins.list>"].services["<builtins.list>"]'
