import io
import sys

from appsnap.cli import words


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
