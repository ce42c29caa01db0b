"""The tool that tries real applications: it tells each way in which one fails."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from applications import environments, table
from applications.harness import SCRIPTS, Outcome, Run, Script, scripts
from appsnap.kinds import KINDS

PYTHON = Path(sys.executable)
SCRIPT = '''\
"""An application."""
GROUP = "web"
PACKAGES = ("click",)
class App:
    def __init__(self):
        self.count = 1
def build(folder):
    (folder / "note.txt").write_text("built")
    return App()
def facts(app):
    return {"count": app.count, "pair": (1, 2)}
def use(app, folder):
    assert (folder / "note.txt").read_text() == "built"
    (folder / "note.txt").write_text("used")
'''

USE = "def use(app, folder):"
USED = f"{USE}\n    import sys\n    if sys.argv[1] == 'control': return\n    "
"""A use that fails only where the application was restored."""

FAULTS = {
    "save": ("self.count = 1", "self.count = 1; self.g = (n for n in ())", "save: CannotSave: cannot save 1 object"),
    "spoilt": (
        "self.count = 1",
        "self.count = 1\n    def __getstate__(self):\n        COUNTS.append(1)\n        return vars(self)",
        "save: the save has changed the live application: n: 2 instead of 0",
    ),
    "load": (
        "self.count = 1",
        "self.count = 1\n    def __setstate__(self, state): raise ValueError('no state')",
        "load: CannotBuild: ",
    ),
    "facts": (
        "self.count = 1",
        "self.count = 1\n    def __setstate__(self, state): self.count = 2",
        "facts: other facts: count: 2 instead of 1",
    ),
    "again": (
        "self.count = 1",
        "self.count = 1\n    def __setstate__(self, state): self.count, self.more = 1, 2",
        "save again: other bytes",
    ),
    "use": (USE, f"{USED}assert app.count == 3, 'not 3'", "use: not 3"),
    "hang": (USE, f"{USED}import time; time.sleep(600)", "use: hangs: ended after"),
    "thread": (
        USE,
        f"{USED}import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
        "exit: hangs: ended after",
    ),
    "death": (USE, f"{USED}import os; os.abort()", "use: died of signal SIGABRT"),
    "status": (USE, f"{USED}import os; os._exit(3)", "use: ended with exit status 3"),
    "after": (USE, f"{USED}app.g = (n for n in ())", "save after use: CannotSave: cannot save 1 object"),
}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a script in one kind or in more, and returns the outcome."""

    def outcome(text, *kinds, seconds=120):
        folder = tmp_path / "apps"
        folder.mkdir(exist_ok=True)
        path = folder / "sample.py"
        path.write_text(text)
        return Run(
            Script.read(path), PYTHON, tmp_path / "work", folder, kinds=kinds or ("source",), seconds=seconds
        ).execute()

    return outcome


class TestOutcome:
    pytestmark = pytest.mark.slow

    def test_works(self, run):
        """An application that works in all kinds, as a stranger's, too. Each process finds the files as they were."""
        outcome = run(SCRIPT, *KINDS)

        assert outcome.kinds == dict.fromkeys(KINDS, "")
        assert (outcome.stranger, outcome.names, outcome.wrong) == ("", 1, [])
        assert outcome.versions.keys() == {"click"}
        assert str(outcome) == "sample: works in pickle, source, msgpack, xml; as a stranger's with 1 names"

    @pytest.mark.parametrize("fault", FAULTS)
    def test_fails(self, run, fault):
        """Each way to fail is told by the stage and the reason."""
        old, new, words = FAULTS[fault]
        text = SCRIPT.replace(old, new)
        if fault == "spoilt":
            text = text.replace('"count": app.count', '"n": len(COUNTS)').replace("class", "COUNTS = []\nclass")
        outcome = run(text, seconds=15 if "hangs" in words else 120)

        assert outcome.kinds["source"].startswith(words)
        assert outcome.wrong == [f"source: {outcome.kinds['source']}"]

    @pytest.mark.parametrize("text", ["REFUSED = 'generator'", "REFUSED = {'source': 'generator'}"])
    def test_rightly_refused(self, run, text):
        """A refusal that the script expects isn't wrong."""
        outcome = run(SCRIPT.replace("self.count = 1", "self.count = 1; self.g = (n for n in ())") + text)

        assert outcome.kinds["source"].startswith("save: CannotSave: ")
        assert outcome.wrong == []

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("REFUSED = 'generator'", "msgpack: works, but the script expects 'generator'"),
            ("STRANGER = 'a name'", "as a stranger's: works, but the script expects 'a name'"),
            ("AFTER = 'a thread'", "msgpack: saved after its use, but the script expects 'a thread'"),
        ],
    )
    def test_works_against_expectation(self, run, text, words):
        """An application that works, though its script says it doesn't, is wrong: the paper would be, too."""
        assert run(SCRIPT + text, "msgpack").wrong == [words]

    def test_other_reason(self, run):
        """A refusal for another reason than the expected one is wrong."""
        text = SCRIPT.replace("self.count = 1", "self.count = 1; self.g = (n for n in ())")

        [words] = run(text + "REFUSED = 'socket'").wrong

        assert words.endswith(", but the script expects 'socket'")

    def test_expected_differences(self, run):
        """Other bytes and a save after the use that fails are remarks where the script expects them."""
        text = SCRIPT.replace(
            "self.count = 1", "self.count = 1\n    def __setstate__(self, state): self.count, self.more = 1, 2"
        ).replace("def use(app, folder):", "def use(app, folder):\n    app.g = (n for n in ())")

        outcome = run(text + "AFTER = 'generator'\nBYTES = 'it counts its loads'\n", "xml")

        assert outcome.kinds == {"xml": ""}
        assert outcome.remarks == ["once used: generator", "saved again, other bytes: it counts its loads"]
        assert outcome.wrong == []

    def test_stranger(self, run):
        """A stranger's file that no list of names is enough for is an outcome of its own."""
        text = SCRIPT.replace("self.count = 1", "self.count = 1; self.__dict__['__class__'] = 3")

        outcome = run(text, "msgpack")

        assert outcome.kinds == {"msgpack": ""}
        assert outcome.stranger.startswith("load: ")
        assert outcome.wrong == [f"as a stranger's: {outcome.stranger}"]
        assert run(text + "STRANGER = '__class__'", "msgpack").wrong == []

    def test_in_a_loop(self, run):
        """An application that exists only inside of an event loop is built, loaded and used there."""
        text = SCRIPT.replace("self.count = 1", "import asyncio; self.count = 1; asyncio.get_running_loop()")
        text = text.replace("def use", "async def use").replace("def build", "async def build")
        text = text.replace("def facts(app):", "def facts(app):\n    import asyncio; asyncio.get_running_loop()")

        assert run(text).wrong == ["without appsnap: facts: RuntimeError: no running event loop"]
        assert run(text + "IN_LOOP = True\n").wrong == []

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("GROUP =", "import no_such_package\nGROUP =", "import: ModuleNotFoundError: No module named"),
            ("self.count = 1", "raise OSError('no disk')", "build: OSError: no disk"),
            (USE, f"{USE}\n    assert app.count == 3, 'not 3'", "use: not 3"),
        ],
    )
    def test_script_that_is_wrong(self, run, old, new, words):
        """A fault that is there without appsnap, too, is told as one of the script."""
        [wrong] = run(SCRIPT.replace(old, new)).wrong

        assert wrong.startswith(f"without appsnap: {words}")


