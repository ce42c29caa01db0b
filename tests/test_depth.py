from itertools import islice

import pytest

import zoo
from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS, kind_named
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.trust import wants

pytestmark = pytest.mark.slow

# Text takes longer, and what is the same for all kinds need not be seen four times.
LEVELS = {"pickle": 100_000, "msgpack": 100_000, "source": 20_000, "xml": 20_000}
LENGTHS = {"pickle": 200_000, "msgpack": 50_000, "source": 20_000, "xml": 20_000}


def nested(wrap, depth):
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
            case dict():
                (found,) = found.values()
            case _:
                found = found.part
        depth += 1
    return depth


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("wrap", "levels"),
    [(lambda part: (part,), 1), (lambda part: [({"key": in_object(part)},)], 4)],
    ids=["tuples", "all sorts"],
)
def test_deep_nesting(kind, wrap, levels):
    """What is nested 100,000 levels deep is saved, shown and loaded, both ways."""
    graph = nested(wrap, LEVELS[kind] // levels)

    data = dumps(graph, kind)
    recipe = kind_named(kind).read(memoryview(data)).recipe
    back = loads(data, trust=["zoo.*"])
    lines = list(text_lines(Outline(recipe)))

    assert unwrapped(back) == LEVELS[kind]
    assert len(lines) < 100
    assert {want.name for want in wants(recipe)} == ({"zoo.Node"} if levels > 1 else set())


@pytest.mark.parametrize("kind", KINDS)
def test_linked_list(kind):
    """A linked list of up to 200,000 objects, each of which knows both neighbours, is saved, shown and loaded."""
    first = last = zoo.Node()
    for number in range(1, LENGTHS[kind]):
        node = zoo.Node()
        node.number, node.before, node.next = number, last, None
        last.next = last = node

    data = dumps(first, kind)
    back = loads(data, trust=EVERYTHING if kind == "pickle" else ["zoo.*"])
    recipe = kind_named(kind).read(memoryview(data)).recipe
    lines = list(islice(text_lines(Outline(recipe), depth=50), 500))

    node, length = back, 1
    while node.next is not None:
        assert node.next.before is node
        node = node.next
        length += 1
    assert length == LENGTHS[kind]
    assert 50 <= len(lines) < 500
    assert [want.name for want in wants(recipe)] == ["zoo.Node"]
