import pytest

from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.spellings import RESTORE_STATE
from appsnap.recipe.steps import Ref

READS = [
    (steps.Name("a", "b"), []),
    (steps.Value("x"), []),
    (steps.ByteArray(b"x"), []),
    (steps.Tuple([1, 2]), [1, 2]),
    (steps.List([1, 2]), [1, 2]),
    (steps.Set([1, 2]), [1, 2]),
    (steps.FrozenSet([1, 2]), [1, 2]),
    (steps.Dict([1, 2], [3, 4]), [1, 3, 2, 4]),
    (steps.New(Ref(0), [1], ["a"], [2]), [0, 1, 2]),
    (steps.Call(Ref(0), [1]), [0, 1]),
    (steps.Member(Ref(0), "x"), [0]),
    (steps.Extend(Ref(0), [1]), [0, 1]),
    (steps.Update(Ref(0), [1, 2], [3, 4]), [0, 1, 3, 2, 4]),
    (steps.Add(Ref(0), [1]), [0, 1]),
    (steps.State(Ref(0), ["a"], [1]), [0, 1]),
    (steps.SetState(Ref(0), 1), [0, 1]),
]


class TestOperands:
    @pytest.mark.parametrize(("step", "read"), READS, ids=lambda value: type(value).__name__)
    def test_of_each_step(self, step, read):
        """What a step reads, in order."""
        assert steps.operands(step) == read

    def test_all_steps(self):
        """No step is missing here, or in the tables."""
        assert {type(step) for step, _ in READS} == set(steps.Step.__args__)
        assert [*steps.FIELDS] == [*steps.Step.__args__]
        assert {steps.Extend, steps.Update, steps.Add, steps.State, steps.SetState} == steps.FILLERS
        assert set(steps.FIELDS) == steps.MAKERS | steps.FILLERS

    @pytest.mark.parametrize("step", steps.FIELDS)
    def test_fields(self, step):
        """The schema has a sort for each field of a step."""
        assert len(steps.FIELDS[step]) == len(step._fields)
        assert Ref not in steps.ATOMS


class TestRecipeBuilder:
    def test_names_once(self):
        """A name gets one register, when something refers to it."""
        builder = RecipeBuilder()

        assert builder.operand(steps.Name("a", "b")) == Ref(0)
        assert builder.operand(steps.Name("a", "b")) == Ref(0)
        assert builder.finish(steps.Name("a", "c")).steps == [steps.Name("a", "b"), steps.Name("a", "c")]

    def test_long_texts_once(self):
        """A long text becomes one value wherever it stands."""
        builder = RecipeBuilder()

        builder.new(steps.Name("a", "b"), ["x" * 65], ["k"], ["x" * 65])

        assert builder.steps == [
            steps.Name("a", "b"),
            steps.Value("x" * 65),
            steps.New(Ref(0), [Ref(1)], ["k"], [Ref(1)]),
        ]

    def test_numbers_are_no_registers(self):
        """The number 0 isn't what register 0 holds."""
        builder = RecipeBuilder()
        builder.operand(steps.Name("a", "b"))

        assert builder.meant(0) == 0
        assert builder.meant(False) is False
        assert builder.meant(Ref(0)) == steps.Name("a", "b")

    def test_calls_of_what_is_no_name(self):
        """An atom can't be called."""
        with pytest.raises(TypeError):
            RecipeBuilder().call(5, [])

    def test_spellings(self):
        """What a call is a spelling of is found through names and texts that have registers."""
        builder = RecipeBuilder()
        name, text = builder.operand(steps.Name("builtins", "getattr")), builder.operand("x" * 65)

        assert builder.call(name, [steps.Name("a", "b"), text]) == steps.Name("a", "b." + "x" * 65)
        assert builder.call(steps.Name("builtins", "type"), [None]) == steps.Name("types", "NoneType")

    def test_states_by_a_call(self):
        """The giving of a state is a step, and makes nothing."""
        builder = RecipeBuilder()
        made = builder.new(steps.Name("a", "b"), [])

        assert builder.call(RESTORE_STATE, [made, "state"]) is None
        assert builder.steps[-1] == steps.SetState(made, "state")

    @pytest.mark.parametrize("name", ["", "x" * 1001])
    def test_members_that_nothing_has(self, name):
        """A member has a name, which isn't as long as a text."""
        with pytest.raises(ValueError, match="name"):
            RecipeBuilder().member([], name)
