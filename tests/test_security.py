"""The promises of docs/security.md: a class for each promise, with its number in its name."""

import decimal
import functools
import io
import itertools
import json
import locale
import os
import pickle
import re
import stat
import string
import subprocess
import sys
import tempfile
import warnings
from decimal import Decimal
from pathlib import Path

import pytest

import appsnap
import shop
from appsnap import code, effects, script
from appsnap.cli.app import COMMANDS, _LazyGroup, run
from appsnap.code import skeletons
from appsnap.errors import (
    AppsnapError,
    CannotBuild,
    CannotLoad,
    Damaged,
    NewerFormat,
    NotInGrammar,
    NotTrusted,
    PassphraseError,
    WrongKind,
)
from appsnap.files import age, zstd
from appsnap.internet import TimerService
from appsnap.keys import keyring
from appsnap.keys.keyring import Keyring
from appsnap.keys.signatures import SigningKey, signer_of
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.kinds.pickle import native
from appsnap.recipe.steps import (
    Call,
    Dict,
    Extend,
    List,
    Member,
    Name,
    New,
    Recipe,
    Ref,
    SetState,
    State,
    Tuple,
    Update,
)
from appsnap.runner.grants import grants_of
from appsnap.runner.vouched import check_vouched
from appsnap.snapshot.signing import signed
from appsnap.twisted_encryption import BLOCK

PAPER = Path(__file__).parents[1] / "docs" / "security.md"
IDENTITY = age.X25519Identity(bytes(range(32)))
TRAP = """
import pathlib
pathlib.Path(__file__).with_name('sprung').touch()
class Trap: pass
def make(*args): return args
"""
ODD = "\x1b[2J\n\x9b31m\u202e\u200b"

CALL = Recipe([Name("trap", "make"), Call(Ref(0), ["x"])], Ref(1))
HOSTILE = {
    "call": Recipe([Name("os", "system"), Call(Ref(0), ["touch sprung"])], Ref(1)),
    "module": Recipe([Name("trap", "")], Ref(0)),
    "submodule": Recipe([Name("trap.part", "Trap.method")], Ref(0)),
    "object": Recipe([Name("trap", "Trap"), New(Ref(0), []), State(Ref(1), ["__class__"], ["x"])], Ref(1)),
    "method": Recipe([Name("trap", "Trap"), New(Ref(0), []), Member(Ref(1), "__reduce__")], Ref(2)),
    "file": Recipe([Name("io", "FileIO"), New(Ref(0), ["sprung", "w"])], Ref(1)),
    "zone": Recipe([Name("zoneinfo", "ZoneInfo"), Call(Ref(0), ["trap/part"])], Ref(1)),
    "environment": Recipe([Name("os", "environ"), Update(Ref(0), ["SPRUNG"], ["1"])], Ref(0)),
    "code": Recipe([Name("builtins", "eval"), Call(Ref(0), ["__import__('trap')"])], Ref(1)),
}


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Encrypt with a work factor that takes no second: 2^1 instead of 2^18."""
    monkeypatch.setattr("appsnap.files.age.WORK_FACTOR", age.CHEAPEST)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with a module that leaves a file behind when it is imported, and can be."""
    (tmp_path / "trap.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "trap", raising=False)
    return tmp_path


@pytest.fixture
def stranger(monkeypatch, tmp_path):
    """Be somebody else from now on, when called."""
    return lambda: monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "stranger"))


def written(recipe, kind, header=None, seal=None):
    """Return the bytes of a file that nobody would save."""
    return b"".join(kind_named(kind).write(header or Header(kind), recipe, {}, seal))


class TestPromise1:
    CHILD = """
import json, sys
from pathlib import Path
import appsnap
from appsnap.cli.app import run

def look(file):
    for arguments in (["show", file], ["show", "--json", file], ["audit", file], ["verify", file],
                      *(["convert", file, "out/copy", "--kind", kind] for kind in ("source", "pickle"))):
        run(arguments)
    try:
        str(appsnap.open_snapshot(file)), appsnap.open_snapshot(file).names
    except appsnap.AppsnapError:
        pass

for file in sorted(Path("harmless").iterdir()):
    look(str(file))
seen = []
def hook(event, args):
    if event in ("import", "open", "exec", "os.system", "subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork",
                 "pickle.find_class", "os.putenv", "marshal.loads") or event.startswith(("socket.", "ctypes.")):
        seen.append([event, str(args[0])])
sys.addaudithook(hook)
for file in sorted(Path("hostile").iterdir()):
    look(str(file))
print("SEEN", json.dumps(seen))
"""

    @pytest.mark.slow
    def test_looking(self, folder):
        """Nothing is imported or run, and no file opened but the one looked at, the one written, and pyproject.toml."""
        for name in ("harmless", "hostile", "out"):
            (folder / name).mkdir()
        for kind in KINDS:
            (folder / "harmless" / kind).write_bytes(written(Recipe([List([1, "a"])], Ref(0)), kind))
            (folder / "harmless" / f"code.{kind}").write_bytes(written(CALL, kind))
            for name, recipe in HOSTILE.items():
                (folder / "hostile" / f"{name}.{kind}").write_bytes(written(recipe, kind))
        (folder / "harmless" / "damaged").write_bytes(b"\x80")
        for name, body in {
            "inst": b"(S'touch sprung'\nios\nsystem\n.",
            "ext": b"\x80\x02\x82\x01.",
            "id": b"Pa\n.",
        }.items():
            (folder / "hostile" / f"{name}.pickle").write_bytes(body)
        (folder / "hostile" / "run.source").write_text("# appsnap 1 source: {}\nimport trap\ntrap.make()\n")
        (folder / "hostile" / "entity.xml").write_text(
            '<?xml version="1.0"?>\n<!DOCTYPE snapshot SYSTEM "trap.py"><snapshot/>\n  <trailer />\n</snapshot>\n'
        )

        done = subprocess.run([sys.executable, "-c", self.CHILD], capture_output=True, text=True, check=True)

        seen = json.loads(done.stdout.rpartition("SEEN ")[2])
        ours = re.compile(
            rf"hostile/[\w.]+|pyproject\.toml|({folder}/)?out|\.copy\.\w+\.appsnap-tmp|/proc/\d+/fd/\d+|\."
        )
        assert {(event, what) for event, what in seen if event != "open" or not ours.fullmatch(what)} == set()
        assert len(seen) > 100
        assert not (folder / "sprung").exists()


