"""Calls with keywords: in every kind, and to every reader of a recipe."""

import functools
import io
import os
import pickle
import subprocess
import sys

import pytest

import appsnap
import zoo
from appsnap import EVERYTHING, actions, dumps, loads
from appsnap.errors import CannotBuild, CannotSave, Damaged, NotInGrammar, NotTrusted
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.kinds.pickle import reader
from appsnap.recipe.build import build
from appsnap.recipe.differences import Comparison
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.steps import Call, Dict, List, Name, New, Recipe, Ref, SetState, Tuple
from appsnap.recipe.trust import Trust
from appsnap.recipe.trust.audit import obstacles, wants
from isomorphism import difference

TRUST = ["zoo.*", "call:zoo.ByCall"]
CALLED = Name("appsnap.actions", "called")


def spelled(kind, recipe):
    """Return the document of a recipe, as a writer of a kind spells it."""
    return b"".join(kind_named(kind).write(Header(kind), recipe, {}))


class Reduced:
    """Returns the reduction that it is given."""

    def __init__(self, *reduction):
        self.reduction = reduction

    def __reduce__(self):
        return self.reduction


def read(obj):
    """Return the recipe of a pickle of Python's own."""
    return reader.read(memoryview(pickle.dumps(obj, 5)))[0]


@pytest.mark.parametrize("kind", KINDS)
class TestKinds:
    def test_objects_come_back(self, kind):
        """The function is called as it was, with what is shared and what leads back to the object."""
        shared = [1]
        parts = []
        made = zoo.ByCall(shared, ("a",), mode="a", shared=shared, parts=parts, **{"no identifier": {}, "": None})
        parts.append(made)
        objects = [made, shared, zoo.ByCall(), zoo.ByCall(x=())]
        data = dumps(objects, kind)

        for trust in (TRUST, EVERYTHING):
            loaded = loads(data, trust=trust)

            assert difference(loaded, objects) is None
            assert list(loaded[0].keywords) == ["mode", "shared", "parts", "no identifier", ""]
            assert dumps(loaded, kind) == data

    def test_only_the_function_is_wanted(self, kind):
        """The audit names the function as called, and no function of ours."""
        snapshot = appsnap.open_snapshot(io.BytesIO(dumps(zoo.ByCall(mode="a"), kind)))

        assert [want.grant for want in snapshot.names] == ["call:zoo.ByCall"]
        with pytest.raises(NotTrusted, match=r"zoo\.ByCall to call"):
            loads(dumps(zoo.ByCall(mode="a"), kind), trust=["zoo.*", "call:appsnap.actions.called"])

    @pytest.mark.parametrize("other", KINDS)
    def test_conversion(self, kind, other):
        """Every kind has the same call."""
        recipe = Recipe([Name("zoo", "ByCall"), Call(Ref(0), [1], ("mode", "x y"), ["a", None])], Ref(1))
        document = kind_named(kind).read(memoryview(spelled(kind, recipe)))
        again = kind_named(other).read(memoryview(spelled(other, document.recipe)))

        assert again.recipe.steps == recipe.steps

    def test_a_function_that_refuses_them(self, kind):
        """The error has the path, and what Python says."""
        objects = {"a": [Reduced(actions.called, (sorted, ([2, 1],), {"key": None, "order": "up"}))]}
        data = dumps(objects, kind)

        for trust in (["call:builtins.sorted"], EVERYTHING):
            with pytest.raises(CannotBuild, match="'order'") as caught:
                loads(data, trust=trust)

            assert 'object["a"][0]' in str(caught.value)

    def test_a_value_type_takes_no_keywords(self, kind):
        """It has a constructor of its own, which gets only the keywords that its record has."""
        recipe = Recipe([Name("pathlib", "PurePosixPath"), Call(Ref(0), ["a"], ("mode",), [1])], Ref(1))

        with pytest.raises(CannotBuild, match=r"pathlib\.PurePosixPath takes no keyword mode"):
            loads(spelled(kind, recipe))

    def test_parameters_of_values_are_by_position(self, kind):
        """A date by keywords is the date that every file has: any file may have it."""
        dates = [Reduced(actions.called, (zoo.dt.date, (2026,), {"day": 3, "month": 5})), zoo.dt.date(2026, 5, 3)]
        data = dumps(dates, kind)

        assert loads(data) == [zoo.dt.date(2026, 5, 3)] * 2
        assert dumps(loads(data), kind) == dumps([zoo.dt.date(2026, 5, 3), zoo.dt.date(2026, 5, 3)], kind)

    def test_a_keyword_twice(self, kind):
        """No writer writes it, and the file is damaged."""
        recipe = Recipe([Name("zoo", "ByCall"), Call(Ref(0), [], ("a", "a"), [1, 2])], Ref(1))

        with pytest.raises((Damaged, NotInGrammar), match="given twice"):
            loads(spelled(kind, recipe), trust=TRUST)

    def test_our_own_function_is_no_way_around(self, kind):
        """Whoever refers to `called` calls anything. So no name is wanted for it, and no trust in names allows it."""
        granted = ["os.system", "call:os.system", "appsnap.actions.called", "call:appsnap.actions.called"]
        made = [CALLED, Name("os", "system"), Tuple(["true"]), Dict((), ())]
        for steps in (
            [*made, Call(Ref(0), [Ref(1), Ref(2), Ref(3)])],
            [*made, Call(Ref(0), [Ref(1), Ref(2)], ("keywords",), [Ref(3)])],
            [*made, Name("functools", "partial"), Call(Ref(4), [Ref(0)]), Call(Ref(5), [Ref(1), Ref(2), Ref(3)])],
            [*made, Name("zoo", "ByCall"), Call(Ref(4), [], ("function",), [Ref(0)])],
            [*made, List([Ref(0)])],
            [*made, Name("zoo", "Node"), New(Ref(4), ()), Call(Ref(0), [Ref(5), Ref(3)])],
        ):
            recipe = Recipe(steps, Ref(len(steps) - 1))
            with pytest.raises(NotTrusted, match=r"appsnap\.actions\.called, which calls anything"):
                loads(spelled(kind, recipe), trust=[*TRUST, *granted])

            assert "appsnap.actions.called" not in {want.name for want in wants(recipe)}
            assert obstacles(recipe)[0].reason == "is appsnap.actions.called, which calls anything"


