import ast
import random
import re
import warnings

import pytest
from hypothesis import given, settings, strategies as st

import zoo
from appsnap import dumps
from appsnap.errors import AppsnapError, Damaged, NotInGrammar
from appsnap.kinds.source import reader, tokens
from appsnap.kinds.source.expressions import ExpressionReader
from appsnap.kinds.source.reader import read_statements
from isomorphism import listed

HEAD = "\nfrom zoo import Color, MyDict, MyList, MySet, Node\n"
HELPERS = "from appsnap.actions import add, extend, new, set_state, state, named, update\n"


def read(text):
    """Return the steps of statements, behind imports of their own, and the root."""
    text = HEAD + text
    recipe = read_statements(text, 0, len(text), 10_000)
    return repr((listed(recipe.steps), recipe.root))


def root(text):
    """Return the atom that a text makes."""
    text = f"\napplication = {text}\n"
    return read_statements(text, 0, len(text), 100).root


def compiled(text):
    """Let Python read a text, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(text, "text", "exec")


def respelled(text):
    """Return a text as Python writes it that has read it: one statement a line, and nothing that means nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.unparse(ast.parse(text)) + "\n"


def written(graph):
    """Return the statements of a source file, without comments and imports."""
    lines = dumps(graph, "source").decode().splitlines(keepends=True)
    return "".join(line for line in lines if not re.match("#|from |import |\n", line))


def graph(count):
    """Return a graph of all that source has a spelling for, and a list of so many numbers."""
    node = zoo.Node()
    node.parts = [1, -2.5, 1e300, None, True, "text", ("one",), (), {}, {"a": [1, 2], "b": {3: node}}, {4, 5}]
    node.parts += ["long " * 30, "line\n" * 30, "\0'\"\\", b"\xff", b"long " * 30, bytearray(b"\xff" * 90)]
    node.parts += [float("nan"), -float("inf"), set(), frozenset(), frozenset({1}), 10**50]
    node.method, node.numbers = node.parts.append, [*range(count)]
    setattr(node, "a b", "attribute that is no identifier")
    filled = zoo.MyList([1, node])
    filled.note = "an attribute"
    return [node, node.parts, zoo.Node(), zoo.Node, filled, zoo.MyDict(a=1), zoo.MySet({1, 2})]


SHORT, LONG = written(graph(3)), written(graph(3000))

PIECES = ['"', "'", "#", "\\", "\n", "\n    ", "\n\n", "\\\n", *"()[]{},:=.*;@-", "**", "01", "3.real", "1e5", "- 1"]
PIECES += ["j", '"a"', '"""', "'''", '"""a\n"""', "'a'", 'b"a"', 'r"\\"', 'f"a"', "None", "None=1", "x", "class"]
PIECES += ["state(", "new(Node)", "application", "**{}", '**{"a": 1}', '"a" "b"', "ä", '\n  "b"', "\n)", "\t", "b", "_"]
PIECES += [
    "->",
    "==",
    "(,)",
    "extend(",
    "set()",
    "# c\n",
    "\n  # c\n",
    " \\\n ",
    "1, ",
    "(1)",
    "1_0",
    "0x_f",
    "1..real",
]


