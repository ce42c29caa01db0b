"""`appsnap run`: how an application starts, and what may be run. Each test runs real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import appsnap
from appsnap.cli.app import run as command_line
from runner.running import PARTS, Running, parts, run

KEY = Path(__file__).parent.parent / "scripts" / "files" / "key.txt"
RECIPIENT = KEY.read_text().splitlines()[0].rpartition(" ")[2]

MODULE = """
import os, signal
from appsnap.internet import TimerService
from appsnap.service import Application, Service

class Shop(Service):
    def startService(self):
        print("shop is open", flush=True)

class Signalled(Shop):
    def __setstate__(self, state):
        self.__dict__.update(state)
        os.kill(os.getpid(), signal.SIGTERM)

application = Application("shop")
Shop().setServiceParent(application)
plain = Shop()
number = 5
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return a folder with a module, which can be imported."""
    (tmp_path / "corner.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


def save(folder, expression, *options, file="shop.tap"):
    """Save an object of the module to a file."""
    code = f"import appsnap, corner; appsnap.save({expression}, {file!r}{''.join(options)})"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


class TestStart:
    def test_order(self):
        """The privileged part comes first, in order; the stop comes in the reverse one. A line says what runs."""
        with parts("Told1", "Told2") as process:
            process.ready()
            code = process.stop()

        assert code == 0
        assert process.lines == [
            "told1: privileged",
            "told2: privileged",
            "told1: start",
            "told2: start",
            f"appsnap: parts is running as process {process.pid}; Ctrl-C stops it",
            "appsnap: stopping parts",
            "told2: stop",
            "told1: stop",
            "appsnap: parts has stopped",
        ]

    @pytest.mark.parametrize(
        ("part", "phase", "reason"),
        [
            ("FailingStart9", "startService", r"ValueError: no\x0aluck"),
            ("FailingPrivileged9", "privilegedStartService", "PermissionError: no door"),
        ],
    )
    def test_fails(self, tmp_path, part, phase, reason):
        """One line says phase, path, type and reason. What had started is stopped, and nothing stays behind."""
        options = ("--pidfile", "pid", "--state", "state", "--logfile", "log")

        with parts("Told1", part, "Told2", options=options, folder=tmp_path) as process:
            code = process.end()

        name = part.lower()
        error = (
            f'error in {phase} of application.services["inner"].services["{name}"] (<parts.tac>.{part[:-1]}): {reason}'
        )
        assert code == 1
        assert process.errors == [f"error: {error}"]
        assert "told1: stop" in process.lines
        assert not process.has("Traceback")
        assert not process.has("is running")
        assert not (tmp_path / "pid").exists()
        assert not [*(tmp_path / "state").glob("*.tap")]
        assert f"ERROR appsnap.run: {error}" in (tmp_path / "log").read_text()

    def test_fails_and_leaves_threads(self):
        """A failed start is told at once, and its threads have the time of a stop."""
        with parts("DefaultExecutor", "FailingStart", options=("--stop-timeout", "1")) as process:
            code = process.end()

        first, *others = process.errors
        assert first.startswith("error: error in startService of")
        assert others == ["error: not stopped within 1 s: thread asyncio_0"]
        assert code == 70

    @pytest.mark.parametrize("phase", ["startService", "privilegedStartService", "stopService"])
    def test_root_fails(self, tmp_path, phase):
        """An error of the root itself has its place, too."""
        script = f"""
from appsnap.service import Application
class Root(Application):
    def {phase}(self):
        raise ValueError("bad root")
