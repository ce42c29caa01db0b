import io
import re
import sys
import time

import pytest

from appsnap.cli.progress import Progress

pytestmark = pytest.mark.slow


class Terminal(io.StringIO):
    """A stream that keeps its text, and says that it's a terminal."""

    encoding = "utf-8"

    def isatty(self):  # noqa: D102 - what it always says
        return True


def wait_for(pattern):
    """Wait until something is shown: a busy machine takes its time."""
    deadline = time.monotonic() + 60
    while not re.search(pattern, sys.stderr.getvalue()):
        assert time.monotonic() < deadline, sys.stderr.getvalue()
        time.sleep(0.02)


class TestProgress:
    """The sign of life."""

    def test_slow(self, monkeypatch):
        """Work that takes longer than a second is named, with its time, and nothing of it stays."""
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "xterm")

        with Progress("reading [bold]shop.tap") as progress:
            wait_for(r"reading \[bold\]shop\.tap … [1-9][0-9]* s")
            progress.phase = "building"
            wait_for(r"building … [1-9][0-9]* s")

        assert sys.stderr.getvalue().endswith("\r\x1b[?7l\x1b[K\x1b[?7h")

    def test_how_far(self, monkeypatch):
        """As long as bytes are written or read, it says how many of them, and no longer."""
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "xterm")

        with Progress("saving shop.tap") as progress:
            progress.count(1_500_000_000, 6_000_000_000)
            wait_for(r"saving shop\.tap … [1-9][0-9]* s, 25 % of 6,000 MB")
            progress.count(6_000_000_000, 6_000_000_000)
            progress.phase = "restoring"
            wait_for(r"restoring … [1-9][0-9]* s")

        assert not re.search("restoring … [0-9]+ s,", sys.stderr.getvalue())

    def test_quick(self, monkeypatch):
        """Work that is done at once isn't talked about."""
        monkeypatch.setattr(sys, "stderr", Terminal())

        with Progress("reading"):
            pass

        assert sys.stderr.getvalue() == ""

    def test_paused(self, monkeypatch):
        """While somebody types, the terminal is left alone."""
        monkeypatch.setattr(sys, "stderr", Terminal())

        with Progress("reading") as progress, progress.paused():
            time.sleep(1.2)

        assert sys.stderr.getvalue() == ""

    def test_dumb_terminal(self, monkeypatch):
        """A terminal that knows no control sequences gets none."""
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setenv("TERM", "dumb")

        with Progress("reading"):
            time.sleep(1.2)

        assert sys.stderr.getvalue() == ""

    def test_no_terminal(self, monkeypatch):
        """A log has no use for it."""
        monkeypatch.setattr(sys, "stderr", io.StringIO())

        with Progress("reading"):
            time.sleep(1.2)

        assert sys.stderr.getvalue() == ""
