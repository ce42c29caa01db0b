import difflib
import keyword

import pytest

import appsnap
from appsnap.kinds.expressions import DEPTH, WEIGHT, Assignment, expressions, names
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import Dict, Extend, List, Name, New, Recipe, Ref, State


class TestExpressions:
    def test_what_is_used_once_stands_where_it_is_used(self):
        """A tree of containers is one expression."""
        statements, root = expressions(freeze({"a": [1, [2]]}))

        assert statements == []
        assert root == Dict(["a"], [List([1, List([2])])])

    def test_what_is_used_twice_has_a_statement(self):
        """It stands before the first that refers to it."""
        shared = []

        statements, root = expressions(freeze([shared, shared]))

        assert statements == [Assignment(Ref(0), List([]))]
        assert root == List([Ref(0), Ref(0)])

    def test_a_cycle_is_closed_by_a_filling(self):
        """What its own items lead back to is made first and filled later."""
        cycle = [1]
        cycle.append(cycle)

        statements, root = expressions(freeze(cycle))

        assert statements == [Assignment(Ref(0), List(())), Extend(Ref(0), [1, Ref(0)])]
        assert root == Ref(0)

    def test_a_name_that_is_filled(self):
        """What no audit allows isn't lost: the filling is a statement of its own."""
        function = Name("somewhere", "function")

        statements, root = expressions(Recipe([function, State(Ref(0), ["a"], [1])], Ref(0)))

        assert statements == [State(function, ["a"], [1])]
        assert root == function

    def test_an_object_stands_with_its_state(self):
        """`State` of a `New` is an expression of its own."""
        recipe = Recipe([Name("somewhere", "Thing"), New(Ref(0), ()), State(Ref(1), ["a"], [1])], Ref(1))

        _, root = expressions(recipe)

        assert root == State(New(Name("somewhere", "Thing"), [], (), []), ["a"], [1])

    def test_depth_is_bounded(self):
        """What is nested deeper gets statements on the way."""

        def depth(step):
            return 1 + max((depth(item) for item in step.items if isinstance(item, List)), default=0)

        deep = []
        for _ in range(5 * DEPTH):
            deep = [deep]

        statements, root = expressions(freeze(deep))

        assert len(statements) >= 4
        assert max(depth(step) for step in [*(statement.value for statement in statements), root]) <= DEPTH + 1

    def test_weight_is_bounded(self):
        """A long list is filled in several statements."""
        statements, root = expressions(freeze([*range(3 * WEIGHT)]))

        assert statements[0] == Assignment(Ref(0), List(()))
        assert [n for extend in statements[1:] for n in extend.items] == [*range(3 * WEIGHT)]
        assert max(len(extend.items) for extend in statements[1:]) <= WEIGHT
        assert root == Ref(0)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "variable"),
        [
            ("web", "web"),
            ("Web-Server 2", "web_server_2"),
            ("WebServer", "web_server"),
            ("2nd", "n2nd"),
            ("日本", "thing"),
        ],
    )
    def test_a_service_gives_its_own_name(self, name, variable):
        """As an ASCII identifier; where nothing is left of it, the class gives one."""
        recipe = Recipe([Name("m", "Thing"), New(Ref(0), ()), State(Ref(1), ["name"], [name])], Ref(1))

        assert names(recipe, [Ref(1)]) == {Ref(1): variable}

    def test_all_are_identifiers_and_different(self):
        """Keywords and taken names are numbered."""
        steps = [Name("m", "Class")]
        for number, name in enumerate(["class", "match", "x", "x", "taken"], 1):
            steps += [New(Ref(0), ()), State(Ref(number), ["name"], [name])]

        found = [*names(Recipe(steps, None), map(Ref, range(1, 6)), taken=["taken"]).values()]

        assert found == ["class_1", "match_1", "x", "x_2", "taken_1"]
        assert not any(keyword.iskeyword(name) for name in found)


class TestStretches:
    """Long containers are cut where their content says so."""

    @pytest.mark.parametrize("kind", ["source", "xml"])
    @pytest.mark.parametrize(
        "make",
        [
            lambda numbers: {f"key {n}": n for n in numbers},
            lambda numbers: [f"item {n}" for n in numbers],
            lambda numbers: [*numbers],
            lambda numbers: {(n, str(n)) for n in numbers},
            lambda numbers: [{"id": n, "name": f"name {n}"} for n in numbers],
            lambda numbers: {n: {"parts": [n, str(n)]} for n in numbers},
            lambda numbers: [b"%d" % n * 50 for n in numbers],
        ],
        ids=["texts", "list", "numbers", "tuples", "records", "nested", "bytes"],
    )
    def test_a_change_changes_few_lines(self, kind, make):
        """An item less and one more change their own lines, those of a cut or two, and header and trailer."""
        numbers = [*range(3000)]
        changed = [-1, *numbers[:700], *numbers[701:]]

        before, after = (appsnap.dumps(make(x), kind).decode().splitlines() for x in (numbers, changed))

        differing = [line for line in difflib.unified_diff(before, after, n=0) if line[0] in "+-"]
        assert len(differing) < 70
        assert appsnap.loads("\n".join([*after, ""]).encode()) == make(changed)

    @pytest.mark.parametrize("items", [["same"] * 20_000, [*range(20_000)], [["x" * 9] * 700] * 9])
    def test_no_statement_is_long(self, items):
        """Also where all items are alike, a statement has at most half of the weight, or one item."""
        text = appsnap.dumps(items, "source").decode()

        assert max(statement.count("\n") for statement in text.split("\nextend(")) <= WEIGHT // 2 + 20
