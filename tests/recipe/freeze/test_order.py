import itertools
import random

import pytest

import zoo
from appsnap import dumps, loads
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import Set


def chain(*numbers):
    """Return the first of some linked nodes; the last one has a number."""
    found = zoo.Node()
    found.number = numbers[-1]
    for _ in range(numbers[0]):
        node = zoo.Node()
        node.next, found = found, node
    return found


def always_the_same(make, times=15):
    """Tell whether the graph that `make` returns gives the same bytes each time, wherever its objects are in memory."""
    found = set()
    for _ in range(times):
        kept = [zoo.Node() for _ in range(random.randrange(50))]
        found.add(dumps(make(), "msgpack"))
        del kept
    return len(found) == 1


class TestAtoms:
    def test_by_type_and_value(self):
        """Atoms come first, by type and value. Objects follow."""
        items = [None, False, 2, -5, 2.5, float("-inf"), "a", "b", b"a", (), zoo.Color.RED]
        expected = [None, False, -5, 2, float("-inf"), 2.5, "a", "b", b"a"]

        found = next(step.items for step in freeze(set(items)).steps if isinstance(step, Set))

        assert list(found[:9]) == expected
        assert len(found) == 11

    @pytest.mark.parametrize("item", ["text", "\udcff", b"bytes", 10**30, 1.5, (1, "a"), frozenset({"a", "b"})])
    def test_permutations(self, item):
        """The order of insertion makes no difference."""
        items = [item, "other", 5, None, (2, "x")]
        found = {dumps(set(order), "msgpack") for order in itertools.permutations(items)}

        assert len(found) == 1


class TestObjects:
    @pytest.mark.slow
    def test_by_content(self):
        """Objects with a difference deep inside are told apart."""
        assert always_the_same(lambda: {chain(depth, number) for depth in (1, 5, 20) for number in range(3)})

    def test_by_what_was_made_before(self):
        """Equal objects are told apart by the registers of the objects that they hold."""

        def make():
            twins = [zoo.Node(), zoo.Node()]
            return [twins, {zoo.Pair(twins[1], 1), zoo.Pair(twins[0], 1)}]

        assert always_the_same(make)

    def test_by_who_holds_them(self):
        """Equal objects are told apart by their other holders."""

        def make():
            twins = [zoo.Node() for _ in range(4)]
            return [set(twins), {twins[0], twins[1]}, {"a": twins[0]}, twins]

        assert always_the_same(make)

    def test_sets_of_a_subclass(self):
        """A subclass of set has the same order, although its reduction has a list."""
        assert always_the_same(lambda: zoo.MySet([chain(1, number) for number in range(5)] + ["a", "b", 1]))

    def test_nested_subclasses_in_cycles(self):
        """Sets of a subclass in a cycle are sorted, too."""

        def make():
            nodes = [zoo.Node() for _ in range(3)]
            for node in nodes:
                node.peers = zoo.MySet(nodes)
            return nodes[0].peers

        assert always_the_same(make, 3)
        assert len(loads(dumps(make(), "msgpack"), trust=["zoo.*", "call:zoo.MySet"])) == 3

    def test_buffers(self):
        """Objects are told apart by their buffers."""
        import numpy as np

        def make():
            found = set()
            for number in range(5):
                node = zoo.Node()
                node.array, node.bytes = np.full(100, number), bytearray(b"%d" % number)
                found.add(node)
            return found

        assert always_the_same(make)

    def test_what_cannot_be_taken_apart(self):
        """Objects that can't be saved don't stop the sorting. They are reported."""
        generators = {(x for x in ()) for _ in range(3)}

        with pytest.raises(TypeError, match="cannot save 3 objects"):
            freeze(generators)
