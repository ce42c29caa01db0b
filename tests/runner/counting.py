"""Runs a copy of the application in `counted.tac`, and asks it."""

import shutil
import signal
import socket
from pathlib import Path

from runner.running import LIMIT, Running, run, wait_until

APPLICATION = Path(__file__).with_name("counted.tac")
REFUSED = "error: not restarted, still running as before: "

GATE = """
number = len([*Path().glob("import *")])
Path(f"import {number}").touch()
while not Path(f"go {number}").exists():
    time.sleep(0.01)
if Path(f"fail {number}").exists():
    raise LookupError(f"import {number} fails")
"""


def copy_to(folder):
    """Put the application into a folder, as it is in the beginning. Returns the path."""
    return Path(shutil.copy(APPLICATION, folder / "counted.py"))


class Counted:
    """A running copy of the application, and its code, which can be edited. A copy that is there is taken."""

    def __init__(self, folder, what="module", options=("--state", "state"), **settings):
        self.folder = folder
        self.code = folder / "counted.py"
        if not self.code.exists():
            copy_to(folder)
        self._runs = 1
        word = {"module": "counted:application", "script": "counted.py", "snapshot": "counted.tap"}[what]
        if what == "snapshot" and not (folder / word).exists():
            assert run("counted:application", word, command="save", folder=folder).code == 0
        self.process = Running(*options, word, folder=folder, **settings)
        self.pid = self.process.pid

    def __enter__(self):
        self.process.__enter__()
        try:
            self.process.ready()
            self.port = int(self.process.until("serves port").split()[-1])
        except BaseException:
            self.process.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.process.__exit__(*error)

    def edit(self, old, new):
        """Change the code."""
        text = self.code.read_text()
        assert old in text
        self.code.write_text(text.replace(old, new))

    def ask(self, word=""):
        """Send a line, and return the answer: process id, version of the code, count, facts."""
        with socket.create_connection(("127.0.0.1", self.port), LIMIT) as connection:
            connection.sendall(f"{word}\n".encode())
            with connection.makefile() as file:
                process, version, count, facts = file.readline().split(maxsplit=3)
        return int(process), int(version), int(count), facts.strip()

    def restart(self):
        """Restart it, and wait until it runs again."""
        self._runs += 1
        self.process.send(signal.SIGHUP).until("is running as process", self._runs)
        return self

    def refuse(self):
        """Restart it, which fails, and return the reason."""
        line = self.process.send(signal.SIGHUP).until(REFUSED)
        return line.partition(REFUSED)[2]

    def begin(self):
        """Begin a restart that waits at each import for `let_go`. The first import, number 0, is that of the trial."""
        self.edit("# AT IMPORT", GATE)
        self.process.send(signal.SIGHUP)
        self.until_import(0)

    def until_import(self, number):
        """Wait until an import waits."""
        wait_until((self.folder / f"import {number}").exists, lambda: str(self.process))

    def let_go(self, *numbers):
        """Let imports go on."""
        for number in numbers:
            (self.folder / f"go {number}").touch()

    @property
    def generations(self):
        """The names of the generations."""
        return sorted(path.name for path in (self.folder / "state").glob("counted-*"))

    @property
    def children(self):
        """The ids of the child processes."""
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