class TestSource:
    def test_it_reads_as_people_write_it(self):
        """A call has its keywords behind its arguments; what is no identifier stands in a dictionary."""
        text = dumps(zoo.ByCall("shop.log", mode="a", **{"x y": 1}), "source").decode()

        assert '\napplication = ByCall("shop.log", mode="a", **{"x y": 1})\n' in text

    def test_python_runs_it(self, tmp_path):
        """Python makes the same objects of the file."""
        file = tmp_path / "made.py"
        file.write_bytes(dumps([zoo.ByCall([], a=(1,), **{"x y": 1})], "source"))
        script = f"import runpy; made, = runpy.run_path({str(file)!r})['application']; print(made.args, made.keywords)"

        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)

        assert run.stdout == "([],) {'a': (1,), 'x y': 1}\n"


class TestPickle:
    def test_pythons_own_pickles(self):
        """Their calls of `called` are calls with keywords, by the names that the pickle has for them."""
        many = [zoo.ByCall(n, [], (n,), {}, mode="a", **{"x" * 100: [n]}) for n in range(3)]

        assert read(many) == freeze(many) or difference(build(read(many), Trust(TRUST)), many) is None
        assert Name("appsnap.actions", "called") not in read(many).steps

    @pytest.mark.parametrize(
        "args",
        [
            (len, [1], {}),
            (len, ("a",), {1: 2}),
            (len, ("a",), [("a", 1)]),
            (len, ("a",)),
            (len, ("a",), {}, {}),
            (actions.called, (len, ("a",), {}), {}),
            (actions.called, (), {}),
        ],
    )
    def test_what_is_no_such_call(self, args):
        """It stays a call of `called`, which a stranger's file can't have."""
        recipe = read(Reduced(actions.called, args))

        assert CALLED in recipe.steps
        with pytest.raises(NotTrusted, match="which calls anything"):
            build(recipe, Trust(["call:builtins.len", "call:appsnap.actions.called", "appsnap.actions.called"]))

    def test_a_dictionary_that_others_change(self):
        """Keywords that something else refers to could be other ones when Python calls. So they stay a dictionary."""
        head = b"\x80\x05cappsnap.actions\ncalled\ncbuiltins\nsorted\n"
        shared = head + b"](K\x02K\x01e\x85}\x94h\x00\x8c\x07reverse\x88s0\x87R."

        recipe, _ = reader.read(memoryview(shared))

        assert pickle.loads(shared) == [2, 1]
        assert build(recipe, Trust(EVERYTHING)) == [2, 1]
        assert CALLED in recipe.steps

    def test_arguments_that_are_used_again(self):
        """The arguments of `called` may be used twice, and as a tuple, too."""
        again = b"\x80\x05cappsnap.actions\ncalled\n\x94cbuiltins\nsorted\n](K\x01K\x02e\x85"
        again += b"}\x8c\x07reverse\x88s\x87\x94Rh\x00h\x01Rh\x01\x87."

        assert pickle.loads(again)[:2] == ([2, 1], [2, 1])
        recipe, _ = reader.read(memoryview(again))
        made = build(recipe, Trust(EVERYTHING))
        assert made == pickle.loads(again)
        assert [step.names for step in recipe.steps if type(step) is Call] == [("reverse",)] * 2

    def test_arguments_in_arguments(self):
        """A tuple for `called` in a tuple for `called`, and so on: no depth is too much."""
        deep = b"\x80\x05N\x94" + b"cappsnap.actions\ncalled\nNh\x00}\x87\x9400" * 3
        body = (
            deep[:3]
            + b")\x940"
            + b"".join(
                b"cappsnap.actions\ncalled\nNj" + n.to_bytes(4, "little") + b"}\x87\x9400" for n in range(50_000)
            )
            + b"j\x50\xc3\x00\x00."
        )

        recipe, _ = reader.read(memoryview(body))

        assert sum(type(step) is Tuple for step in recipe.steps) == 50_001


