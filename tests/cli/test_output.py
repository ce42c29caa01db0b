import io
import json
import subprocess
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


LOUD = """
import atexit, ctypes, os, subprocess, sys, threading
from appsnap.service import Application, Service

print("import")
os.write(1, b"descriptor\\n")
subprocess.run(["echo", "child"], check=True)
ctypes.CDLL(None).puts(b"library")
sys.__stdout__.write("stream\\n")
atexit.register(print, "exit")

class Loud(Service):
    def __setstate__(self, state):
        print("state")
        threading.Thread(target=print, args=["thread"]).start()
        self.__dict__.update(state)

application = Application("loud")
Loud().setServiceParent(application)
"""
WORDS = {"import", "descriptor", "child", "library", "stream", "exit", "state", "thread"}


@pytest.mark.slow
class TestReserveStdout:
    """With --json, nothing but JSON goes to stdout."""

    @pytest.fixture
    def loud(self, folder, environment):
        """Return a function that loads an application that prints wherever it can."""
        (folder / "loud.py").write_text(LOUD)

        def run(command):
            return subprocess.run(
                command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
            )

        assert run("appsnap save loud:application loud.tap >/dev/null").returncode == 0
        return run

    def test_foreign_output(self, loud):
        """What the application prints goes to stderr, whoever prints it and whenever."""
        done = loud("appsnap load loud.tap --json")

        assert [row["type"] for row in json.loads(done.stdout)] == ["appsnap.service.Application", "loud.Loud"]
        assert {*done.stderr.split()} == WORDS

    def test_without_json(self, loud):
        """Text is for people: the application prints where it wants."""
        assert {*loud("appsnap load loud.tap --quiet").stdout.split()} == WORDS

    def test_no_stderr(self, loud):
        """Without a stderr the foreign output is thrown away."""
        assert json.loads(loud("appsnap load loud.tap --json 2>&-").stdout)

    def test_nobody_reads(self, loud):
        """The end of the reader and a full disk are told as without --json."""
        assert loud("appsnap load loud.tap --json >/dev/full").returncode == 1
        assert "no space left" in loud("appsnap load loud.tap --json >/dev/full").stderr

    def test_failure(self, loud):
        """An error leaves stdout empty."""
        done = loud("appsnap load loud.tap --json --trust x.* --no-sign")

        assert (done.returncode, done.stdout) == (2, "")
