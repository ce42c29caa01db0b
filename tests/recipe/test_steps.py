import pytest

from appsnap.recipe import steps
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
        """The operands of a step come in order."""
        assert steps.operands(step) == read

    def test_all_steps(self):
        """No step is missing in this test or in the tables."""
        assert {type(step) for step, _ in READS} == set(steps.Step.__args__)
        assert [*steps.FIELDS] == [*steps.Step.__args__]
        assert {steps.Extend, steps.Update, steps.Add, steps.State, steps.SetState} == steps.FILLERS
        assert set(steps.FIELDS) == steps.MAKERS | steps.FILLERS

    @pytest.mark.parametrize("step", steps.FIELDS)
    def test_fields(self, step):
        """The schema has a sort for each field of a step."""
        assert len(steps.FIELDS[step]) == len(step._fields)
        assert Ref not in steps.ATOMS


class TestNames:
    def test_given_twice(self):
        """The error names it. However many names there are, each is looked at once: a file by a stranger has them."""
        names = [f"n{number}" for number in range(400_000)]

        steps.check_distinct(names)
        with pytest.raises(ValueError, match=r"^the name 'n399999' is given twice$"):
            steps.check_distinct([*names, "n399999"])