class TestPromise2:
    @pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"zone", "environment"}))
    def test_asks(self, folder, kind, name):
        """A file that nobody vouches for is refused with all its names, before anything is imported."""
        with pytest.raises(NotTrusted) as caught:
            appsnap.loads(written(HOSTILE[name], kind))

        assert caught.value.wants
        assert "trap" not in sys.modules
        assert not (folder / "sprung").exists()

    def test_the_function_of_the_header(self, folder, kind):
        """It is called only if its call is granted, and nothing is imported before."""
        data = written(Recipe([], 1), kind, Header(kind, prepare="trap:make"))

        for trust in ([], ["trap.make"], ["trap.*"], ["call:trap.Trap"]):
            with pytest.raises(NotTrusted, match=r"trap\.make to call at the header"):
                appsnap.loads(data, trust=trust)

        assert "trap" not in sys.modules
        assert not (folder / "sprung").exists()

    def test_distributions_in_the_folder(self, folder):
        """A distribution that lies in the current folder announces no ways to save."""
        (folder / "trap-1.dist-info").mkdir()
        (folder / "trap-1.dist-info" / "METADATA").write_text("Name: trap\nVersion: 1\n")
        announced = "".join(f"{package} = trap\n" for package in ("appsnap", "_thread", "threading"))
        (folder / "trap-1.dist-info" / "entry_points.txt").write_text(f"[appsnap.ways]\n{announced}")
        recipe = Recipe([Name("appsnap.ways.threads", "local"), Call(Ref(0), []), State(Ref(1), ("a",), (1,))], Ref(1))
        (folder / "a.tap").write_bytes(written(recipe, "msgpack"))
        command = [sys.executable, "-m", "appsnap", "load", "--trust", "decimal.Decimal", "a.tap"]

        subprocess.run(command, check=True, timeout=200, capture_output=True)

        assert not (folder / "sprung").exists()

    def test_starts_no_process(self, folder, kind):
        """A pool of processes that starts one at once, with modules of the current folder, isn't made."""
        for method in ("spawn", "forkserver"):
            pool = Recipe([Name("appsnap.ways.pools", "ProcessPoolExecutor"), Call(Ref(0), [1, method])], Ref(1))
            with pytest.raises(CannotBuild, match="starts a process"):
                appsnap.loads(written(pool, kind))

    def test_each_use(self, folder, kind):
        """A name trusted for one use isn't trusted for another."""
        for trust in (["trap.make"], ["trap.*"], ["call:trap.Trap"]):
            with pytest.raises(NotTrusted):
                appsnap.loads(written(CALL, kind), trust=trust)
        assert "trap" not in sys.modules

        assert appsnap.loads(written(CALL, kind), trust=["call:trap.make"]) == ("x",)

    @pytest.mark.parametrize("name", sorted(HOSTILE))
    def test_the_audit_tells_all(self, folder, kind, name):
        """With the names that the audit lists a file loads, or the audit said that it can't, or depends on a class."""
        path = folder / "a"
        path.write_bytes(written(HOSTILE[name], kind))
        snapshot = appsnap.open_snapshot(path)
        if name == "call":
            return  # it would run
        try:
            appsnap.load(path, trust=[want.grant for want in snapshot.names])
        except NotTrusted as error:
            assert not error.wants
            assert [one.path for one in error.obstacles] == [one.path for one in snapshot.obstacles]
        except CannotLoad:
            assert name in ("submodule", "zone", "file")  # not there, or no class to make objects of
        else:
            assert not snapshot.obstacles

    @pytest.mark.parametrize("command", [["load"], ["save"]])
    @pytest.mark.parametrize("how", [["-P", "-m", "appsnap"], ["-m", "appsnap"]])
    def test_current_folder(self, tmp_path, command, how):
        """A value type looks for no module in the current folder, where nothing is trusted."""
        for module in ("tzdata", "numpy"):
            (tmp_path / module).mkdir()
            (tmp_path / module / "__init__.py").write_text("raise SystemExit('imported')")
        (tmp_path / "a.tap").write_bytes(written(HOSTILE["zone"], "pickle"))

        done = subprocess.run(
            [sys.executable, *how, *command, "a.tap", *["b.tap"][: command == ["save"]]],
            *[],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert "cannot build object (zoneinfo.ZoneInfo)" in done.stderr
        assert "imported" not in done.stderr

    def test_trust_in_a_class_is_none_in_the_constructor_that_it_inherits(self, kind):
        """The arguments of a constructor of Python's own are checked for a subclass on the list, too."""
        made = [Name("zoo", "MyStr"), Name("builtins", "range"), Call(Ref(1), [10**11]), New(Ref(0), [Ref(2)])]

        with pytest.raises(CannotBuild, match="takes no range"):
            appsnap.loads(written(Recipe(made, Ref(3)), kind), trust=["zoo.MyStr"])

    def test_names_are_pairs(self, kind):
        """A name of the table as another module isn't trusted."""
        with pytest.raises(NotTrusted, match=r"array\.array"):
            appsnap.loads(written(Recipe([Name("array.array", "")], Ref(0)), kind))


class TestPromise3:
    class Header(Header):
        """A header that says more."""

        def to_dict(self):  # noqa: D102 - as the base's
            return super().to_dict() | {"trust": "trap.*", "signer": "x", "vouched": "true", "limits": "none"}

    def test_fields(self, folder, kind):
        """Nothing that a header or trailer says adds trust."""
        seal = lambda _kind, _fields: {} if kind == "xml" else {"trust": ["call:trap.make"], "vouched": True}  # noqa: E731
        data = written(CALL, kind, self.Header(kind), seal)

        with pytest.raises(NotTrusted):
            appsnap.loads(data)

    @pytest.mark.parametrize("extension", ["tap", "tas", "tam", "tax", "etap", "tac", "py", ""])
    def test_names_of_files(self, folder, kind, extension):
        """A file is read by its content, under any name."""
        path = folder / f"a.{extension}"
        path.write_bytes(written(CALL, kind))

        with pytest.raises(NotTrusted):
            appsnap.load(path)
        assert run(["load", str(path)]) == NotTrusted.exit_code

    @pytest.mark.parametrize(("number", "error"), [(0, Damaged), (2, NewerFormat), (10**8, NewerFormat)])
    def test_numbers(self, kind, number, error):
        """No number of a format leads to another reader; nor does a kind that is asked for."""
        with pytest.raises(error):
            appsnap.loads(written(CALL, kind, Header(kind, format=number)))
        for other in set(KINDS) - {kind}:
            with pytest.raises(WrongKind):
                appsnap.loads(written(CALL, kind), kind=other)

    LIST = '[tool.appsnap]\ntrust = ["call:trap.make"]\n'

    @pytest.mark.parametrize("command", [["load", "a"], ["audit", "a"], ["save", "a", "b.tap"]])
    def test_nothing_beside_it(self, folder, kind, capsys, command):
        """A list of names beside the file counts once the user has agreed to it, and is named until then."""
        (folder / "a").write_bytes(written(CALL, kind))
        (folder / "pyproject.toml").write_text(self.LIST)

        assert run(command) == NotTrusted.exit_code
        assert "ignored until you agree: call:trap.make" in capsys.readouterr().err
        assert "trap" not in sys.modules

        assert run(["keys", "trust-folder", ".", "--yes"]) == 0
        assert run(command) == 0
        assert "ignored" not in capsys.readouterr().err

    def test_only_the_list_that_was_shown(self, folder, tmp_path_factory, capsys):
        """An agreement is to these names, in this folder: each other list, and each other folder, needs a new one."""
        other = tmp_path_factory.mktemp("other")
        for place in (folder, other):
            (place / "a").write_bytes(written(CALL, "pickle"))
            (place / "pyproject.toml").write_text(self.LIST)
        run(["keys", "trust-folder", "--yes"])
        assert run(["audit", "a"]) == 0
        assert "trusted by ./pyproject.toml" in capsys.readouterr().out

        for text in ("", self.LIST.replace('make"', 'make", "trap.*"'), self.LIST.replace("make", "Trap")):
            (folder / "pyproject.toml").write_text(text)
            assert run(["audit", "a"]) == NotTrusted.exit_code
        os.chdir(other)
        assert run(["audit", "a"]) == NotTrusted.exit_code

    def test_its_folder_by_another_path(self, folder, tmp_path_factory):
        """A link leads to the same folder. A folder that was moved is another one."""
        (folder / "a").write_bytes(written(CALL, "pickle"))
        (folder / "pyproject.toml").write_text(self.LIST)
        run(["keys", "trust-folder", "--yes"])
        link = tmp_path_factory.mktemp("links") / "link"
        link.symlink_to(folder)

        os.chdir(link)
        assert run(["audit", "a"]) == 0
        moved = folder.rename(folder.parent / f"{folder.name}-moved")
        os.chdir(moved)
        assert run(["audit", "a"]) == NotTrusted.exit_code

    def test_the_library_reads_no_list(self, folder, kind):
        """A program says itself what it trusts."""
        (folder / "a").write_bytes(written(CALL, kind))
        (folder / "pyproject.toml").write_text(self.LIST)
        run(["keys", "trust-folder", "--yes"])

        with pytest.raises(NotTrusted):
            appsnap.load(folder / "a")


class TestPromise4:
    def test_same_bytes(self, kind):
        """A buffer that changes behind a read-only view doesn't change the built objects."""
        data = bytearray(appsnap.dumps(["before"], kind))

        def trust():
            at = data.index(b"before")
            data[at : at + 6] = b"behind"
            yield "shop.*"

        assert appsnap.loads(memoryview(data).toreadonly(), trust=trust()) == ["before"]

    def test_unpickler(self, monkeypatch, stranger):
        """Python's own sees only files trusted as a whole, and never a file that is refused later."""
        signed, unsigned = appsnap.dumps(shop.make(), sign=True), appsnap.dumps(shop.make())
        unpickled = []
        monkeypatch.setattr(native, "_Unpickler", lambda *_: unpickled.append(1))

        assert appsnap.loads(unsigned, trust=["shop.*"]).name == "shop"
        stranger()
        with pytest.raises(NotTrusted):
            appsnap.loads(signed)
        for data in (signed[:-1], signed.replace(b"tea", b"pea")):
            with pytest.raises(Damaged):
                appsnap.loads(data, trust=appsnap.EVERYTHING)

        assert unpickled == []


class TestPromise5:
    @pytest.mark.parametrize(
        "steps",
        [
            [Name("trap", "Trap"), State(Ref(0), ["mark"], [1])],
            [Name("trap", "Trap"), SetState(Ref(0), None)],
            [Name("trap", ""), State(Ref(0), ["mark"], [1])],
            [Name("os", "environ"), Update(Ref(0), ["SPRUNG"], ["1"])],
            [Name("trap", "Trap"), New(Ref(0), []), State(Ref(1), ["__class__"], [Ref(0)])],
            [Name("trap", "Trap"), New(Ref(0), []), List([]), State(Ref(1), ["__dict__"], [Ref(2)])],
        ],
    )
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_filling(self, folder, kind, steps):
        """Objects of the process stay as they are, even if their names are trusted."""
        with pytest.raises(CannotLoad):
            appsnap.loads(written(Recipe(steps, Ref(0)), kind), trust=["trap.Trap", "trap"])

        assert "trap" not in sys.modules or not hasattr(sys.modules["trap"].Trap, "mark")
        assert "SPRUNG" not in os.environ

    @pytest.mark.parametrize("name", ["__class__", "__dict__", "__reduce_ex__", "__deepcopy__", "__array_interface__"])
    def test_own_attributes(self, folder, kind, name):
        """What Python, its library or numpy look up in an object and act on is never set, in any form of state."""
        made = [Name("trap", "Trap"), New(Ref(0), []), Dict([name], [1])]
        for state in ([State(Ref(1), [name], [1])], [Tuple([None, Ref(2)]), SetState(Ref(1), Ref(3))]):
            with pytest.raises(NotTrusted, match=rf"object \(trap\.Trap\) has a state with {name}"):
                appsnap.loads(written(Recipe([*made, *state], Ref(1)), kind), trust=["trap.Trap"])

    def test_data(self, folder, kind):
        """A name that Python looks up in the class alone is data; so is the state of a class with `__setstate__`."""
        (folder / "trap.py").write_text(
            "class Trap: pass\nclass Keeps:\n    def __setstate__(self, state): self.x = state"
        )
        plain = [Name("trap", "Trap"), New(Ref(0), []), State(Ref(1), ["__call__", "__name__"], [1, "a"])]
        keeps = [Name("trap", "Keeps"), New(Ref(0), []), Dict(["__class__"], [5]), SetState(Ref(1), Ref(2))]

        assert vars(appsnap.loads(written(Recipe(plain, Ref(1)), kind), trust=["trap.*"])) == {
            "__call__": 1,
            "__name__": "a",
        }
        assert appsnap.loads(written(Recipe(keeps, Ref(1)), kind), trust=["trap.*"]).x == {"__class__": 5}

    def test_annotations(self, folder, kind):
        """Annotations, which `typing.get_type_hints` evaluates, contain no call."""
        for text, good in (("list[int]", True), ("__import__('trap')", False)):
            steps = [
                Name("trap", "Trap"),
                New(Ref(0), []),
                Dict(["a"], [text]),
                State(Ref(1), ["__annotations__"], [Ref(2)]),
            ]
            data = written(Recipe(steps, Ref(1)), kind)
            if good:
                assert appsnap.loads(data, trust=["trap.Trap"]).__annotations__ == {"a": text}
            else:
                with pytest.raises(NotTrusted, match="annotations"):
                    appsnap.loads(data, trust=["trap.Trap"])

    @pytest.mark.parametrize(
        "line", ["state(Trap, mark=1)", "state(new(Trap), __class__=Trap)", "update(environ, {'SPRUNG': '1'})"]
    )
    def test_filling_in_source(self, folder, line):
        """The same in source, which a person can write."""
        imports = "from os import environ\nfrom trap import Trap\n"
        with pytest.raises(NotTrusted):
            appsnap.loads(f"# appsnap 1 source: {{}}\n{imports}{line}\napplication = 1\n".encode(), trust=["trap.Trap"])

        assert "SPRUNG" not in os.environ

    @pytest.mark.filterwarnings("ignore:Possible nested set")
    def test_switches(self, kind):
        """No switch of the process is another one while a file is read, for the other threads run meanwhile."""
        odd = [
            (b"\x80\x02S'\\d\\400\\q'\n\x85.", ("\\d\0\\q",)),
            (
                b'# appsnap 1 source: {}\napplication = ["\\d\\400", b"\\d\\400", r"\\d"]\n',
                ["\\d\u0100", b"\\d\0", "\\d"],
            ),
            (appsnap.dumps([re.compile("[[a]"), Decimal("1.5")], kind), [re.compile("[[a]"), Decimal("1.5")]),
        ]

        def switches():
            context = decimal.getcontext()
            return [
                [*warnings.filters], warnings.showwarning, sys.getrecursionlimit(), sys.get_int_max_str_digits(),
                [context.prec, context.flags.copy()], locale.setlocale(locale.LC_ALL), Path.cwd(),
                sys.getswitchinterval(),
            ]  # fmt: skip

        before = switches()
        found = []

        def look(*_):
            if switches() != before:
                found.append(switches())

        for data, expected in odd:
            sys.setprofile(look)
            try:
                made = appsnap.loads(data)
            finally:
                sys.setprofile(None)
            assert made == expected
        assert not found


class TestPromise6:
    CHILD = r"""
import re, resource, sys
from pathlib import Path
import appsnap
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (40, 40))
for path in sys.argv[1:]:
    try:
        appsnap.open_snapshot(path).build()
    except appsnap.AppsnapError as error:
        print(path, type(error).__name__)
    else:
        print(path, "built")
    if Path("/proc/self/status").exists():
        peak = int(re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1]) >> 10
        if peak > 256:
            print(path, f"takes {peak} MB")
"""

    @pytest.mark.memory
    def test_bombs(self, tmp_path):
        """Small files that claim or mean much end soon, without much memory, and each as it should."""
        nested = b"\x80\x05)" + b"".join(b"\x94h%c\x86" % number for number in range(60))

        def unpadded(*pieces):
            return b"".join(zstd.compress(pieces)).partition(b"\x50\x2a\x4d\x18")[0]

        def packed(opcodes):
            return unpadded(b"\x80\x05", opcodes, b".")

        free = zstd.limit_of(0).size
        bombs = {
            "memo": (b"\x80\x05Nr\xff\xff\xff\xff.", "built"),
            "bytes": (b"\x80\x05\x8e" + b"\xff" * 7 + b"\x3f.", "Damaged"),
            "frame": (b"\x80\x05\x95" + b"\xff" * 7 + b"\x3fN.", "Damaged"),
            "key": (nested + b"}h\x3bNs.", "CannotLoad"),
            "steps": (written(CALL, "pickle", seal=lambda *_: {"steps": 1 << 100_000}), "Damaged"),
            "array": (b"\x81\xa7appsnap\xdd\xff\xff\xff\xff" + b"\xdd\xff\xff\xff\xff" * 50, "Damaged"),
            "zeros": (unpadded(*[bytes(1 << 20)] * 400), "CannotLoad"),
            "open": (packed(b"]" * 2_000_000), "CannotLoad"),
            "marks": (packed(b"(" * 7_000_000), "CannotLoad"),
            "open-few": (packed(b"]" * (free - 3)), "built"),
            "marks-few": (packed(b"(" * (free - 3)), "Damaged"),
            "sets": (packed(b"(" + b"\x8f" * (free - 5) + b"l"), "built"),
            "tuples": (packed(b")" + b"\x85" * (free - 4)), "built"),
            "empty": (unpadded(b"\x81\xa7appsnap\x01", b"\x90" * 4_000_000), "CannotLoad"),
            "digits": (b"# appsnap 1 source: {}\napplication = " + b"9" * 30_000 + b"\n", "NotInGrammar"),
            "brackets": (b"# appsnap 1 source: {}\napplication = " + b"[" * 30_000 + b"\n", "NotInGrammar"),
        }
        for name, (data, _) in bombs.items():
            assert len(data) < 100_000
            (tmp_path / name).write_bytes(data)

        done = subprocess.run(
            [sys.executable, "-c", self.CHILD, *bombs], cwd=tmp_path, capture_output=True, text=True, check=False
        )

        assert done.stderr == ""
        assert done.stdout.splitlines() == [f"{name} {outcome}" for name, (_, outcome) in bombs.items()]

    @pytest.mark.slow
    def test_output(self, tmp_path, monkeypatch, capfd):
        """What is shown or converted of a stranger's file is bounded by its size, and the user can raise the bound."""
        monkeypatch.chdir(tmp_path)
        part = b"X" + (490).to_bytes(4, "little") + b"a-" * 245
        used = b"\x80\x05" + part + part + b"\x93\x940](" + b"h\x00)\x81" * 25_000 + b"e."
        long = b"\x80\x05](" + b"N" * 600_000 + b"e."
        Path("used.tap").write_bytes(used)
        Path("long.tap").write_bytes(b"".join(zstd.compress([long])).partition(b"\x50\x2a\x4d\x18")[0])
        for name in ("used.tap", "long.tap"):
            for command in (["show"], ["show", "--json"], ["audit"], ["audit", "--json"], ["verify"]):
                assert run([*command, name, "--limit", "expansion=100000"]) in (0, 3)
                out, err = capfd.readouterr()
                assert len(out) < 14_000_000
                if "--json" in command:
                    assert json.loads(out).get("cut", False) == ("--limit output=" in err)
        for kind in ("source", "xml"):
            Path("new").unlink(missing_ok=True)
            assert run(["convert", "used.tap", "new", "--kind", kind]) == 1
            assert not Path("new").exists()
            assert "--source-limit output=" in capfd.readouterr().err
            assert run(["convert", "used.tap", "new", "--kind", kind, "--source-limit", "output=1000"]) == 0
            assert Path("new").stat().st_size > 24_000_000

    def test_objects_are_safe_to_use(self, kind):
        """A unit of time of 0 seconds, a place outside of a text and a nest of partials are refused."""
        steps = [
            [Name("numpy", "datetime64"), Call(Ref(0), [1, "0s"])],
            [Name("builtins", "UnicodeDecodeError"), Call(Ref(0), ["u", b"x", -(2**40), 1, "r"])],
            [Name("collections", "deque"), *(Call(Ref(0), []) for _ in range(2_000))],
        ]
        steps[2] += [Extend(Ref(at), [Ref(at + 1)]) for at in range(1, 2_000)]

        for made in steps:
            with pytest.raises(CannotLoad):
                appsnap.loads(written(Recipe(made, Ref(1)), kind))


class TestPromise7:
    def test_truncated(self, folder, kind):
        """Even with trust in everything, nothing is built of a file whose end is missing."""
        data = written(CALL, kind)
        end = data.index(b"application = ") + 14 if kind == "source" else len(data)
        for length in range(end):
            with pytest.raises(CannotLoad):
                appsnap.loads(data[:length], trust=appsnap.EVERYTHING)

        assert "trap" not in sys.modules

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"source"}))
    def test_altered(self, folder, kind):
        """Nor is it of one with other bytes, unless it says the same."""
        data = written(CALL, kind)
        for at in range(len(data)):
            altered = bytearray(data)
            altered[at] ^= 2
            try:
                assert appsnap.loads(altered, trust=["call:trap.make"]) == ("x",)
            except CannotLoad:
                continue


