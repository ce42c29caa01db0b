"""`appsnap run --state`: the same command goes on where the application was."""

import json
import re
import shutil
import signal

import pytest

from runner.running import PARTS, Running, is_alive, run

OPTIONS = ("--state", "state", "--autosave", "0")


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the application as `own.tac`."""
    shutil.copy(PARTS, tmp_path / "own.tac")
    return tmp_path


def own(folder, *options, parts="Counter", **settings):
    return Running(*options, *OPTIONS, "own.tac", folder=folder, PARTS=parts, **settings)


def once(folder, *options, **settings):
    """Run the application until it is ready, stop it, and return the process."""
    with own(folder, *options, **settings) as process:
        process.ready()
        assert process.stop() == 0
    return process


def generations(folder):
    return sorted(path.name for path in (folder / "state").glob("parts-*"))


def count(process):
    return int(process.until(" times").split()[1])


class TestResumed:
    @pytest.mark.slow
    def test_goes_on(self, folder):
        """Each start goes on from the newest generation. One for each change, and the newest five stay."""
        counts = []
        for _ in range(7):
            process = once(folder)
            counts.append(count(process))

        assert counts == [1, 2, 3, 4, 5, 6, 7]
        assert process.has("appsnap: resumed from parts-00000006.tap")
        assert generations(folder) == [f"parts-0000000{number}.tap" for number in range(3, 8)]
        assert (folder / "state").stat().st_mode & 0o777 == 0o700

    def test_unchanged(self, folder):
        """An application that has not changed writes no new generation."""
        for _ in range(2):
            once(folder, parts="Told")

        assert generations(folder) == ["parts-00000001.tap"]

    def test_fresh(self, folder):
        """--fresh starts from WHAT, and the old generations stay."""
        once(folder)
        once(folder)

        process = once(folder, "--fresh")

        assert count(process) == 1
        assert not process.has("resumed from")
        assert len(generations(folder)) == 3

    def test_changed(self, folder):
        """One line says that WHAT has changed since."""
        once(folder)
        with (folder / "own.tac").open("a") as file:
            file.write("\nadded = 1\n")

        with own(folder) as process:
            line = process.until("resumed from")

        assert line.startswith("appsnap: resumed from parts-00000001.tap; own.tac has changed since: ")
        assert line.endswith("--fresh starts from it")

    def test_hostile_name(self, folder):
        """The name of an application leads to no other folder."""
        once(folder, NAME="../../etc/x")

        names = [path.name for path in (folder / "state").glob("*.tap")]
        assert len(names) == 1
        assert re.fullmatch(r"[\w.-]+-00000001\.tap", names[0])


class TestDamaged:
    @pytest.mark.parametrize("all_of_them", [False, True])
    def test_left_out(self, folder, all_of_them):
        """A damaged generation is named, and left where it is. The next older one is taken, or else WHAT."""
        for _ in range(2):
            once(folder)
        damaged = sorted((folder / "state").glob("*.tap"))[0 if all_of_them else 1 :]
        for path in damaged:
            path.write_bytes(path.read_bytes()[:-20])

        process = once(folder)

        for path in damaged:
            assert process.has(f"warning: {path} is damaged, and left out: ")
            assert path.exists()
        assert process.has("is whole: starting from own.tac") == all_of_them
        assert count(process) == (1 if all_of_them else 2)
        assert generations(folder)[-1] == "parts-00000003.tap"

    @pytest.mark.parametrize("older", [False, True])
    def test_does_not_start(self, folder, older):
        """An application that loads but doesn't start is an error, and no step back. The hints work when typed."""
        for _ in range(1 + older):
            once(folder)
        before = generations(folder)

        with own(folder, FAIL="once") as process:
            code = process.end()

        assert code == 1
        assert "error in startService of application.services" in process.errors[0]
        assert "; to start from own.tac: " in process.errors[1]
        assert len(process.errors) == 2
        assert generations(folder) == before
        commands = re.findall(r"appsnap (run [^;]*)", process.errors[1])
        assert len(commands) == 1 + older
        with Running(*commands[-1].split()[1:], folder=folder, PARTS="Counter") as process:
            assert count(process) == 1 + older
            process.ready()


class TestTwo:
    def test_second(self, folder):
        """A second process on the folder says which one runs, and the first one goes on."""
        with own(folder) as process:
            process.ready()
            second = own(folder)
            with second:
                code = second.end()
            assert is_alive(process.pid)
            status = run("state", "--json", command="status", folder=folder)
            assert process.stop() == 0

        assert code == 1
        assert second.errors[0] == f"error: process {process.pid} is running, and holds {folder}/state/lock"
        found = json.loads(status.lines[0])
        assert (found["running"], found["pid"], found["name"]) == (True, process.pid, "parts")


class TestWhat:
    def test_is_gone(self, shop_folder):
        """A snapshot that is gone isn't needed where there is a state, neither at a start nor at a restart."""
        folder = shop_folder
        with Running("parts.tap", *OPTIONS, folder=folder) as process:
            process.ready()
            assert process.stop() == 0
        (folder / "parts.tap").unlink()

        with Running("parts.tap", *OPTIONS, folder=folder) as process:
            process.until("resumed from parts-00000001.tap")
            process.ready().send(signal.SIGHUP)
            process.until("is running as process", 2)
            assert process.stop() == 0

        assert not process.errors

    def test_is_an_older_generation(self, shop_folder):
        """A start from an older generation is a step back. Nothing is said to have changed."""
        folder = shop_folder
        for what in ("parts.tap", "state/parts-00000001.tap"):
            with Running(what, *OPTIONS, "--fresh", folder=folder) as process:
                process.ready()
                assert process.stop() == 0
        with Running("state/parts-00000001.tap", *OPTIONS, folder=folder) as process:
            process.ready()
            assert process.stop() == 0

        assert process.has("resumed from parts-00000002.tap")
        assert not process.has("has changed")


@pytest.fixture
def shop_folder(folder):
    """Return a folder with a saved application as `parts.tap`."""
    script = "from appsnap.service import Application, Service\napplication = Application('parts')\n"
    (folder / "saved.py").write_text(f"{script}Service().setServiceParent(application)\n")
    assert run("saved:application", "parts.tap", command="save", folder=folder).code == 0
    return folder


class TestFresh:
    @pytest.mark.slow
    def test_keeps_the_old_ones(self, folder):
        """The generations from before a fresh start stay, whatever the number of those after it."""
        once(folder, "--keep", "1")
        once(folder, "--keep", "1")
        once(folder, "--keep", "1", "--fresh")
        once(folder, "--keep", "1")
        once(folder, "--keep", "1")

        assert generations(folder) == ["parts-00000002.tap", "parts-00000005.tap"]
