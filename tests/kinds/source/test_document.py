import array
import ast
import hashlib
import math
import random
import subprocess
import sys
import tracemalloc
import unicodedata

import pytest
from hypothesis import given, strategies as st

import appsnap
import shop
import zoo
from appsnap.errors import CannotBuild, Damaged, NewerFormat, NotInGrammar, NotTrusted
from appsnap.kinds import source
from appsnap.kinds.header import Header
from appsnap.kinds.source.tokens import FORBIDDEN
from appsnap.kinds.source.writer import SourceWriter
from appsnap.recipe.steps import Name, New, Recipe, Ref, State, Value
from appsnap.service import Service

HEAD = '# appsnap 1 source: {"version": "0.1.0"}\n\n'


TYPED = """\
import datetime as dt
import ipaddress
import re
from collections import deque
from builtins import complex
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo
"""


def load(text, **options):
    return appsnap.loads((HEAD + text).encode("utf-8", "surrogatepass"), **options)


class TestWriting:
    def test_it_reads_as_if_somebody_had_written_it(self):
        """Services give variables their names, attributes are keywords, values are as people write them."""
        text = appsnap.dumps(shop.make(), "source").decode()

        assert "from shop.services import Clerk, Mood, Price" in text
        assert 'stock = new(Stock)\nstate(\n    stock,\n    name="stock",\n    parent=shop,\n' in text
        assert '    goods=Counter({"tea": 12, "coffee": 3, "cake": 0}),\n' in text
        assert "    mood=Mood.FRIENDLY,\n" in text
        assert text.splitlines()[-3] == "application = shop"

    def test_python_runs_it(self, tmp_path):
        """Run as ordinary Python, the file gives an equal application."""
        data = appsnap.dumps(shop.make(), "source")
        namespace = {}

        exec(compile(data, "shop.tas", "exec"), namespace)

        assert appsnap.dumps(namespace["application"], "source") == data

    @pytest.mark.slow
    def test_it_is_python_of_few_lines_a_statement(self):
        """A long container is filled in several statements, so that no reader needs all of a file at once."""
        text = appsnap.dumps([{"n": n} for n in range(20_000)], "source").decode()

        tree = ast.parse(text)

        assert len(tree.body) > 30
        assert max(statement.end_lineno - statement.lineno for statement in tree.body) < 2100

    @pytest.mark.slow
    @pytest.mark.parametrize("wrap", [list, lambda items: dict(enumerate(items))])
    def test_much_in_many_items_is_divided(self, wrap):
        """A long container of large items is filled in statements that a reader takes."""
        items = [Service() for _ in range(600)]
        for number, one in enumerate(items):
            vars(one).update({f"attribute_{at}": f"text {number}" for at in range(120)})

        back = appsnap.loads(appsnap.dumps(wrap(items), "source"))

        found = back if type(back) is list else back.values()
        assert [vars(one) for one in found] == [vars(one) for one in items]

    def test_levels_keep_no_copies(self):
        """A long text deep within a statement isn't kept once for each level around it."""
        text = "t" * 200_000
        steps, above = [Name("shop.services", "Web"), Value(text)], Ref(1)
        for _ in range(11):
            target = Ref(sum(type(step) is not State for step in steps))
            steps += [New(Ref(0), ()), State(target, ("a",), [above]), *[State(target, ("b",), [1])] * 7]
            above = target
        recipe = Recipe(steps, above)
        tracemalloc.start()
        try:
            pieces = source.write(Header("source"), recipe, {})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert b"".join(pieces).count(b"t" * 80) == len(text) // 80
        assert peak < 40 * len(text)

    def test_deep_nesting_is_broken_by_variables(self):
        """No expression is nested deeper than Python's own parser can bear."""
        deep = []
        for _ in range(1000):
            deep = [deep]

        text = appsnap.dumps(deep, "source").decode()

        ast.parse(text)
        assert "[" * 20 not in text

    @pytest.mark.parametrize(
        "value",
        [
            math.inf,
            -math.inf,
            -0.0,
            10**5000,
            -(10**5000),
            "\ud800",
            "\u202e",
            "\r\n\0",
            "é" * 100,
            "line\n" * 30,
            b"\xff" * 200,
            "'\"",
            ...,
            complex(-0.0, -1),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_has_no_plain_literal_comes_back(self, value):
        """Values that `repr` and `literal_eval` don't round-trip do so here."""
        data = appsnap.dumps([value], "source")

        (result,) = appsnap.loads(data)

        assert appsnap.dumps([result], "msgpack") == appsnap.dumps([value], "msgpack")
        assert appsnap.dumps([result], "source") == data

    def test_a_long_text_may_be_a_key(self):
        """Its pieces stay one literal, wherever they stand."""
        value = {"a\n" * 100: {("b" * 100, 1): 2}, ("c" * 100,): 3}

        data = appsnap.dumps(value, "source")

        assert appsnap.loads(data) == value

    def test_attributes_keep_their_order(self):
        """An attribute whose name is no identifier doesn't change the order of the others."""
        obj = shop.Till()
        vars(obj).update({"a": 1, "class": 2, "b": 3, "two words": 4})

        result = appsnap.loads(appsnap.dumps(obj, "source"), trust=["shop.*"])

        assert [*vars(result)][-4:] == ["a", "class", "b", "two words"]

    def test_names_that_collide_are_told_apart(self):
        """Two services of one name, a service named like a builtin, like a keyword, and like an imported class."""
        names = ["web", "web", "list", "class", "Till", "Ünïcode", "1st", ""]
        tills = []
        for name in names:
            till = shop.Till()
            till.name = name
            till.parent = None
            tills.append(till)

        data = appsnap.dumps(tills, "source")

        assert [till.name for till in appsnap.loads(data, trust=["shop.*"])] == names
        for variable in ("web", "web_2", "list_1", "class_1", "till", "n1st"):
            assert f"\n{variable} = new(Till)" in data.decode()


class TestEditing:
    def test_an_edited_file_is_read(self, tmp_path):
        """A file changed by hand gives the changed application, and says that it was edited."""
        path = tmp_path / "shop.tas"
        appsnap.save(shop.make(), path, kind="source")
        path.write_text(path.read_text().replace('"tea": 12', '"tea": 99'))

        snapshot = appsnap.open_snapshot(path)

        assert snapshot.document.edited
        assert "edited since" in str(snapshot)
        assert snapshot.build(trust=["shop.*"]).getServiceNamed("stock").goods["tea"] == 99

    def test_comments_and_empty_lines(self):
        """Comments may stand on lines of their own and behind statements."""
        assert load("# one\n\nlist_1 = [1,  # two\n    2]\n# three\napplication = list_1  # four\n") == [1, 2]

    def test_a_file_without_trailer_is_an_edited_one(self):
        """Somebody may have written the whole file."""
        assert source.read(memoryview((HEAD + "application = 1\n").encode())).edited


def views(whole):
    """Return an array and two that share its memory."""
    return [whole, whole[1:], whole[::2]]


ARRAYS = {
    "zeros": lambda np: np.zeros(10),
    "rows": lambda np: np.array([[1, 2], [3, 4]]),
    "columns": lambda np: np.array([[1, 2], [3, 4.5]], order="F"),
    "cube": lambda np: np.arange(8, dtype="u1").reshape(2, 2, 2),
    "booleans": lambda np: np.array([True, False]),
    "floats": lambda np: np.array([0.1, 1e-3, 3.4e38, -0.0, 1e-45], "f4"),
    "halves": lambda np: np.array([0.1, 65504, np.inf], ">f2"),
    "odd floats": lambda np: np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324]),
    "a payload of a nan": lambda np: np.frombuffer(b"\1\0\0\0\0\0\xf8\x7f", "<f8").copy(),
    "swapped": lambda np: np.array([1, -2], ">i4"),
    "large integers": lambda np: np.array([2**64 - 1, 0], "u8"),
    "complex": lambda np: np.array([1 + 2j]),
    "no items": lambda np: np.zeros((2, 0)),
    "no axes": lambda np: np.array(5.0),
    "dates": lambda np: np.array(["2020-01-01"], "M8[D]"),
    "structures": lambda np: np.array([(1, 2.0)], "i4,f8"),
    "many": lambda np: np.arange(1000.0),
    "read only": lambda np: np.frombuffer(bytes(range(16)), "<i8"),
    "shared": lambda np: views(np.arange(9.0)),
    "objects": lambda np: np.array([None, [1]], object),
    "two of a sort": lambda np: [np.zeros(2), np.zeros(3), np.dtype("<f8")],
    "of Python": lambda _: [array.array(code, [1, 2, 100]) for code in "bBhHiIlLqQfd"],
    "of Python, letters": lambda _: array.array("u", "ab"),
    "of Python, many": lambda _: array.array("d", range(1000)),
    "bytes": lambda _: [
        bytes(50),
        bytes(100),
        b"text " * 50,
        b"\n" * 100,
        bytearray(b"\xff" * 100),
        bytearray(b"a" * 99),
    ],
}