class TestLayout:
    def test_a_long_file(self):
        """A file of many pieces is read to the same steps as the one line a statement that Python makes of it."""
        assert len([*tokens.pieces(LONG, 0, len(LONG))]) > 1

        assert read(LONG) == read(respelled(LONG))

    @pytest.mark.parametrize("size", [1, 10, 100, 1000])
    def test_pieces_end_where_statements_do(self, size, monkeypatch):
        """However small the pieces are, the steps are the same."""
        text = f'x = """\n Node = 1\n"""\ny = [\n x,\n "a"\n "b"\n]\nz = x, \\\n y\n{SHORT}'
        expected = read(text)

        monkeypatch.setattr(reader, "SIZE", size)

        assert read(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "[1,  # one\n    2]",
            "[\n 1,\n\n 2\n]",
            "[ \n\t1 ]",
            "[\n  # nothing\n]",
            "[1, \\\n 2]",
            "\\\n  [1]",
            "[1] \\\n\n",
            "[1] # \\",
            '("a"\n  "b"\n# one\n "c"\n)',
            '("a"\n  .join)',
            "(Node\n (1))",
            "{1\n :2\n ,\n}",
            "1, 2",
            "1,",
            "((1), (2,))",
            "[Node (1) . a, Node\t]",
        ],
    )
    def test_space_means_nothing(self, text):
        """Lines are joined in brackets and behind backslashes; comments and space are left out, as Python does."""
        text = f"application = {text}\n"

        assert read(text) == read(respelled(text))

    @pytest.mark.parametrize(
        "text",
        [
            " application = 1\n",
            "\tapplication = 1\n",
            "x = 1\n  application = 1\n",
            "application = 1\n  .real\n",
            'application = "a"\n  "b"\n',
            "application = Node\n (1)\n",
            "application = 1,\n  2\n",
            "application = [\n 1],\n  2\n",
            "application = 1 \\",
            "application = 1 \\\n",
            "application = 1 \\ \n",
            "application = [1\nx = 2\n",
            "application = 1)\n",
            "application = (1]\n",
        ],
    )
    def test_a_line_that_goes_on_outside_of_brackets(self, text):
        """It is refused, as Python refuses it."""
        with pytest.raises(SyntaxError):
            ast.parse(text)
        with pytest.raises(NotInGrammar, match="line "):
            read(text)

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("application = [\n1,\n]\n", 2),
            ("application = [\n    1,\n    2\n, 3]\n", 4),
            ("application = ('a'\n'b')\n", 2),
            ("application = {1:\n2}\n", 2),
            ("application = Node\\\n(1)\n", 2),
            ("application = [\n    # one\n\n-1]\n", 4),
            ("application = state(new(Node),\nname=1)\n", 2),
            ("application = \\\nNode\n", 2),
            ('x = """\napplication = 1\n"""\napplication = x\n', 2),
            ("x = '''\n\n  a\nimport os\n'''\napplication = x\n", 4),
            ('x = """a\n# b\n"""\napplication = x\n', 2),
            ('x = rb"""a\n_"""\napplication = x\n', 2),
            ('x = "a\\\nimport os"\napplication = x\n', 2),
        ],
    )
    def test_nothing_else_begins_in_column_0(self, text, line):
        """No text and no bracket hides a line that looks like a statement of its own, and Python would read it."""
        ast.parse(text)

        with pytest.raises(NotInGrammar, match="begins in column 0") as caught:
            read(text)

        assert (caught.value.line, caught.value.column) == (line + HEAD.count("\n"), 1)

    def test_a_statement_begins_in_column_0(self):
        """No line has two statements."""
        with pytest.raises(NotInGrammar):
            read("x = 1; application = x\n")
        with pytest.raises(NotInGrammar):
            read("application = 1;\n")


