import os
import pathlib
import subprocess
import sys

import pytest

import shapes
from appsnap import EVERYTHING, dumps, loads, save
from appsnap.kinds import KINDS

TESTS = pathlib.Path(shapes.__file__).parent


def faults(path, trust):
    """Load a file of shapes in a fresh process, and return the names of those that aren't right."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    code = f"import shapes; shapes.main({str(path)!r}, {trust!r})"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", KINDS)
class TestShapes:
    def test_in_a_fresh_process(self, kind, tmp_path):
        """Attributes, items and arguments of every shape come back, without a call of the class's own constructor."""
        save({name: make() for name, (make, _) in shapes.CASES.items()}, tmp_path / "own", kind=kind)

        assert faults(tmp_path / "own", "own") == []

    @pytest.mark.parametrize("name", shapes.CASES)
    def test_alone(self, kind, name):
        """The same in this process."""
        make, check = shapes.CASES[name]

        check(loads(dumps(make(), kind), trust=EVERYTHING))

    def test_of_a_stranger(self, kind, tmp_path):
        """The same from an unsigned file, with the names granted that it lists."""
        shaped = {name: make() for name, (make, _) in shapes.CASES.items() if name not in shapes.OF_PYTHON}
        save(shaped, tmp_path / "other", kind=kind, sign=False)

        assert faults(tmp_path / "other", "stranger") == []