def exact(value):
    """Return all that is to be seen of arrays and bytes in a list or by itself."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if hasattr(value, "dtype") and value.dtype.hasobject:
        return value.dtype, value.shape, value.tolist()
    if hasattr(value, "dtype"):
        return value.dtype, value.shape, value.strides, value.flags.writeable, value.tobytes("A")
    return type(value), value


class TestData:
    @pytest.mark.filterwarnings("ignore:The 'u' type code:DeprecationWarning")
    @pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
    def test_it_comes_back_bit_by_bit(self, make):
        """By the reader and by Python; and it is written in the same way again."""
        value = make(pytest.importorskip("numpy"))
        text = appsnap.dumps(value, "source")
        namespace = {}

        exec(text.decode(), namespace)

        assert exact(appsnap.loads(text)) == exact(value) == exact(namespace["application"])
        assert appsnap.dumps(appsnap.loads(text), "source") == text
        assert len(text) < 3 * len(repr(exact(value))) + 2000

    def test_a_short_array_is_there_to_be_edited(self):
        """Numbers are written as people write them: few digits, a row a line of a table."""
        numpy = pytest.importorskip("numpy")
        array_of_rows = numpy.array([[0.1, 1], [2.5, -3]], "f4")

        text = appsnap.dumps(array_of_rows, "source").decode()

        assert 'packed("<f4", [0.1, 1.0], [2.5, -3.0])' in text
        edited = appsnap.loads(text.replace("2.5", "2 * 100").encode())
        assert edited.tolist() == [[numpy.float32(0.1), 1], [200, -3]]

    def test_long_data_takes_a_third_more(self):
        """8 MB take less than 11 MB."""
        data = random.Random(0).randbytes(8_000_000)

        text = appsnap.dumps(data, "source")

        assert len(text) < 11_000_000
        assert appsnap.loads(text) == data

    @pytest.mark.parametrize(
        ("text", "place", "says"),
        [
            ("from_base64(\n    'AAAA'\n    'A!AA'\n    'AAAA'\n)", (6, 5), "wrong base64"),
            ("from_base64(\n    'AAAA'\n    'AA'\n)", (6, 5), "wrong base64"),
            ("bytearray(from_base64('A'))", (4, 37), "wrong base64"),
            ("packed('<f8', [1], ['2'])", (4, 22), "numbers of the form <f8 are each float or int"),
            ("packed('<i1', [128])", (4, 22), "a number is too large for the form <i1"),
            ("packed('<q', [128])", (4, 22), "'<q' is no form of numbers"),
        ],
    )
    def test_wrong_data_is_refused_at_its_place(self, text, place, says):
        """The wrong line of base64, or the call with the wrong numbers."""
        with pytest.raises(NotInGrammar) as caught:
            load(f"from appsnap.actions import from_base64, packed\napplication = {text}\n")

        assert says in str(caught.value)
        assert (caught.value.line, caught.value.column) == place


class TestReading:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("application = __import__('os').system('true')\n", "line 3"),
            ("import os\napplication = os.system('true')\n", "wants os.system"),
            ("application = eval('1')\n", "eval isn't known here"),
            ("application = [x for x in ()]\n", "x isn't known here"),
            ("application = lambda: 1\n", "isn't of the grammar"),
            ("application = f'{1}'\n", "a text with the prefix f"),
            ("application = 1 + 1\n", "isn't of the grammar"),
            ("application = 1j\n", "line 3, column 16: j where the end of the statement is expected"),
            ("def f(): pass\napplication = 1\n", "isn't of the grammar"),
            ("class A: pass\napplication = 1\n", "isn't of the grammar"),
            ("while True: pass\napplication = 1\n", "isn't of the grammar"),
            ("from os import *\napplication = 1\n", "* where a name is expected"),
            ("from . import x\napplication = 1\n", "isn't of the grammar"),
            ("from appsnap.actions import new as old\napplication = 1\n", "appsnap.actions has no"),
            ("new = 1\napplication = 1\n", "new is bound already"),
            ("a = 1\na = 2\napplication = a\n", "a is bound already"),
            ("application = b\n", "b isn't known here"),
            ("application = 1\nb = 2\n", "something stands behind"),
            ("a = 1\n", 'no "application = …" at the end'),
            ("a = 1\nextend(a, [1])\napplication = a\n", "an object is wanted here"),
            ("application = {**{}}\n", "** where an expression is expected"),
            ("application = state(new([]), **[])\n", '[ where "{" is expected'),
            ("application = (\n", "the statement ends where an expression is expected"),
            ("a = " + "(" * 500 + ")" * 500 + "\n", "brackets are nested too deep"),
            ("a = " + "-" * 100_000 + "1\napplication = a\n", "line 3, column 6: - where a number is expected"),
            ("application = float('1e5')\n", "float takes one of the texts nan,"),
        ],
    )
    def test_what_is_not_of_the_grammar_is_refused(self, text, says):
        """Each refusal is one line that names the line of the file, and nothing has been run."""
        with pytest.raises((Damaged, NotInGrammar, NotTrusted)) as caught:
            load(text)

        assert says in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "text",
        [
            "application = ｅval\n",
            "ａ = 1\napplication = a\n",
            "from os import ｓystem\napplication = 1\n",
            "application = 1 # \u202e\n",
            "application = '\u2066'\n",
            "application = 1\r\n",
            "application = 1\x0c\n",
            "application = '\ufeff'\n",
        ],
        ids=ascii,
    )
    def test_text_that_looks_other_than_it_is_is_refused(self, text):
        """Names outside ASCII, bidirectional controls and odd line ends don't get through."""
        with pytest.raises(NotInGrammar):
            load(text)

    def test_characters_that_nobody_sees_are_refused(self):
        """All controls and format characters of Unicode are, but tab and line feed. The writer escapes them."""
        hidden = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp")}
        hidden |= {*"\u034f\u115f\u17b4\u180b\u3164\ufe0f\uffa0\u2800\U000e0100\U000e01ef\U0001d159"}
        text = "".join(sorted(hidden))

        assert {*filter(FORBIDDEN.match, map(chr, range(0x110000)))} > hidden - {"\t", "\n"}
        assert not FORBIDDEN.search("a\t\n é日本 \xa0\u3000\U0001f600")
        assert not FORBIDDEN.search(appsnap.dumps([text, {text: 1}], "source").decode())
        assert appsnap.loads(appsnap.dumps([text, {text: 1}], "source")) == [text, {text: 1}]

    @pytest.mark.parametrize(
        ("text", "place", "excerpt"),
        [
            ("x = [\n    1 + 1,\n]\napplication = x\n", (4, 7), ("    1 + 1,", "      ^")),
            ("application = ['日本', é]\n", (3, 22), ("application = ['日本', é]", " " * 23 + "^")),
            ("application = [\t'a', x]\n", (3, 22), ("application = [\\x09'a', x]", " " * 24 + "^")),
            ("application = [" + "1, " * 200 + "x]\n", (3, 616), ("…" + "1, " * 20 + "x]", " " * 61 + "^")),
            ("application = 'a\u2066b'\n", (3, 17), ("application = 'a\\u2066b'", " " * 16 + "^")),
            ("application = 1\r\n", (3, 16), ("application = 1\\x0d", " " * 15 + "^")),
        ],
    )
    def test_a_refusal_shows_the_place(self, text, place, excerpt):
        """Line, column, the text there, and a caret below it: also behind wide letters, and far out in a line."""
        with pytest.raises(NotInGrammar) as caught:
            load(text)

        assert (caught.value.line, caught.value.column) == place
        assert caught.value.excerpt == excerpt
        assert caught.value.exit_code == 6

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "60 * 60",
                "24*60*60",
                "-60 * 60",
                "-(60 * 60)",
                "2 * -(3 * 4) * 5",
                "0.1 * 3 * 3",
                "0.1 * (3 * 3)",
                "H * 24",
            ),
            *(
                "-H",
                "1_000 * 0x10",
                "1e308 * 10",
                "-0.0 * 1",
                "0 * -1.0",
                "{60 * 60: [2 * 3, (2 * 3,)]}",
                "(60) * 2",
                "2 * 3,",
            ),
            *("timedelta(days=60)", "timedelta(hours=1.5)", "timedelta(weeks=-1, minutes=10)", "timedelta(0.5, 1)"),
            *(
                "timedelta(1, 2, 3, 4, 5, 6, 7)",
                "timedelta(milliseconds=2 * 700)",
                "timedelta()",
                "timedelta(seconds=H)",
            ),
            *(
                "datetime(2026, 5, 1, tzinfo=timezone.utc)",
                "datetime(2026, 5, day=1, minute=5)",
                "datetime(2026, 5, 1, fold=1)",
            ),
            *(
                "datetime(2026, 5, 1, tzinfo=dt.UTC, fold=1)",
                "datetime(2026, 5, 1, fold=0)",
                "dt.time(tzinfo=timezone.utc)",
            ),
            *(
                "dt.time(second=5, fold=1)",
                "dt.date(year=2026, month=5, day=1)",
                "timezone.utc",
                "timezone(timedelta(hours=-2))",
            ),
            *(
                "timezone(offset=timedelta(minutes=90), name='x')",
                "Path('x')",
                "Path('x', 'y')",
                "Path()",
                "Decimal('1.5')",
            ),
            *(
                "Decimal(5)",
                "Decimal(0.1)",
                "Decimal(-1e300)",
                "Decimal(value='2')",
                "Decimal()",
                "Fraction('0.5')",
                "Fraction(3)",
            ),
            *("Fraction(0.1)", "Fraction(1, 3)", "Fraction(denominator=3)", "Fraction('1/3')", "Fraction(' -.5 ')"),
            *("UUID('12345678123456781234567812345678')", "UUID(int=5)", "UUID(bytes=b'0123456789abcdef')"),
            *(
                "deque([1], maxlen=3)",
                "deque(maxlen=3)",
                "deque(iterable=(1, 2))",
                "re.compile('x', flags=2)",
                "re.compile(b'x')",
            ),
            *(
                "ZoneInfo(key='UTC')",
                "ipaddress.IPv4Network(address='10.0.0.0/8')",
                "complex(imag=2)",
                "complex(1.5, 2)",
            ),
            *("b''", "set()", "frozenset({1, 2,})", "'a' \"b\" 'c'", "[\n    1,  # one\n    (2),\n]"),
        ],
    )
    def test_what_people_type_is_what_python_makes_of_it(self, text):
        """Products, keywords and values by their types, without trust in any name, and with trust in all."""
        text = f"{TYPED}H = 60 * 60\napplication = {text}\n"
        expected = {}
        exec(text, expected)

        for trust in ((), appsnap.EVERYTHING):
            found = load(text, trust=trust)

            assert (type(found), repr(found)) == (type(expected["application"]), repr(expected["application"]))

    @pytest.mark.parametrize(
        ("text", "column", "says"),
        [
            ("timedelta(day=60)", 15, "timedelta has no day: it takes days, seconds"),
            ("timedelta(1, days=60)", 15, "timedelta has two values for days"),
            ("timedelta(days=10**9)", 32, "the operator **"),
            ("timedelta(weeks=200_000_000)", 15, "days=1400000000"),
            ("datetime(2026, day=5)", 15, "datetime needs a value for month"),
            ("datetime(2026, 13, 1, fold=1)", 15, "month must be in 1..12"),
            ("datetime(2026, [5], 1, fold=1)", 15, "datetime takes numbers and a time zone"),
            ("datetime(2026, 5, 1, fold=2)", 15, "fold must be either 0 or 1"),
            ("dt.date.today(weekday=1, 2)", 40, "a keyword"),
            ("deque(a=1)", 15, "deque has no a"),
            ("UUID(int=-1)", 15, "int is out of range"),
            ("[1, print('x')]", 19, "print isn't known here"),
            ("2 * 3 + 4", 21, "the operator +"),
            ("2 ** 3", 17, "the operator **"),
            ("'a' * 3", 19, "a product of something that is no number"),
            ("3 * 'a'", 19, "'a' where a number is expected"),
            ("True * 3", 20, "no number"),
            ("10 * (H) .real", 24, "a product without brackets"),
            (f"{'9' * 4000} * {'9' * 4000}", 4016, "more than 4,300 digits"),
            (f"0x{'f' * 50_000} * 1", 50_018, "more than 4,300 digits"),
            (f"{'9' * 4000} * 0.5", 4016, "more than 4,300 digits"),
            ("[n for n in (1, 2)]", 16, "n isn't known here"),
        ],
    )
    def test_what_people_mistype_is_refused_at_its_place(self, text, column, says):
        """The message says why, and the caret stands below the wrong word or the call."""
        with pytest.raises(NotInGrammar) as caught:
            load(f"{TYPED}H = 60 * 60\napplication = {text}\n")

        assert says in str(caught.value)
        assert caught.value.column == column

    @pytest.mark.parametrize(
        ("text", "place", "says", "hint"),
        [
            ('["a", b"yyy]', (15, 21), "a text that isn't closed", "several on lines"),
            ("[rb'\u00e4]", (15, 16), "a text that isn't closed", "several on lines"),
            ("[r'''a]", (15, 16), "a text that isn't closed", "several on lines"),
            ('["yyy]', (15, 16), "a text that isn't closed", ""),
            ('["yyy\\"]', (15, 16), "a text that isn't closed", ""),
            ('["a", "b")', (15, 24), ') where "," is expected', "each bracket is closed by one of its own kind"),
            ("[1])", (15, 18), ") where the end of the statement", "each bracket is closed by one of its own kind"),
            ("[1 2]", (15, 18), '2 where "," is expected', "items stand between commas"),
            ("[[1, data=2]", (15, 20), "data isn't known here", "close the bracket in front of it"),
            ("[[1, H=2]", (15, 21), '= where "," is expected', "close the bracket in front of the name"),
            ("{port: 2}", (15, 16), "port isn't known here", 'a key is a text, "port"'),
            ("[n for n in 'ab']", (15, 16), "n isn't known here", "write the items one by one"),
            ("true", (15, 15), "true isn't known here", "write True"),
            ("int('5')", (15, 15), "int isn't known here", "write the value itself, as in 1"),
            ("datetime(year==1)", (15, 29), "= where an expression is expected", "one sign of equality"),
            ("NULL", (15, 15), "NULL isn't known here", "write None"),
            ("nan", (15, 15), "nan isn't known here", 'write float("nan")'),
            ("Decimla('1')", (15, 15), "Decimla isn't known here", "did you mean Decimal?"),
            ("fronzenset()", (15, 15), "fronzenset isn't known here", "did you mean frozenset?"),
            ("[\u201ca\u201d]", (15, 16), "outside of texts", "straight quotes"),
            ("datetime(2026, 05, 1)", (15, 30), "05 has a zero in front", ""),
            ("b'\u00e4'", (15, 15), "bytes can only contain ASCII", ""),
            ("1\n  b = 2", (16, 1), "a statement begins in column 0", "put nothing in front of it"),
        ],
    )
    def test_the_hint_is_about_the_slip(self, text, place, says, hint):
        """Slips of the keyboard get a hint of their own, at the place of the slip."""
        with pytest.raises(NotInGrammar) as caught:
            load(f"{TYPED}H = 60 * 60\napplication = {text}\n# appsnap trailer: {{}}\n")

        assert says in str(caught.value)
        assert hint in caught.value.hint
        assert (caught.value.line, caught.value.column) == place

    def test_a_text_that_ends_with_the_file_is_truncated(self):
        """Also with a prefix."""
        for text in ('"abc', 'b"abc', "rb'''abc"):
            with pytest.raises(Damaged, match="isn't closed") as caught:
                load(f"application = [{text}")

            assert caught.value.hint == "the file is truncated"

    def test_a_last_statement_of_another_name(self):
        """The hint says both what may have happened to the file, and what to an edited one."""
        with pytest.raises(Damaged, match=r'no "application = …" at the end') as caught:
            load("aplication = [1]\n# appsnap trailer: {}\n")

        assert caught.value.hint == "the file is truncated, or an edit has changed the name in its last statement"

    def test_another_encoding_is_told_with_its_line(self):
        """An editor that writes Latin-1 damages nothing else."""
        with pytest.raises(Damaged, match="line 3: invalid UTF-8") as caught:
            appsnap.loads(b"# appsnap 1 source\n\napplication = '\xe4'\n")

        assert "save it as that" in caught.value.hint

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("application = [\n    UUID('x'),\n]\n", 16),
            ("\n# one\na = [1]\n\nb = [\n    2,\n]\nc = date(2026, 2, 30)\napplication = [a, b, c]\n", 23),
            ("a = Decimal('1')\nb = a.nothing\napplication = b\n", 17),
            ("from shop.services import Nothing\na = [1]\nb = [Nothing]\napplication = b\n", 18),
        ],
    )
    def test_an_error_of_building_names_the_line(self, text, line):
        """It is that of the statement with the step that fails, behind imports, comments and long statements."""
        with pytest.raises(CannotBuild, match=rf"in the statement of line {line}(\n|$)"):
            load(f"{TYPED}from datetime import date\n\n{text}", trust=appsnap.EVERYTHING)

    def test_no_clock_is_read(self):
        """A call of a method of a known type isn't trusted: it would give another value at each load."""
        for text in ("dt.date.today()", "datetime.now(timezone.utc)", "datetime.now(tz=timezone.utc)"):
            with pytest.raises((NotTrusted, NotInGrammar)):
                load(f"{TYPED}application = {text}\n")

    def test_the_hint_for_a_name_that_is_missing_works(self):
        """It is the line that imports the name."""
        for name, value in [
            ("timedelta", "(days=1)"),
            ("Path", "('x')"),
            ("Decimal", "('1')"),
            ("UUID", "(int=1)"),
            ("range", "(3)"),
        ]:
            with pytest.raises(NotInGrammar) as caught:
                load(f"application = {name}{value}\n")

            assert load(f"{caught.value.hint}\napplication = {name}{value}\n") is not None

    def test_texts_may_be_of_any_script(self):
        """What is refused in names is welcome in texts and comments."""
        assert load("# Grüße\napplication = '日本語'\n") == "日本語"

    @pytest.mark.parametrize("raw", [b"\xff\xfe", b"# coding: utf-7\n", b"\xef\xbb\xbf# appsnap 1 source: {}\n", b""])
    def test_another_encoding_is_refused(self, raw):
        """UTF-8 without a mark is all there is, whatever the first line says."""
        with pytest.raises(Damaged):
            appsnap.loads(raw)

    def test_a_byte_order_mark_and_other_line_ends_are_named(self):
        """The hint says how to save the file; that helps."""
        with pytest.raises(Damaged, match="byte order mark"):
            appsnap.loads(b"\xef\xbb\xbf# appsnap 1 source\napplication = 1\n")
        with pytest.raises(NotInGrammar, match="line 1, column 19: the line ends with CR LF") as caught:
            appsnap.loads(b"# appsnap 1 source\r\napplication = 1\r\n")

        assert "sed -i 's/\\r$//' FILE" in caught.value.hint

    def test_a_newer_format_says_so(self):
        """A file of format 2 isn't guessed at."""
        with pytest.raises(NewerFormat, match="format 2"):
            appsnap.loads(b"# appsnap 2 source: {}\n\napplication = 1\n")

    def test_reading_runs_and_imports_nothing(self, tmp_path):
        """Even a file whose names are all refused leaves no module behind."""
        (tmp_path / "trap.py").write_text("raise SystemExit('imported')\n")
        code = (
            "import sys, appsnap\n"
            "try: appsnap.loads(sys.stdin.buffer.read())\n"
            "except appsnap.NotTrusted as error: print([want.name for want in error.wants])\n"
            "print('trap' in sys.modules)\n"
        )
        text = HEAD + "from trap import Mouse\nfrom appsnap.actions import new\napplication = new(Mouse)\n"

        result = subprocess.run(
            [sys.executable, "-c", code], input=text.encode(), cwd=tmp_path, capture_output=True, check=True
        )

        assert result.stdout.decode().split("\n")[:2] == ["['trap.Mouse']", "False"]

    def test_the_checksum_covers_all_before_the_trailer(self):
        """The trailer's sum is that of the bytes before its line."""
        data = appsnap.dumps([1], "source")
        body, _, last = data.rpartition(b"# appsnap trailer")

        assert hashlib.sha256(body).hexdigest().encode() in last