application = Root("root")
"""
        (tmp_path / "root.tac").write_text(script)

        with Running("root.tac", folder=tmp_path) as process:
            if phase == "stopService":
                process.ready().stop()
            code = process.end()

        said = "while stopping" if phase == "stopService" else f"error in {phase} of"
        assert (code, process.errors) == (1, [f"error: {said} application (<root.tac>.Root): ValueError: bad root"])

    def test_background(self):
        """A timer whose call raises ends, and a task in the background that dies is logged at once."""
        with parts("Timer", "DyingTask", "Told") as process:
            process.until("LookupError: lost")
            process.ready()
            lines = [*process.lines]
            code = process.stop()

        assert code == 0
        for text in ('application.services["timer"]', "ZeroDivisionError: no time"):
            assert any(text in line for line in lines)
        assert process.lines.count("ring") == 1
        assert sum("LookupError: lost" in line for line in process.lines) == 1


class TestWhat:
    def test_module(self, shop):
        """An object in a module is run."""
        with Running("corner:application", folder=shop) as process:
            assert process.ready().stop() == 0

        assert "shop is open" in process.lines

    def test_root_without_children(self, shop):
        """Any service is run, an application or not."""
        with Running("corner:plain", folder=shop) as process:
            process.until("Shop is running as process")
            assert process.stop() == 0

    def test_snapshot(self, shop):
        """A snapshot that was signed here is run without further ado, with options on both sides."""
        save(shop, "corner.application")

        with Running("--umask", "27", "shop.tap", "--stop-timeout", "inf", folder=shop) as process:
            assert process.ready().stop() == 0

        assert "shop is open" in process.lines

    def test_order(self, shop):
        """A file comes before a module and a plugin of its name."""
        script = "from appsnap.service import Application\napplication = Application('file')\n"
        for name in ("web", "corner:application"):
            (shop / name).write_text(script)

            with Running(name, "--kind", "python", folder=shop) as process:
                process.until("file is running")

    def test_plugin(self, tmp_path):
        """Options of the run stand before a plugin, its own ones behind it. Its paths are those of the command."""
        pytest.importorskip("aiohttp")
        (tmp_path / "public").mkdir()
        options = ("--rundir", "/", "--state", "state", "web", "--path", "public", "--port", "0")

        with Running(*options, folder=tmp_path) as process:
            assert process.ready().stop() == 0

        assert [*(tmp_path / "state").glob("web-*.tap")]

    @pytest.mark.parametrize(
        ("arguments", "code", "error"),
        [
            ("nosuch.tap", 1, "error: nosuch.tap: no such file or directory"),
            ("nosuch", 2, "`appsnap plugins` lists the plugins"),
            ("wbe", 2, "did you mean the plugin web?"),
            ("cornr.py", 1, "hint: did you mean corner.py?"),
            ("corner:aplication", 1, "hint: did you mean corner:application?"),
            ("cornr:application", 1, "hint: did you mean corner?"),
            ("corner.application", 2, "did you mean corner:application?"),
            ("corner:number", 1, "error: a builtins.int is not a service, so it can't be run"),
            ("corner:Shop", 1, "error: corner:Shop is a class"),
            ("web --prot 1", 2, "did you mean --port"),
            ("web --daemon", 2, "error: no such option '--daemon'"),
            ("corner:application more", 2, "error: got unexpected extra argument (more)"),
            ("--stop-timout 1 corner:application", 2, "did you mean --stop-timeout"),
            ("-", 2, "error: an application isn't run from standard input"),
            (".", 1, "error: .: is a directory"),
            ("", 2, "error: missing argument 'WHAT'"),
            ("broken.py --kind source", 5, "error: broken.py: "),
            ("corner:application --trust corner.*", 2, "leave out --trust"),
        ],
    )
    def test_refused(self, shop, monkeypatch, capsys, arguments, code, error):  # noqa: PLR0917 - fixtures
        """An error says what is wrong, and what to type instead."""
        (shop / "broken.py").write_text("#appsnap broken")
        monkeypatch.chdir(shop)
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.delitem(sys.modules, "corner", raising=False)

        result = command_line(["run", *arguments.split()])
        sys.modules.pop("corner", None)

        assert (result, error in (said := capsys.readouterr().err)) == (code, True), said

    def test_suggestion_works(self, shop):
        """The module that is suggested runs."""
        word = run("corner.application", folder=shop).errors[0].rpartition("did you mean ")[2].rstrip("?")

        with Running(word, folder=shop) as process:
            process.ready()

    def test_signalled_while_loaded(self, shop):
        """A signal in the midst of loading a snapshot ends it: nothing has started, and nothing stays."""
        save(shop, "corner.Signalled()", ", verify=False")

        process = run("shop.tap", "--pidfile", "pid", "--state", "state", folder=shop)

        assert (process.code, process.lines) == (0, ["appsnap: stopping before it has started"])
        assert not (shop / "pid").exists()
        assert not (shop / "state" / "lock").exists()


class TestTrust:
    def test_stranger(self, shop):
        """A snapshot of a stranger gets what was agreed to, and the hint is a command that works."""
        save(shop, "corner.application")
        settings = {"folder": shop, "APPSNAP_CONFIG_DIR": shop / "nobody"}

        process = run("shop.tap", **settings)
        agreed = process.errors[-1].rpartition("appsnap run ")[2].split()

        assert (process.code, process.errors[0]) == (
            3,
            "error: not trusted: corner.Shop to create at application.services[0]",
        )
        with Running(*agreed, **settings) as process:
            assert process.ready().stop() == 0

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
    def test_generation_of_another_user(self, shop):
        """A generation that asks for more than WHAT does is named, and trust in a key isn't offered."""
        (shop / "hostile.py").write_text(
            "import appsnap, corner\n"
            "from functools import partial\n"
            "next(iter(corner.application)).afterRestore = partial(corner.Shop)\n"
            "appsnap.save(corner.application, 'state/shop-00000001.tap')\n"
        )
        (shop / "state").mkdir(mode=0o700)
        subprocess.run([sys.executable, "hostile.py"], cwd=shop, check=True)
        process = run("corner:application", "--state", "state", "--uid", "nobody", folder=shop)

        assert process.code == 3
        assert process.errors[0] == (
            f"error: {shop}/state/shop-00000001.tap: not trusted: corner.Shop to call at application.services[0]"
        )
        assert "keys trust" not in str(process)

    def test_callables_of_timers(self, shop):
        """A callable that runs as soon as a stranger's application does is asked for, too."""
        code = "corner.TimerService(1000, print, 'called')"
        save(shop, code)
        settings = {"folder": shop, "APPSNAP_CONFIG_DIR": shop / "nobody"}
        trust = ("--trust", "appsnap.internet.TimerService", "--trust", "builtins.print")

        process = run("shop.tap", *trust, **settings)

        assert process.code == 3
        assert not process.has("called")
        assert process.errors[0] == "error: not trusted: builtins.print to call at application"
        agreed = process.errors[-1].rpartition("appsnap run ")[2].split()
        with Running(*agreed, **settings) as process:
            process.until("called")

    def test_passphrase_of_environment(self, tmp_path):
        """The application and its children don't inherit the passphrase."""
        script = """
import os
from appsnap.service import Application, Service
class Looks(Service):
    def startService(self):
        super().startService()
        print("passphrase:", os.environ.get("APPSNAP_PASSPHRASE"), flush=True)
application = Application("looks")
Looks().setServiceParent(application)
"""
        (tmp_path / "looks.tac").write_text(script)

        with Running("looks.tac", folder=tmp_path, APPSNAP_PASSPHRASE="correct horse") as process:
            process.until("passphrase: None")

    @pytest.mark.slow
    def test_passphrase(self, shop):
        """An encrypted snapshot is opened with a passphrase, and its generations are encrypted likewise."""
        save(shop, "corner.application", ", passphrase='correct horse'", file="shop.etap")

        assert run("shop.etap", folder=shop, APPSNAP_PASSPHRASE="wrong horse").code == 4
        with Running("shop.etap", "--state", "state", folder=shop, APPSNAP_PASSPHRASE="correct horse") as process:
            process.ready().stop()

        assert [path.suffix for path in (shop / "state").glob("shop-*")] == [".etap"]
        with pytest.raises(appsnap.PassphraseError):
            appsnap.open_snapshot(next((shop / "state").glob("shop-*")))

    def test_identity(self, shop):
        """An encrypted snapshot is opened with an identity, and its generations go to the same recipient."""
        save(shop, "corner.application", f", recipients=[{RECIPIENT!r}], compress=True", file="shop.etap")

        assert run("shop.etap", folder=shop).code == 4
        with Running("shop.etap", "-i", KEY, "--state", "state", folder=shop) as process:
            process.ready().stop()

        (generation,) = (shop / "state").glob("shop-*")
        process = run(generation, "-i", KEY, command="verify")
        assert process.lines[0].startswith("ok: pickle in zstd in age")


@pytest.mark.parametrize("message", ["", "x", "-1", "99", "9" * 30])
def test_foreign_handover(tmp_path, message):
    """The variable of a message to the next process, set by anybody else, is an error with a hint."""
    process = run(PARTS, folder=tmp_path, PARTS="Told", APPSNAP_HANDOVER=message)

    assert process.code == 1
    assert process.errors[1:] == ["hint: unset APPSNAP_HANDOVER"]
    assert "leads to no message of a process before this one" in process.errors[0]


class TestWithoutState:
    @pytest.mark.parametrize("option", ["--autosave 5", "--keep 2", "--save-timeout 5", "--fresh", "--plain"])
    def test_refused(self, capsys, option):
        """Options of the state mean nothing without one."""
        assert command_line(["run", *option.split(), str(PARTS)]) == 2
        assert "for an application with a --state" in capsys.readouterr().err

    def test_writes_nothing(self, tmp_path):
        """Without --state nothing is written."""
        with parts("Told", folder=tmp_path) as process:
            process.ready().stop()

        assert [*tmp_path.iterdir()] == []