class TestLiterals:
    @pytest.mark.parametrize(
        "text",
        [
            *("'single'", '"double"', '""', "''", '"""a"""', "'''a\n'b'\n'''", '"""a\\"""b"""', '"""\n a "" b"""'),
            *(r'"\n\x41\u00e9\N{DIGIT ONE}\101"', '"a\\\n b"', r'r"\n"', r"R'\''", 'u"a"', "'é'", '"\'"', r"'\'\"'"),
            *("b'a'", r'b"\xff\n"', r'rb"\n"', r"bR'\''", 'Rb"r"', 'br"b"', "b'''a\n b'''", "b''"),
            *('"a" "b"', "'a' \"b\" r'\\c'", "b'a' B'b'", "'' ''"),
            *("0", "00", "0_0", "1_000", "0x_fF", "0XF", "0o17", "0b1_0", "9" * 4300, "1.", ".5", "1.5", "1_0.0_1"),
            *("1e5", "1E-5", "1.e5", ".5e+1_0", "01.5", "0e0", "1e999", "-1", "- 1", "-\t0x1", "-0.0", "(-1)", "-.5"),
            *("None", "True", "False", "(1)", "('a')", "((b'a'))"),
        ],
    )
    def test_are_those_of_python(self, text):
        """Texts, bytes and numbers are read as Python reads them, in each of its spellings."""
        expected = ast.literal_eval(text)

        assert repr(root(text)) == repr(expected)

    @pytest.mark.parametrize(
        "text",
        [
            *("01", "1 2", "3.real", "1_", "1__0", "0x", "0b2", "1e", "1.5.5", "1a", "1_000_", "0_1", "9" * 5000),
            *('"a', "'a", '"""a', '"a\n"', r'"\x4"', r'"\N{NOTHING}"', r'"\U00110000"', "b'ä'", '"a" b"b"', "ub'a'"),
            *(
                "(,)",
                "[,]",
                "[1,,]",
                "(1",
                "{1: 2, 3}",
                "{1, 2: 3}",
                "{1:}",
                "[1}",
                "* 1",
                "1 +",
                "Node.None",
                "Node..a",
            ),
            *("new(Node, **{}, x)", "new(Node, a=1, 2)", "new(Node, None=1)", "new(Node, a=1, a=2)", "1 == ", "1.2 .3"),
        ],
    )
    def test_what_python_refuses(self, text):
        """It is refused, and the error says on which line."""
        with pytest.raises((SyntaxError, ValueError)):
            compiled(f"application = {text}\n")
        with pytest.raises(NotInGrammar, match="line 3"):
            read(f"application = {text}\n")

    @pytest.mark.parametrize(
        "text",
        [
            *("1j", "...", "--1", "- -1", "-True", "-1 .real", "+1", "~1", "1 + 1", "1 == 1", "(x := 1)", "x"),
            *("f'a'", "lambda: 1", "1 if 2 else 3", "[*[]]", "{**{}}", "[1][0]", "Node(**x)", "Node(*[])"),
            *("new", "new()", "new(1)", "new(Node, **[])", "new(Node, **{1: 2})", "(new)(Node)", "new(cls=Node)"),
            *("state(1)", "state(new(Node), 1)", "state()", "state(new(Node), **{**{}})", "extend([], ())"),
            *("extend([])", "extend([], [1], [2])", "add(set(), {1})", "update({}, [])", "set_state([], a=1)"),
            *("named()", "named('')", "named(b'a')", "named('a', 'b', 'c')", "getattr([], 1)", "getattr([])"),
            *(
                "set([1])",
                "set({1})",
                "frozenset([1])",
                "frozenset({})",
                "bytearray('a')",
                "bytearray(1)",
                "float('1')",
            ),
            *("float(nan)", "(1)(2)", "'a'()", "application", "{1: x}", "{x}", "(x, 1)"),
        ],
    )
    def test_what_only_python_takes(self, text):
        """It isn't of the grammar, and the error says on which line."""
        ast.parse(text)

        with pytest.raises(NotInGrammar, match="line 3"):
            read(f"application = {text}\n")

    def test_warnings_of_python_are_kept_quiet(self, recwarn):
        """An escape that there isn't is no reason to warn those who load a file."""
        assert root(r"'\q'") == r"\q"
        assert not recwarn


