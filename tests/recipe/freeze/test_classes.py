import ctypes
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import appsnap
from appsnap import EVERYTHING, CannotSave, dumps, loads
from appsnap.code import skeletons
from appsnap.kinds import KINDS
from appsnap.recipe.freeze.classes import dynamic_class

SCRIPT = Path(__file__).with_name("script_of_classes.py")
NAMES = [line.split('"')[1] for line in SCRIPT.read_text("utf-8").splitlines() if line.startswith('    "')]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return the errors of three sorts: at the save, at a load where the classes are alive, and in a fresh process."""
    folder = tmp_path_factory.mktemp("classes")
    lines = []
    for word in ("save", "load"):
        ran = subprocess.run(
            [sys.executable, SCRIPT, word], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert ran.returncode == 0, ran.stderr
        lines += ran.stdout.splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
class TestInteractive:
    def test_comes_back(self, name, kind, results):
        """A class of an interactive session is saved, and behaves in a fresh process as before."""
        saved, _, fresh = results

        assert saved.get(f"{name}.{kind}") is None
        assert fresh.get(f"{name}.{kind}") is None

    def test_live_class_stays_whole(self, name, kind, results):
        """A load where the class is alive gives objects of that class, and leaves it as it is."""
        assert results[1].get(f"{name}.{kind}") is None


class TestIdentity:
    def test_live_class(self):
        """The class of an identity is the same one, and a change since the save stays."""
        cls = type("Made", (), {"x": 1})
        data = dumps([cls, cls()])
        cls.x = 2

        back, obj = loads(data, trust=EVERYTHING)

        assert back is cls is type(obj)
        assert cls.x == 2

    def test_unfinished_class(self):
        """A class is found by its identity only when it has its attributes."""
        _, made_from, state, *_ = dynamic_class(type("Made", (), {"x": 1}))
        made_from = (*made_from[:2], "0" * 32, *made_from[3:])
        one, other = skeletons.skeleton(*made_from), skeletons.skeleton(*made_from)

        skeletons.finish(one, ("0" * 32, *state[1:]))
        skeletons.finish(other, ("0" * 32, *state[1:]))

        assert one is not other
        assert one.x == other.x == 1
        assert skeletons.skeleton(*made_from) is one


@pytest.mark.parametrize("kind", KINDS)
class TestRefused:
    def refused(self, obj, kind, *words):
        """Assert that an object is refused, with these words."""
        with pytest.raises(CannotSave) as caught:
            dumps({"it": obj}, kind)
        for word in ('object["it"]', "cannot save 1 object", *words):
            assert word in str(caught.value)

    def test_arguments_of_init_subclass(self, kind):
        """Nobody knows the arguments of a class statement any more."""

        class Base:
            def __init_subclass__(cls, *, key):
                pass

        self.refused(types.new_class("Sub", (Base,), {"key": 1}), kind, "wants an argument 'key'")

    def test_name_of_a_script(self, kind, monkeypatch):
        """A name that the protocol of a class gives is refused if it is one of a script."""
        thing = Named()
        for module in ("__main__", "__mp_main__", "<shop.tac>"):
            monkeypatch.setattr(Named, "__module__", module)
            monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(Named=Named, thing=thing))
            self.refused(thing, kind, "thing is a name of the script")


class Named:
    def __reduce__(self):
        return "thing"


class TestMetaclass:
    def test_in_c(self):
        """A class whose metaclass is made in C is refused: it keeps data of its own in the class."""
        made = type(ctypes.Structure)("Made", (ctypes.Structure,), {})

        with pytest.raises(Exception, match="PyCStructType keeps more in it than attributes"):
            dynamic_class(made)

    def test_class_in_c(self):
        """So is a class that is itself made in C."""
        with pytest.raises(Exception, match="_DTypeMeta keeps more in it than attributes"):
            dynamic_class(np.dtypes.Float64DType)


SPAWNS = """
import multiprocessing, sys
import appsnap
from appsnap.kinds import KINDS

class Job:
    def __init__(self): self.n = 1
    def twice(self): return self.n * 2

def save():
    for kind in KINDS:
        appsnap.save([Job(), Job, save], f"job.{kind}", kind=kind)

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=save)
    child.start()
    child.join()
    sys.exit(child.exitcode)
"""


class TestSpawned:
    @pytest.mark.slow
    def test_child(self, tmp_path):
        """Classes of the script of a spawned child are saved by value."""
        (tmp_path / "spawns.py").write_text(SPAWNS, "utf-8")
        subprocess.run([sys.executable, "spawns.py"], cwd=tmp_path, check=True)

        for kind in KINDS:
            job, cls, _ = appsnap.load(tmp_path / f"job.{kind}")
            assert type(job) is cls
            assert job.twice() == 2


class TestPydantic:
    @pytest.mark.parametrize("kind", KINDS)
    def test_validator(self, kind):
        """A model keeps its validators, which are bound methods of the class."""
        pydantic = pytest.importorskip("pydantic")

        class Conf(pydantic.BaseModel):
            port: int = 1

            @pydantic.field_validator("port")
            @classmethod
            def in_range(cls, value):
                if value > 9:
                    raise ValueError("too large")
                return value

        data = dumps(Conf(port=3), kind)
        skeletons._alive.clear()
        back = loads(data, trust=EVERYTHING)

        assert type(back) is not Conf
        assert type(back)(port="4").port == 4
        with pytest.raises(ValueError, match="too large"):
            type(back)(port=10)
