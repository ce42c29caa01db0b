"""The types of the public functions: a checker takes them as they are meant, and they are written down once."""

import inspect
import subprocess
import sys

import pytest

import appsnap
from appsnap.kinds import KINDS
from appsnap.snapshot import loading

RIGHT = """
import io
import pathlib
from typing import assert_type

import appsnap
from appsnap.service import Application, loadApplication

kind: appsnap.Kind = "source"
application = Application("shop")
assert_type(appsnap.load("x.tap", Application), Application)
assert_type(appsnap.load(pathlib.Path("x.tap"), str, kind="xml"), str)
assert_type(appsnap.loads(b"", int, trust=["shop.*", Application, len, io]), int)
assert_type(loadApplication("x.tap", "python"), Application)
assert_type(appsnap.open_snapshot(io.BytesIO()).kind, appsnap.Kind)
appsnap.save(application, io.BytesIO(), kind=kind)
with open("x.tap", "wb") as file, open("y.tap", "rb", buffering=0) as other:
    appsnap.save(application, file)
    appsnap.load(other, trust=appsnap.EVERYTHING, limits=appsnap.Limits(steps=1), passphrase=lambda: "tea")
"""

WRONG = [
    'appsnap.save([1], "x", kind="sourcee")',
    'appsnap.save([1], open("x", "w"))',
    'appsnap.load(open("x"))',
    'appsnap.load("x", kind="python")',
    'appsnap.load("x", trust=True)',
    'appsnap.load("x", trust=[b"x"])',
    'appsnap.load("x", limits=3)',
    'appsnap.load("x", nothing=3)',
    'appsnap.load(b"x")',
    'appsnap.loads("x")',
    'appsnap.loads(b"x", mmap=True)',
    'appsnap.load("x", "Application")',
]


def check(folder, text):
    """Return the lines with errors that mypy finds."""
    (folder / "mypy.ini").write_text("[mypy]\nstrict = true\ncache_dir = cache\n")
    (folder / "code.py").write_text(text)
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "code.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    return [line for line in result.stdout.splitlines() if ": error: " in line]


@pytest.mark.slow
class TestMypy:
    def test_right(self, tmp_path):
        """Right calls pass, and their results have the types that they say."""
        pytest.importorskip("mypy")

        assert check(tmp_path, RIGHT) == []

    def test_wrong(self, tmp_path):
        """Each wrong call is an error of its own."""
        pytest.importorskip("mypy")

        found = check(tmp_path, "import appsnap\n" + "\n".join(WRONG))

        assert {int(line.split(":")[1]) - 2 for line in found} == {*range(len(WRONG))}


class TestWrittenOnce:
    def test_kinds(self):
        """The public type has the kinds."""
        assert appsnap.Kind.__args__ == KINDS == ("pickle", "source", "msgpack", "xml")

    @pytest.mark.parametrize(
        ("function", "options"), [(appsnap.load, loading._Options), (appsnap.loads, loading._BytesOptions)]
    )
    def test_options(self, function, options):
        """The options for type checkers are those that the function has."""
        keywords = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]

        assert {*keywords} == options.__optional_keys__