class TestStatements:
    @pytest.mark.parametrize(
        "text",
        [
            "application = 1\nother = 2\n",
            "application = 1\napplication = 2\n",
            "a = 1\na = 2\napplication = a\n",
            "state = 1\napplication = 1\n",
            "None = 1\napplication = 1\n",
            "1 = 1\napplication = 1\n",
            "(x) = 1\napplication = 1\n",
            "x = y = 1\napplication = 1\n",
            "state(new(Node)).x\napplication = 1\n",
            "(state(new(Node)))\napplication = 1\n",
            "new(Node)\napplication = 1\n",
            "import os, sys\napplication = 1\n",
            "import os.path\napplication = 1\n",
            "import if\napplication = 1\n",
            "from os import path,\napplication = 1\n",
            "from os import ()\napplication = 1\n",
            "from os import (path\napplication = 1\n",
            "from os import *\napplication = 1\n",
            "from .os import path\napplication = 1\n",
            "from appsnap.actions import new as other\napplication = 1\n",
            "from appsnap.actions import other\napplication = 1\n",
        ],
    )
    def test_what_is_refused(self, text):
        """A variable is bound once and by a name that is free, and nothing stands behind the last statement."""
        with pytest.raises(NotInGrammar, match="line "):
            read(text)

    def test_imports(self):
        """They are read in each of their spellings."""
        text = (
            "import os\nimport os . path as p\nfrom a.b import c, d as e\nfrom a.b import (\n    f,\n    g as h,\n)\n"
        )
        text += f"{HELPERS}application = [os, p, c, e, f, h]\n"

        assert read(text) == read(respelled(text))
        assert "Name(module='os.path', qualname='')" in read(text)

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("application = [\n    1,\n    x,\n]\n", 5),
            ("# one\n\nx = '''\n\n'''\napplication = y\n", 8),
            ("application = 1\nx = 2\n", 4),
            ("x = [\n    state(1, a=2),\n]\napplication = x\n", 4),
            ("application = [\n    1,\n", 4),
            ("application = [\n    'a'\n    'b\n]\n", 5),
            ("".join(f"x{n} = [0]\n" for n in range(9_000)) + "y = z\n", 9003),
        ],
    )
    def test_errors_name_the_line(self, text, line):
        """It is the line on which the word stands that is wrong, in whatever piece."""
        with pytest.raises(NotInGrammar, match=f"^line {line}, column "):
            read(text)


class TestDepth:
    @pytest.mark.parametrize(
        ("opening", "closing"),
        [
            ("[", "]"),
            ("(", ",)"),
            ("(", ")"),
            ("{1: ", "}"),
            ("Node(", ")"),
            ("frozenset({", "})"),
            ("extend([], [", "])"),
        ],
    )
    def test_brackets(self, opening, closing):
        """What is read, Python can read; what is nested deeper is refused, however deep."""
        depths = [90, 99, 100, 200, 3_000]
        taken = []
        for depth in depths:
            text = f"application = {opening * depth}[]{closing * depth}\n"
            try:
                read(text)
            except NotInGrammar as error:
                assert "nested too deep" in str(error)
                continue
            ast.parse(text)
            taken.append(depth)

        assert taken == [90]

    @pytest.mark.parametrize("link", [".a", "(1)"])
    def test_chains(self, link):
        """An expression may have 500 attributes and calls behind it: a name of 1,000 letters has no more."""
        ast.parse(f"application = []{link * 500}\n")
        assert read(f"application = Node{'.a' * 490}\n")

        with pytest.raises(NotInGrammar, match="more than 500"):
            read(f"application = [Color{link}].a{link * 500}\n")

    def test_chains_in_chains(self):
        """Those behind the expressions around it count, too."""
        inner = f"[]{'.a' * 300}"

        assert read(f"application = [{inner}, {inner}]\n")
        with pytest.raises(NotInGrammar, match="more than 500"):
            read(f"application = []{'.a' * 300}({inner})\n")


@pytest.mark.slow
class TestMutants:
    @given(st.integers(0, 2**32))
    @settings(max_examples=400)
    def test_are_read_as_python_reads_them(self, seed):
        """Whatever becomes of a text, what is read is what Python makes of it."""
        chance = random.Random(seed)
        text = f"x = 1\n{SHORT}"
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice([*PIECES, ""]) + text[at + chance.randrange(3) :]
        try:
            found = read(text)
        except (Damaged, NotInGrammar):
            return

        compiled(text)
        assert found == read(respelled(text))