class TestPromise8:
    def test_terminal(self, folder, kind, capfd):
        """No command prints anything of a file raw, nor do snapshots and errors as texts."""
        path = folder / "a"
        steps = [List([ODD]), Name(f"os{ODD}".replace(":", ""), ODD), Call(Ref(1), [Ref(0)])]
        path.write_bytes(written(Recipe(steps, Ref(2)), kind, Header(kind, ODD, ODD)))

        for command in ("show", "audit", "verify", "load"):
            run([command, str(path)])
            if command != "load":
                run([command, "--json", str(path)])
        with pytest.raises(NotTrusted) as caught:
            appsnap.load(path)
        snapshot = appsnap.open_snapshot(path)

        shown = "".join(capfd.readouterr())
        assert "x1b[2J" in shown
        assert all(line.isprintable() for line in shown.split("\n"))
        assert all(line.isprintable() for line in str(snapshot).split("\n"))
        assert (repr(snapshot) + str(caught.value) + caught.value.hint).isprintable()
        assert "\n\\x9b" not in str(snapshot)

    @pytest.mark.parametrize("field", ["python", "version", "time"])
    def test_words_of_the_header(self, kind, field):
        """A version or a time that could pass for words of ours is no header."""
        for words in ("3.11.7, signed by you", "", "3" * 41, "3\n", "3 ", "３"):
            with pytest.raises(Damaged, match="version or a time"):
                appsnap.loads(written(Recipe([], 1), kind, Header(kind, **{field: words})))

        assert appsnap.loads(written(Recipe([], 1), kind, Header(kind, **{field: "2026-01-01T00:00:00+02.x"}))) == 1

    def test_words_beside_ours(self, folder, kind, capfd):
        """What a file calls things stands in quotes beside our words, and is cut."""
        odd = "x, signed by you" + " " * 900
        recipe = Recipe([Name(odd, "y at z"), New(Ref(0), []), Name("shop", odd), Call(Ref(2), [Ref(1)])], Ref(3))
        header = Header(kind, odd, odd + "\n")
        path = folder / "file"
        path.write_bytes(written(recipe, kind, header))

        for command in ("show", "audit", "verify", "load"):
            run([command, str(path)])
        out, err = capfd.readouterr()

        for line in (out + err).splitlines():
            assert "signed by you" not in re.sub(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'', "", line)
            assert line.count(" ") < 1_500 or "--trust" in line


