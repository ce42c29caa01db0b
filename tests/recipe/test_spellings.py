import pytest

from appsnap.recipe.spellings import SET_STATE, canonical_step
from appsnap.recipe.steps import Call, Member, Name, New, Ref

REGISTERS = {
    Ref(0): Name("m", "f"),
    Ref(1): Name("builtins", "getattr"),
    Ref(2): Name("importlib", "import_module"),
    Ref(3): Name("copyreg", "__newobj__"),
    Ref(4): Name("copyreg", "_reconstructor"),
    Ref(5): Name("builtins", "object"),
    Ref(6): Name("builtins", "type"),
    Ref(7): Name("twisted.persisted.styles", "unpickleMethod"),
    Ref(8): SET_STATE,
}


def canonical(step):
    return canonical_step(step, lambda operand: REGISTERS.get(operand, operand) if type(operand) is Ref else operand)


class TestCanonicalStep:
    @pytest.mark.parametrize(
        ("step", "expected"),
        [
            (Call(Ref(1), [Ref(9), "method"]), Member(Ref(9), "method")),
            (Call(Ref(1), [Ref(0), "method"]), Name("m", "f.method")),
            (Member(Ref(0), "method"), Name("m", "f.method")),
            (Call(Ref(2), ["os.path"]), Name("os.path", "")),
            (Call(Ref(3), [Ref(0), 1, 2]), New(Ref(0), [1, 2])),
            (Call(Ref(4), [Ref(0), Ref(5), None]), New(Ref(0), ())),
            (Call(Ref(6), [None]), Name("types", "NoneType")),
            (Call(Ref(7), ["method", Ref(9), Ref(0)]), Member(Ref(9), "method")),
        ],
    )
    def test_spellings(self, step, expected):
        """A call that stands for another step becomes that step."""
        assert canonical(step) == expected

    @pytest.mark.parametrize(
        "step",
        [
            Call(Ref(0), ["x"]),
            Call(Ref(1), [Ref(9), 5]),
            Call(Ref(4), [Ref(0), Ref(0), None]),
            Call(Ref(6), [5]),
            Member(Ref(9), "method"),
            Member(5, "bit_length"),
        ],
    )
    def test_other_steps(self, step):
        """Any other call or member stays as it is."""
        assert canonical(step) is step

    @pytest.mark.parametrize(
        "step", [Member(Ref(9), ""), Member(Ref(0), "x" * 1001), Call(Ref(2), ["a:b"]), Call(Ref(8), [Ref(9), {}])]
    )
    def test_refused(self, step):
        """Malformed names are refused, and a call that only a SetState can replace."""
        with pytest.raises(ValueError, match=r"name|set_state"):
            canonical(step)
