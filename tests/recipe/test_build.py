import sys

import pytest

import zoo
from appsnap.errors import CannotBuild
from appsnap.recipe.build import build
from appsnap.recipe.freeze import freeze
from appsnap.recipe.steps import (
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
    Recipe,
    Ref,
    Set,
    SetState,
    State,
    Tuple,
    Update,
    Value,
)
from appsnap.recipe.trust import EVERYTHING, Trust

ALL = [Trust(["zoo.*"]), Trust(EVERYTHING)]


def make(*steps, trust=None, root=None):
    return build(Recipe(steps, Ref(len(steps) - 1) if root is None else root), trust or Trust(["zoo.*"]))


@pytest.mark.parametrize("trust", ALL, ids=["audited", "everything"])
class TestSteps:
    @pytest.mark.parametrize(
        ("steps", "root", "made"),
        [
            ([], 5, 5),
            ([Value("x" * 100)], Ref(0), "x" * 100),
            ([Tuple([1, "a"])], Ref(0), (1, "a")),
            ([List([1]), Extend(Ref(0), [2])], Ref(0), [1, 2]),
            ([Dict(["a"], [1]), Update(Ref(0), ["b"], [2])], Ref(0), {"a": 1, "b": 2}),
            ([Set([1]), Add(Ref(0), [2])], Ref(0), {1, 2}),
            ([FrozenSet([1])], Ref(0), frozenset([1])),
            ([ByteArray(memoryview(b"x"))], Ref(0), bytearray(b"x")),
            ([Name("datetime", "date"), Call(Ref(0), [2024, 2, 29])], Ref(1), zoo.VALUES[0]),
            ([Name("zoo", "")], Ref(0), zoo),
            ([Name("zoo", "Pair"), New(Ref(0), [1, 2])], Ref(1), zoo.Pair(1, 2)),
        ],
    )
    def test_makes(self, trust, steps, root, made):
        """Each step does what it says."""
        found = make(*steps, root=root, trust=trust if Name("zoo", "") not in steps else Trust(["zoo"]))

        assert found == made
        assert type(found) is type(made)

    def test_registers_are_shared(self, trust):
        """What is referred to twice is one thing."""
        one, other = make(List([]), Tuple([Ref(0), Ref(0)]), trust=trust)

        assert one is other

    def test_states(self, trust):
        """A state goes to __setstate__, to the attributes, or to the slots."""
        slots = [
            Name("zoo", "Slots"),
            New(Ref(0), []),
            Dict(["first"], [1]),
            Tuple([None, Ref(2)]),
            SetState(Ref(1), Ref(3)),
        ]
        stateful = [
            Name("zoo", "Stateful"),
            New(Ref(0), []),
            Dict(["a"], [1]),
            Tuple(["state", Ref(2)]),
            SetState(Ref(1), Ref(3)),
        ]
        keywords = [Name("zoo", "ByKeyword"), New(Ref(0), [], ["first"], [1])]

        assert make(*slots, root=Ref(1), trust=trust).first == 1
        assert make(*stateful, root=Ref(1), trust=trust).a == 1
        assert make(*keywords, trust=trust).first == 1

    def test_object_that_takes_items(self, trust):
        """Items go to a subclass of a container by its own methods."""
        mine = make(Name("zoo", "MyList"), New(Ref(0), []), Extend(Ref(1), [1, 2]), root=Ref(1), trust=trust)
        both = make(Name("zoo", "MyDict"), New(Ref(0), []), Update(Ref(1), [1], [2]), root=Ref(1), trust=trust)
        other = make(Name("zoo", "MySet"), New(Ref(0), []), Add(Ref(1), [1]), root=Ref(1), trust=trust)

        assert (mine, both, other) == ([1, 2], {1: 2}, {1})

    def test_interned_names(self, trust):
        """Names of attributes are interned, as Python has them."""
        node = make(Name("zoo", "Node"), New(Ref(0), []), State(Ref(1), ["abc"[:2]], [1]), root=Ref(1), trust=trust)

        assert next(iter(node.__dict__)) is sys.intern("ab")


@pytest.mark.parametrize("trust", ALL, ids=["audited", "everything"])
class TestErrors:
    @pytest.mark.parametrize(
        ("steps", "path", "what"),
        [
            ([Name("zoo", "Gone"), New(Ref(0), []), List([Ref(1)])], "object[0]", "zoo.Gone"),
            ([Name("zoo.gone", "Node"), List([Ref(0)])], "object[0]", "zoo.gone.Node"),
            ([Tuple([5]), List([]), Tuple([Ref(1)]), Dict([Ref(2)], [1])], "object", "dict"),
            ([Name("zoo", "Pair"), New(Ref(0), [1]), Dict(["a"], [Ref(1)])], 'object["a"]', "zoo.Pair"),
            (
                [Name("datetime", "date"), Call(Ref(0), [2024, 2, 30]), Dict(["a"], [Ref(1)])],
                'object["a"]',
                "datetime.date",
            ),
            ([Name("zoo", "Node"), New(Ref(0), []), Extend(Ref(1), [1]), List([Ref(1)])], "object[0]", "zoo.Node"),
            (
                [Name("zoo", "Node"), New(Ref(0), []), Member(Ref(1), "gone"), Tuple([Ref(1), Ref(2)])],
                "object[1]",
                "member",
            ),
        ],
        ids=str,
    )
    def test_place(self, trust, steps, path, what):
        """A step that fails is named by the path of what it makes or fills, and by its class."""
        root = Ref(sum(type(step) is not Extend for step in steps) - 1)

        with pytest.raises(CannotBuild) as caught:
            make(*steps, root=root, trust=trust)

        assert (caught.value.path, caught.value.type) == (path, what)
        assert caught.value.__cause__ is not None

    def test_renaming_is_the_hint(self, trust):
        """A class that is gone was perhaps renamed."""
        with pytest.raises(CannotBuild) as caught:
            make(Name("zoo", "Gone"), New(Ref(0), []), trust=trust)

        assert "renamed('zoo.Gone'" in caught.value.hint


def test_the_trusted_as_code_may_do_all():
    """With trust in everything, a recipe is followed as pickle follows it."""
    node = zoo.Node()
    back = build(freeze([zoo.function, node.method, zoo.Node]), Trust(EVERYTHING))

    assert back[0] is zoo.function
    assert (
        make(Name("builtins", "len"), Name("zoo", "Node"), Call(Ref(0), ["abc"]), root=Ref(2), trust=Trust(EVERYTHING))
        == 3
    )
