import importlib
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from random import Random

import pytest

import fuzz
from appsnap import dumps
from appsnap.kinds import msgpack
from fuzzing import trial, uses
from fuzzing.expressions import shown
from fuzzing.mutations import FORMS, Mutants, smaller

pytestmark = pytest.mark.slow

FUZZER = Path(__file__).parents[1] / "tools" / "fuzz.py"
SECONDS = os.environ.get("APPSNAP_FUZZ_SECONDS", "5")


@pytest.mark.parametrize("kind", FORMS)
class TestFuzzers:
    @pytest.mark.timeout(float(SECONDS) + 120)
    def test_find_nothing(self, kind, tmp_path):
        """Mutants of good files are refused or read: nothing else is raised, called, imported or changed."""
        command = [sys.executable, FUZZER, kind, "--seconds", SECONDS, "--corpus", tmp_path]

        result = subprocess.run(command, capture_output=True, text=True, check=False)

        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
        assert "mutants, 0 findings" in result.stdout


class TestMutants:
    @pytest.mark.parametrize("kind", ["source", "msgpack", "xml"])
    def test_are_those_of_their_seed(self, kind):
        """A mutant can be made again from its seed and number; other seeds give others."""
        # Not-a-number is equal to nothing, but is spelled alike. Some parts are too deep for repr().
        one, again, other = (
            [mutants.data(mutants.parts(number)) for number in range(20)]
            for mutants in (Mutants(kind, 1), Mutants(kind, 1), Mutants(kind, 2))
        )

        assert one == again != other


def _raise(_):
    raise KeyError("planted")


def _call(_):
    importlib.import_module("harmless").callback("planted")


def _change(_):
    importlib.import_module("harmless").settings["live"] = False


def _set(_):
    os.environ["PLANTED"] = "1"


def _warn(_):
    warnings.warn("planted", UserWarning, stacklevel=1)


def _loop(_):
    while True:
        time.process_time()


def _import(_):
    importlib.import_module("this")


class TestTrials:
    @pytest.fixture
    def tried(self, monkeypatch):
        """Return a function that plants a fault in a reader, and returns the finding of a trial."""

        def planted(fault):
            attempt = trial.Trial("msgpack")
            monkeypatch.setattr(msgpack, "read", lambda data, most: fault(data) or read(data, most))
            return attempt(dumps(["a", 1], "msgpack"))

        read = msgpack.read
        return planted

    @pytest.mark.parametrize(
        ("fault", "mark"),
        [
            (_raise, "KeyError in "),
            (_call, "called or changed"),
            (_change, "called or changed"),
            (_set, "environment"),
            (_warn, "UserWarning in "),
            (_import, "imported this"),
        ],
    )
    def test_tell_what_a_reader_did(self, tried, fault, mark):
        """A reader that raises, calls, changes or imports something, or warns, is found out."""
        sys.modules.pop("this", None)

        finding = tried(fault)

        assert finding is not None
        assert finding.mark.startswith(mark)
        assert tried(lambda _: None) is None

    def test_end_what_takes_too_long(self, tried, monkeypatch):
        """A reader that doesn't come to an end is interrupted."""
        monkeypatch.setattr(trial, "MOST_SECONDS", 0.2)

        finding = tried(_loop)

        assert finding.mark.startswith("more than 0.2 s in ")

    def test_tell_of_memory(self, tried, monkeypatch):
        """A reader that takes more memory than it may is found out."""
        monkeypatch.setattr(trial, "MOST_BYTES", 64 << 20)
        monkeypatch.setattr(trial, "MOST_SECONDS", 60)  # to be given so much takes a slow machine its time

        finding = tried(lambda _: len(b"x" * (1 << 30)) < 0)

        assert finding.mark == "memory"

    def test_tell_of_other_results(self, tried, monkeypatch):
        """Other objects by way of another kind are a finding."""
        monkeypatch.setattr(trial.Trial, "_differs", lambda *_: "planted" if one_more() else "")
        calls = iter(range(100))

        def one_more():
            return next(calls) == 1  # the first is a comparison with itself

        finding = tried(lambda _: None)

        assert "planted" in finding.report

    def test_let_python_find_nothing_else(self):
        """Python's own unpickler finds only harmless classes by the names in mutants."""
        for module, name in [("os", "system"), ("harmless", "callback"), ("builtins", "getattr"), ("zoo", "function")]:
            with pytest.raises(trial.pickle.UnpicklingError):
                trial._Unpickler(trial.BytesIO()).find_class(module, name)


