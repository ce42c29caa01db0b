import hashlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

import zoo
from appsnap import EVERYTHING, dumps, loads
from appsnap.code import skeletons
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe.build import build
from appsnap.recipe.freeze.fast import LEVELS
from appsnap.recipe.freeze.walk import Walk
from appsnap.recipe.trust import Trust
from isomorphism import difference, listed

WRITTEN_FROM_RECIPES = KINDS[1:]
TRUST = [
    "zoo.*",
    "zoo.function",
    "call:zoo.MySet",
    "call:zoo.ByCall",
    "builtins.len",
    "builtins.dict.fromkeys",
    "builtins.str.upper",
]

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**5000, -(10**5000), 2**31, 255, 256]),
    st.floats(allow_nan=True),
    st.sampled_from([float("nan"), -0.0, float("inf"), 5e-324]),
    st.text(st.characters(), max_size=80),
    st.sampled_from(["\ud800", "a\udcff" * 50, "\x00\n\r\t\u2028\u202e", "ä" * 64, "x" * 65, '"' * 3 + "'\\"]),
    st.binary(max_size=80),
    st.sampled_from([b"\xff" * 65, b"'\"\\" * 30]),
)
NAMES = st.text("abcmnxyz", min_size=1, max_size=3) | st.sampled_from(["class", "name", "self", "None", "ä", "a b", ""])
INDEX = st.integers(0, 30)
SPECS = st.tuples(
    st.lists(st.sampled_from(sorted(zoo.MUTABLE)), min_size=1, max_size=7),
    st.lists(st.tuples(st.sampled_from(sorted(zoo.IMMUTABLE)), st.lists(INDEX, max_size=3), ATOMS), max_size=6),
    st.lists(st.tuples(INDEX, NAMES, INDEX, INDEX), max_size=20),
    INDEX,
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
class TestGraphs:
    @given(SPECS)
    def test_come_back(self, kind, spec):
        """A graph comes back with its types, its values, and everything shared that was, cycles included."""
        graph = zoo.make(spec)

        back = loads(dumps(graph, kind), trust=TRUST)

        assert difference(graph, back) is None

    @given(ATOMS)
    def test_atoms(self, kind, atom):
        """Atoms come back, as the whole and as keys and items."""
        graph = [atom, {atom: atom}, {atom}, (atom,), {"a": [atom, atom]}]

        assert difference(graph, loads(dumps(graph, kind))) is None
        assert difference(atom, loads(dumps(atom, kind))) is None

    @given(SPECS)
    def test_of_a_pickle(self, kind, spec):
        """What the C pickler wrote is converted without building it, and gives the same objects."""
        graph = zoo.make(spec)
        recipe = kind_named("pickle").read(memoryview(dumps(graph, "pickle"))).recipe

        data = b"".join(kind_named(kind).write(Header(kind), recipe, {}))

        assert difference(graph, loads(data, trust=TRUST)) is None


class TestFreezing:
    @pytest.mark.slow
    @given(SPECS)
    def test_fast_or_not(self, spec):
        """The fast way through a graph gives the steps that the generators give."""
        graph = zoo.make(spec)

        fast, plain = (Walk("object", fast=fast).freeze(graph) for fast in (True, False))

        assert repr((listed(fast.steps), fast.root)) == repr((listed(plain.steps), plain.root))

    @pytest.mark.parametrize("kind", KINDS)
    def test_class_that_leads_back(self, kind):
        """A class that is saved by value and holds one of its objects holds that one, not another."""

        class Local:
            pass

        Local.instance = Local()
        data = dumps([Local.instance], kind)
        skeletons._alive.clear()  # as in another process

        (back,) = loads(data, trust=EVERYTHING)

        assert type(back).instance is back

    def test_what_a_state_makes_lives_long_enough(self):
        """No two containers that states make, and whose items lead back to them, are taken for one."""
        graph = [zoo.Fresh(number) for number in range(300)]

        back = loads(dumps(graph, "msgpack"), trust=["zoo.*"])

        assert [one.made[0].number for one in back] == [*range(300)]
        assert all(one.made[0].back is one.made for one in back)

    def test_classes_that_call_themselves_equal(self):
        """Objects of two classes that a metaclass takes for equal come back as what they are."""
        back = loads(dumps([zoo.Upper(), zoo.upper(), zoo.Upper()], "msgpack"), trust=EVERYTHING)

        assert [type(one).__name__ for one in back] == ["Upper", "upper", "Upper"]

    @pytest.mark.parametrize("depth", [LEVELS - 1, LEVELS, LEVELS + 1, 3 * LEVELS])
    def test_below_the_levels(self, depth):
        """What lies deeper than the fast way goes is taken apart all the same, cycles included."""
        graph = innermost = [zoo.Node()]
        for number in range(depth):
            graph = ([graph], {number: graph}, (graph, "x" * 65))[number % 3]
        innermost.append(graph)

        fast, plain = (Walk("object", fast=fast).freeze(graph) for fast in (True, False))

        assert (listed(fast.steps), fast.root) == (listed(plain.steps), plain.root)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITTEN_FROM_RECIPES)
