import os
import shutil
import subprocess

import pytest

import appsnap

pytestmark = pytest.mark.slow

APPLICATION = """
from appsnap.service import Application
application = Application("good")
other = 5
class sites:
    main = Application("main")
"""


@pytest.fixture
def run(folder, environment):
    """Return a function that runs a command in a folder with some modules, and returns its stderr."""
    (folder / "good.py").write_text(APPLICATION)
    (folder / "deep.py").write_text(
        "import json\n\n\ndef load():\n    return json.loads('{')\n\n\napplication = load()\n"
    )
    (folder / "far").mkdir()
    (folder / "far" / "__init__.py").write_text("import deep\n")

    def run(command):
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.stderr

    return run


class TestSuggestions:
    @pytest.mark.parametrize(
        ("source", "right"),
        [
            ("good:applicaton", "good:application"),
            ("good:Applicatio", "good:application"),
            ("good:sites.mian", "good:sites.main"),
            ("good:site.main", "good:sites"),
            ("good.application", "good:application"),
            ("good.py:application", "good:application"),
            ("./good.py:application", "good:application"),
            ("good", "good:application"),
            ("far/__init__.py:x", "far:x"),
            ("godo:application", "good"),
            ("Good:application", "good"),
            ("fra:application", "far"),
        ],
    )
    def test_mistyped(self, run, source, right):
        """The name that was meant is suggested."""
        assert f"did you mean {right}?" in run(f"appsnap save {source} x.tap")

    @pytest.mark.parametrize("source", ["nothing.tap", "nothing.py", "a/b.tap", "xyz:application", "good:zzz", "xyz"])
    def test_nothing_like_it(self, run, source):
        """Nothing is suggested where nothing is like it."""
        said = run(f"appsnap save {source} x.tap")

        assert "error" in said
        assert "did you mean" not in said


class TestImportErrors:
    @pytest.mark.parametrize("source", ["deep:application", "far:application", "deep.py"])
    def test_line(self, run, source):
        """The line is that of the user, not the one of the standard library where it failed in the end."""
        said = run(f"appsnap save {source} x.tap")

        assert "deep.py, line 5: JSONDecodeError" in said
        assert "decoder.py" not in said
        assert "hint: set APPSNAP_TRACEBACK=1 to see the traceback" in said
        assert "decoder.py" in run(f"APPSNAP_TRACEBACK=1 appsnap save {source} x.tap")

    def test_fresh_interpreter(self, run, folder):
        """The traceback of the fresh interpreter is shown too: there the state is restored."""
        (folder / "moody.py").write_text(
            APPLICATION
            + "class Moody:\n    x = 1\n    def __setstate__(self, state):\n        raise ValueError('no')\n"
            + "application.moody = Moody()\napplication.moody.x = 2\n"
        )

        assert "hint: set APPSNAP_TRACEBACK=1" in run("appsnap save moody:application x.tap")
        assert "in __setstate__" in run("APPSNAP_TRACEBACK=1 appsnap save moody:application x.tap")


class TestNotes:
    def test_no_application(self, run):
        """An object that can't be run is saved, with a note."""
        assert "note: good:other is no application (int), and" in run("appsnap save good:other x.tap")
        assert run("appsnap save good:application x.tap") == ""

    def test_extension_of_another_format(self, run):
        """A file with the name of another format is noted, whoever writes it; XML is XML."""
        assert "note: x.json is a snapshot of kind pickle, and no JSON file" in run(
            "appsnap save good:application x.json"
        )
        assert "note: y.csv is a snapshot of kind source" in run("appsnap convert x.json y.csv --kind source")
        assert run("appsnap save good:application x.xml --kind xml") == ""
        assert run("appsnap save good:application x.pickle") == ""


class TestTag:
    def test_kept(self, run, folder):
        """A snapshot that is saved anew keeps its word, unless another one is given."""
        run("appsnap save good:application a.tap --tag blue")
        run("appsnap save a.tap b.tap; appsnap save b.tap c.tap --tag red; appsnap save c.tap d.tap --tag ''")

        tags = [appsnap.open_snapshot(folder / f"{name}.tap").header.tag or "" for name in "abcd"]

        assert tags == ["blue", "blue", "red", ""]


class TestUnreadable:
    @pytest.mark.parametrize(
        "command",
        [
            "load secret",
            "show secret",
            "verify shop.tap -i secret",
            "convert secret x.tap",
            "save secret x.tap",
            "save good:application x.etap -R secret",
            "verify shop.tap --passphrase-file secret",
        ],
    )
    def test_is_no_usage(self, folder, environment, run, command):
        """A file that may not be read is told as that, with the exit code of a failure."""
        run("appsnap save good:application shop.tap")
        (folder / "secret").touch(mode=0)
        prefix = []
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("root may read everything, and setpriv isn't there")
            prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

        done = subprocess.run(
            [*prefix, "appsnap", *command.split()],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.returncode, done.stderr) == (1, "appsnap: error: secret: permission denied\n")