class TestPromise9:
    @pytest.mark.parametrize(
        "line",
        [
            "application = 1 # \u202e",
            'application = "ad\u200bmin"',
            'application = "\x9b31m"',
            'application = "\U000e0041"',
            "ａpplication = 1",
            "application = 1\r# a comment",
            "application = __import__('trap')",
            "application = [x for x in ()]",
            "application = f''",
            "if True: application = 1",
            "import trap; trap.make()\napplication = 1",
        ],
    )
    def test_source(self, folder, line):
        """Hidden text in a source file is refused, and nothing of it is run."""
        with pytest.raises(NotInGrammar):
            appsnap.loads(f"# appsnap 1 source: {{}}\n{line}\n".encode(), trust=["trap.*"])

        assert "trap" not in sys.modules


class TestPromise10:
    def test_parts(self, kind):
        """The trailer of one file is none of a file with another header or another body."""
        seal = Keyring().signing_key().sign
        mark = {"pickle": b"\x8c\x06sha256", "msgpack": b"\xa6sha256", "source": b"# appsnap t", "xml": b"<trailer "}[
            kind
        ]
        recipe = Recipe([List([1])], Ref(0))
        data = written(recipe, kind, seal=seal)
        head, _, tail = data.rpartition(mark)
        others = [
            written(recipe, kind, Header(kind, "other"), seal),
            written(Recipe([List([2])], Ref(0)), kind, seal=seal),
        ]

        assert vouched(data)
        assert [vouched(other.rpartition(mark)[0] + mark + tail) for other in others] == [False, False]
        assert not vouched(head + mark + tail.replace(b"steps", b"stepz"))

    def test_kind_and_trailer(self):
        """A signature is invalid for another kind, for other fields, and for other values with the same JSON."""
        fields = {"sha256": "0", "steps": 1, "restored_by_call": ["a.\U00010348"], "more": {"1": True}}
        signature = SigningKey.generate().sign("pickle", fields)
        changes = [
            {"steps": 2},
            {"vouched": None},
            {"restored_by_call": ["a.\ud800\udf48"]},
            {"more": {1: True}},
            {"steps": True},
        ]

        assert signer_of("pickle", fields | signature)
        for kind, change in [("source", {}), *(("pickle", change) for change in changes)]:
            with pytest.raises(Damaged):
                signer_of(kind, fields | change | signature)


