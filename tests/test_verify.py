"""`save(verify=True)`: a load in a fresh interpreter, and a comparison with what was saved."""

import asyncio
import logging
import os
import subprocess
import sys

import pytest

import appsnap
import losing
from appsnap.kinds import KINDS
from appsnap.recipe.differences import Comparison
from appsnap.recipe.freeze import freeze
from appsnap.recipe.outline import Outline

pytestmark = pytest.mark.slow


@pytest.fixture
def save(tmp_path):
    """Save with `verify`, over an old file. Returns the notes, and checks that an error leaves the old file alone."""
    path = tmp_path / "file"

    def run(obj, **options):
        path.write_text("old")
        notes = []
        try:
            appsnap.save(obj, path, verify=True, note=notes.append, **options)
        except Exception:
            assert path.read_text() == "old"
            assert [*tmp_path.iterdir()] == [path]
            raise
        assert path.read_bytes() != b"old"
        return notes

    return run


class TestLosses:
    @pytest.mark.parametrize("name", losing.LOSING)
    def test_each(self, save, name):
        """A loss is an error that says where and how much, and nothing is saved."""
        make, path, words = losing.LOSING[name]

        with pytest.raises(appsnap.CannotSave) as caught:
            save(make())

        place = caught.value.places[0]
        assert place.path.endswith(path)
        assert words in place.reason
        assert len({place.path for place in caught.value.places}) == len(caught.value.places)
        assert "verify=False saves it anyway" in caught.value.hint

    @pytest.mark.parametrize("kind", KINDS)
    def test_kinds(self, save, kind):
        """It is the same in all kinds."""
        with pytest.raises(appsnap.CannotSave, match=r"object\[0\].tasks \(losing.App\): saved 3 items, restored 0"):
            save(losing.LOSING["attribute"][0](), kind=kind)

    def test_more_than_one(self, save):
        """Each loss is named."""
        obj = [losing.App(name="a", tasks=[1], registry={}), losing.Slotted("b", [1, 2])]

        with pytest.raises(appsnap.CannotSave) as caught:
            save(obj)

        assert [place.path for place in caught.value.places] == ["object[0].tasks", "object[1].tasks"]


class TestDifferences:
    @pytest.mark.parametrize("name", losing.DIFFERENT)
    def test_each(self, save, name):
        """A difference is noted, and the file is saved."""
        make, words = losing.DIFFERENT[name]

        (note,) = save(make())

        assert note.startswith(f"loaded in a fresh interpreter, the file gives something else: {words}")

    def test_the_first_one(self, save):
        """Of several differences the first one is noted."""
        (note,) = save([losing.Counts(loads=1), losing.Counts(loads=5)])

        assert "object[0].loads" in note

    def test_logged(self, tmp_path, caplog):
        """Without `note`, the logger gets it as a warning."""
        appsnap.save([losing.Counts(loads=1)], tmp_path / "file", verify=True)

        assert [(record.name, record.levelno) for record in caplog.records] == [("appsnap", logging.WARNING)]


class TestHonest:
    @pytest.mark.filterwarnings(
        "ignore:Pickle, copy, and deepcopy support:DeprecationWarning"
    )  # of itertools, until 3.14
    @pytest.mark.parametrize("name", losing.HONEST)
    def test_each(self, save, name):
        """Objects that come back as they were give no note about a difference."""
        assert [note for note in save(losing.HONEST[name]()) if "fresh" in note] == []

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("name", ["values", "sets", "cycle", "code"])
    def test_kinds(self, save, name, kind):
        """It is the same in all kinds."""
        assert [note for note in save(losing.HONEST[name](), kind=kind) if "fresh" in note] == []

    def test_of_a_loop(self, save):
        """What exists only inside of a running event loop is tried in one."""

        async def main():
            return save([asyncio.get_running_loop().create_future()])

        assert asyncio.run(main()) == []

    def test_arrays(self, save):
        """Arrays and tables are compared, too."""
        numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
        frame = pandas.DataFrame({"a": range(1000), "b": ["x", "y"] * 500})
        frame.index.is_unique  # noqa: B018 - fills a cache

        assert save([numpy.arange(100_000.0), frame, frame.index, frame["b"].to_numpy()]) == []


class TestLayers:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "options",
        [
            {"passphrase": "pass phrase\n"},
            {"recipients": ["age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"]},
            {"compress": True},
            {"passphrase": "p", "compress": True, "armor": True},
            {"sign": False},
            {"trusted_as_a_whole": False},
        ],
        ids=str,
    )
    def test_each(self, save, kind, options):
        """Losses are found below every layer, and honest objects pass."""
        honest = [bytes(100_000), losing.Plain(a=1)]

        assert save(honest, kind=kind, **options) == []
        with pytest.raises(appsnap.CannotSave):
            save([honest, losing.CutsItems(items=[1])], kind=kind, **options)

    def test_document_for_recipients(self, save):
        """Nobody here can open a file for recipients, and it is tried all the same."""
        with pytest.raises(appsnap.CannotLoad, match="a fresh interpreter can't load it"):
            save(Moody(), recipients=["age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"])


class Moody:
    def __setstate__(self, state):
        raise ValueError("not today")

    def __getstate__(self):
        return {"a": 1}


