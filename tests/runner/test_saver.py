import asyncio
import contextlib
import gc
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

import appsnap
from appsnap import EVERYTHING, sections
from appsnap.errors import AppsnapError, CannotSave, ServiceError
from appsnap.files.age import X25519Identity
from appsnap.kinds import KINDS
from appsnap.runner import forked
from appsnap.runner.generations import Generations
from appsnap.runner.saver import Layers, Saver
from appsnap.service import Application, Service
from processes import children_of, is_alive

LONG = 200
UNSIGNED = Layers(sign=False)

FORK = [pytest.param(True, id="fork"), pytest.param(False, id="in-process")]


class Shop(Service):
    """A service with state, and with hooks."""

    def __init__(self):
        self.stock = {}


class Locked:
    """An object whose state is taken under a lock of threads. `wanted` is set when this process wants it."""

    __transient__ = ("lock", "wanted")

    def __init__(self):
        self.lock = threading.Lock()
        self.wanted = threading.Event()

    def __getstate__(self):
        self.wanted.set()
        with self.lock:
            return {"read_in": os.getpid()}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.lock = threading.Lock()
        self.wanted = threading.Event()


@pytest.fixture
def shop():
    application = Application("shop")
    Shop().setServiceParent(application)
    return application


@pytest.fixture
def reports():
    return []


@pytest.fixture
def make(tmp_path, reports):
    """Return a function that makes a saver."""
    opened = []

    def make(application, layers=UNSIGNED, *, keep=5, fork=True, warm=True, **options):
        generations = Generations(tmp_path / "state", keep)
        opened.append(generations)
        options = {"autosave": 0, "timeout": LONG, "report": lambda *report: reports.append(report)} | options
        saver = Saver(application, generations, layers, **options)
        if not fork:
            saver._can_fork = False
        if warm:
            saver.warm_up()
            reports[:] = [one for one in reports if one[0] != "info"]
        return saver

    yield make
    for generations in opened:
        generations.close()


def state_of(application):
    return next(iter(application)).stock


def files(saver):
    return sorted(path.name for path in saver._generations.folder.iterdir())


def newest(saver, **options):
    return appsnap.load(saver._generations.list()[0].path, trust=EVERYTHING, **options)


