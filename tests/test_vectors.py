import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vectors.layout import EXPECTATIONS, FOLDER, Vector, read, render

TOOLS = Path(__file__).parents[1] / "tools"
RECORDS = read()
NAMES = sorted(RECORDS)
OUTCOMES = {name: (RECORDS[name].fields.get("kind"), RECORDS[name].fields.get("expect")) for name in NAMES}

FIRST = {outcome: name for name, outcome in reversed(OUTCOMES.items())}
SAMPLE = sorted({*NAMES[::60], *FIRST.values()})
"""Every sixtieth vector, and one of each kind and expectation."""

SECONDS = 60
"""Limit for one vector, after which its process is killed. Much more than a vector may cost, for busy machines."""

pytestmark = pytest.mark.timeout(1_800)  # the first test waits until all vectors have been followed


class Children:
    """Processes that follow vectors, each in a folder with files that a vector could change or remove."""

    def __init__(self, folder):
        self.folder = folder
        self.found = {}

    def follow_all(self, names):
        """Follow vectors in a few processes side by side, and return the report on each."""
        workers = min(4, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            # Dealt out one by one: vectors that cost much stand side by side.
            list(pool.map(self.follow, [names[at::workers] for at in range(workers)]))
        return self.found

    def follow(self, names):
        """Follow vectors one after the other. A new process takes the place of one that dies."""
        while names:
            begun = self._batch(names)
            names = names[names.index(begun) + 1 :] if begun else []

    def _batch(self, names):
        """Return the name of the vector that killed the process, or None."""
        canary = self.folder / names[0]
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
        with open(self.folder / f"{names[0]}.err", "w+b") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "vectors.child"],
                cwd=canary,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            child.stdin.write("".join(f"{name}\n" for name in names))
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
        return begun


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
    """Return the report on each vector."""
    return Children(tmp_path_factory.mktemp("canaries")).follow_all(NAMES)


class TestSample:
    def test_are_there(self):
        """There are vectors of each kind and each expectation."""
        for kind in ("pickle", "source", "msgpack", "xml"):
            assert {(kind, expect) for expect in EXPECTATIONS if expect != "passphrase"} <= set(OUTCOMES.values())

    def test_do_what_they_say(self, tmp_path):
        """A sample of the vectors passes. `TestVectors` follows all of them."""
        found = Children(tmp_path).follow_all(SAMPLE)

        assert {name: one["wrong"] for name, one in found.items()} == {name: [] for name in SAMPLE}


@pytest.mark.slow
class TestVectors:
    @pytest.mark.parametrize("name", NAMES)
    def test_do_what_they_say(self, name, followed):
        """A vector gives what it expects, costs little, has no effect, and can be shown and converted if read."""
        assert followed[name]["wrong"] == []


PAYLOADS = {
    "separator": b"a\n%%\nb\n",
    "separator-first": b"%%\n",
    "separator-last": b"a\n%%",
    "separator-alone": b"%%",
    "separator-within-a-line": b"%% \n %%\n%%%\n",
    "header": b"\n\nname: x\nexpect: loads\n\n",
    "empty": b"",
    "line-feeds": b"\n\n\n",
    "without-line-feed": b"a",
    "carriage-returns": b"a\r\n%%\r\n",
    "binary": bytes(range(256)),
    "long": b"%%\n" * 10_000,
}


class TestFiles:
    def file(self, payloads):
        """Return a file with a vector for each payload."""
        return render(Vector(name, "any", "damaged", "ä: b", payload) for name, payload in payloads.items())

    def read(self, data, folder, monkeypatch):
        """Return the records of a file."""
        (folder / "any-x.txt").write_bytes(data)
        monkeypatch.setattr("vectors.layout.FOLDER", folder)
        return read()

    def test_any_payload(self, tmp_path, monkeypatch):
        """A payload may look like a separator or a header, and comes back byte for byte."""
        records = self.read(self.file(PAYLOADS), tmp_path, monkeypatch)

        assert {name: record.vector().payload for name, record in records.items()} == PAYLOADS

    def test_is_text(self):
        """A file has no bytes but those of lines of text, and ends with one."""
        data = self.file(PAYLOADS)

        assert not set(data.decode()) & {chr(code) for code in range(32) if code != 10}
        assert data.endswith(b"\n")

    @pytest.mark.parametrize(
        ("good", "bad", "error"),
        [
            (b"payload: base64\n\nAA", b"payload: base64\n\n*A", r"any-x\.txt:10: b: Only base64 data is allowed"),
            (b"name: b\nexpect: damaged", b"name: b\nexpect: bad", r"any-x\.txt:10: b: unknown in the header: 'bad'"),
            (
                b"name: b\nexpect",
                b"name: b\nexpcet",
                r"any-x\.txt:10: b: missing or unknown in the header: expcet, expect",
            ),
            (b"name: b\n", b"", r"any-x\.txt:10: any-x\.txt:10: missing or unknown in the header: name"),
            (b"name: b\n", b"name: a\n", r"any-x\.txt:10: any-x\.txt:10: an earlier record has the same name"),
        ],
    )
    def test_a_damaged_record(self, good, bad, error, tmp_path, monkeypatch):
        """Only the damaged record is lost, and the error names its file, its line and the vector."""
        payloads = {"a": b"1\n", "b": b"\0", "c": b"3\n"}
        data = self.file(payloads)
        assert good in data

        records = self.read(data.replace(good, bad, 1), tmp_path, monkeypatch)

        first, broken, last = records.values()
        assert [first.vector().payload, last.vector().payload] == [b"1\n", b"3\n"]
        with pytest.raises(ValueError, match=f"^{error}"):
            broken.vector()
