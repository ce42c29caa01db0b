import array
import copy
import datetime as dt
import pickle
from collections import Counter, deque

import numpy as np
import pytest

import zoo
from appsnap.kinds.pickle import reader
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.steps import Call, List, Name, New, Recipe, Ref, State


def lines(obj, **options):
    return list(text_lines(Outline(freeze(obj)), **options))


class TestLines:
    @pytest.mark.parametrize(
        ("value", "line"),
        [
            (5, "object: 5"),
            ("a'b", 'object: "a\'b"'),
            pytest.param(10**9000, "object: 0x28dde0505210867db3…", id="huge"),
            (True, "object: True"),
            ("x" * 500, None),
            (zoo.Node, "object: zoo.Node"),
            (zoo.VALUES[0], "object: datetime.date(2024, 2, 29)"),
        ],
    )
    def test_single(self, value, line):
        """A value is one line. A long one has no middle."""
        (found,) = lines(value)

        assert found == line or (line is None and len(found) < 100)

    def test_sharing(self):
        """A shared object is shown once. Its other places are arrows, so the text stays short."""
        found = [1]
        for _ in range(60):
            found = [found, found]

        shown = lines({"deep": found})

        assert len(shown) < 100
        assert any("→ object" in line for line in shown)

    def test_shared_or_equal(self):
        """Two equal mutable objects look different from a shared one. Immutable objects look the same."""
        one, fixed = [1], (1, dt.date(2024, 2, 29))

        assert lines([one, [1], one, fixed, fixed])[1:] == [
            "├── [0]: [1]",
            "├── [1]: [1]",
            "├── [2]: → object[0]",
            "├── [3]: (1, datetime.date(2024, 2, 29))",
            "└── [4]: (1, datetime.date(2024, 2, 29))",
        ]
        for thing in (
            {},
            {1: 2},
            {3},
            bytearray(b"b"),
            deque([1]),
            Counter("a"),
            zoo.MyList(),
            np.array([1]),
            object(),
            array.array("i", [1]),
        ):
            assert lines([thing, thing])[-1] == "└── [1]: → object[0]"
            assert lines([thing, copy.deepcopy(thing)])[-1] != "└── [1]: → object[0]"
        for thing in (bytearray(b"b"), {3}):
            recipe, _ = reader.read(memoryview(pickle.dumps([thing, thing], 2)))  # where they are made by calls
            assert list(text_lines(Outline(recipe)))[-1] == "└── [1]: → object[0]"
        part = ([1],)
        assert lines([part, part])[1:] == ["├── [0]: tuple of 1", "│   └── [0]: [1]", "└── [1]: → object[0]"]
        assert lines([part, copy.deepcopy(part)])[1:] == ["├── [0]: ([1],)", "└── [1]: ([1],)"]
        assert lines({"pair": (one, one), "equal": ([1], [1])})[1:] == [
            '├── ["pair"]: tuple of 2',
            "│   ├── [0]: [1]",
            '│   └── [1]: → object["pair"][0]',
            '└── ["equal"]: ([1], [1])',
        ]

    def test_cycles(self):
        """A cycle is an arrow."""
        node = zoo.Node()
        node.me = [node, "x" * 90, "y" * 90]

        assert any("→ object" in line for line in lines(node))

    def test_depth(self):
        """An ellipsis stands for the levels below `depth`."""
        node = zoo.Node()
        for _ in range(10):
            outer = zoo.Node()
            outer.inner, node = node, outer

        shown = lines(node, depth=3)

        assert len(shown) == 4
        assert shown[-1].endswith("…")

    @pytest.mark.parametrize("name", ["%s", "%(a)s", "%", "100% x", "%d"])
    def test_strange_names(self, name):
        """A name from a hostile file is never a format string."""
        recipe = Recipe([Name(name, name), Call(Ref(0), [1]), New(Ref(0), []), State(Ref(2), [name], [Ref(1)])], Ref(2))

        assert any(name in line for line in text_lines(Outline(recipe)))
        assert name in Outline(recipe).path(Ref(1))