class TestSaving:
    @pytest.mark.parametrize("fork", FORK)
    @pytest.mark.parametrize("kind", KINDS)
    def test_generation(self, make, shop, reports, kind, fork):
        """A save makes a generation, which loads as any snapshot does, and the status tells of it."""
        saver = make(shop, Layers(kind, sign=False), fork=fork)
        state_of(shop)["cups"] = 3

        asyncio.run(saver.saved())

        (one,) = saver._generations.list()
        assert (one.number, one.name.partition(".")[0]) == (1, "shop-00000001")
        assert state_of(newest(saver)) == {"cups": 3}
        assert reports == []
        status = saver._generations.read_status()
        assert status == saver.status
        assert status["how"] == ("fork" if fork else "in process")
        assert status["size"] == one.path.stat().st_size
        assert (status["generation"], status["unchanged"], status["failed"]) == (1, 0, None)
        assert (status["name"], status["pid"]) == ("shop", os.getpid())
        assert 0 < status["pause_ms"] <= status["pause_max_ms"]
        assert status["pause_ms"] <= status["save_s"] * 1000 + 1
        assert status["saved"].endswith("Z")

    @pytest.mark.parametrize("fork", FORK)
    @pytest.mark.parametrize("kind", KINDS)
    def test_unchanged(self, make, shop, kind, fork):
        """Where nothing has changed, no generation is written."""
        saver = make(shop, Layers(kind, sign=False), fork=fork)

        async def main():
            await saver.saved()
            await saver.saved()
            state_of(shop)["cups"] = 3
            await saver.saved()
            await saver.finish()

        asyncio.run(main())

        assert [one.number for one in saver._generations.list()] == [2, 1]
        assert (saver.status["unchanged"], saver.status["generation"]) == (2, 2)

    def test_the_last_one_is_gone(self, make, shop):
        """A generation that somebody has removed is written again."""
        saver = make(shop)
        asyncio.run(saver.saved())
        saver._generations.list()[0].path.unlink()

        asyncio.run(saver.saved())

        assert [one.number for one in saver._generations.list()] == [1]

    def test_resumed(self, make, shop):
        """An application that comes from a generation, and is as it was, isn't written again."""
        state_of(shop)["cups"] = {"red", "blue"}
        first = make(shop)
        asyncio.run(first.saved())
        (generation,) = first._generations.list()

        again = make(newest(first), resumed=generation)
        assert again.status["generation"] == 1
        assert again.status["size"] == generation.path.stat().st_size
        asyncio.run(again.saved())
        assert again.status["unchanged"] == 1
        state_of(again._application)["cups"].add("green")
        asyncio.run(again.saved())

        assert again.status["generation"] == 2

    def test_nothing_at_the_start(self, make, shop):
        """A start writes no generation, and leaves no temporary file."""
        saver = make(shop)

        assert files(saver) == []

    def test_leftovers(self, make, shop, tmp_path):
        """A start removes the temporary files of saves that were killed."""
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / f".old-00000001.tap.{'0' * 32}.appsnap-tmp").touch()

        assert files(make(shop)) == []

    def test_keep(self, make, shop):
        """The newest generations stay."""
        saver = make(shop, keep=2)

        async def main():
            for number in range(5):
                state_of(shop)["cups"] = number
                await saver.saved()

        asyncio.run(main())

        assert [one.number for one in saver._generations.list()] == [5, 4]
        assert state_of(newest(saver)) == {"cups": 4}

    def test_the_parent_goes_on(self, make, shop, tmp_path):
        """The state is that of the moment of the fork, and the loop runs meanwhile."""
        saver = make(shop)
        begun, changed = tmp_path / "begun", tmp_path / "changed"

        class Slow:
            def __getstate__(self):
                begun.touch()
                while not changed.exists():
                    time.sleep(0.01)
                return {"a": 1}

        shop.slow = Slow()
        state_of(shop)["cups"] = 1

        async def main():
            saving = saver.request()
            while not begun.exists():  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.01)
            state_of(shop)["cups"] = 2
            changed.touch()
            await saving

        asyncio.run(main())

        assert state_of(newest(saver)) == {"cups": 1}
        assert saver.status["pause_ms"] < saver.status["save_s"] * 1000


class TestLayers:
    def test_passphrase(self, make, shop, monkeypatch):
        """Generations are encrypted with the passphrase, and no salt is used twice."""
        monkeypatch.setattr("appsnap.files.age.WORK_FACTOR", 4)
        saver = make(shop, Layers("msgpack", passphrase="secret", compress=True, sign=False))

        async def main():
            await saver.saved()
            state_of(shop)["cups"] = 1
            await saver.saved()

        asyncio.run(main())

        second, first = saver._generations.list()
        assert second.name == "shop-00000002.etam"
        snapshot = appsnap.open_snapshot(second.path, passphrase="secret")
        assert snapshot.layers == ("age", "zstd")
        heads = [one.path.read_bytes().split(b"\n")[1] for one in (first, second)]
        assert heads[0].startswith(b"-> scrypt ")
        assert heads[0] != heads[1]
        assert heads[0].split()[3] == b"4"

    def test_recipients(self, make, shop):
        """Generations are encrypted for recipients, as text if the file was text."""
        identity = X25519Identity.generate()
        saver = make(shop, Layers(recipients=(str(identity.recipient),), armor=True, sign=False))

        asyncio.run(saver.saved())

        (one,) = saver._generations.list()
        assert one.path.read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
        assert appsnap.open_snapshot(one.path, identities=[str(identity)]).header.name == "shop"

    @pytest.mark.parametrize(
        ("layers", "words"),
        [
            (Layers(), "signed by you"),
            (Layers(sign=False), "unsigned"),
            (Layers(trusted_as_a_whole=False), "unsigned, made from a file that wasn't trusted"),
        ],
    )
    def test_signature(self, make, shop, layers, words):
        """A generation is signed, unless the process keeps no key or the application isn't trusted as a whole."""
        saver = make(shop, layers)

        asyncio.run(saver.saved())

        assert appsnap.open_snapshot(saver._generations.list()[0].path).provenance == words