def _end(_value, _others):
    os.kill(os.getpid(), signal.SIGSEGV)


def _endless(_value, _others):
    while True:
        sum(range(1_000_000))


def _fill(_value, _others):
    return b"x" * (8 << 30)


class TestUses:
    def test_do_no_harm(self):
        """Values that any file may make are safe to use. The cases are always the same."""
        found = [*uses.fuzz_uses(range(150), 7)]

        assert [(number, outcome.fault) for number, outcome, _ in found if outcome.fault] == []
        assert sum(outcome.used for _, outcome, _ in found) > 150

    @pytest.mark.parametrize(
        ("use", "fault"),
        [
            (_end, "signal SIGSEGV at planted"),
            (_endless, "signal SIGPROF at planted"),
            (_fill, "exit 1 at planted without end"),
        ],
    )
    def test_are_found_out(self, use, fault, monkeypatch):
        """A use that ends the process, that has no end, or that fills the memory is a finding."""
        monkeypatch.setattr(uses, "USES", {"repr": lambda value, _: repr(value), "planted": use})
        monkeypatch.setattr(uses, "MOST_SECONDS", 1)

        (outcome,) = uses.try_cases([[("list", [1])]])

        assert outcome.fault == fault

    def test_of_the_next_case(self, monkeypatch):
        """A case that ends the process is followed by the next one."""
        monkeypatch.setattr(uses, "USES", {"planted": lambda value, _: value == [1] and _end(value, _)})

        faults = [outcome.fault for outcome in uses.try_cases([["a"], [("list", [1])], ["b"]])]

        assert faults == ["", "signal SIGSEGV at planted", ""]

    def test_are_made_smaller(self, monkeypatch):
        """Of a finding, the parts are left that it needs."""
        monkeypatch.setattr(uses, "USES", {"planted": lambda value, _: 7 in value and _end(value, _)})

        least = uses.least(["a", ("list", [1, ("tuple", [2, 3]), 7]), 5], "signal SIGSEGV at planted")

        assert [*map(shown, least)] == ["list(7)"]

    def test_are_those_of_their_seed(self):
        """A case can be made again from its seed and number."""
        one, again, other = ([*map(shown, uses.case(Random(seed)))] for seed in ("0 1", "0 1", "1 1"))

        assert one == again != other


class TestSmaller:
    def test_leaves_what_fails(self):
        """Of a finding, the parts are kept without which it isn't one."""
        mutants = Mutants("source", 0)

        parts = smaller(mutants, lambda data: b"bad" in data and b"worse" in data, ["a\n", "bad\n", "b\n", "worse\n"])

        assert parts == ["bad\n", "worse\n"]


class TestSupervision:
    def test_goes_on_behind_what_ends_a_process(self, monkeypatch, tmp_path):
        """A mutant that ends the process is a finding, and is followed by the next one in a process of its own."""
        script = tmp_path / "script.py"
        script.write_text(
            "import os, sys\n"
            "number = int(sys.argv[sys.argv.index('--worker') + 1])\n"
            "print(number, flush=True)\n"
            "if number < 2:\n    os.abort()\n"
        )
        monkeypatch.setattr(fuzz, "__file__", str(script))

        tried, found = fuzz.fuzz("source", seconds=60, corpus=tmp_path / "corpus")

        assert tried == 3
        assert sorted(found) == [f"mutant {number} of seed 0 ends the process with -6" for number in (0, 1)]
        assert len(list((tmp_path / "corpus").glob("*.bin"))) == 2

    def test_ends_what_hangs(self, monkeypatch, tmp_path):
        """A process that says nothing any more is ended, and that is a finding."""
        script = tmp_path / "script.py"
        script.write_text("import time\nprint(0, flush=True)\ntime.sleep(600)\n")
        monkeypatch.setattr(fuzz, "__file__", str(script))
        monkeypatch.setattr(fuzz, "SILENCE", 5)  # a busy machine takes a while to start Python

        _, found = fuzz.fuzz("source", seconds=1, corpus=tmp_path / "corpus")

        assert list(found) == ["mutant 0 of seed 0 hangs"]
