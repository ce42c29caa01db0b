"""Where memory ends, that is a MemoryError: never a damaged file, never an object that can't be saved."""

import os
import subprocess
import sys

import pytest

from appsnap.kinds import KINDS

pytestmark = [pytest.mark.slow, pytest.mark.memory]

CHILD = """
import gc, resource, sys
import appsnap
act, kind, path, room = sys.argv[1:]
def make():
    texts = [{"n": n, "text": f"text {n} <é>" * 2_000, "bytes": bytes(7_000)} for n in range(300)]
    return {"texts": texts, "zeros": [0] * 500, "large": bytes(3_000_000), "mutable": bytearray(3_000_000)}
obj = make() if act == "save" else None
appsnap.loads(appsnap.dumps([1, {2}, b"x" * 100_000], kind), trust=appsnap.EVERYTHING)  # imports what it takes
appsnap.save([1], path + ".small", kind=kind)
gc.collect()
# Without memory for one small number, Python itself may retry the handler of an exception for ever (3.11 to 3.13).
small = [[number] for number in range(1 << 20, (1 << 20) + 30_000)]
del small[::2]
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + int(float(room) * (1 << 20)), -1))
try:
    if act == "save":
        appsnap.save(obj, path, kind=kind)
    else:
        obj = appsnap.load(path)
    found = "done"
except MemoryError:
    found = "MemoryError"
except BaseException as error:
    found = f"{type(error).__name__}: {error}"
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
if found == "done":
    assert act == "save" or obj == make()
print(found)
"""


ROOMS = (0, 1, 3, 6, 10, 15, 22, 32, 50, 80, 400)
"""How much memory there is beside the one in use, in MiB."""


@pytest.mark.parametrize("kind", KINDS)
class TestLittleMemory:
    @staticmethod
    def run(*arguments):
        """Run the child, and return the line that it prints."""
        command = [sys.executable, "-c", CHILD, *map(str, arguments)]
        one = os.environ | {"MALLOC_ARENA_MAX": "1"}  # without room of its own for each thread
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, env=one)
        return done.stdout.strip() or f"exit status {done.returncode}: {done.stderr}"

    def test_load(self, kind, tmp_path):
        """A load succeeds or raises MemoryError, however little memory there is."""
        path = tmp_path / "file"
        assert self.run("save", kind, path, 4_000) == "done"

        assert {self.run("load", kind, path, room) for room in ROOMS} == {"done", "MemoryError"}

    def test_save(self, kind, tmp_path):
        """A save succeeds or raises MemoryError, and then the old file is there."""
        path = tmp_path / "file"
        for room in ROOMS:
            path.write_text("old")

            found = self.run("save", kind, path, room)

            assert found in ("done", "MemoryError")
            assert (path.read_bytes() == b"old") == (found == "MemoryError")
            assert {one.name for one in tmp_path.iterdir()} <= {"file", "file.small"}
