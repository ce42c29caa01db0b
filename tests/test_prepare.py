"""Files that name a function to call before anything of them is imported."""

import json
import os
import subprocess
import sys

import pytest

import shop
from appsnap import EVERYTHING, dumps, load, loads, open_snapshot, save
from appsnap.errors import CannotBuild, Damaged, NotTrusted
from appsnap.kinds import KINDS, kind_named
from appsnap.kinds.header import Header
from appsnap.recipe import preparing
from appsnap.recipe.steps import Call, Name, New, Recipe, Ref
from appsnap.runner.grants import grants_of
from runner.running import Running

MODULES = {
    # As django.conf.settings and carbon.conf.settings: filled by the program, read by an import.
    "lab_settings": "values = {}\ncalls = []\n",
    "lab_setup": "import lab_settings\n\n\ndef prepare():\n    lab_settings.calls.append(1)\n"
    "    lab_settings.values['size'] = 5\n",
    "lab_models": "from appsnap.service import Service\nfrom lab_settings import values\n\nSIZE = values['size']\n\n\n"
    "class Model(Service):\n    size = SIZE\n",
    "lab_bad": "class lab:\n    setting = None\n\n\ndef fails():\n    raise RuntimeError('no settings here')\n\n\n"
    "async def later():\n    pass\n",
    "lab_tools": "class Tool:\n    def __init__(self):\n        self.size = 3\n        self.cache = {1: 2}\n",
    "lab_ways": "import appsnap\n\n"
    "appsnap.transient('lab_tools.Tool', {'cache': dict})\n\n\ndef prepare():\n    pass\n",
}
PREPARE = "lab_setup:prepare"
TRUST = ["lab_models.Model", "call:lab_setup.prepare"]
WRITE = """
import sys, appsnap
from appsnap.service import Application
import lab_setup
lab_setup.prepare()
import lab_models
application = Application("lab")
lab_models.Model().setServiceParent(application)
appsnap.save(application, sys.argv[1], kind=sys.argv[2], prepare="lab_setup:prepare", verify=True)
"""
READ = """
import json, sys, appsnap
trust = json.loads(sys.argv[2])
for _ in range(2):
    application = appsnap.load(sys.argv[1], trust=appsnap.EVERYTHING if trust is None else trust)
import lab_settings
print([service.size for service in application], lab_settings.calls)
"""
WRITE_TOOLS = """
import appsnap, lab_tools, lab_ways
for kind in ("pickle", "source", "msgpack", "xml"):
    for name, prepare in ("plain", None), ("prepared", "lab_ways:prepare"):
        appsnap.save(lab_tools.Tool(), f"{name}.{kind}", kind=kind, prepare=prepare)
"""
READ_TOOLS = """
import sys, appsnap
for kind in ("pickle", "source", "msgpack", "xml"):
    print(vars(appsnap.load(f"{sys.argv[1]}.{kind}", kind=kind, trust=appsnap.EVERYTHING)))
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a folder with the modules, which can be imported until the test is over."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(preparing, "_done", set())
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


def run(lab, script, *arguments, **variables):
    """Run a program in a process of its own, and return its output."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(lab), *sys.path])} | variables
    program = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(program, env=env, cwd=lab, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(lab, *words, code=0):
    """Run a command, and return its output and its messages."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "appsnap", *words], env=env, cwd=lab, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def written(kind, prepare, recipe=None):
    """Return a document whose header names a function."""
    recipe = recipe or Recipe([Name("lab_models", "Model"), New(Ref(0), [])], Ref(1))
    return b"".join(kind_named(kind).write(Header(kind, prepare=prepare), recipe, {}))


@pytest.mark.parametrize("kind", KINDS)
class TestKinds:
    def test_a_fresh_process(self, lab, kind):
        """The function is called before the modules are imported that need it, once for two loads."""
        path = lab / f"lab.{kind_named(kind).extension}"
        run(lab, WRITE, path, kind)

        assert run(lab, READ, path, json.dumps(TRUST)) == "[5] [1]\n"
        assert run(lab, READ, path, "null") == "[5] [1]\n"
        assert open_snapshot(path).header.prepare == PREPARE

    def test_a_stranger(self, lab, kind):
        """Its call is wanted like any other, nothing is imported without it, and the hint has all names."""
        data = written(kind, PREPARE)

        with pytest.raises(NotTrusted, match=r"lab_setup\.prepare to call at the header") as caught:
            loads(data)

        assert [want.grant for want in caught.value.wants] == [TRUST[1], TRUST[0]]
        assert "trust=['call:lab_setup.prepare', 'lab_models.Model']" in caught.value.hint
        for trust in (["lab_models.*", "lab_setup.*", "lab_setup.prepare"], ["lab_models.Model"]):
            with pytest.raises(NotTrusted):
                loads(data, trust=trust)
        assert sys.modules.keys().isdisjoint(MODULES)
        with pytest.raises(NotTrusted, match=r"lab_models\.Model to create"):
            loads(data, trust=["call:lab_setup.prepare"])
        assert sys.modules.keys().isdisjoint(MODULES)
        assert loads(data, trust=TRUST).size == 5

    @pytest.mark.parametrize(
        "text", ["lab_setup", "lab_setup:", ":prepare", "a b:c", "a:b()", "a..b:c", "a:b:c", "x" * 999 + ":ab"]
    )
    def test_a_malformed_name(self, kind, text):
        """It is refused where it is written, and damaged where it is read."""
        for write in (dumps, lambda *args, **more: save(args[0], "never.tap", **more)):
            with pytest.raises(ValueError, match=r"is no function|1,000"):
                write([], prepare=text)
        with pytest.raises(Damaged, match="malformed header: "):
            loads(written(kind, text))
        with pytest.raises(TypeError, match="prepare is a text"):
            dumps([], kind, prepare=len)

    def test_conversion_keeps_it(self, lab, kind):
        """The other kind names the same function."""
        path, other = lab / "a", lab / "b"
        path.write_bytes(written("source", PREPARE))
        open_snapshot(path).save(other, kind=kind)

        assert open_snapshot(other).header.prepare == PREPARE
        assert load(other, trust=TRUST).size == 5


def test_factories_of_transient_attributes(lab):
    """A load knows a factory that a module of ways has if the file names a function of that module, and only then."""
    run(lab, WRITE_TOOLS)

    assert run(lab, READ_TOOLS, "plain") == "{'size': 3}\n" * 4
    assert run(lab, READ_TOOLS, "prepared") == "{'size': 3, 'cache': {}}\n" * 4


class TestErrors:
    @pytest.mark.parametrize(
        ("prepare", "says", "hint"),
        [
            ("lab_bad:fails", "RuntimeError: no settings here", "has to succeed"),
            ("lab_bad:later", "returns a coroutine", "a plain function"),
            ("lab_bad:gone", "has no attribute 'gone'", "evolve.renamed('lab_bad.gone'"),
            ("lab_bad:lab.setting", "not callable", "has to succeed"),
            (
                "lab_nowhere.setup:prepare",
                "No module named 'lab_nowhere'",
                "where lab_nowhere.setup can be imported",
            ),
        ],
    )
    def test_what_goes_wrong(self, lab, prepare, says, hint):
        """The error has the name, the reason and a way on, and the next load tries again."""
        name = prepare.replace(":", ".")
        for kind in KINDS:
            for trust in ([f"call:{name}"], EVERYTHING):
                with pytest.raises(CannotBuild) as caught:
                    loads(written(kind, prepare), trust=[*TRUST, *trust] if trust is not EVERYTHING else trust)

                assert f"cannot build the header ({name}): " in str(caught.value)
                assert says in str(caught.value)
                assert hint in caught.value.hint
                assert "lab_models" not in sys.modules

    def test_a_value_type_is_no_function_to_call(self):
        """Any file may call its constructor with arguments that are checked, but not in this way."""
        with pytest.raises(NotTrusted, match=r"logging\.getLogger to call at the header"):
            loads(written("source", "logging:getLogger", Recipe([], 5)))

    def test_a_name_that_the_file_calls_too(self, lab):
        """It is wanted once."""
        recipe = Recipe([Name("lab_setup", "prepare"), Call(Ref(0), [])], Ref(1))
        data = written("msgpack", PREPARE, recipe)

        with pytest.raises(NotTrusted) as caught:
            loads(data)

        assert [str(want) for want in caught.value.wants] == ["lab_setup.prepare to call at the header"]
        assert loads(data, trust=["call:lab_setup.prepare"]) is None
        assert len(sys.modules["lab_settings"].calls) == 2

    def test_a_load_within_it(self, lab):
        """A function that loads a file of its own isn't called again for that."""
        (lab / "lab_inner.py").write_text(
            "import appsnap\nDATA = None\n\n\ndef prepare():\n    import lab_setup\n    lab_setup.prepare()\n"
            "    appsnap.loads(DATA, trust=['call:lab_inner.prepare'])\n"
        )
        import lab_inner

        lab_inner.DATA = written("xml", "lab_inner:prepare", Recipe([], 5))
        try:
            data = written("xml", "lab_inner:prepare")
            assert loads(data, trust=["lab_models.Model", "call:lab_inner.prepare"]).size == 5
        finally:
            del sys.modules["lab_inner"]


class TestCommands:
    def test_it_is_shown_and_kept(self, lab):
        """`save`, `show`, `audit`, `convert` and `save` from a snapshot know it."""
        (lab / "lab_app.py").write_text(
            "import lab_setup\nlab_setup.prepare()\nfrom appsnap.service import Application\nimport lab_models\n"
            "application = Application('lab')\nlab_models.Model().setServiceParent(application)\n"
        )
        command(lab, "save", "lab_app:application", "lab.tap", "--prepare", PREPARE)
        command(lab, "convert", "lab.tap", "lab.tas")
        command(lab, "save", "lab.tas", "again.tax")

        for file in ("lab.tap", "lab.tas", "again.tax"):
            assert "prepared by lab_setup:prepare" in command(lab, "show", file)[0]
            table = command(lab, "audit", file)[0]
            assert "call       lab_setup.prepare" in table
            assert "the header" in table
            assert json.loads(command(lab, "show", file, "--json")[0])["header"]["prepare"] == PREPARE
            assert "lab_models.Model" in command(lab, "load", file)[0]
        _, error = command(lab, "save", "lab_app:application", "lab.tap", "--prepare", "lab_setup", code=2)
        assert "'lab_setup' is no function: it is written as MODULE:FUNCTION" in error

    def test_the_trial_prepares(self, lab):
        """Without it, the fresh interpreter can't load the file, and the old one stays."""
        (lab / "lab_app.py").write_text(
            "import lab_setup\nlab_setup.prepare()\nimport lab_models\nmade = lab_models.Model()\n"
        )

        _, error = command(lab, "save", "lab_app:made", "lab.tap", code=1)
        assert "can't load it" in error
        assert not (lab / "lab.tap").exists()
        command(lab, "save", "lab_app:made", "lab.tap", "--prepare", PREPARE)
        _, error = command(lab, "save", "lab_app:made", "lab.tap", "--prepare", "lab_bad:fails", code=1)
        assert "no settings here" in error

    def test_a_stranger(self, lab):
        """The audit allows no more than it lists."""
        (lab / "lab.tax").write_bytes(written("xml", PREPARE))

        table, _ = command(lab, "audit", "lab.tax", code=3)

        assert table.splitlines()[0].split() == ["not", "trusted", "call", "lab_setup.prepare", "the", "header"]
        assert "--trust call:lab_setup.prepare" in table
        command(lab, "load", "lab.tax", "--trust", "call:lab_setup.prepare", "--trust", "lab_models.Model")


class TestRun:
    def test_generations_keep_it(self, lab):
        """`run` prepares the process, for WHAT as for a generation, and each generation names the function."""
        run(lab, WRITE, lab / "lab.tap", "pickle")

        for _ in range(2):
            with Running("--state", "state", "--autosave", "0", "lab.tap", folder=lab) as process:
                process.ready()
                assert process.stop() == 0

        assert process.has("appsnap: resumed from lab-00000001.tap")
        assert {open_snapshot(path).header.prepare for path in lab.glob("state/lab-*")} == {PREPARE}

    def test_the_grants_of_what(self):
        """A generation that another user may have written may call the function of WHAT, and no other one."""
        application = shop.make()

        assert "call:lab_setup.prepare" in grants_of(application, "pickle", prepare=PREPARE).names
        assert "call:lab_setup.prepare" not in grants_of(application, "pickle").names