class TestCut:
    """Long containers of every sort are cut."""

    @pytest.mark.parametrize(
        "make",
        [
            lambda parts: parts,
            tuple,
            lambda parts: dict(enumerate(parts)),
            lambda parts: {frozenset([number, "x" * 200]) for number in range(len(parts))},
            lambda parts: frozenset(frozenset([number, "x" * 200]) for number in range(len(parts))),
            zoo.MyList,
        ],
        ids=["list", "tuple", "dict", "set", "frozenset", "subclass"],
    )
    def test_containers(self, make):
        """Of 1,234 parts 50 are shown, and a line says how many more there are."""
        outline = Outline(freeze({"it": make([{"x" * 70: number} for number in range(1_234)])}))

        shown = [*text_lines(outline)]

        assert shown[-1] == "    └── … 1,184 more (--all)"
        assert sum(line.startswith(("    ├── ", "    └── ")) for line in shown) == 51
        assert sum(line.startswith(("    ├── ", "    └── ")) for line in text_lines(outline, most=None)) == 1_234

    def test_attributes(self):
        """Attributes and items of one object are cut each on its own."""
        obj = zoo.MyList(range(60))
        obj.__dict__.update({f"a{number}": number for number in range(70)})

        shown = lines(obj)

        assert [line for line in shown if "more" in line] == ["├── … 20 more (--all)", "└── … 10 more (--all)"]

    def test_arguments(self):
        """The arguments of a call are cut, too."""
        recipe = Recipe([Name("m", "f"), Call(Ref(0), ["x" * 60] * 60)], Ref(1))

        assert [*text_lines(Outline(recipe))][-1] == "└── … 10 more (--all)"

    def test_exactly(self):
        """Fifty parts are not cut."""
        assert not any("more" in line for line in lines(["x" * 60] * 50))
        assert lines(["x" * 60] * 51)[-1] == "└── … 1 more (--all)"

    def test_arrow_to_a_part_beyond(self):
        """An object among those that are left out is an arrow to its place in the whole."""
        nodes = [zoo.Node() for _ in range(60)]
        nodes[0].peer = nodes[59]
        nodes[1].peer = nodes[2]

        shown = lines(nodes)

        assert shown[1:5] == [
            "├── [0]: zoo.Node",
            "│   └── peer: → object[59]",
            "├── [1]: zoo.Node",
            "│   └── peer: → object[2]",
        ]

    def test_same_path(self):
        """An arrow has the path that every error has."""
        nodes = [zoo.Node() for _ in range(60)]
        for number, node in enumerate(nodes):
            node.peer = nodes[(number * 7 + 3) % 60]
        outline = Outline(freeze({"inner": {"nodes": nodes}, "last": nodes[-1]}))

        arrows = {line.rpartition("→ ")[2] for line in text_lines(outline) if "→" in line}

        assert len(arrows) > 20
        assert arrows <= {outline.path(Ref(register)) for register in range(len(outline.nodes))}

    def test_only_what_is_shown(self):
        """No node is made for a part that isn't shown."""
        outline = Outline(freeze([{"a": [number]} for number in range(10_000)]))

        assert len([*text_lines(outline)]) == 52
        assert len(outline.nodes._known) < 200

    def test_levels_that_are_not_shown(self):
        """Nor for levels that aren't shown."""
        inner = []
        for _ in range(1_000):
            inner = [inner, "x" * 60, "y" * 60]
        outline = Outline(freeze(inner))

        assert [*text_lines(outline, depth=5)]
        assert len(outline.nodes._known) < 20


class TestLength:
    """The text is never much longer than the file, even if a long name is used often."""

    def test_names(self, deep):
        """A long name has no middle, in a line or in a label. Escapes don't make it longer."""
        for letter, shown in (("q", "qqqqqq"), ("\x01", r"\x01\x01"), ("\U000e0001", r"\U000e0001")):
            outline = Outline(Recipe([Name("m", letter * 990), List([Ref(0)] * 50)], Ref(1)))

            for line in [*text_lines(outline)][1:]:
                assert len(line) < 130
                assert f"m.{shown}" in line
                assert "…" in line
            assert max(map(len, text_lines(Outline(deep(2, letter, [List([])]))))) < 300

    @pytest.mark.parametrize("letter", ["q", "\x01"])
    def test_arrows(self, deep, letter):
        """The path of an arrow is short, too."""
        recipe = deep(16, letter, [List([]), List([Ref(0)] * 1_000)])

        assert sum(map(len, text_lines(Outline(recipe)))) < 500_000
