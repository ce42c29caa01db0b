import collections
import functools
import subprocess
import sys
import types

import pytest

import appsnap
from appsnap import errors, service
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import Call, Extend, List, Name, Recipe, Ref, SetState, State, Tuple
from appsnap.recipe.trust import Trust


def partials(levels, between=None):
    """Return steps that make a partial of a partial, and so on, perhaps with containers between any two."""
    made = [Name("builtins", "list"), Name("functools", "partial"), Call(Ref(1), [Ref(0)])]
    register = 2
    for _ in range(levels - 1):
        held = Ref(register)
        if between == "tuple":
            made.append(Tuple([held]))
            register += 1
            arguments = Ref(register)
            made.append(Tuple([Ref(0), arguments, None, None]))
        elif between == "list":
            made += [List([held]), Tuple([Ref(register + 1)]), Tuple([Ref(0), Ref(register + 2), None, None])]
            register += 2
        else:
            made += [Tuple([]), Tuple([held, Ref(register + 1), None, None])]
            register += 1
        register += 1
        made += [Call(Ref(1), [Ref(0)]), SetState(Ref(register + 1), Ref(register))]
        register += 1
    return Recipe(made, Ref(register))


class TestLevels:
    @pytest.mark.parametrize("between", [None, "tuple", "list"])
    def test_are_bounded(self, between):
        """A thousand partials in each other load, directly or with containers between them; one more doesn't."""
        made = build(partials(1_000, between), Trust())

        assert type(made) is functools.partial
        with pytest.raises(errors.CannotLoad, match=r"levels=1,000"):
            build(partials(1_001, between), Trust())

    def test_are_not_bounded_in_files_that_are_trusted_as_a_whole(self):
        """Your own files may hold more."""
        assert type(build(partials(1_001), Trust(appsnap.EVERYTHING))) is functools.partial

    def test_may_be_raised(self):
        """The limit can be raised, as the hint says."""
        data = appsnap.dumps(chain(collections.deque, lambda one, other: one.append(other), 1_500))

        with pytest.raises(errors.CannotLoad, match="levels=1,000") as caught:
            appsnap.loads(data)

        assert "--limit levels=" in caught.value.hint
        assert type(appsnap.loads(data, limits=appsnap.Limits(levels=2_000))) is collections.deque

    def test_of_objects_that_lead_back(self):
        """Objects that lead back to each other are bounded as well, at a tenth."""

        def ring(count):
            made = [Name("builtins", "ValueError"), *(Call(Ref(0), []) for _ in range(count))]
            made += [State(Ref(at + 1), ["__cause__"], [Ref((at + 1) % count + 1)]) for at in range(count)]
            return Recipe(made, Ref(1))

        assert type(build(ring(100), Trust())) is ValueError
        with pytest.raises(errors.CannotLoad, match=r"levels=1,000"):
            build(ring(101), Trust())

    def test_filled_from_the_end(self):
        """The order in which objects are filled makes no difference."""
        made = [Name("collections", "deque"), *(Call(Ref(0), []) for _ in range(1_001))]
        fillings = [Extend(Ref(at), [Ref(at + 1)]) for at in range(1, 1_001)]

        for order in (fillings, fillings[::-1]):
            with pytest.raises(errors.CannotLoad, match=r"levels=1,000"):
                build(Recipe([*made, *order], Ref(1)), Trust())

    def test_of_an_honest_application(self):
        """Thousands of callbacks of services that lead back to their application are no levels in each other."""
        application = service.Application("shop")
        handlers = {}
        for number in range(3_000):
            child = service.Service()
            child.callback = functools.partial(application.getServiceNamed, handlers)
            child.queue = collections.deque([child.callback, handlers])
            handlers[number] = child.stop = functools.partial(print, handlers, child.queue.append)
            child.setServiceParent(application)
        grants = ["appsnap.service.Application.getServiceNamed", "builtins.print"]

        loaded = build(freeze(application), Trust(grants))

        assert len(loaded.services) == 3_000


def chain(make, hold, levels):
    """Return an object that holds another, and so on."""
    inner = make()
    for _ in range(levels - 1):
        outer = make()
        hold(outer, inner)
        inner = outer
    return inner


def cause(one, other):
    one.__cause__ = other


HOLDERS = {
    "deque": (collections.deque, lambda one, other: one.append(other)),
    "default-dict": (lambda: collections.defaultdict(list), lambda one, other: one.update(a=other)),
    "ordered-dict": (collections.OrderedDict, lambda one, other: one.update(a=other)),
    "namespace": (types.SimpleNamespace, lambda one, other: one.__dict__.update(a=other)),
    "exception": (ValueError, cause),
    "stop": (StopIteration, cause),
    "user-list": (collections.UserList, lambda one, other: one.append(other)),
    "list": (list, lambda one, other: one.append(other)),
}


class TestSmallStacks:
    @pytest.mark.parametrize("name", HOLDERS)
    def test_are_enough(self, name):
        """Everything that loads can be freed in a thread of 1 MiB of stack."""
        script = (
            "import sys, threading, gc, appsnap\n"
            "def free():\n    loaded = appsnap.loads(sys.stdin.buffer.read())\n"
            "    gc.collect()\n    del loaded\n    gc.collect()\n"
            "threading.stack_size(1 << 20)\n"
            "thread = threading.Thread(target=free)\nthread.start()\nthread.join()\n"
        )
        data = appsnap.dumps(chain(*HOLDERS[name], 1_000), "msgpack")

        done = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=False)

        assert done.returncode == 0, done.stderr
        assert b"Error" not in done.stderr
