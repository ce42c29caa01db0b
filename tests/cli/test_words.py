import io
import sys

import pytest

from appsnap.cli import words


class TestEscaped:
    """What reaches the terminal is text."""

    @pytest.mark.parametrize("text", ["", "plain", "Käse → 20 °C", "日本", '├── ["web"]: shop.Web'])
    def test_text_stays(self, text):
        """Letters of any script stay as they are."""
        assert words.escaped(text) == text

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
        assert words.escaped(text) == expected

    def test_every_character(self):
        """Whatever comes, the result is printable."""
        assert all(words.escaped(chr(code)).isprintable() for code in range(sys.maxunicode + 1))


class TestWriteJson:
    """JSON is one line of printable ASCII."""

    def test_line(self, monkeypatch):
        """Also where JSON itself would leave a control character alone."""
        stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
        monkeypatch.setattr(sys, "stdout", stdout)

        words.write_json({"\x7f\n": "\u202eä\x85"})

        stdout.flush()
        assert stdout.buffer.getvalue() == b'{"\\u007f\\n": "\\u202e\\u00e4\\u0085"}\n'


class TestCommandLine:
    """Commands that are offered can be pasted."""

    def test_quoting(self):
        """What a shell would interpret is quoted."""
        assert (
            words.command_line(["load", "my shop.tap", "--trust", "a.*"]) == "appsnap load 'my shop.tap' --trust 'a.*'"
        )