class TestWhen:
    def test_autosave(self, make, shop):
        """The next save comes some time behind the end of the last one, and only when autosaves have begun."""
        saver = make(shop, autosave=0.05)

        async def main():
            await asyncio.sleep(0.2)
            assert saver.status["generation"] is None
            saver.start()
            for number in range(3):
                state_of(shop)["cups"] = number
                while saver.status["generation"] != number + 1:  # noqa: ASYNC110 - a status tells nobody
                    await asyncio.sleep(0.01)
            await saver.finish()
            state_of(shop)["cups"] = "later"
            await asyncio.sleep(0.2)

        asyncio.run(main())

        assert saver.status["generation"] == 3

    def test_never(self, make, shop):
        """Without autosaves only the last save is left."""
        saver = make(shop, autosave=0)

        async def main():
            saver.start()
            await asyncio.sleep(0.1)
            assert saver.status["generation"] is None
            await saver.finish()

        asyncio.run(main())

        assert saver.status["generation"] == 1

    def test_shared(self, make, shop, monkeypatch):
        """All that ask before a save begins share it, and those that ask during a save share the next one."""
        saver = make(shop)
        forks = []
        child = forked.Child
        monkeypatch.setattr(forked, "Child", lambda work: forks.append(1) or child(work))

        async def main():
            waiting = [saver.request() for _ in range(100)]
            while not forks:  # noqa: ASYNC110 - nothing tells it
                await asyncio.sleep(0)
            state_of(shop)["cups"] = 1
            waiting += [saver.request() for _ in range(100)]
            await asyncio.gather(*waiting)

        asyncio.run(main())

        assert len(forks) == 2
        assert state_of(newest(saver)) == {"cups": 1}

    def test_cancelled_caller(self, make, shop):
        """A caller that is cancelled leaves the save to the others."""
        saver = make(shop)

        async def main():
            first, second = saver.request(), saver.request()
            first.cancel()
            await second

        asyncio.run(main())

        assert saver.status["generation"] == 1

    def test_saved_by_name(self, make, shop):
        """`appsnap.saved` asks the saver."""
        saver = make(shop)

        async def main():
            sections.keep_with(saver)
            try:
                await appsnap.saved()
            finally:
                sections.keep_with(None)

        asyncio.run(main())

        assert saver.status["generation"] == 1

    def test_critical_section(self, make, shop):
        """No generation has half of a change that spans an await."""
        saver = make(shop, autosave=0.001, keep=1_000)
        state_of(shop).update(red=0, blue=0)

        async def change():
            number = 0
            while (saver.status["generation"] or 0) < 5:
                number += 1
                async with appsnap.critical_section():
                    state_of(shop)["red"] = number
                    await asyncio.sleep(0.01)
                    state_of(shop)["blue"] = number
                await asyncio.sleep(0)

        async def main():
            saver.start()
            await change()
            await saver.finish()

        asyncio.run(main())

        states = [state_of(appsnap.load(one.path, trust=EVERYTHING)) for one in saver._generations.list()]
        assert len(states) >= 5
        assert [state for state in states if state["red"] != state["blue"]] == []

    def test_section_without_end(self, make, shop, reports, monkeypatch):
        """A save goes ahead behind its patience, with a warning that names the task."""
        monkeypatch.setattr("appsnap.runner.saver._PATIENCE", 0.05)
        saver = make(shop)

        async def endless():
            async with appsnap.critical_section():
                await asyncio.Event().wait()

        async def main():
            task = asyncio.create_task(endless(), name="Payments")
            await asyncio.sleep(0)
            await saver.saved()
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(main())

        ((level, text),) = reports
        assert level == "warning"
        assert "Payments" in text


