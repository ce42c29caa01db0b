import random
import re

import pytest
from hypothesis import given, settings, strategies as st

import zoo
from appsnap import dumps
from appsnap.errors import Damaged
from appsnap.kinds.source.reader import Reader
from appsnap.kinds.source.scanner import UnusualError, tokens
from isomorphism import listed

IMPORTS = "from zoo import Node, Color\n"
PIECES = [
    '"',
    "'",
    "#",
    "\\",
    "\n",
    "\n    ",
    "\n\n",
    *"()[]{},:=.*;@-",
    "**",
    "01",
    "3.real",
    "1e5",
    "- 1",
    "j",
    '"a"',
]
PIECES += [
    '"""',
    "None",
    "None=1",
    "x",
    "class",
    "state(",
    "new(Node)",
    "application",
    "**{}",
    '**{"a": 1}',
    '"a" "b"',
    "ä",
]
PIECES += ['\n  "b"', "\n)", "\t", "b", "_", "->", "==", "(,)", "extend(", "set()"]


def read(text, *, fast):
    """Return the steps of statements, behind imports of their own, and the root."""
    reader = Reader(10_000, fast=fast)
    reader.read(0, IMPORTS)
    reader.read(1, text)
    recipe = reader.finish()
    return repr((listed(recipe.steps), recipe.root))


def written(graph):
    """Return the statements of a source file, without comments and imports."""
    lines = dumps(graph, "source").decode().splitlines(keepends=True)
    return "".join(line for line in lines if not re.match("#|from |import |\n", line))


def graph(count):
    """Return a graph whose source has no escapes and no rare helpers, and a list of so many numbers."""
    node = zoo.Node()
    node.parts = [
        1,
        -2.5,
        1e300,
        None,
        True,
        "text",
        ("one",),
        (),
        {},
        {"a": [1, 2], "b": {3: node}},
        {4, 5},
        "long " * 30,
    ]
    node.method, node.numbers = node.parts.append, [*range(count)]
    setattr(node, "a b", "attribute that is no identifier")
    return [node, node.parts, zoo.Node(), zoo.Node]


SHORT, LONG = written(graph(3)), written(graph(3000))


class TestScanner:
    def test_knows_what_is_written_most(self):
        """Statements without escapes and rare helpers are read by their tokens, to the steps of their syntax trees."""
        assert tokens(LONG) is not None
        assert "extend(" in LONG

        assert read(LONG, fast=True) == read(LONG, fast=False)

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "# comment",
                "'single'",
                r'"\n"',
                "b'x'",
                "lambda: 1",
                "x if y else z",
                "float('nan')",
                "set()",
                '"""a"""',
            ),
            *('"a"\n  .join', "f\n (y)", "f\n\n (y)", "[\n1,\n\n 2]", "[ \n 1]", "ä", "(ä)", "\t1"),
        ],
    )
    def test_leaves_pieces(self, text):
        """What could mean something else to Python than to a scanner is left alone, before anything is done."""
        assert tokens(f"application = {text}\n") is None

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "1 2",
                "01",
                "1_000",
                "3.real",
                "1.",
                ".5",
                "1j",
                "- 1",
                "--1",
                "1 .real",
                "0x10",
                "x",
                '"a" "b"',
                'r"a"',
            ),
            *(
                "(,)",
                "[,]",
                "[1,,]",
                "{1: 2, 3}",
                "{1, 2: 3}",
                "{**{}}",
                "[1](",
                "[*[]]",
                "(1",
                "1)",
                "[1}",
                "new()",
                "new",
            ),
            *(
                "new(Node, **{}, x)",
                "new(Node, a=1, 2)",
                "new(Node, None=1)",
                "new(Node, **[])",
                "Node(a=1)",
                "state(1)",
            ),
            *(
                "state(new(Node), 1)",
                "extend([], ())",
                "extend([])",
                "Node.None",
                "Node..a",
                "1\nx = 2",
                "(1)\n(2)",
                "1;",
            ),
            *("1 == 1", "(x := 1)", "* 1", "[1]\n[0]", "[" * 200 + "]" * 200, "9" * 5000, "new(Node, a=1, a=2)"),
        ],
    )
    def test_what_is_wrong(self, text):
        """What it doesn't know, or is wrong, is left to the syntax trees, which say what it is."""
        text = f"application = {text}\n"
        assert tokens(text) is not None

        with pytest.raises(UnusualError):
            read(text, fast=True)

    @pytest.mark.parametrize(
        "text",
        [
            "application = 1\nother = 2\n",
            "a = 1\na = 2\n",
            "state = 1\n",
            "set_ = 1\nNone = 1\n",
            "state(new(Node)).x\n",
        ],
    )
    def test_statements(self, text):
        """A variable is bound once and by a name that is free, and nothing stands behind the root."""
        with pytest.raises(UnusualError):
            read(text, fast=True)
        with pytest.raises(Damaged):
            read(text, fast=False)

    @given(st.integers(0, 2**32))
    @settings(max_examples=400)
    def test_takes_nothing_otherwise(self, seed):
        """Whatever becomes of a text, what is read by its tokens is what Python makes of it."""
        chance = random.Random(seed)
        text = SHORT
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice([*PIECES, ""]) + text[at + chance.randrange(3) :]
        text = f"x = 1\n{text}"
        if tokens(text) is None:
            return
        try:
            found = read(text, fast=True)
        except (UnusualError, Damaged):
            return

        assert found == read(text, fast=False)