def vouched(data, **arguments):
    """Tell whether bytes are trusted as a whole; refused bytes aren't."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            return appsnap.open_snapshot(file.name, **arguments).is_trusted_as_a_whole
        except CannotLoad:
            return False


class TestPromise11:
    def test_who(self, kind, stranger):
        """Own files, files of trusted keys, and files of a passphrase; never files for a recipient."""
        sealed = appsnap.dumps(shop.make(), kind, sign=True)
        secret = appsnap.dumps(shop.make(), kind, passphrase="tea")
        mine = appsnap.dumps(shop.make(), kind, recipients=[str(IDENTITY.recipient)])
        signer = Keyring().own()

        assert vouched(sealed)
        stranger()
        assert not vouched(sealed)
        Keyring().trust(signer)
        assert vouched(sealed)
        assert vouched(secret, passphrase="tea")
        for more in ({}, {"passphrase": "tea"}, {"passphrase": lambda: "tea"}):
            with pytest.raises(NotTrusted):
                appsnap.loads(mine, identities=[str(IDENTITY)], **more)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of root")
    def test_keys_of_others(self, folder, kind, stranger, monkeypatch, capfd):
        """Somebody with no list trusts a key on the machine's list, or one given to the command, and no other."""
        path = folder / "file"
        appsnap.save(shop.make(), path, kind=kind, sign=True)
        signer, other = Keyring().own(), SigningKey.generate().public_key
        stranger()
        machine = folder / "etc" / "trusted-keys.txt"
        machine.parent.mkdir(mode=0o755)
        monkeypatch.setattr(keyring, "MACHINE", machine)
        monkeypatch.setattr(keyring, "_given", {})

        assert run(["load", str(path), "--trust-key", other]) == 3
        assert run(["load", str(path), "--trust-key", signer]) == 0

        keyring._given.clear()
        machine.write_text(f"{other}\n")
        assert run(["load", str(path)]) == 3
        machine.write_text(f"{other}\n{signer} the build server\n")
        assert run(["load", str(path)]) == 0
        capfd.readouterr()
        assert run(["keys", "list"]) == 0
        assert run(["keys", "list", "--json"]) == 0
        lines, facts = capfd.readouterr().out.rsplit("\n", 2)[:2]
        assert lines.splitlines() == [f"{other}  (this machine)", f"{signer}  the build server (this machine)"]
        assert [key["machine"] for key in json.loads(facts)["keys"]] == [True, True]

    @pytest.mark.parametrize("when", ["asked", "read"])
    def test_a_file_that_changes(self, folder, kind, when):
        """The key that opens the bytes tells whether a passphrase did, whatever the file was a moment before."""
        trap = written(CALL, kind)
        for_me = b"".join(age.encrypt([trap], [IDENTITY.recipient]))
        disguise = b"".join(age.encrypt([trap], [age.ScryptRecipient("tea", age.CHEAPEST)]))
        disguise += bytes(len(for_me) - len(disguise))
        path = folder / "file"
        turns = []

        def change(*_):
            turns.append(when)
            path.write_bytes(for_me if path.read_bytes() == disguise else disguise)
            return "other"

        for first, passphrase in itertools.product((for_me, disguise), ("other", change)):
            path.write_bytes(first)
            progress = change if when == "read" else None
            with pytest.raises((NotTrusted, PassphraseError)):
                appsnap.load(path, passphrase=passphrase, identities=[str(IDENTITY)], progress=progress)

        assert turns
        assert not (folder / "sprung").exists()


