"""Recipes with runs: the audit, the limits, the views, the errors and the objects are those of the ordinary steps."""

import dataclasses

import pytest

import observed
from appsnap.errors import AppsnapError, CannotBuild
from appsnap.limits import LIMITS
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.runs import Merged, Run, Same, Span
from appsnap.recipe.steps import (
    Call,
    Dict,
    FrozenSet,
    List,
    Name,
    New,
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Update,
    Value,
)
from appsnap.recipe.trust import EVERYTHING, Trust, audit, obstacles, wants
from graphs import Graph
from isomorphism import difference

TRUSTED = ["observed.*", "observed.function", "observed.made", "call:observed.MySet", "builtins.len", "datetime"]
BOUNDS = {"key_depth": (0, 1, 2), "levels": (0, 1, 2, 5), "key_items": (0, 5, 40), "key_comparisons": (0, 1, 100)}


def flat(recipe):
    """Return a recipe with the ordinary steps."""
    return Recipe([*recipe.steps], recipe.root)


def result(recipe, trust, limits=LIMITS):
    """Return what a recipe builds, or the error, and the calls."""
    observed.LOG.clear()
    try:
        made = build(recipe, trust, limits)
    except AppsnapError as error:
        made = type(error), str(error), error.hint
    return made, observed.LOG.copy()


def check_result(recipe, trust, limits=LIMITS):
    """Compare what a recipe and its ordinary steps build, and the calls."""
    made, calls = result(flat(recipe), trust, limits)
    also, calls_of_runs = result(recipe, trust, limits)
    assert calls_of_runs == calls
    if type(made) is tuple and type(made[0]) is type:
        assert also == made
    else:
        assert difference(made, also) is None


def check(recipe):
    """Compare a recipe and its ordinary steps in all ways."""
    steps = flat(recipe)
    assert wants(recipe) == wants(steps)
    assert obstacles(recipe) == obstacles(steps)
    for trusted in ([], ["observed.*"], ["observed.Plain"], TRUSTED):
        verdicts = []
        for one in (recipe, steps):
            try:
                audit(one, Trust(trusted))
                verdicts.append(None)
            except AppsnapError as error:
                verdicts.append((str(error), error.hint))
        assert verdicts[0] == verdicts[1]
    assert [*text_lines(Outline(recipe))] == [*text_lines(Outline(steps))]
    for trust in (Trust(TRUSTED), Trust(EVERYTHING)):
        check_result(recipe, trust)
    for name, bounds in BOUNDS.items():
        for bound in bounds:
            check_result(recipe, Trust(TRUSTED), dataclasses.replace(LIMITS, **{name: bound}))


class TestGraphs:
    @pytest.mark.parametrize("seed", range(40))
    def test_random(self, seed):
        """A recipe of random objects is what its ordinary steps are."""
        check(recipe_of(seed))

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(20))
    def test_many(self, seed):
        """So are many more."""
        for number in range(30):
            check(recipe_of(f"{seed} {number}"))


def recipe_of(seed):
    """Return a recipe with runs, that of the first of some graphs that has any."""
    for number in range(100):
        recipe = freeze_or_none(Graph(f"recipe {seed} {number}").root)
        if recipe is not None and recipe.has_runs:
            return recipe
    raise AssertionError("no graph has runs")


def freeze_or_none(obj):
    """Return the recipe of an object, or None if it can't be saved."""
    try:
        return freeze(obj, runs=True)
    except AppsnapError:
        return None


def made(*compact):
    """Return a recipe whose root is a list of all its registers."""
    registers = sum(getattr(step, "registers", 1) for step in compact if type(step) not in (State, SetState, Update))
    return Recipe([*compact, List([Ref(at) for at in range(registers)])], Ref(registers))