class TestBytes:
    @given(SPECS)
    def test_same_for_same_graphs(self, kind, spec):
        """Two graphs that can't be told apart give the same bytes, whatever order their sets have."""
        assert dumps(zoo.make(spec), kind) == dumps(zoo.make(spec), kind)

    @given(SPECS)
    def test_same_again(self, kind, spec):
        """Saving, loading and saving again gives the same bytes."""
        data = dumps(zoo.make(spec), kind)

        assert dumps(loads(data, trust=TRUST), kind) == data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [*zoo.VALUES, *zoo.ARRAYS], ids=lambda value: f"{type(value).__name__}")
class TestValues:
    def test_come_back(self, kind, value):
        """A value comes back, shared where it was, without trust in more than the classes of the test."""
        graph = [value, {"a": value}]
        data = dumps(graph, kind)

        back = loads(data, trust=TRUST)

        assert difference(graph, back) is None
        if kind != "pickle":
            assert dumps(back, kind) == data

    def test_come_back_when_trusted_as_code(self, kind, value):
        """Where everything is trusted, other code makes the values; they are the same."""
        graph = [value, {"a": value}]

        assert difference(graph, loads(dumps(graph, kind), trust=EVERYTHING)) is None


@pytest.mark.slow
class TestProcesses:
    CHILD = """
import hashlib, json, sys
import zoo, appsnap
shared = [zoo.Node() for _ in range(4)]
for number, node in enumerate(shared):
    node.peers = {x for x in shared if x is not node}
    node.number = number // 2
twins = {zoo.Node(), zoo.Node(), zoo.Node()}
graphs = [
    {f"key{n}" for n in range(100)} | {n * 7919 for n in range(50)} | {n / 3 for n in range(20)},
    frozenset(frozenset({f"a{n}", f"b{n}"}) for n in range(50)),
    {(f"a{n}", n) for n in range(50)},
    [shared, set(shared), {(a, b) for a in shared for b in shared}],
    [twins, {zoo.Pair(x, 1) for x in twins}, list(sorted(twins, key=id))[0] in twins],
    {zoo.Color.RED, zoo.Color.GREEN, None, True, 2, 3.5, "a", b"a", (), frozenset(), zoo.Node, len},
    {zoo.Frozen(n): {n} for n in range(10)},
    {zoo.Frozen({zoo.Frozen({f"x{n}", f"y{n}"}) for n in range(m)}) for m in range(5)},
]
print(json.dumps([hashlib.sha256(appsnap.dumps(g, k)).hexdigest() for g in graphs for k in sys.argv[1:]]))
"""

    def test_agree(self):
        """The same objects give the same bytes in every process."""
        found = set()
        for seed in ("1", "2", "3"):
            environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
            child = [sys.executable, "-c", self.CHILD, *WRITTEN_FROM_RECIPES]
            found.add(subprocess.run(child, env=environment, capture_output=True, text=True, check=True).stdout)

        assert len(found) == 1
        assert len(json.loads(found.pop())) == 8 * len(WRITTEN_FROM_RECIPES)


@pytest.mark.parametrize("kind", WRITTEN_FROM_RECIPES)
def test_a_recipe_is_what_it_was(kind):
    """A kind gives back the steps that it was given."""
    graph = [*zoo.VALUES, *zoo.ARRAYS]
    recipe = kind_named("pickle").read(memoryview(dumps(graph, "pickle"))).recipe
    data = b"".join(kind_named(kind).write(Header(kind), recipe, {}))

    again = kind_named(kind).read(memoryview(data)).recipe

    assert (
        hashlib.sha256(b"".join(kind_named(kind).write(Header(kind), again, {}))).digest()
        == hashlib.sha256(data).digest()
    )
    assert difference(graph, build(again, Trust(EVERYTHING))) is None