class TestPromise12:
    @pytest.mark.parametrize("to", ["tap", "tas", "tam", "tax"])
    def test_copies(self, folder, kind, to, capfd):
        """A copy of a stranger's snapshot is nobody's, under a passphrase, too, however often copied."""
        (folder / "phrase").write_text("tea")
        (folder / "a").write_bytes(appsnap.dumps(shop.make(), kind))
        phrase = ["--passphrase-file", "phrase"]

        assert run(["save", "--no-verify", "a", f"b.{to}", "--trust", "shop.*"]) == 0
        assert run(["convert", "a", f"c.e{to}", *phrase]) == 0
        assert run(["convert", f"c.e{to}", "d.tap", "--source-passphrase-file", "phrase", "--plain"]) == 0
        assert run(["convert", "d.tap", f"e.e{to}", "--compress", "--armor", *phrase]) == 0

        for name, options in {f"b.{to}": [], f"c.e{to}": phrase, "d.tap": [], f"e.e{to}": phrase}.items():
            assert run(["load", "--quiet", name, *options]) == NotTrusted.exit_code


class TestPromise13:
    @pytest.mark.parametrize(
        ("old", "new"), [('"tea": 12', '"tea": 13'), ("\nfrom", "\n# a comment\nfrom"), ('"steps"', '"stepz"')]
    )
    def test_edited(self, tmp_path, old, new):
        """Any edit invalidates the signature, and the file says so."""
        path = tmp_path / "a"
        appsnap.save(shop.make(), path, kind="source")
        text = path.read_text("utf-8")
        assert appsnap.open_snapshot(path).is_trusted_as_a_whole
        assert old in text

        path.write_text(text.replace(old, new, 1), "utf-8")

        snapshot = appsnap.open_snapshot(path)
        assert not snapshot.is_trusted_as_a_whole
        assert snapshot.provenance == f"edited since it was {'saved' if 'steps' in old else 'signed by you'}"

    def test_signed_again(self, tmp_path):
        """The owner's own word signs the bytes that were opened, all but the trailer as they are."""
        path = tmp_path / "a"
        appsnap.save(shop.make(), path, kind="source", trusted_as_a_whole=False)
        data = path.read_bytes().replace(b'"tea": 12', b'"tea": 6 * 2,  # dozens\n   "mate": 1')
        path.write_bytes(data)
        opened = appsnap.open_snapshot(path)
        assert not opened.is_trusted_as_a_whole

        new = b"".join(signed(opened, data))

        path.write_bytes(new)
        assert appsnap.open_snapshot(path).is_trusted_as_a_whole
        assert new.splitlines()[:-1] == data.splitlines()[:-1]
        path.write_bytes(new.replace(b"6 * 2", b"6 * 3"))
        assert not appsnap.open_snapshot(path).is_trusted_as_a_whole


class TestPromise14:
    def test_keys(self, tmp_path, capfd):
        """The key is one's own, and used no longer where it or the list isn't; it is never shown."""
        ring = Keyring(tmp_path / "keys")
        key = ring.signing_key()
        ring.trust(SigningKey.generate().public_key)
        ring.trust_folder(str(tmp_path), ["shop.*"])
        assert stat.S_IMODE(ring.own_path.stat().st_mode) == 0o600

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("APPSNAP_CONFIG_DIR", str(ring.folder))
            for arguments in (["show"], ["show", "--json"], ["list"], ["trust", str(key)]):
                run(["keys", *arguments])
        assert str(key)[-20:].lower() not in ("".join(capfd.readouterr()) + repr(key)).lower()

        for path, mode, use in (
            (ring.own_path, 0o604, ring.own),
            (ring.own_path, 0o640, ring.signing_key),
            (ring.trusted_path, 0o602, ring.trusted),
            (ring.folders_path, 0o620, ring.folders),
            (ring.folder, 0o770, ring.own),
            (ring.folder, 0o702, ring.trusted),
        ):
            before = path.stat().st_mode
            path.chmod(mode)
            with pytest.raises(AppsnapError, match="other users can"):
                use()
            path.chmod(before)
            use()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of root")
    def test_list_of_the_machine(self, tmp_path, monkeypatch):
        """The list of the machine is used no longer where others than root own it, or can write to it or its folder."""
        path = tmp_path / "etc" / "trusted-keys.txt"
        path.parent.mkdir(mode=0o755)
        path.write_text(f"{SigningKey.generate().public_key}\n")
        path.chmod(0o644)
        monkeypatch.setattr(keyring, "MACHINE", path)
        ring = Keyring(tmp_path / "keys")

        for changed, mode, owner, words in (
            (path, 0o664, 0, "other users can write"),
            (path, 0o646, 0, "other users can write"),
            (path.parent, 0o775, 0, "other users can write"),
            (path, 0o644, 65534, "belongs to another user"),
            (path.parent, 0o755, 65534, "belongs to another user"),
        ):
            before = changed.stat().st_mode
            changed.chmod(mode)
            os.chown(changed, owner, -1)
            for use in (ring.trusted_by_machine, ring.all_trusted, lambda: ring.knows("appsnap1x")):
                with pytest.raises(AppsnapError, match=words):
                    use()
            os.chown(changed, 0, -1)
            changed.chmod(before)
            assert len(ring.all_trusted()) == 1


