"""Saving and loading where no thread can be started: at the exit, in children without threads, in signal handlers."""

import subprocess
import sys

import pytest

import appsnap

HEAD = """\
import atexit, os, signal, sys, threading
import appsnap
KIND, PATH = sys.argv[1:]
DATA = {"n": 1, "b": bytearray(range(250)) * 80_000, "c": bytes(300_000)}  # the first takes three chunks
def save():
    appsnap.save(DATA, PATH, kind=KIND, sign=False)
    assert appsnap.load(PATH, trust=appsnap.EVERYTHING) == DATA
"""

SCRIPTS = {
    "atexit": "atexit.register(save)",
    "atexit-second": "save(); os.remove(PATH); atexit.register(save)",
    "atexit-error": "atexit.register(save); raise SystemExit(0)",
    "thread-behind-main": """
def later():
    threading.main_thread().join()
    save()
threading.Thread(target=later).start()
""",
    "atexit-daemon": """
def last():
    thread = threading.Thread(target=save, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # Python 3.12 starts no thread here
        save()
    else:
        thread.join()
atexit.register(last)
""",
    "del": """
class Closing:
    def __del__(self):
        save()
closing = Closing()
del closing
""",
    "signal": """
signal.signal(signal.SIGUSR1, lambda *_: save())
signal.raise_signal(signal.SIGUSR1)
""",
    "no-threads": """
import _thread
def refuse(*_):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = refuse
threading._start_new_thread = refuse
save()
""",
    "stack-size": """
import resource
threading.stack_size(256 << 20)  # of address space that isn't there
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (200 << 20), -1))
save()
""",
}


def run(tmp_path, code, kind):
    """Run a script that saves and loads, and return what it saved."""
    path = tmp_path / "file"
    command = [sys.executable, "-W", "error", "-c", HEAD + code, kind, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)

    assert (done.returncode, done.stderr) == (0, "")
    return appsnap.load(path, trust=appsnap.EVERYTHING)


class TestSaving:
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    @pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in SCRIPTS.items()])
    def test_large(self, tmp_path, code, kind):
        """Large data is saved and loaded at the exit, and where no thread can be started."""
        found = run(tmp_path, code, kind)

        assert len(found["b"]) == 20_000_000

    @pytest.mark.parametrize("kind", ["source", "xml"])
    def test_other_kinds(self, tmp_path, kind):
        """The kinds without large data are saved at the exit, too."""
        code = 'DATA = {"n": 1, "b": bytearray(300_000)}\natexit.register(save)'

        assert run(tmp_path, code, kind) == {"n": 1, "b": bytearray(300_000)}