class TestTable:
    def test_paper(self):
        """Each application has a row: its versions, its kinds, and the reasons."""
        good = Outcome(
            Script("good", "Good", "web", ("good",), {}),
            {"good": "1.2"},
            dict.fromkeys(KINDS, ""),
            "",
            7,
            remarks=["a|b"],
        )
        refused = Outcome(
            Script("stream", "Stream", "web", (), {"REFUSED": "generator"}),
            {},
            dict.fromkeys(KINDS, "save: a generator"),
        )
        bad = Outcome(
            Script("bad", "Bad", "web", (), {}), {}, {**dict.fromkeys(KINDS, ""), "xml": "load: *no*\nmore"}, "load: no"
        )
        absent = Outcome(Script("absent", "Absent", "web", (), {}), left_out="absent can't be installed")

        rows = table.paper([good, refused, bad, absent]).splitlines()[-4:]

        assert rows == [
            "| Good | good 1.2 | yes | yes | yes | yes | yes, 7 | a\\|b |",
            "| Stream |  | refused | refused | refused | refused | – | generator |",
            "| Bad |  | yes | yes | yes | no | no | xml: load: \\*no\\*; stranger's: load: no |",
            "| Absent |  | – | – | – | – | – | absent can't be installed |",
        ]

    def test_scripts(self):
        """Each script has a group of pyproject.toml, its packages, and a title of its own."""
        project = tomllib.loads((SCRIPTS.parents[2] / "pyproject.toml").read_text())
        groups = {name.removeprefix("applications-") for name in project["dependency-groups"]}
        known = scripts()

        assert len({script.title for script in known}) == len(known) > 30
        assert {script.group for script in known} <= groups


@pytest.mark.slow
class TestEnvironments:
    def test_made_once(self, tmp_path):
        """An environment has appsnap and its group. A package that can't be installed is named, with the reason."""
        greeter = SCRIPTS.parents[2] / "fixtures" / "greeter"
        broken = tmp_path / "broken"
        broken.mkdir()
        (broken / "pyproject.toml").write_text("[project]\n")
        project = tmp_path / "project"
        project.mkdir()
        described = project / "pyproject.toml"
        described.write_text(f"""\
[project]
name = "appsnap"
version = "1"
dependencies = []
[tool.setuptools]
py-modules = []
[dependency-groups]
applications-small = ["greeter @ {greeter.as_uri()}", "Broken_One @ {broken.as_uri()}"]
""")

        made = environments.environment("small", folder=tmp_path, project=project)

        assert [*made.missing] == [f"Broken_One @ {broken.as_uri()}"]
        assert made.why_not(("greeter",)) == ""
        assert made.why_not(("broken-one",)).startswith("Broken_One @ ")
        subprocess.run([made.python, "-c", "import importlib.util as u; u.find_spec('greeter').origin"], check=True)

        (made.python.parent / "mark").touch()
        assert environments.environment("small", folder=tmp_path, project=project) == made
        assert (made.python.parent / "mark").exists()

        described.write_text(described.read_text().replace(f', "Broken_One @ {broken.as_uri()}"', ""))
        assert environments.environment("small", folder=tmp_path, project=project).missing == {}
        assert not (made.python.parent / "mark").exists()