class TestPromise15:
    def test_authenticated(self, kind, monkeypatch):
        """No reader sees an altered file, except for the header, which gives the places of large data."""
        data = appsnap.dumps([os.urandom(200_000)], kind, passphrase="tea")
        monkeypatch.setattr(f"appsnap.kinds.{kind}.read", lambda *_: pytest.fail("it was looked at"))

        assert data.startswith(b"age-encryption.org/v1\n-> scrypt ")
        for at in (60, 300, 100_000, len(data) - 1):
            altered = bytearray(data)
            altered[at] ^= 1
            for broken in (altered, data[:at]):
                with pytest.raises((Damaged, PassphraseError)):
                    appsnap.loads(broken, passphrase="tea")

    def test_plain(self, kind):
        """A plain file in the place of an encrypted one is noticed."""
        for given in ({"passphrase": "tea"}, {"passphrase": b"tea"}, {"identities": [str(IDENTITY)]}):
            with pytest.raises(PassphraseError):
                appsnap.loads(appsnap.dumps([1], kind), **given)


class TestPromise16:
    def test_options(self):
        """No option takes a passphrase as its value."""
        group = _LazyGroup()
        found = [
            p for name in COMMANDS for p in getattr(group.get_command(None, name), "params", []) if "phrase" in p.name
        ]

        assert len(found) > 10
        assert all(p.is_flag or p.name.endswith(("_file", "_command", "_fd")) for p in found)

    def test_nowhere(self, folder, monkeypatch, capfd):
        """Saving hands it to no argument and no file, not even where the file is tried in another process."""
        monkeypatch.setenv("APPSNAP_PASSPHRASE", "milkandsugar")
        monkeypatch.setenv("PYTHONPATH", str(Path(shop.__file__).parents[1]))
        started = []
        popen = subprocess.Popen
        monkeypatch.setattr(subprocess, "Popen", lambda words, **more: started.append(words) or popen(words, **more))

        assert run(["save", "shop:application", "a.tas", "-p"]) == 0
        assert run(["show", "a.tas"]) == 0

        assert started
        assert "milkandsugar" not in f"{started}{capfd.readouterr()}"
        assert not [path for path in folder.rglob("*") if path.is_file() and b"milkandsugar" in path.read_bytes()]


class TestPromise17:
    def test_mode(self, tmp_path, kind):
        """A new file is for its owner alone, under any umask."""
        old = os.umask(0)
        try:
            appsnap.save([1], tmp_path / "a", kind=kind)
        finally:
            os.umask(old)

        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600

    def test_failure(self, tmp_path, kind):
        """Where saving fails, at its last step, the old file is there, and nothing else."""
        path = tmp_path / "a"
        appsnap.save([1], path, kind=kind)
        before = path.read_bytes()

        with pytest.raises(ZeroDivisionError):
            appsnap.save([2], path, kind=kind, progress=lambda *_: 1 / 0)

        assert path.read_bytes() == before
        assert [*tmp_path.iterdir()] == [path]


class TestPromise18:
    def test_twisted(self, folder, capfd):
        """Only `convert --legacy-etap` reads it, with a warning; its passphrase, and a new one, vouch for nothing."""
        (folder / "phrase").write_text("tea")
        body = pickle.dumps(shop.make().services[0], 2)
        (folder / "old.etap").write_bytes(encrypted(body + b" " * (-len(body) % BLOCK)))
        phrase = ["--passphrase-file", "phrase"]

        for command in (["load"], ["show"], ["verify"], ["audit"]):
            assert run([*command, "old.etap", *phrase]) == 1
        assert "--legacy-etap" in capfd.readouterr().err
        assert (
            run(["convert", "--legacy-etap", "old.etap", "new.etap", *phrase, "--source-passphrase-file", "phrase"])
            == 0
        )

        assert "warning" in capfd.readouterr().err
        assert run(["load", "new.etap", *phrase]) == NotTrusted.exit_code