class TestHooks:
    @pytest.mark.parametrize("fork", FORK)
    def test_around(self, make, fork):
        """The hooks are called in the live process, around the fork or the save."""
        calls = []

        class Hooked(Service):
            def beforeSnapshot(self):
                calls.append(("before", os.getpid()))
                self.flushed = True

            def afterSnapshot(self):
                calls.append(("after", os.getpid()))
                self.flushed = False

        application = Application("hooked")
        Hooked().setServiceParent(application)
        saver = make(application, fork=fork)

        asyncio.run(saver.saved())

        assert calls == [("before", os.getpid()), ("after", os.getpid())]
        assert next(iter(newest(saver))).flushed

    @pytest.mark.parametrize("fork", FORK)
    def test_fails(self, make, shop, reports, fork):
        """A hook that raises costs that save, and its path is told."""
        service = next(iter(shop))
        type(service).beforeSnapshot = lambda self: 1 / 0
        try:
            saver = make(shop, fork=fork)
            with pytest.raises(ServiceError, match="ZeroDivisionError"):
                asyncio.run(saver.saved())
        finally:
            del type(service).beforeSnapshot
        assert saver.status["failed"].startswith("error in beforeSnapshot of application.services[0]")
        assert [level for level, _ in reports] == ["error"]
        assert saver.status["how"] == ("fork" if fork else "in process")

        asyncio.run(saver.saved())

        assert saver.status["failed"] is None


class Meter:
    """An object that only the process that made it may ask."""

    def __init__(self):
        self.asked_in = []


class Bare:
    """Likewise, without weak references."""

    __slots__ = ("asked_in",)

    def __init__(self):
        self.asked_in = []


@appsnap.saves(Meter, before_fork=True)
@appsnap.saves(Bare, before_fork=True)
def _(meter):
    meter.asked_in.append(os.getpid())
    return set, ([os.getpid()],)


class TestAskedBeforeTheFork:
    @pytest.mark.parametrize("kind", KINDS)
    def test_asked_here(self, make, shop, kind):
        """An object that must not be asked in a child is asked in the parent, also one that turns up later."""
        meters = [Meter(), Meter()]

        async def main():
            saver = make(shop, Layers(kind=kind, sign=False))
            saver.start()
            for meter in meters:
                shop.services[0].stock[len(shop.services[0].stock)] = meter
                await saver.request()
            await saver.finish()
            return saver

        saver = asyncio.run(main())

        assert saver.status["how"] == "fork"
        assert saver.status["failed"] is None
        for meter in meters:
            assert set(meter.asked_in) == {os.getpid()}
        restored = appsnap.load(saver._last.path, trust=EVERYTHING)
        assert restored.services[0].stock == {0: {os.getpid()}, 1: {os.getpid()}}

    def test_without_weak_references(self, make, shop):
        """An object without weak references is remembered, too, until nobody else holds it."""
        meter = shop.services[0].stock["meter"] = Bare()
        asked_in = meter.asked_in
        remembered = []

        async def main():
            nonlocal meter
            saver = make(shop)
            saver.start()
            await saver.request()
            remembered.append(len(saver._asked._held))
            del meter, shop.services[0].stock["meter"]
            gc.collect()  # the rules of the first save are a cycle
            await saver.request()
            return saver

        saver = asyncio.run(main())

        assert saver.status["how"] == "fork"
        assert set(asked_in) == {os.getpid()}
        assert [*remembered, len(saver._asked._held)] == [1, 0]

    def test_refused(self, make, shop, reports):
        """The error of a way reaches the log with the path."""

        class Door:
            pass

        @appsnap.saves(Door, before_fork=True)
        def _(door):
            raise appsnap.Refused("a door that stands open", "close it")

        shop.services[0].stock["door"] = Door()

        async def main():
            saver = make(shop, warm=False)
            saver.start()
            with contextlib.suppress(AppsnapError):
                await saver.request()
            return saver

        saver = asyncio.run(main())

        assert 'stock["door"]' in saver.status["failed"]
        assert "a door that stands open; close it" in saver.status["failed"]


