import collections

import pytest

import appsnap
import zoo
from appsnap.errors import CannotBuild
from appsnap.kinds import KINDS
from appsnap.recipe.build import build
from appsnap.recipe.steps import Call, Dict, Extend, List, Name, New, Recipe, Ref, SetState, State, Tuple
from appsnap.recipe.trust import Trust


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("builtins.frozenset", ("text",)),
            ("builtins.set", ({1: 2},)),
            ("collections.Counter", ([1],)),
            ("collections.OrderedDict", (zoo.Node(),)),
            ("collections.defaultdict", (int, {})),
            ("collections.deque", ("text",)),
            ("collections.deque", ([], "5")),
            ("functools.partial", (5,)),
            ("functools.partial", (print, "x")),
            ("types.MappingProxyType", (zoo.MyDict(),)),
            ("types.SimpleNamespace", (1,)),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit containers are refused, at once."""
        refused(name, args)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trust", [(), appsnap.EVERYTHING])
def test_counter_with_attributes(kind, trust):
    """A counter keeps its attributes, though its own reduction leaves them out."""
    counter = collections.Counter("aab")
    counter.parts = [counter]

    back = appsnap.loads(appsnap.dumps(counter, kind), trust=trust)

    assert back == counter
    assert back.parts[0] is back


class TestChainMaps:
    @pytest.mark.parametrize("late", [False, True])
    def test_in_each_other(self, late):
        """A ChainMap with another one twice, and so on, is refused, however it gets them."""
        steps = [Name("collections", "ChainMap"), New(Ref(0), []), List([]), State(Ref(1), ["maps"], [Ref(2)])]
        steps += [New(Ref(0), []), List([] if late else [Ref(1)])]
        if late:
            steps += [State(Ref(3), ["maps"], [Ref(4)]), Extend(Ref(4), [Ref(1), Ref(1)])]
        else:
            steps += [Dict(["maps"], [Ref(4)]), Tuple([Ref(5), None]), SetState(Ref(3), Ref(6))]

        with pytest.raises(CannotBuild, match=r"\(collections.ChainMap\): TypeError: this is no state"):
            build(Recipe(steps, Ref(3)), Trust())


@pytest.mark.parametrize("count", [1, 2])
def test_partials_of_each_other(count):
    """No partial calls itself: where a defaultdict makes an item by it, Python's stack would overflow."""
    made = [Name("functools", "partial"), Name("builtins", "list")]
    made += [*([Call(Ref(0), [Ref(1)])] * count), Tuple([]), Dict([], [])]
    for at in range(count):
        function = Ref(2 + (at + 1) % count)
        made += [Tuple([function, Ref(2 + count), Ref(3 + count), None]), SetState(Ref(2 + at), Ref(4 + count + at))]

    with pytest.raises(CannotBuild, match="no state of a partial"):
        build(Recipe(made, Ref(2)), Trust())


@pytest.mark.parametrize(("name", "attribute"), [("ChainMap", "maps"), ("UserList", "data"), ("UserDict", "data")])
def test_slots(name, attribute):
    """A state has attributes twice, in a dictionary and as slots. Both are checked."""
    made = [Name("collections", name), New(Ref(0), []), Tuple([]), Dict([attribute], [Ref(2)]), Tuple([None, Ref(3)])]

    with pytest.raises(CannotBuild, match=f"no state of a {name}"):
        build(Recipe([*made, SetState(Ref(1), Ref(4))], Ref(1)), Trust())
