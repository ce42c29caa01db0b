"""Real applications: the tool tells each way in which one fails, and some of them are run here."""

import sys
from pathlib import Path

import pytest

from applications.harness import Run, Script
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

FAULTS = {
    "import": ("GROUP =", "import no_such_package\nGROUP =", "import: ModuleNotFoundError: No module named"),
    "build": ("self.count = 1", "raise OSError('no disk')", "build: OSError: no disk"),
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
    "use": ("def use(app, folder):", "def use(app, folder):\n    assert app.count == 3, 'not 3'", "use: not 3"),
    "hang": (
        "def use(app, folder):",
        "def use(app, folder):\n    import time; time.sleep(60)",
        "use: hangs: ended after",
    ),
    "thread": (
        "def use(app, folder):",
        "def use(app, folder):\n    import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        "exit: hangs: ended after",
    ),
    "death": (
        "def use(app, folder):",
        "def use(app, folder):\n    import os; os.abort()",
        "use: died of signal SIGABRT",
    ),
    "status": (
        "def use(app, folder):",
        "def use(app, folder):\n    import os; os._exit(3)",
        "use: ended with exit status 3",
    ),
    "after": (
        "def use(app, folder):",
        "def use(app, folder):\n    app.g = (n for n in ())",
        "save after use: CannotSave: cannot save 1 object",
    ),
}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a script in one kind or in more, and returns the outcome."""

    def outcome(text, *kinds, seconds=30):
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
        outcome = run(text, seconds=4 if "hangs" in words else 30)

        assert outcome.kinds["source"].startswith(words)
        assert outcome.wrong == [f"source: {outcome.kinds['source']}"]