class TestFailing:
    @pytest.mark.parametrize("fork", FORK)
    def test_unsaveable(self, make, shop, reports, fork):
        """An object that can't be saved costs that save; all places are told; the next one succeeds."""
        saver = make(shop, fork=fork)

        async def main():
            await saver.saved()
            state_of(shop).update(one=(x for x in ()), two=(x for x in ()))
            with pytest.raises(CannotSave) as caught:
                await saver.saved()
            assert len(caught.value.places) == 2
            assert "cannot save 2 objects" in saver._generations.read_status()["failed"]
            assert saver.status["generation"] == 1
            state_of(shop).clear()
            state_of(shop)["cups"] = 1
            await saver.saved()

        asyncio.run(main())

        assert saver.status["failed"] is None
        assert [level for level, _ in reports] == ["error", "info"]
        for name in ("one", "two"):
            assert f'application.services[0].stock["{name}"]' in reports[0][1]
        assert files(saver) == ["shop-00000001.tap", "shop-00000002.tap", "status.json"]

    def test_unsaveable_at_the_start(self, make, shop, reports):
        """Then it is a warning."""
        state_of(shop)["rows"] = (x for x in ())

        make(shop)

        ((level, text),) = reports
        assert level == "warning"
        assert 'application.services[0].stock["rows"]' in text

    def test_at_the_end(self, make, shop):
        """The last save raises its error."""
        saver = make(shop)
        state_of(shop)["rows"] = (x for x in ())

        with pytest.raises(CannotSave):
            asyncio.run(saver.finish())

    def test_killed(self, make, shop, reports):
        """A child that is killed costs that save, the old generation stays, and the next save succeeds."""
        saver = make(shop)

        async def main():
            await saver.saved()
            shop.slow = Sleeping()
            others = {*children_of(os.getpid())}  # other tests may have left the tracker of multiprocessing
            saving = saver.request()
            while not (children := {*children_of(os.getpid())} - others):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            os.kill(*children, signal.SIGKILL)
            with pytest.raises(AppsnapError, match="the saving process was killed by signal 9"):
                await saving
            assert saver.status["generation"] == 1
            del shop.slow
            await saver.saved()

        asyncio.run(main())

        assert [level for level, _ in reports] == ["error", "info"]
        assert saver.status["failed"] is None
        assert files(saver) == ["shop-00000001.tap", "status.json"]

    def test_lock_of_a_thread(self, make, shop, reports):
        """A child that waits for a lock is killed, that save is made in the process, and the next one forks again."""
        shop.locked = Locked()
        saver = make(shop, timeout=0.2)

        async def main():
            held = threading.Event()

            def hold():
                with shop.locked.lock:
                    shop.locked.wanted.clear()
                    held.set()
                    shop.locked.wanted.wait(LONG)

            thread = threading.Thread(target=hold)
            thread.start()
            held.wait()
            await saver.saved()
            thread.join()
            assert saver.status["how"] == "in process"
            assert newest(saver).locked.read_in == os.getpid()
            await saver.saved()

        asyncio.run(main())

        ((level, text),) = reports
        assert level == "warning"
        assert "stood still" in text
        assert saver.status["how"] == "fork"
        assert newest(saver).locked.read_in != os.getpid()

    def test_no_room_for_a_process(self, make, shop, reports, monkeypatch):
        """Then the save is made in the process, with a warning."""
        saver = make(shop)

        def refuse():
            raise BlockingIOError(11, "Resource temporarily unavailable")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fork", refuse)
            asyncio.run(saver.saved())
        assert saver.status["how"] == "in process"
        assert saver.status["generation"] == 1
        assert reports == [("warning", "no process can be forked: resource temporarily unavailable")]

    @pytest.mark.parametrize("fork", FORK)
    def test_limit_of_files(self, make, shop, reports, fork):
        """A file that can't be written whole costs that save, and no temporary file is left."""
        saver = make(shop, fork=fork)
        state_of(shop)["data"] = os.urandom(300_000)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                asyncio.run(saver.saved())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert files(saver) == ["status.json"]
        assert "file too large" in saver._generations.read_status()["failed"]
        assert [level for level, _ in reports] == ["error"]

        asyncio.run(saver.saved())

        assert saver.status["generation"] == 1

    def test_folder_is_gone(self, make, shop, reports):
        """A folder that somebody has removed is told, and the application goes on."""
        saver = make(shop)
        saver._generations.folder.rmdir()

        with pytest.raises(OSError, match="No such file"):
            asyncio.run(saver.saved())
        assert saver.status["failed"] is not None
        assert {level for level, _ in reports} == {"error", "warning"}


