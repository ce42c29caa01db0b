import sys
from itertools import islice
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zoo

from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS, kind_named
from appsnap.recipe.outline import Outline
from appsnap.recipe.trust import wants

DEPTH = 100_000
LENGTH = 200_000


def nested(wrap, depth=DEPTH):
    found = "the end"
    for _ in range(depth):
        found = wrap(found)
    return found


def in_object(part):
    node = zoo.Node()
    node.part = part
    return node


def unwrapped(found):
    """Take apart, from the outside; return how deep it was, and what is inside."""
    depth = 0
    while found != "the end":
        match found:
            case list() | tuple():
                (found,) = found
            case frozenset():
                (found,) = found
            case dict():
                (found,) = found.values()
            case _:
                found = found.part
        depth += 1
    return depth


def dismantle(found):
    """Take apart what Python would take apart by recursion, when it is thrown away."""
    while isinstance(found, zoo.Node):
        found.__dict__, found = {}, getattr(found, "part", getattr(found, "next", None))


WRAPS = {
    "list": lambda part: [part],
    "tuple": lambda part: (part,),
    "dict": lambda part: {"key": part},
    "object": in_object,
    "mixed": lambda part: [({"key": part},)],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", WRAPS)
def test_deep_nesting(kind, form):
    """What is nested 100,000 levels deep is saved, shown and loaded, both ways."""
    depth = DEPTH if form != "mixed" else DEPTH // 3
    graph = nested(WRAPS[form], depth)

    data = dumps(graph, kind)
    recipe = kind_named(kind).read(memoryview(data)).recipe
    back = loads(data, trust=["zoo.*"])
    lines = list(Outline(recipe).lines())

    assert unwrapped(back) == (depth if form != "mixed" else 3 * depth)
    assert len(lines) < 100
    assert {want.name for want in wants(recipe)} == ({"zoo.Node"} if form == "object" else set())
    dismantle(graph)
    dismantle(back)


@pytest.mark.parametrize("kind", KINDS)
def test_linked_list(kind):
    """A linked list of 200,000 objects, each of which knows both neighbours, is saved, shown and loaded."""
    first = last = zoo.Node()
    for number in range(1, LENGTH):
        node = zoo.Node()
        node.number, node.before, node.next = number, last, None
        last.next = last = node

    data = dumps(first, kind)
    back = loads(data, trust=EVERYTHING if kind == "pickle" else ["zoo.*"])
    recipe = kind_named(kind).read(memoryview(data)).recipe
    lines = list(islice(Outline(recipe).lines(depth=50), 500))

    node, length = back, 1
    while node.next is not None:
        assert node.next.before is node
        node = node.next
        length += 1
    assert length == LENGTH
    assert 50 <= len(lines) < 500
    assert [want.name for want in wants(recipe)] == ["zoo.Node"]
    dismantle(first)
    dismantle(back)