class TestProgram:
    """In a program of its own, as users have it."""

    CODE = """\
import sys, appsnap
sys.path.append("modules")
import far
try:
    appsnap.save(far.make(), "file", kind=sys.argv[1], verify=True)
except appsnap.AppsnapError as error:
    print(error, error.hint, sep=" | ")
"""

    def run(self, folder, far, kind="pickle"):
        """Save an object of a module, and return what the program printed."""
        (folder / "modules").mkdir()
        (folder / "modules" / "far.py").write_text(far)
        command = [sys.executable, "-c", self.CODE, kind]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=200).stdout

    @pytest.mark.parametrize("kind", KINDS)
    def test_finds_modules(self, tmp_path, kind):
        """The interpreter finds modules where the program finds them."""
        assert self.run(tmp_path, "class A: pass\nmake = A", kind) == ""
        assert (tmp_path / "file").exists()

    def test_fails(self, tmp_path):
        """A load that fails is an error with its path."""
        far = "import sys\nclass A: pass\nif 'load' in sys.argv: del A\nelse: make = A"

        out = self.run(tmp_path, far)

        assert out.startswith("not saved, because a fresh interpreter can't load it: cannot build object (far.A)")
        assert out.endswith("verify=False saves it anyway\n")
        assert not (tmp_path / "file").exists()

    def test_dies(self, tmp_path):
        """An interpreter that dies is an error, too."""
        far = "import os, sys\nclass A: pass\nmake = A\nif 'load' in sys.argv: os.abort()"

        assert "its interpreter ended with signal 6" in self.run(tmp_path, far)

    def test_prints(self, tmp_path):
        """An application may print, write to descriptor 1 and read its input without harm."""
        far = "import os, sys\nclass A: pass\nmake = A\n"
        far += "if 'load' in sys.argv: print('{}'); os.write(1, b'x' * 100_000); sys.stdin.read()"

        assert self.run(tmp_path, far) == ""

    def test_leaves_programs(self, tmp_path):
        """The save doesn't wait for programs and children that the application leaves behind."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        far = "import os, subprocess, sys\nclass A: pass\nmake = A\n"
        far += "if 'load' in sys.argv:\n"
        far += "    subprocess.Popen(['cat', 'pipe'], stdout=subprocess.DEVNULL)\n"
        far += "    if os.fork() == 0: open('pipe').read(); os._exit(0)\n"

        # They wait for somebody who writes to the pipe, and that comes after the save.
        assert self.run(tmp_path, far) == ""

        pipe.write_text("end")

    @pytest.mark.parametrize(
        ("end", "reason"),
        [
            ("raise ValueError('x' * 1_000_000)", "xxxx"),
            ("os.abort()", "its interpreter ended with signal 6"),
            ("os.fork() and os.abort(); open('pipe').read()", "its interpreter ended with signal 6"),
        ],
        ids=["fails", "dies", "dies without its child"],
    )
    def test_ends_early(self, tmp_path, end, reason):
        """An interpreter may end before it has all that it would compare, which is more than a socket takes at once."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        far = "import os, sys\nclass A:\n    def __reduce__(self): return A, ()\n"
        far += f"def make(): return [A() for _ in range(20_000)]\nif 'load' in sys.argv: {end}"

        out = self.run(tmp_path, far)

        assert reason in out
        assert not (tmp_path / "file").exists()
        if "pipe" in end:
            pipe.write_text("end")

    def test_nothing_to_load(self, tmp_path):
        """A save that fails before leaves no interpreter behind."""
        code = "import appsnap, os, threading\n"
        code += "try: appsnap.save(threading.Lock(), 'file', verify=True)\nexcept appsnap.CannotSave: pass\n"
        code += "try: os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError: print('no child')\n"

        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=200)

        assert (done.stdout, done.stderr) == ("no child\n", "")

    def test_session(self, tmp_path):
        """A class of an interactive session, which is saved as code, is the same after the load."""
        lines = "import appsnap\nclass A:\n    def f(self): return 1\n\n    g = 2\n\n"
        lines += "appsnap.save(A(), 'file', verify=True, note=print)\n"

        out = subprocess.run(
            [sys.executable, "-i"], input=lines, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=200
        ).stdout

        assert "1 class of this session is saved as code" in out
        assert "fresh interpreter" not in out

    def test_cannot_save_again(self, tmp_path):
        """Restored objects that no file can hold are a difference."""
        far = "import threading\nclass A:\n    def __getstate__(self): return {'a': 1}\n"
        far += "    def __setstate__(self, state): A.__getstate__ = lambda self: {'a': (x for x in ())}\nmake = A"

        assert self.run(tmp_path, far) == ""
        assert (tmp_path / "file").exists()


class TestComparison:
    """Recipes side by side."""

    def test_versions(self):
        """An object that was upgraded is left alone."""

        def recipe(version, **more):
            return freeze(losing.Plain(**{"losing.Raised.persistenceVersion": version, **more}))

        assert Comparison(Outline(recipe(1, old=5)), Outline(recipe(2, new=6))).found == []
        assert Comparison(Outline(recipe(2, old=5)), Outline(recipe(2, new=6))).found != []

    def test_no_recursion(self):
        """A very deep tree is compared to its end."""
        first, second = losing.nested(100_000), losing.nested(100_000)
        found = second
        while found:
            found = found[0]
        found.append(1)

        (difference,) = Comparison(Outline(freeze(first)), Outline(freeze(second))).found

        assert difference.words == "saved 0 items, restored 1"