@contextlib.contextmanager
def small_disk(folder):
    """Mount a disk of 400 kB on a folder, if this user may."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "appsnap-test", folder]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


class TestFullDisk:
    @pytest.mark.parametrize("fork", FORK)
    @pytest.mark.parametrize("rest", [100_000, 0])
    def test_full(self, make, shop, tmp_path, fork, rest):
        """The old generation stays, the status tells the reason, and the next save succeeds once there is room."""
        with small_disk(tmp_path / "state"):
            saver = make(shop, fork=fork)
            asyncio.run(saver.saved())
            filler = tmp_path / "state" / "filler"
            state_of(shop)["data"] = os.urandom(150_000)
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1_000 if rest else 100))
                    if rest and os.statvfs(file.fileno()).f_bavail * os.statvfs(file.fileno()).f_bsize <= rest:
                        break

            with pytest.raises(OSError, match="No space left"):
                asyncio.run(saver.saved())
            assert "no space left" in saver._generations.read_status()["failed"]
            assert files(saver) == ["filler", "shop-00000001.tap", "status.json"]
            assert state_of(newest(saver)) == {}

            filler.unlink()
            asyncio.run(saver.saved())

            assert saver._generations.read_status()["failed"] is None
            assert state_of(newest(saver)) == state_of(shop)


class Sleeping:
    """An object that takes long to save in another process."""

    process = os.getpid()

    def __getstate__(self):
        if os.getpid() != self.process:
            time.sleep(LONG)
        return {"a": 1}


class TestFreshProcess:
    """Savers in processes of their own."""

    HEAD = """
import asyncio, json, os, sys, threading, time
import appsnap
from appsnap.runner.generations import Generations
from appsnap.runner.saver import Layers, Saver
from appsnap.service import Application, Service

def saver(application, layers, **options):
    options = {"autosave": 0, "timeout": 60, "report": print} | options
    return Saver(application, Generations(sys.argv[1]), layers, **options)
