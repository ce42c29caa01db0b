import zoo
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline
from appsnap.recipe.steps import Call, Dict, Extend, List, Name, New, Recipe, Ref, State, Tuple, Update


class TestLength:
    """The text is never much longer than the file, even if a long name is used often."""

    def test_paths(self, deep):
        """A long path keeps its end and the name of the root."""
        recipe = deep(98, "q", [List([])])
        outline = Outline(recipe)

        path = outline.path(Ref(0))

        assert path.startswith("object…[<m.qq")
        assert path.endswith("q>]")
        assert 1000 < len(path) < 1100
        assert len(outline.path(Ref(0), 200)) < 300

    def test_classes_in_classes(self):
        """The name of a class that was made doesn't grow with each class before it."""
        recipe = Recipe([Name("m", "X"), *(New(Ref(number), []) for number in range(100))], Ref(100))

        assert max(len(node.name) for node in Outline(recipe).nodes) < 100

    def test_nodes_share_nothing_that_is_filled(self):
        """Empty nodes share their containers until one is filled."""
        makers = [List([]), List([]), Dict([], []), Dict([], []), Name("zoo", "Node"), New(Ref(4), []), New(Ref(4), [])]
        fillers = [Extend(Ref(0), [1]), Update(Ref(2), [1], [2]), State(Ref(5), ["a"], [1])]

        nodes = Outline(Recipe([*makers, *fillers], Ref(0))).nodes

        assert ([*nodes[0].items], nodes[2].pairs, nodes[5].attributes) == ([1], [(1, 2)], {"a": 1})
        assert [([*nodes[at].items], nodes[at].pairs, nodes[at].attributes) for at in (1, 3, 6)] == [([], [], {})] * 3
        assert Outline(Recipe([List([])], Ref(0))).nodes[0].items == []


class TestPaths:
    def test_every_kind_of_place(self):
        """A path leads through attributes, items, keys and arguments."""
        node = zoo.Node()
        inner = [zoo.Node() for _ in range(6)]
        node.a, node.b = [inner[0]], {"k": inner[1], 5: (inner[2],)}
        node.__dict__["with space"] = inner[3]
        node.keyed = {inner[4]: 1}
        node.method = inner[5].method
        outline = Outline(freeze(node))
        paths = {
            outline.path(Ref(n))
            for n, part in enumerate(outline.nodes)
            if part.name == "zoo.Node" and part.form == "object"
        }

        assert paths == {
            "object",
            "object.a[0]",
            'object.b["k"]',
            "object.b[5][0]",
            'object.__dict__["with space"]',
            "object.keyed.keys()[0]",
            "object.method.__self__",
        }

    def test_unreachable(self):
        """A register that can't be reached is named by its class."""
        outline = Outline(Recipe([Name("zoo", "Node"), New(Ref(0), []), List([])], Ref(2)))

        assert outline.path(Ref(1)) == "<zoo.Node>"

    def test_roots(self):
        """An application's paths begin with its name."""
        recipe = Recipe([Name("appsnap.service", "Application"), New(Ref(0), []), Tuple([])], Ref(1))

        assert Outline(recipe).path(Ref(1)) == "application"
        assert Outline(recipe, root="mine").path(Ref(1)) == "mine"
        assert Outline(Recipe([], 5)).path(5) == "object"


def test_makers_and_fillers():
    """A class or function that the file made, and a call that filled an object, have a path, too."""
    recipe = Recipe(
        [
            *(Name("a", "make"), Call(Ref(0), ["X"]), New(Ref(1), []), Tuple([1]), Call(Ref(0), [Ref(1), Ref(3)])),
            *(Call(Ref(1), []), List([Ref(2), Ref(5)])),
        ],
        Ref(6),
    )
    outline = Outline(recipe)

    assert [outline.path(Ref(register)) for register in (1, 4, 3)] == [
        "object[0].__class__",
        "object[0].__class__ filled by",
        "object[0].__class__ filled by argument 1",
    ]
