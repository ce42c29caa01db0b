import pytest

import zoo
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline
from appsnap.recipe.outline.nodes import Nodes
from appsnap.recipe.runs import Span
from appsnap.recipe.steps import Call, Dict, Extend, List, Name, New, Ref, SetState, State, Tuple, Update


class TestLazy:
    @pytest.mark.parametrize("value", zoo.VALUES, ids=lambda value: type(value).__name__)
    def test_any_order(self, value):
        """The nodes are the same, whether the first or the last one is made first."""
        recipe = freeze([value, value, [value]])
        forward, backward = Nodes(recipe.steps), Nodes(recipe.steps)

        nodes = [forward[register] for register in range(len(forward))]

        assert [backward[register] for register in reversed(range(len(backward)))][::-1] == nodes
        assert [*Nodes(recipe.steps)] == nodes

    def test_made_once(self):
        """A node is made once."""
        nodes = Nodes([List([1])])

        assert nodes[0] is nodes[0]

    def test_fillers_of_others(self):
        """A node gets its own fillings, in their order, wherever they stand."""
        recipe_steps = [List([1]), Dict([], []), Extend(Ref(0), [2]), Update(Ref(1), [1], [2]), Extend(Ref(0), [3, 4])]

        nodes = Nodes([*recipe_steps, List([]), Extend(Ref(2), [5]), Extend(Ref(0), [6])])

        assert [[*nodes[register].items] for register in (0, 2)] == [[1, 2, 3, 4, 6], [5]]
        assert nodes[1].pairs == [(1, 2)]

    def test_steps_stay(self):
        """A filling leaves the step that made the list as it is."""
        first = List([1])

        assert [*Nodes([first, Extend(Ref(0), [2])])[0].items] == [1, 2]
        assert first.items == [1]

    def test_shared_state(self):
        """Only the first object with a dictionary as its state has it as attributes, whichever is asked for first."""
        recipe_steps = [Name("zoo", "Node"), New(Ref(0), []), New(Ref(0), []), Dict(["a"], [1])]
        nodes = Nodes([*recipe_steps, SetState(Ref(1), Ref(3)), SetState(Ref(2), Ref(3)), Update(Ref(3), ["b"], [2])])

        second, first = nodes[2], nodes[1]

        assert (first.attributes, first.state) == ({"a": 1}, None)
        assert (second.attributes, second.state) == ({}, Ref(3))

    def test_pair_of_states(self):
        """A pair of dictionaries is attributes and slots. Any other state stays a state."""
        recipe_steps = [
            Name("zoo", "Node"),
            New(Ref(0), []),
            Dict(["a"], [1]),
            Dict(["b"], [2]),
            Tuple([Ref(2), Ref(3)]),
        ]

        assert Nodes([*recipe_steps, SetState(Ref(1), Ref(4))])[1].attributes == {"a": 1, "b": 2}
        assert Nodes([*recipe_steps, SetState(Ref(1), 5)])[1].state == 5

    def test_many_states(self):
        """The attributes of many states of one object are added up, and those of other objects stay theirs."""
        recipe_steps = [Name("zoo", "Node"), New(Ref(0), []), New(Ref(0), [])]
        recipe_steps += [Dict([f"a{number}"], [number]) for number in range(20_000)]
        recipe_steps += [SetState(Ref(1), Ref(3 + number)) for number in range(20_000)]

        nodes = Nodes(recipe_steps)

        assert nodes[1].attributes == {f"a{number}": number for number in range(20_000)}
        assert nodes[2].attributes == {}

    def test_setter(self):
        """A function that gives an object its state is among the fillings of that object."""
        recipe_steps = [Name("appsnap.actions", "adopt"), List([]), Call(Ref(0), [Ref(1), 5])]

        assert Nodes(recipe_steps)[1].state == 5

    def test_no_recursion(self):
        """A class of a class of a class, and so on, takes no recursion."""
        recipe_steps = [Name("m", "X"), *(New(Ref(number), []) for number in range(20_000))]

        assert len(Nodes(recipe_steps)[20_000].name) < 100

    def test_states_without_recursion(self):
        """Nor does a dictionary that has another one as its state, and so on."""
        recipe_steps = [Dict([], []) for _ in range(20_000)]
        recipe_steps += [SetState(Ref(number + 1), Ref(number)) for number in range(19_999)]

        assert Nodes(recipe_steps)[19_999].attributes == {}


class TestFacts:
    def test_names(self):
        """The names are those of the recipe, by register."""
        names = Nodes([Name("a", "B"), List([]), Name("c", "")]).names

        assert {register: name.dotted for register, name in names.items()} == {0: "a.B", 2: "c"}

    def test_registers(self):
        """The registers of a sort of steps, and those that may get an attribute."""
        nodes = Nodes([List([]), Name("a", "B"), New(Ref(1), []), State(Ref(2), ["x"], [1]), New(Ref(1), []), List([])])

        assert [*nodes.registers(List)] == [0, 4]
        assert [*nodes.registers_with("x")] == [2]
        assert [*nodes.registers_with("y")] == []

    def test_large_value(self):
        """A large value is not copied."""
        data = bytearray(1 << 20)

        (node,) = Outline(freeze(data)).nodes

        assert node.form == "bytearray"
        assert len(node.value) == 1 << 20

    def test_columns(self):
        """Items that are a column are a list in the node: to ask a column for one item takes as long as for all."""
        nodes = Nodes([*(List([]) for _ in range(9)), List(Span(0, 9))])

        assert type(nodes[9].items) is list
        assert nodes[9].items == [Ref(number) for number in range(9)]
