import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "vectors"
TOOLS = Path(__file__).parents[1] / "tools"
for place in (TOOLS, FOLDER):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

from make_vectors import KEPT  # noqa: E402 - tools is no package that pytest would find
from vectors.layout import EXPECTATIONS, parse  # noqa: E402 - as above

PATHS = sorted(path for path in FOLDER.iterdir() if path.is_file() and path.name not in KEPT)
VECTORS = {path.name: parse(path.name, path.read_bytes()) for path in PATHS}

SECONDS = 60
"""How long one vector may keep a child process, until it is ended: much more than it may cost, for busy machines."""

pytestmark = pytest.mark.timeout(1_800)  # all vectors are followed before the first of them is looked at


class Children:
    """Processes that follow vectors, each in a folder with files that a vector could make or remove."""

    def __init__(self, folder):
        self.folder = folder
        self.found = {}

    def follow(self, paths):
        """Follow vectors one after the other; a process that dies is followed by another one."""
        while paths:
            begun = self._batch(paths)
            paths = paths[paths.index(begun) + 1 :] if begun else []

    def _batch(self, paths):
        """Return the path that a process died of, or None."""
        canary = self.folder / paths[0].name
        canary.mkdir()
        (canary / "keep.txt").write_text("kept")
        (canary / "canary_module.py").write_text("open('stolen', 'w').close()\nclass Class:\n    pass\n")
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, [TOOLS, FOLDER, canary])),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONFAULTHANDLER": "1",
            "TMPDIR": str(self.folder),
            "OPENBLAS_NUM_THREADS": "1",
        }
        with open(self.folder / f"{paths[0].name}.err", "w+b") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "vectors.child"],
                cwd=canary,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            child.stdin.write("".join(f"{path}\n" for path in paths))
            child.stdin.close()
            begun = None
            timer = _Timer(child)
            for line in child.stdout:
                timer.restart()
                said = json.loads(line)
                if "begins" in said:
                    begun = said["begins"]
                else:
                    self.found[said["name"]] = said
                    begun = None
            timer.stop()
            status = child.wait()
            child.stdout.close()
            if begun is None:
                assert not status, errors.seek(0) or errors.read().decode()
                return None
        how = f"took more than {SECONDS} s" if timer.expired else f"ended the process with {status}"
        self.found[begun] = {"name": begun, "wrong": [how], "cost": [0, 0]}
        return FOLDER / begun


class _Timer:
    """Ends a process that says nothing for too long."""

    def __init__(self, child):
        self.child = child
        self.expired = False
        self._timer = None
        self.restart()

    def restart(self):
        self.stop()
        self._timer = threading.Timer(SECONDS, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def stop(self):
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self):
        self.expired = True
        self.child.kill()


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Return what came of each vector, in processes of their own."""
    children = Children(tmp_path_factory.mktemp("canaries"))
    workers = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        # Dealt out one by one: those that cost much stand side by side.
        list(pool.map(children.follow, [PATHS[at::workers] for at in range(workers)]))
    return children.found


class TestVectors:
    def test_are_there(self):
        """There are vectors of each kind and each expectation."""
        kinds = {(vector.kind, vector.expect) for vector in VECTORS.values()}

        for kind in ("pickle", "source", "msgpack", "xml"):
            assert {(kind, expect) for expect in EXPECTATIONS if expect != "passphrase"} <= kinds

    @pytest.mark.parametrize("name", VECTORS)
    def test_do_what_they_say(self, name, followed):
        """A vector gives what it expects, costs little, has no effect, and can be shown and converted if read."""
        assert followed[name]["wrong"] == []
