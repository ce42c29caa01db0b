import sys

import pytest

import appsnap
from appsnap.kinds import Document
from appsnap.kinds.header import Header
from appsnap.printable import escaped, plural, shortened
from appsnap.recipe.build import build
from appsnap.recipe.outline import Outline, text_lines
from appsnap.recipe.steps import Name, New, Recipe, Ref, State, Tuple
from appsnap.recipe.trust import Trust


class TestPlural:
    """A number with its noun."""

    @pytest.mark.parametrize(
        ("count", "text"), [(0, "0 names"), (1, "1 name"), (2, "2 names"), (1_234_567, "1,234,567 names")]
    )
    def test_counts(self, count, text):
        """One thing is singular, and thousands have a separator."""
        assert plural(count, "name") == text


class TestEscaped:
    """What reaches the terminal is text."""

    @pytest.mark.parametrize("text", ["", "plain", "Käse → 20 °C", "日本", '├── ["web"]: shop.Web'])
    def test_text_stays(self, text):
        """Letters of any script stay as they are."""
        assert escaped(text) == text

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("\x1b[31m", r"\x1b[31m"),
            ("a\nb\rc\td", r"a\x0ab\x0dc\x09d"),
            ("\x7f\x9b\x00", r"\x7f\x9b\x00"),
            ("\u202eabc\u2066", r"\u202eabc\u2066"),
            ("\u2028\u2029\ufeff\u200b", r"\u2028\u2029\ufeff\u200b"),
            ("\ud800", r"\ud800"),
            ("\U000e0001", r"\U000e0001"),
            ("\xa0", r"\xa0"),
        ],
    )
    def test_controls(self, text, expected):
        """Controls, line ends, bidi marks, invisible characters and surrogates are shown as escapes."""
        assert escaped(text) == expected

    @pytest.mark.slow
    def test_every_character(self):
        """Whatever comes, the result is printable."""
        assert all(escaped(chr(code)).isprintable() for code in range(sys.maxunicode + 1))


class TestShortened:
    """What is long has no middle."""

    @pytest.mark.parametrize(
        ("text", "most", "expected"),
        [("", 5, ""), ("abcde", 5, "abcde"), ("abcdef", 5, "ab…ef"), ("abcdefg", 6, "abc…fg"), ("abc", 2, "a…")],
    )
    def test_length(self, text, most, expected):
        """It is as long as it may be, and what fits stays."""
        assert shortened(text, most) == expected


class TestUses:
    """What a hostile file calls its things is shown as text, by the library as by the command line."""

    NAME = "shop.\x1b[2J\u202eWeb"

    def recipe(self):
        """Return an object of a class with such a name, with such an attribute."""
        cls = Name("shop", self.NAME.partition(".")[2])
        return Recipe([cls, New(Ref(0), []), State(Ref(1), ["a\x1b[31m"], [1]), Tuple([Ref(1), "\x9b"])], Ref(2))

    def test_outline(self):
        """No line of an outline has a control character, or is two."""
        lines = [*text_lines(Outline(self.recipe()))]

        assert all(line.isprintable() for line in lines)
        assert any(r"shop.\x1b[2J\u202eWeb" in line for line in lines)

    def test_snapshot(self):
        """Nor has a snapshot that is printed: its tag may come from anybody."""
        header = Header("pickle", tag="blue\x1b[2J")

        lines = str(appsnap.Snapshot(Document(header, None, self.recipe), kind="pickle")).splitlines()

        assert all(line.isprintable() for line in lines)
        assert r'tag "blue\x1b[2J' in lines[0]

    def test_long_errors(self):
        """An error doesn't quote all of a long text, and still says where it began and ended."""
        error = appsnap.Damaged("x" * 1_000_000, offset=7)

        assert len(str(error)) == 2_000
        assert str(error).startswith("xxx")
        assert str(error).endswith("xxx, at byte 7")

    def test_errors(self):
        """Nor has an error; what it carries as data is what the file has."""
        with pytest.raises(appsnap.NotTrusted) as caught:
            build(self.recipe(), Trust())

        assert str(caught.value).isprintable()
        assert caught.value.hint.isprintable()
        assert [want.name for want in caught.value.wants] == [self.NAME]
