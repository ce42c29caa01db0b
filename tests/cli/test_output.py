import io
import json
import sys

import pytest

from appsnap.cli import output


class TestWriteJson:
    """JSON is one line of printable ASCII."""

    def test_line(self, monkeypatch):
        """Also where JSON itself would leave a control character alone."""
        stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
        monkeypatch.setattr(sys, "stdout", stdout)

        output.write_json({"\x7f\n": "\u202eä\x85"})

        stdout.flush()
        assert stdout.buffer.getvalue() == b'{"\\u007f\\n": "\\u202e\\u00e4\\u0085"}\n'

    @pytest.mark.parametrize("count", [0, 1, 1_000, 1_001, 2_500])
    def test_lists(self, monkeypatch, count):
        """Lists that are written as they come make the same line as those that are there."""
        stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
        monkeypatch.setattr(sys, "stdout", stdout)
        parts = [{"\x7f": number} for number in range(count)]

        output.write_json({"a": 1}, parts=iter(parts), more=iter([]))

        stdout.flush()
        assert json.loads(stdout.buffer.getvalue()) == {"a": 1, "parts": parts, "more": []}
        expected = json.dumps({"a": 1, "parts": parts, "more": []}).replace("\x7f", "\\u007f")
        assert stdout.buffer.getvalue() == f"{expected}\n".encode()


class TestCommandLine:
    """Commands that are offered can be pasted."""

    def test_quoting(self):
        """Characters with a meaning for a shell are quoted."""
        assert (
            output.command_line(["load", "my shop.tap", "--trust", "a.*"]) == "appsnap load 'my shop.tap' --trust 'a.*'"
        )