IMPORTS = f"{HEAD}{HELPERS}v0 = []\n"
PASSAGES = [
    "NAME = new(Node)\n",
    "NAME = new(Node)\nstate(NAME, a=WORD, b=WORD)\n",
    'NAME = new(Node)\nstate(\n    NAME,\n    a=WORD,\n    b={WORD: WORD, "k": [WORD, WORD]},\n)\n',
    "NAME = state(new(MyList), a=WORD)\nextend(NAME, [WORD, WORD])\n",
    "NAME = [WORD, (WORD, WORD), {WORD}, set(), ()]\n",
    "NAME = new(Node)\nupdate(v0, {WORD: WORD})\nadd(NAME, [WORD])\n",
    "NAME = {}\nupdate(NAME, {WORD: NAME})\n",
    "NAME = WORD\n",
    "NAME = new(WORD, WORD)\n",
    'NAME = set_state(new(Node), (None, {"a": WORD}))\n',
    "NAME = [NAME, WORD]\n",
    "NAME =\tNone\n",
    "NAME = new(Node)\n\n# note\nstate(NAME, a=WORD)\n",
]
PLAIN = [
    '"a"',
    '"b c"',
    '""',
    "1",
    "-2",
    "1.5",
    "1e5",
    "None",
    "True",
    "Node",
    "v0",
    "v1",
    '"a, b"',
    '"#"',
    '"\\n"',
    '"é"',
]
ODD = ["'q'", f'"{"x" * 65}"', 'b"x"', "[1]", "007", "2 * 3", '"a" "b"', "unknown", "v1.real", "word_1", "class", "- 1"]
ODD += ['float("nan")', "state(new(Node), a=1)", '"""x"""', "1_000", "state", "()"]


@st.composite
def documents(draw):
    """Return a file of passages of few shapes, with plain words in most of them, and with an edit or none."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    shapes = chance.sample(PASSAGES, chance.randrange(1, 4))
    text = IMPORTS
    for number in range(chance.randrange(2, 20)):
        passage = chance.choice(shapes)
        while "WORD" in passage:
            passage = passage.replace("WORD", chance.choice(PLAIN if chance.randrange(60) else ODD), 1)
        names = [f"v{number + 1}"] if chance.randrange(40) else ["class", "state", "v0", "application", "é"]
        text += passage.replace("NAME", chance.choice(names))
    text += "application = [v0, v1]\n"
    if chance.randrange(2):
        return text
    at = chance.randrange(len(IMPORTS), len(text))
    return text[:at] + chance.choice([*PIECES, ""]) + text[at + chance.randrange(3) :]


def outcome(text, most):
    """Return the recipe of a text and the steps before each of its statements, or the error and its place."""
    begins = []
    try:
        recipe = read_statements(text, 0, len(text), most, begins)
    except AppsnapError as error:
        return type(error), str(error), error.hint, begins
    return repr((recipe.steps, recipe.root)), begins


class TestTemplates:
    @pytest.mark.slow
    @given(documents(), st.sampled_from([10, 30, 10_000]), st.sampled_from([2, 3, 100]))
    @settings(max_examples=400)
    def test_nothing_is_read_otherwise(self, text, most, uses):
        """The steps of any text, and the error with its place, are those of reading it word by word."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "_USES", uses)
            patch.setattr(reader, "_LEARNED", 2)
            found = outcome(text, most)
            patch.setattr(reader, "_LONG", 0)
            expected = outcome(text, most)

        assert found == expected

    @pytest.mark.parametrize("uses", [5, 100])
    def test_passages_of_one_shape_are_read_by_a_template(self, uses, monkeypatch):
        """Word by word, the reader reads no more than the imports, four passages and the last statement."""
        passages = [f'x{n} = new(Node)\nstate(x{n}, a="{n}", b=[{n}, ({n}.5, None)])\n' for n in range(20)]
        words = []
        monkeypatch.setattr(reader, "_USES", uses)
        monkeypatch.setattr(
            reader._StatementReader, "_begin", lambda self, found: begin(self, words.extend(found) or found)
        )
        begin = ExpressionReader._begin

        read("".join([HELPERS, *passages, "application = x0, x19\n"]))

        assert words.count("new") <= 5
