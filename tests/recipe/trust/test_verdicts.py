"""One verdict for strangers' files: what the audit lists is what a load needs, in every kind."""

import json
import os
import subprocess
import sys

import pytest

import strangers
import zoo
from appsnap import EVERYTHING, dumps, loads, open_snapshot
from appsnap.errors import NotTrusted
from appsnap.kinds import KINDS

VALUES = {f"value {number}": value for number, value in enumerate([*zoo.VALUES, *zoo.ARRAYS])}

CHILD = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from appsnap import EVERYTHING, dumps, load, open_snapshot
found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    snapshot = open_snapshot(path)
    said = [str(one) for one in snapshot.obstacles if not one.depends_on]
    code = any(want.carries_code for want in snapshot.names)
    try:
        loaded = load(path, trust=[want.grant for want in snapshot.names])
    except Exception as error:
        found[path.name] = said or f"{type(error).__name__}: {error}"
        continue
    same = code or dumps(loaded, "msgpack") == dumps(load(path, trust=EVERYTHING), "msgpack")
    found[path.name] = ("said to be impossible" if said else "loaded") if same else "another object"
print(json.dumps(found))
"""


def in_a_fresh_process(folder):
    """Load each file of a folder with the names that its audit lists. Return the outcomes by name."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    child = [sys.executable, "-c", CHILD, str(folder)]
    done = subprocess.run(child, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.filterwarnings("ignore:Pickle, copy, and deepcopy support:DeprecationWarning")  # of itertools, until 3.14
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_listed_names_are_enough(tmp_path, kind):
    """With exactly the names that the audit lists, every object loads, and is the one that was saved."""
    for name, make in [*strangers.MAKERS.items(), *VALUES.items()]:
        (tmp_path / name).write_bytes(dumps({"it": make() if name in strangers.MAKERS else make}, kind))
    for name, make in strangers.BY_VALUE.items():
        (tmp_path / f"code {name}").write_bytes(dumps({"it": make()}, kind))

    found = in_a_fresh_process(tmp_path)

    assert {name: outcome for name, outcome in found.items() if outcome != "loaded"} == {}
    assert len(found) == len(strangers.MAKERS) + len(VALUES) + len(strangers.BY_VALUE)


def audited(obj, kind, folder):
    """Return a snapshot of an object, its bytes, and the names that it lists."""
    data = dumps({"it": obj}, kind)
    path = folder / "file"
    path.write_bytes(data)
    snapshot = open_snapshot(path)
    return snapshot, data, [want.grant for want in snapshot.names]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", strangers.IMPOSSIBLE)
def test_impossible(tmp_path, kind, name):
    """The audit says beforehand what no trust in names allows, with the path, and the load says the same."""
    make, reason = strangers.IMPOSSIBLE[name]

    snapshot, data, trust = audited(make(), kind, tmp_path)

    said = [obstacle for obstacle in snapshot.obstacles if not obstacle.depends_on]
    assert [reason in obstacle.reason for obstacle in said] == [True]
    assert said[0].path.startswith('object["it"]')
    with pytest.raises(NotTrusted) as caught:
        loads(data, trust=trust)
    assert caught.value.obstacles == tuple(said)
    assert str(said[0]) in str(caught.value)
    assert "EVERYTHING" in caught.value.hint
    loads(data, trust=EVERYTHING)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", strangers.DEPENDS)
def test_depends_on_the_class(tmp_path, kind, name):
    """Where only the class can tell, the audit names it, and the load says the path."""
    make, reason = strangers.DEPENDS[name]

    snapshot, data, trust = audited(make(), kind, tmp_path)

    assert [reason in obstacle.reason for obstacle in snapshot.obstacles] == [True]
    assert snapshot.obstacles[0].depends_on in ("strangers.Box", "strangers.Failure")
    with pytest.raises(NotTrusted, match=r'object\["it"\]') as caught:
        loads(data, trust=trust)
    assert reason in str(caught.value)
    loads(data, trust=EVERYTHING)


@pytest.mark.parametrize("kind", KINDS)
def test_no_obstacle(tmp_path, kind):
    """A class with a `__setstate__` takes any state; the audit, which doesn't know it, says that it depends on it."""
    snapshot, data, trust = audited(strangers.Keeps({"__dict__": {"a": 1}}), kind, tmp_path)

    assert [obstacle.depends_on for obstacle in snapshot.obstacles] == ["strangers.Keeps"]
    assert loads(data, trust=trust)["it"].state == {"__dict__": {"a": 1}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", strangers.BY_VALUE)
def test_code_needs_all_names(tmp_path, kind, name):
    """What is made by code in the file loads with all of the names that are listed, and with no name of code less."""
    snapshot, data, trust = audited(strangers.BY_VALUE[name](), kind, tmp_path)
    code = {want.grant for want in snapshot.names if want.carries_code}

    assert code
    for missing in code:
        with pytest.raises(NotTrusted):
            loads(data, trust=[entry for entry in trust if entry != missing])
