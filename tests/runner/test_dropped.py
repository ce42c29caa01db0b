"""A process of root that becomes another user: nothing that this user could write is run with root's rights."""

import os
import pickle
import shutil
import tempfile
from pathlib import Path

import pytest

from runner.running import Running, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user")

NOBODY = 65534

OWN = """
import os
from appsnap.service import Application, Service

class Own(Service):
    def __init__(self):
        self.starts = 0

    def startService(self):
        super().startService()
        self.starts += 1
        print("user", os.geteuid(), "starts", self.starts, flush=True)

    def __getstate__(self):
        adjusted = open("/proc/self/oom_score_adj").read().strip()
        return {**super().__getstate__(), "adjusted": adjusted}

application = Application("own")
Own().setServiceParent(application)
"""


HOST = """
import asyncio
import sys
from appsnap.service import Application, Service

class Own(Service):
    async def startService(self):
        super().startService()
        sys.meta_path.insert(0, self)
        sys.path_importer_cache.clear()
        print("host", await asyncio.get_running_loop().getaddrinfo("localhost", 80), flush=True)

    def find_spec(self, name, path=None, target=None):
        raise ModuleNotFoundError(name)  # as where no folder can be read

application = Application("own")
Own().setServiceParent(application)
"""


@pytest.fixture
def folder():
    """Return a folder that any user may look into, with the application."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "own.py").write_text(OWN)
        yield folder


def own(folder, *options, **settings):
    where = ("--state", "state", "--autosave", "0", "--uid", NOBODY)
    config = {"APPSNAP_CONFIG_DIR": folder / "keys"}
    return Running("own:application", *where, *options, folder=folder, **config, **settings)


def once(folder, *options):
    with own(folder, *options) as process:
        process.ready()
        assert process.stop() == 0
    return process


def put(folder, data, number):
    """Put a generation into the state, as the user would."""
    path = folder / "state" / f"own-{number:08d}.tap"
    path.write_bytes(data)
    os.chown(path, NOBODY, NOBODY)
    return path


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class TestState:
    @pytest.mark.slow
    def test_goes_on(self, folder):
        """The state is the user's, unsigned, and loaded at the next start of root."""
        assert once(folder).has(f"user {NOBODY} starts 1")
        assert once(folder).has(f"user {NOBODY} starts 2")

        assert {path.stat().st_uid for path in [folder / "state", *(folder / "state").glob("own-*")]} == {NOBODY}
        shown = run("state/own-00000002.tap", command="show", folder=folder)
        assert shown.has("unsigned")
        assert shown.has('adjusted: "1000"'), "the kernel takes the copy first"

    @pytest.mark.slow
    @pytest.mark.parametrize("sort", ["call", "signed", "link"])
    def test_hostile(self, folder, sort):
        """A generation with other names than the application's is refused, whoever has signed it."""
        once(folder)
        trap = folder / "sprung"
        if sort == "call":
            put(folder, pickle.dumps(Trap(trap)), 99)
        else:
            (folder / "other.py").write_text(
                f"import os\nclass Trap:\n    __reduce__ = lambda _: (os.system, ('touch {trap}',))\ntrap = Trap()\n"
            )
            saved = run(
                "other:trap",
                "other.tap",
                "--no-verify",
                command="save",
                folder=folder,
                APPSNAP_CONFIG_DIR=folder / "keys",
            )
            assert saved.code == 0, saved
            if sort == "signed":
                put(folder, (folder / "other.tap").read_bytes(), 99)
            else:
                (folder / "state" / "own-00000099.tap").symlink_to(folder / "other.tap")

        with own(folder) as process:
            if sort == "link":  # it is no file of the state
                process.ready()
                assert process.stop() == 0
            else:
                assert process.end() == 3
                assert process.errors[0].startswith(
                    f"error: {folder}/state/own-00000099.tap: not trusted: posix.system"
                )
                assert "appsnap run --fresh own:application" in process.errors[1]

        assert not trap.exists()

    def test_late_imports(self, folder):
        """A user who can't read Python's library can look up a host, whose module asyncio imports late."""
        (folder / "own.py").write_text(HOST)

        with own(folder) as process:
            process.until("host")
            assert process.stop() == 0

    @pytest.mark.slow
    def test_folder_of_others(self, folder):
        """A folder with other files in it isn't given away."""
        (folder / "state").mkdir()
        (folder / "state" / "letters").write_text("dear")

        with own(folder) as process:
            assert process.end() == 1

        assert "letters" in process.errors[0]
        assert (folder / "state").stat().st_uid == 0
        shutil.rmtree(folder / "state")

    @pytest.mark.slow
    def test_root_itself(self, folder):
        """Root writes nothing into a user's state that the user could not read later."""
        once(folder)
        config = {"APPSNAP_CONFIG_DIR": folder / "keys"}
        process = run("own:application", "--state", "state", "--fresh", folder=folder, **config)

        assert process.code == 1
        assert process.errors == [
            f"error: {folder}/state belongs to user {NOBODY}, who could not read what user 0 writes there",
            f"hint: --uid {NOBODY} starts it as that user",
        ]