def encrypted(data):
    """Encrypt as Twisted's persisted.sob once did."""
    import hashlib

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    encryptor = Cipher(algorithms.AES(hashlib.md5(b"tea").digest()), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


class TestPromise19:
    """Bytecode runs only in the version of Python that compiled it."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("made", ["function", "class"])
    def test_bytecode_of_another_python(self, kind, made, monkeypatch):
        """Neither a function nor a class without a text is made in another Python, although its file is trusted."""
        obj = eval("lambda: 1") if made == "function" else type("Made", (), {"run": eval("lambda self: 1")})
        data = appsnap.dumps(obj, kind)
        skeletons._alive.clear()
        monkeypatch.setattr(code, "MAGIC", 0)
        monkeypatch.setattr(skeletons, "MAGIC", 0)
        monkeypatch.setattr("marshal.loads", lambda _: pytest.fail("bytecode was read"))

        with pytest.raises(CannotBuild, match="this is Python"):
            appsnap.loads(data, trust=appsnap.EVERYTHING)

    def test_text_runs_nothing(self, tmp_path, monkeypatch):
        """To load a function by its text, the text is compiled, and not run."""
        path = tmp_path / "script.py"
        path.write_text("import os\nobj = lambda: 1\nos.environ['RAN'] = 'yes'\n")
        data = appsnap.dumps(script.run(path, "obj"))
        monkeypatch.delenv("RAN")

        assert appsnap.loads(data, trust=appsnap.EVERYTHING)() == 1
        assert "RAN" not in os.environ


class Running:
    def __reduce__(self):
        return os.system, ("echo > ran",)


HOSTILE_ATTRIBUTES = {
    "system": {"privilegedStartService": os.system},
    "partial": {"privilegedStartService": functools.partial(shop.make)},
    "call": {"startService": functools.partial(shop.make).__call__},
    "hook": {"afterRestore": shop.make},
    "reference": {"note": subprocess.Popen},
    "object": {"note": string.Template("x")},
    "reduce": {"note": Running()},
    "code": {"note": eval("lambda: 1")},
}


def with_timer(uid=1234):
    """Return an application that becomes a user, and refers to a function."""
    application = shop.make()
    application.uid = uid
    TimerService(1, shop.make).setServiceParent(application)
    return application


class TestPromise20:
    """What a user can write whom the process became isn't run with the rights that it had before."""

    @pytest.mark.parametrize("how", ["unsigned", "signed", "passphrase"])
    @pytest.mark.parametrize("name", HOSTILE_ATTRIBUTES)
    def test_hostile_generations(self, kind, how, name, folder):
        """A generation makes and calls before the drop only what WHAT's snapshot does, whatever vouches for it."""
        grants = grants_of(with_timer(), kind)
        application = with_timer()
        vars(application.services[0]).update(HOSTILE_ATTRIBUTES[name])
        secret = "tea" if how == "passphrase" else None
        data = appsnap.dumps(application, kind, passphrase=secret, sign=how == "signed")
        snapshot = appsnap.open_snapshot(io.BytesIO(data), passphrase=secret)

        with pytest.raises(NotTrusted):
            check_vouched(grants.build(snapshot, ["appsnap.*"]), grants.trust(), grants.trust_to_call())

        assert not (folder / "ran").exists()

    def test_own_generations(self, kind):
        """A generation of WHAT itself is started, and has WHAT's user."""
        grants = grants_of(with_timer(), kind)
        data = appsnap.dumps(with_timer(uid=0), kind)

        application = grants.build(appsnap.open_snapshot(io.BytesIO(data)))

        check_vouched(application, grants.trust(), grants.trust_to_call())
        assert application.uid == 1234


def test_each_promise_has_a_test():
    """The paper's numbers are those of the classes here, each of which has tests."""
    promised = re.findall(r"^(\d+)\. ", PAPER.read_text("utf-8"), re.MULTILINE)
    held = {name.removeprefix("TestPromise"): cls for name, cls in globals().items() if name.startswith("TestPromise")}

    assert promised == [str(number) for number in range(1, len(promised) + 1)]
    assert sorted(held) == sorted(promised)
    assert all(any(name.startswith("test_") for name in vars(cls)) for cls in held.values())


REOPEN = Name("appsnap.ways.files", "reopen")


def opening(*calls):
    """Return a recipe that opens files, each with its path and its mode."""
    made = [Call(Ref(0), [path], ["mode"], [mode]) for path, mode in calls]
    return Recipe([REOPEN, *made, List([*map(Ref, range(1, len(calls) + 1))])], Ref(len(calls) + 1))


@pytest.fixture
def around(folder):
    """Return a folder with links that lead out of it, and a secret beside it."""
    (folder / "secret").write_text("secret")
    (folder / "shop").mkdir()
    (folder / "shop" / "log").write_text("line")
    (folder / "shop" / "link").symlink_to("../secret")
    (folder / "shop" / "up").symlink_to("..")
    (folder / "shop" / "new").symlink_to("../made")
    return folder / "shop"


class TestPromise21:
    """An effect needs a grant with its target."""

    @pytest.mark.parametrize(
        "trust", [[], ["appsnap.*"], ["read:{}/*"], ["write:{}/log.1"], ["write:{}"], ["call:builtins.open"]]
    )
    def test_nothing_is_opened(self, around, kind, trust):
        """Without the grant, nothing is opened and nothing is made, in any kind."""
        data = written(opening((f"{around}/log", "a"), (f"{around}/other", "w")), kind)

        with pytest.raises(NotTrusted, match="appends to"):
            appsnap.loads(data, trust=[text.format(around) for text in trust])

        assert sorted(path.name for path in around.iterdir()) == ["link", "log", "new", "up"]

    @pytest.mark.parametrize("path", ["log", "../shop/log", "up/shop/log", "./log", "link", "up/secret", "../secret"])
    def test_the_audit_and_the_load_agree(self, around, kind, path):
        """The grants that the audit lists are enough, and they name the real path."""
        data = written(opening((f"{around}/{path}", "rb")), kind)
        [want] = appsnap.open_snapshot(io.BytesIO(data)).names

        assert want.grant == f"read:{os.path.realpath(around / path)}"
        with appsnap.loads(data, trust=[want.grant])[0] as file:
            assert file.read() in (b"line", b"secret")

    @pytest.mark.parametrize(
        "grant", ["write:{}/../*", "read:shop/*", "write:{}/l*", "call:appsnap.ways.files.reopen", "open:{}"]
    )
    def test_loose_grants(self, around, grant):
        """A grant that may mean more than it seems to is none."""
        with pytest.raises(ValueError, match="trust"):
            appsnap.loads(written(opening(), "pickle"), trust=[grant.format(around)])


class TestPromise22:
    """The opening itself compares the real path."""

    @pytest.mark.parametrize("mode", ["rb", "wb", "ab", "rb+", "xb"])
    @pytest.mark.parametrize("path", ["link", "up/secret", "../secret", "up/shop/../secret", "new"])
    def test_ways_out(self, around, path, mode):
        """No link and no `..` leads out of a folder on the list, whatever the audit believes."""
        data = written(opening((f"{around}/{path}", mode)), "pickle")

        with pytest.raises(NotTrusted, match=r"/(secret|made) at"):
            appsnap.loads(data, trust=[f"write:{around}/*"])
        with effects.allowed(effects.Grants([f"write:{around}/*"])), pytest.raises(effects.Denied):
            effects.open_file(f"{around}/{path}", os.O_RDONLY if mode == "rb" else os.O_RDWR | os.O_CREAT)

        assert (around.parent / "secret").read_text() == "secret"
        assert not (around.parent / "made").exists()

    def test_truncates_nothing(self, around):
        """A file to write keeps its content."""
        data = written(opening((f"{around}/log", "w"), (f"{around}/log", "x")), "source")

        for file in appsnap.loads(data, trust=[f"write:{around}/log"]):
            file.close()

        assert (around / "log").read_text() == "line"

    @pytest.mark.parametrize("path", ["pipe", "/dev/null", "/dev/stdin", "/proc/self/fd/0"])
    def test_regular_files_alone(self, around, path):
        """A pipe isn't waited for, and a device isn't opened."""
        os.mkfifo(around / "pipe")
        data = written(opening((str(around / path), "rb")), "msgpack")

        with pytest.raises(CannotLoad, match=r"regular file|not trusted|no such file"):
            appsnap.loads(data, trust=[f"write:{around}/*", "write:/dev/*"])


class TestPromise23:
    """A trial changes nothing."""

    def test_save_and_reload(self, around):
        """The check of a save makes no file, truncates none, and writes nothing."""
        with (around / "log").open("a") as log, (around / "out").open("wb") as out:
            out.write(b"some")
            (around / "out").rename(around / "gone")
            appsnap.save({"log": log, "out": out}, around / "a.tap", verify=True)

        assert not (around / "out").exists()
        assert (around / "gone").read_bytes() == b"some"
        assert (around / "log").read_text() == "line"
