"""The run that is thorough says when it was run last, and what came of it."""

import re
import subprocess
import sys

import pytest

import thorough


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Return a file of notes in a project with one commit."""
    for command in (["init"], ["-c", "user.name=a", "-c", "user.email=a", "commit", "--allow-empty", "--message=a"]):
        subprocess.run(["git", *command], cwd=tmp_path, capture_output=True, check=True)
    monkeypatch.setattr(thorough, "PROJECT", tmp_path)
    path = tmp_path / "notes.txt"
    path.write_text("no run yet\n")
    return path


def part(code):
    return [sys.executable, "-c", f"raise SystemExit({code})"]


class TestThorough:
    def test_passed(self, notes, capfd):
        """The last note is printed first, and a new one is added: day, commit, minutes, outcome."""
        assert thorough.main({"one": part(0)}, notes) == 0

        first, last = notes.read_text().splitlines()
        assert capfd.readouterr().out.startswith(f"last time: {first}\n")
        assert re.fullmatch(r"20\d\d-\d\d-\d\d [0-9a-f]{7,} 0 minutes, passed", last)

    def test_failed(self, notes):
        """Parts that fail are named, and those behind them are run all the same."""
        assert thorough.main({"one": part(1), "two": part(0), "three": part(2)}, notes) == 1

        assert notes.read_text().endswith(" 0 minutes, failed: one, three\n")