@st.composite
def alike(draw):
    """Return objects of few shapes, whose words have lengths on both sides of the width of a line."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    node, objects = zoo.Node(), []
    for _ in range(chance.randrange(3, 12)):
        text = chance.choice(["x", "%", "é", '"', "\n"]) * chance.randrange(50)
        options = {"a": text, ("b", text): [len(text), (node,)], 1.5: {text: {None: True}}}
        made = zoo.Node()
        made.__dict__ |= {"name": text, "parent": node, "options": options, "a b": [text, zoo.Node]}
        if chance.randrange(2):
            made.tail = chance.choice([float("nan"), 2**20_000, {text}, "x" * 65, set(), node.__init__])
        objects.append(made)
    return [node, objects]


class TestShapes:
    @pytest.mark.slow
    @given(alike())
    def test_a_text_is_the_same_without_shapes(self, graph):
        """Statements of one shape have the text that each of them has by itself."""
        found = appsnap.dumps(graph, "source")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SourceWriter, "_by_shape", lambda *_: None)
            expected = appsnap.dumps(graph, "source")

        assert found == expected

    def test_statements_of_one_shape_are_laid_out_once(self, monkeypatch):
        """The writer lays out the first two of a hundred statements, and no other one."""
        laid_out = []
        graph = [[number, {"a": [number] * 2}] for number in range(100)]
        write = SourceWriter._statement
        monkeypatch.setattr(SourceWriter, "_statement", lambda self, one: laid_out.append(one) or write(self, one))

        appsnap.dumps([graph, graph, *graph], "source")

        assert len(laid_out) < 10
