import pytest

from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.spellings import SET_STATE
from appsnap.recipe.steps import Ref


class TestRecipeBuilder:
    def test_names_once(self):
        """A name gets one register, when a step refers to it."""
        builder = RecipeBuilder()

        assert builder.operand(steps.Name("a", "b")) == Ref(0)
        assert builder.operand(steps.Name("a", "b")) == Ref(0)
        assert builder.finish(steps.Name("a", "c")).steps == [steps.Name("a", "b"), steps.Name("a", "c")]

    def test_long_texts_once(self):
        """Equal long texts become one Value."""
        builder = RecipeBuilder()

        builder.new(steps.Name("a", "b"), ["x" * 65], ["k"], ["x" * 65])

        assert builder.steps == [
            steps.Name("a", "b"),
            steps.Value("x" * 65),
            steps.New(Ref(0), [Ref(1)], ["k"], [Ref(1)]),
        ]

    def test_numbers_are_no_registers(self):
        """The number 0 isn't a reference to register 0."""
        builder = RecipeBuilder()
        builder.operand(steps.Name("a", "b"))

        assert builder.meaning(0) == 0
        assert builder.meaning(False) is False
        assert builder.meaning(Ref(0)) == steps.Name("a", "b")

    def test_calls_of_what_is_no_name(self):
        """An atom can't be called."""
        with pytest.raises(TypeError):
            RecipeBuilder().call(5, [])

    def test_spellings(self):
        """Spellings are recognised through the registers of names and long texts."""
        builder = RecipeBuilder()
        name, text = builder.operand(steps.Name("builtins", "getattr")), builder.operand("x" * 65)

        assert builder.call(name, [steps.Name("a", "b"), text]) == steps.Name("a", "b." + "x" * 65)
        assert builder.call(steps.Name("builtins", "type"), [None]) == steps.Name("types", "NoneType")

    def test_states_by_a_call(self):
        """A call of set_state becomes a SetState, and makes nothing."""
        builder = RecipeBuilder()
        made = builder.new(steps.Name("a", "b"), [])

        assert builder.call(SET_STATE, [made, "state"]) is None
        assert builder.steps[-1] == steps.SetState(made, "state")

    @pytest.mark.parametrize("name", ["", "x" * 1001])
    def test_members_that_nothing_has(self, name):
        """The name of a member is neither empty nor longer than 1,000 characters."""
        with pytest.raises(ValueError, match="name"):
            RecipeBuilder().member([], name)