"""

    def run(self, folder, code):
        """Run a script, and return its lines."""
        command = [sys.executable, "-W", "error", "-c", self.HEAD + code, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("layers", ["sign=True", "sign=False, passphrase='x', compress=True"])
    def test_no_import(self, tmp_path, kind, layers):
        """The child imports nothing: not to save, nor to tell what can't be saved."""
        code = f"""
class Finder:
    def find_spec(self, name, path=None, target=None):
        if os.getpid() != parent:
            with open(sys.argv[1] + "/imports", "a") as file:
                print(name, file=file)
parent = os.getpid()
size = 5_000_000 if {kind!r} == "pickle" else 200_000
sys.meta_path.insert(0, Finder())
application = Application("shop")
Service().setServiceParent(application)
one = saver(application, Layers({kind!r}, {layers}))
one.warm_up()
if "appsnap.files.age" in sys.modules:
    sys.modules["appsnap.files.age"].WORK_FACTOR = 1
async def main():
    await one.saved()
    application.data = [bytearray(size), lambda: 1, Finder, {{1, 2}}]
    await one.saved()
    application.lock = threading.Lock()
    await one.saved()
    application.rows = (x for x in ())
    try:
        await one.saved()
    except appsnap.CannotSave:
        print("not saved")
asyncio.run(main())
print(one.status["generation"], one.status["how"])
"""
        lines = self.run(tmp_path, code)

        assert lines[-2:] == ["not saved", "3 fork"]
        assert not (tmp_path / "imports").exists()

    def test_threads_all_around(self, tmp_path):
        """A process with many busy threads is saved again and again, and nothing is shown."""
        code = """
import hashlib, logging
application = Application("shop")
application.count = 0
one = saver(application, Layers(sign=False), autosave=0.001)
one.warm_up()
ended = False
def work():
    while not ended:
        hashlib.sha256(bytes(1000)).hexdigest()
        logging.getLogger("shop").info("at work")
        application.count += 1
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
async def main():
    one.start()
    while (one.status["generation"] or 0) < 6:
        await asyncio.sleep(0.01)
    await one.finish()
asyncio.run(main())
ended = True
for thread in threads:
    thread.join()
print(one.status["failed"], one.status["how"], len(one._generations.list()))
"""
        assert self.run(tmp_path, code) == ["None fork 5"]

    def test_killed_at_any_moment(self, tmp_path):
        """Behind a `kill -9` there is no orphan, and each generation is whole."""
        code = """
application = Application("shop")
application.data = [os.urandom(100) for _ in range(2_000)]
one = saver(application, Layers(sign=False), autosave=0.001)
one.warm_up()
async def main():
    one.start()
    print("begun", flush=True)
    while True:
        application.data[0] = os.urandom(100)
        await asyncio.sleep(0.001)
asyncio.run(main())
"""
        for _ in range(5):
            command = [sys.executable, "-c", self.HEAD + code, tmp_path]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout.readline() == "begun\n"
                while not list(tmp_path.glob("*.tap")):
                    time.sleep(0.001)
                time.sleep(random.uniform(0, 0.03))
                process.send_signal(signal.SIGSTOP)  # it has no other children than these then
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
                children = children_of(process.pid)
                process.kill()
            generations = Generations(tmp_path)
            for child in children:
                while is_alive(child):
                    time.sleep(0.01)
            generations.remove_leftovers()
            for one in generations.list():
                appsnap.open_snapshot(one.path)
            assert {path.suffix for path in tmp_path.iterdir()} <= {".tap", ".json"}
            generations.close()
        assert list(tmp_path.glob("*.tap"))

    def test_connection_during_a_save(self, tmp_path):
        """A client sees its connection close while the application is being saved."""
        code = """
class Slow:
    def __getstate__(self):
        time.sleep(0 if os.getpid() == parent else 60)
        return {"a": 1}
parent = os.getpid()
application = Application("shop")
application.slow = Slow()
one = saver(application, Layers(sign=False))
one.warm_up()
async def main():
    async def handle(reader, writer):
        await reader.read(1)
        one.request()
        while not children():
            await asyncio.sleep(0.01)
        writer.close()
    def children():
        with open(f"/proc/{parent}/task/{parent}/children") as file:
            return file.read().split()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x")
    print(await reader.read(), len(children()))
    os.kill(int(children()[0]), 9)
    await asyncio.wait([one._task])
    writer.close()
    server.close()
    await writer.wait_closed()
asyncio.run(main())
"""
        lines = self.run(tmp_path, code)

        assert lines[-2:] == ["b'' 1", "error not saved: the saving process was killed by signal 9"]
