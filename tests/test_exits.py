"""The code of an application may call sys.exit(0). A save or a load has failed then, and says where."""

import os
import subprocess
import sys

import pytest

from appsnap import EVERYTHING, CannotLoad, CannotSave, dumps, loads
from appsnap.kinds import KINDS


class Leaving:
    """Leaves by one of its methods, once the test says so."""

    by = None

    def _maybe(self, method):
        if method == Leaving.by:
            sys.exit(0)


class Reduced(Leaving):
    def __reduce__(self):
        self._maybe("reduce")
        return Reduced, ()

    def __init__(self):
        self._maybe("init")


class WithState(Leaving):
    def __init__(self):
        self.rest = [1]

    def __setstate__(self, state):
        self._maybe("setstate")
        self.__dict__.update(state)


class Key(Leaving):
    def __init__(self):
        self.rest = [1]

    def __hash__(self):
        self._maybe("hash")
        return 3


@pytest.fixture(params=KINDS)
def kind(request, monkeypatch):
    """Return a kind of file. No object leaves after the test."""
    monkeypatch.setattr(Leaving, "by", None)
    return request.param


def test_save(kind):
    obj = [1, Reduced()]
    Leaving.by = "reduce"

    with pytest.raises(CannotSave, match=r"object\[1\].*SystemExit: 0"):
        dumps(obj, kind)


@pytest.mark.parametrize(("make", "by"), [(Reduced, "init"), (WithState, "setstate"), (lambda: {Key()}, "hash")])
def test_load(kind, make, by):
    data = dumps([make()], kind)
    Leaving.by = by

    with pytest.raises(CannotLoad, match=r"object\[0\].*SystemExit: 0"):
        loads(data, trust=EVERYTHING)


SHOP = """
import os, sys
def leave(by):
    if os.environ["BY"] == by:
        sys.exit(0)
class Shop:
    def __init__(self):
        self.rest = [1]
    def __setstate__(self, state):
        leave("state")
        self.__dict__.update(state)
def prepare():
    leave("prepare")
def __getattr__(name):
    leave("getattr")
    raise AttributeError(name)
shop = Shop()
"""


def appsnap(folder, *arguments, by="", text=""):
    """Run a command, whose application leaves by one of its functions."""
    (folder / "shop.py").write_text(SHOP)
    return subprocess.run(
        [sys.executable, "-P", "-c", "from appsnap.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "APPSNAP_CONFIG_DIR": str(folder / "config"), "BY": by},
        input=text,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


class TestCommands:
    @pytest.mark.parametrize(
        ("by", "command", "words"),
        [
            ("state", "load shop.tap", "shop.tap: cannot build object (shop.Shop): SystemExit: 0"),
            ("prepare", "load shop.tap", "shop.tap: cannot build the header (shop.prepare): SystemExit: 0"),
            ("getattr", "save shop:other other.tap", "ended by the application: sys.exit()"),
        ],
    )
    def test_fail(self, tmp_path, by, command, words):
        """A command that the application has ended has not succeeded."""
        saved = appsnap(tmp_path, "save", "shop:shop", "shop.tap", "--prepare", "shop:prepare")
        assert saved.returncode == 0, saved.stderr

        ended = appsnap(tmp_path, *command.split(), by=by)

        assert ended.returncode == 1
        assert f"appsnap: error: {words}\n" in ended.stderr

    @pytest.mark.parametrize(("left", "code"), [("exit()", 0), ("exit(0)", 0), ("exit(3)", 3)])
    def test_shell(self, tmp_path, left, code):
        """A shell is left by exit(), too."""
        appsnap(tmp_path, "save", "shop:shop", "shop.tap")

        shell = appsnap(tmp_path, "load", "--shell", "shop.tap", text=f"{left}\n")

        assert (shell.returncode, "error" in shell.stderr) == (code, False)
