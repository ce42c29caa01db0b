import pytest

from appsnap.recipe import steps
from appsnap.recipe.builder import RESTORE_STATE, Draft
from appsnap.recipe.steps import (
    ATOMS,
    MAKERS,
    Add,
    ByteArray,
    Call,
    Dict,
    Extend,
    FrozenSet,
    List,
    Member,
    Name,
    New,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Update,
    Value,
    operands,
)

READS = [
    (Name("a", "b"), []),
    (Value("x"), []),
    (ByteArray(b"x"), []),
    (Tuple([1, 2]), [1, 2]),
    (List([1, 2]), [1, 2]),
    (Set([1, 2]), [1, 2]),
    (FrozenSet([1, 2]), [1, 2]),
    (Dict([1, 2], [3, 4]), [1, 3, 2, 4]),
    (New(Ref(0), [1], ["a"], [2]), [0, 1, 2]),
    (Call(Ref(0), [1]), [0, 1]),
    (Member(Ref(0), "x"), [0]),
    (Extend(Ref(0), [1]), [0, 1]),
    (Update(Ref(0), [1, 2], [3, 4]), [0, 1, 3, 2, 4]),
    (Add(Ref(0), [1]), [0, 1]),
    (State(Ref(0), ["a"], [1]), [0, 1]),
    (SetState(Ref(0), 1), [0, 1]),
]


class TestOperands:
    @pytest.mark.parametrize(("step", "read"), READS, ids=lambda value: type(value).__name__)
    def test_of_each_step(self, step, read):
        """What a step reads, in order."""
        assert operands(step) == read

    def test_all_steps(self):
        """No step is missing here, or in the tables."""
        assert {type(step) for step, _ in READS} == set(steps.Step.__args__)
        assert {
            step for step in steps.Step.__args__ if not issubclass(step, (Extend, Update, Add, State, SetState))
        } == MAKERS
        assert Ref not in ATOMS


class TestDraft:
    def test_names_once(self):
        """A name gets one register, when something refers to it."""
        draft = Draft()

        assert draft.operand(Name("a", "b")) == Ref(0)
        assert draft.operand(Name("a", "b")) == Ref(0)
        assert draft.finish(Name("a", "c")).steps == [Name("a", "b"), Name("a", "c")]

    def test_long_texts_once(self):
        """A long text becomes one value wherever it stands."""
        draft = Draft()

        draft.new(Name("a", "b"), ["x" * 65], ["k"], ["x" * 65])

        assert draft.steps == [Name("a", "b"), Value("x" * 65), New(Ref(0), [Ref(1)], ["k"], [Ref(1)])]

    def test_numbers_are_no_registers(self):
        """The number 0 isn't what register 0 holds."""
        draft = Draft()
        draft.operand(Name("a", "b"))

        assert draft.meant(0) == 0
        assert draft.meant(False) is False
        assert draft.meant(Ref(0)) == Name("a", "b")

    def test_calls_of_what_is_no_name(self):
        """An atom can't be called."""
        with pytest.raises(TypeError):
            Draft().call(5, [])

    def test_spellings(self):
        """What a call is a spelling of is found through names and texts that have registers."""
        draft = Draft()
        name, text = draft.operand(Name("builtins", "getattr")), draft.operand("x" * 65)

        assert draft.call(name, [Name("a", "b"), text]) == Name("a", "b." + "x" * 65)
        assert draft.call(Name("builtins", "type"), [None]) == Name("types", "NoneType")

    def test_states_by_a_call(self):
        """The giving of a state is a step, and makes nothing."""
        draft = Draft()
        made = draft.new(Name("a", "b"), [])

        assert draft.call(RESTORE_STATE, [made, "state"]) is None
        assert draft.steps[-1] == SetState(made, "state")

    @pytest.mark.parametrize("name", ["", "x" * 1001])
    def test_members_that_nothing_has(self, name):
        """A member has a name, which isn't as long as a text."""
        with pytest.raises(ValueError, match="name"):
            Draft().member([], name)