PLAIN, HASHED, STATED, COUNTED = (Name("observed", name) for name in ("Plain", "Hashed", "SetsOnly", "Counted"))
LISTS = Run(List, 8, (([1] * 8,),))
WHEN = Name("datetime", "datetime")
SLOTS = (
    Name("observed", "Slots"),
    Run(New, 8, (Ref(0), (), ())),  # 1 to 8
    Run(Dict, 8, (("first", "second"), ([*range(8)], Span(1, 8)))),  # 9 to 16
    Run(Tuple, 8, ((Same(None, 8), Span(9, 8)),)),  # 17 to 24
)
HOSTILE = {
    "dates": made(WHEN, Run(Call, 8, (Ref(0), (Same(2026, 8), [*range(1, 9)], Same(5, 8))))),
    "a date that is none": made(WHEN, Run(Call, 8, (Ref(0), (Same(2026, 8), [1, 2, 3, 13, 5, 6, 7, 8], Same(5, 8))))),
    "dates of texts": made(WHEN, Run(Call, 8, (Ref(0), ([*"abcdefgh"],)))),
    "dates of dates": made(WHEN, Call(Ref(0), (2026, 1, 1)), Run(Call, 8, (Ref(0), (Same(Ref(1), 8),)))),
    "dates of names": made(WHEN, PLAIN, Run(Call, 8, (Ref(0), (Same(Ref(1), 8),)))),
    "calls without arguments": made(Name("collections", "OrderedDict"), Run(Call, 8, (Ref(0), ()))),
    "partials": made(Name("functools", "partial"), PLAIN, Run(Call, 8, (Ref(0), (Same(Ref(1), 8),)))),
    "partials of nothing": made(Name("functools", "partial"), Run(Call, 8, (Ref(0), ([*range(8)],)))),
    "states of dates": made(
        WHEN,
        Run(Call, 8, (Ref(0), (Same(2026, 8), [*range(1, 9)], Same(5, 8)))),
        Run(State, 8, (1, ("a",), ([1] * 8,))),
    ),
    "calls of a function": made(Name("observed", "anew"), Run(Call, 8, (Ref(0), ()))),
    "calls of code": made(Name("builtins", "eval"), Run(Call, 8, (Ref(0), (Same("1", 8),)))),
    "calls of a list": made(LISTS, Run(Call, 8, (Ref(0), ()))),
    "keywords": made(Name("observed", "Pair"), Run(New, 8, (Ref(0), ("left", "right"), ([*range(8)], Same(None, 8))))),
    "keywords that are missing": made(Name("observed", "Pair"), Run(New, 8, (Ref(0), ("left",), ([*range(8)],)))),
    "keywords of a plain class": made(PLAIN, Run(New, 8, (Ref(0), ("a",), ([*range(8)],)))),
    "slots": made(*SLOTS, Run(SetState, 8, (1, Span(17, 8)))),
    "slots of others": made(*SLOTS, Run(SetState, 7, (1, Span(17, 7)))),
    "slots twice": made(*SLOTS, Run(SetState, 8, (1, Span(17, 8))), Run(SetState, 8, (1, Span(17, 8)))),
    "slots with more": made(*SLOTS, Update(Ref(12), ["__class__"], [5]), Run(SetState, 8, (1, Span(17, 8)))),
    "slots with more later": made(*SLOTS, Run(SetState, 8, (1, Span(17, 8))), Update(Ref(9), ["__class__"], [5])),
    "slots of a plain class": made(PLAIN, *SLOTS[1:], Run(SetState, 8, (1, Span(17, 8)))),
    "slots of lists": made(*SLOTS, LISTS, Run(SetState, 8, (25, Span(17, 8)))),
    "names of Python in slots": made(
        *SLOTS[:2],
        Run(Dict, 8, (("__class__", "first"), ([*range(8)], Span(1, 8)))),
        SLOTS[3],
        Run(SetState, 8, (1, Span(17, 8))),
    ),
    "an unhashable item": made(LISTS, Run(Set, 8, ([[1, 2, 3, 4, 5, 6, Ref(3), 8]],))),
    "an unhashable item of a frozen set": made(LISTS, Run(FrozenSet, 8, ([["a"] * 6 + [Ref(1)] * 2],))),
    "equal items": made(Run(Set, 9, ([[2**61 - 1] * 9, [0] * 9],))),
    "keys that wait": made(
        HASHED,
        Run(New, 8, (Ref(0), (), ())),
        Run(Set, 8, ([Span(1, 8)],)),
        Run(State, 8, (1, ("key",), ([*range(8)],))),
    ),
    "a class that isn't there": made(Name("observed", "Missing"), Run(New, 8, (Ref(0), (), ()))),
    "a value for a class": made(Value("x" * 70), Run(New, 8, (Ref(0), (), ()))),
    "a function for a class": made(Name("observed", "anew"), Run(New, 8, (Ref(0), (), ()))),
    "states of things that aren't made": made(PLAIN, LISTS, Run(State, 9, (0, ("a",), (Same(1, 9),)))),
    "states of lists": made(LISTS, Run(State, 8, (0, ("a",), (Same(1, 8),)))),
    "special names": made(PLAIN, Run(New, 8, (Ref(0), (), ())), Run(State, 8, (1, ("__class__",), (Same(Ref(0), 8),)))),
    "states that are none": made(PLAIN, Run(New, 8, (Ref(0), (), ())), Run(SetState, 8, (1, [None] * 6 + [5, None]))),
    "states twice": made(
        STATED,
        Run(New, 8, (Ref(0), (), ())),
        Run(State, 8, (1, ("a", "b"), (Span(1, 8), Merged(b"\0\1" * 4, [[1] * 4, Span(2, 4)])))),
        Run(State, 8, (1, ("b",), (Same(Ref(2), 8),))),
    ),
    **{
        f"attributes of {name}": made(
            Name("observed", name),
            Run(New, 8, (Ref(0), (), ())),
            Run(State, 8, (1, ("a", "b"), ([*range(8)], Span(1, 8)))),
        )
        for name in (
            "Plain",
            "OddDict",
            "NoDict",
            "Slots",
            "Assigned",
            "Renames",
            "Itself",
            "MadeAnew",
            "Upgraded",
            "Web",
        )
    },
    "tuples of tuples": made(
        Run(Tuple, 8, (([1] * 8,),)),
        *[Run(Tuple, 8, ((Span(at, 8), Span(at, 8)),)) for at in range(0, 80, 8)],
        Run(Set, 8, ([Span(80, 8)],)),
    ),
    "dictionaries": made(LISTS, Run(Dict, 8, (("a", "b"), (Span(0, 8), Same(Ref(0), 8))))),
    "long texts": made(Run(Value, 8, (["x" * 70 + str(at) for at in range(8)],)), Run(Tuple, 8, ((Span(0, 8),),))),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile(case):
    """A recipe that nothing but a hand makes is what its ordinary steps are."""
    check(HOSTILE[case])


class Breaks:
    """Can be made, or can take a state, a few times only."""

    left = 0

    def __new__(cls):
        """Make one, if any is left."""
        Breaks.left -= 1
        if not Breaks.left:
            raise ValueError("no more")
        return super().__new__(cls)

    def __setstate__(self, state):
        Breaks.left -= 1
        if not Breaks.left:
            raise KeyError(state["n"])


@pytest.mark.parametrize(
    ("left", "path", "reason"),
    [(1, "[1]", "no more"), (5, "[5]", "no more"), (8, "[8]", "no more"), (9, "[1]", "KeyError: 0"), (15, "[7]", "6")],
)
def test_failures(monkeypatch, left, path, reason):
    """An object that fails in a run is named by its own path, and nothing is called twice."""
    monkeypatch.setattr(Breaks, "left", left)
    monkeypatch.setattr(observed, "Breaks", Breaks, raising=False)
    states = Run(State, 8, (1, ("n",), ([*range(8)],)))
    recipe = made(Name("observed", "Breaks"), Run(New, 8, (Ref(0), (), ())), states)

    with pytest.raises(CannotBuild, match=reason) as caught:
        build(recipe, Trust(EVERYTHING))

    assert caught.value.path == "object" + path
    assert Breaks.left == 0


def test_out_of_memory(monkeypatch):
    """Without memory there is no other error."""

    def full(_):
        raise MemoryError

    monkeypatch.setattr(observed.Counted, "__new__", full)

    with pytest.raises(MemoryError):
        build(made(COUNTED, Run(New, 8, (Ref(0), (), ()))), Trust(EVERYTHING))


def test_a_path_in_a_run_of_sets():
    """An item that has no hash is found in its own set."""
    with pytest.raises(CannotBuild, match="unhashable") as caught:
        build(HOSTILE["an unhashable item"], Trust([]))

    assert caught.value.path == "object[14]"