class TestRecipe:
    def test_what_cannot_be_saved(self):
        """Its path has the keyword."""
        with pytest.raises(CannotSave) as caught:
            dumps({"a": zoo.ByCall(1, mode=(n for n in []))}, "msgpack")

        assert [place.path for place in caught.value.places] == ['object["a"] argument mode']

    @pytest.mark.parametrize("keywords", [{1: 2}, [("a", 1)], None])
    def test_keywords_that_are_none(self, keywords):
        """The error is about the object that returns them."""
        for kind in KINDS[1:]:
            with pytest.raises(CannotSave, match="a call with keywords takes"):
                dumps([Reduced(actions.called, (len, (), keywords))], kind)

    def test_show(self):
        """It is shown as people write it, or with a line for each part that has more lines."""
        node = zoo.Node()
        node.x = 1
        recipe = freeze([zoo.ByCall("a", mode="b", items=[1]), zoo.ByCall(n=node, **{"x y": 2})])

        assert [*text_lines(Outline(recipe))] == [
            "object: list of 2",
            '├── [0]: zoo.ByCall("a", mode="b", items=[1])',
            "└── [1]: zoo.ByCall",
            "    ├── argument n: zoo.Node",
            "    │   └── x: 1",
            '    └── argument "x y": 2',
        ]

    def test_a_known_value_with_keywords(self):
        """Its line would hide them: it is shown as a call."""
        recipe = Recipe([Name("builtins", "range"), Call(Ref(0), [1, 2], ("step",), [3])], Ref(1))

        assert [*text_lines(Outline(recipe))] == ["object: builtins.range(1, 2, step=3)"]

    def test_differences(self):
        """Other keywords, and other values of them, are told."""
        one, other = (Outline(freeze([zoo.ByCall(a=1, **more)])) for more in ({"b": 2}, {"b": 3}))
        third = Outline(freeze([zoo.ByCall(a=1)]))

        assert [str(found) for found in Comparison(one, other).found] == [
            "saved 2, restored 3 at object[0] argument b (int)"
        ]
        assert [str(found) for found in Comparison(one, third).found] == [
            "saved with the keywords a, b, restored with a at object[0] (zoo.ByCall)"
        ]
        assert not Comparison(one, one).found

    def test_a_partial_with_keywords(self):
        """The call of a partial that the file made wants the function, and the checks see its keywords."""
        partial = [Name("functools", "partial"), Name("zoo", "ByCall"), Call(Ref(0), [Ref(1)])]
        state = [Tuple([1]), Dict(["a"], [2]), Tuple([Ref(1), Ref(3), Ref(4), None]), SetState(Ref(2), Ref(5))]
        recipe = Recipe([*partial, *state, Call(Ref(2), [3], ("b",), [4])], Ref(6))

        made = build(recipe, Trust(["zoo.*", "call:zoo.ByCall"]))

        assert (made.args, made.keywords) == ((1, 3), {"a": 2, "b": 4})
        with pytest.raises(NotTrusted):
            build(recipe, Trust(["zoo.*"]))

    @pytest.mark.parametrize(
        ("name", "args", "keywords"),
        [("MyTuple", [], {"iterable": ()}), ("Color", [], {"value": 1}), ("MyInt", [], {"x": 1})],
    )
    def test_constructors_that_a_class_inherits(self, name, args, keywords):
        """They are Python's own, and get no keywords from a stranger."""
        recipe = Recipe([Name("zoo", name), Tuple([]), Call(Ref(0), args, (*keywords,), [*keywords.values()])], Ref(2))

        with pytest.raises(CannotBuild, match="takes no keywords"):
            build(recipe, Trust([f"call:zoo.{name}"]))

    def test_methods_that_take_iterables(self):
        """A range is refused by keyword, too."""
        ranges = [Name("builtins", "range"), Call(Ref(0), [10**11]), Name("zoo", "MyDict.fromkeys")]
        recipe = Recipe([*ranges, Call(Ref(2), [], ("iterable",), [Ref(1)])], Ref(3))

        with pytest.raises(CannotBuild, match="takes no range"):
            build(recipe, Trust(["call:zoo.MyDict.fromkeys"]))

    def test_reductions_of_partials_stay(self):
        """A partial has its keywords in its state, as pickle gives it."""
        steps = freeze(functools.partial(zoo.function, x=1)).steps

        assert not any(type(step) is Call and step.names for step in steps)
