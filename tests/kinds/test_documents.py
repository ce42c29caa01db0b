import ast
import os
import threading
from pathlib import Path

import pytest

import appsnap
from appsnap.files.age import X25519Identity
from appsnap.kinds import KINDS, kind_named

SIZE = 40 << 20
KEY = X25519Identity.parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
LAYERS = {"none": {}, "age": {"recipients": [str(KEY.recipient)]}, "zstd": {"compress": True}}


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "configuration"))


class TestProgress:
    @pytest.mark.slow
    @pytest.mark.parametrize("layer", LAYERS)
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_is_told(self, kind, layer, tmp_path):
        """How far a save is, and a load, is told on the way, up to the end, whatever the layers."""
        saved, loaded = [], []
        appsnap.save(
            [bytearray(SIZE), os.urandom(SIZE)],
            tmp_path / "x",
            kind=kind,
            progress=lambda *how_far: saved.append(how_far),
            **LAYERS[layer],
        )
        opener = {"identities": [str(KEY)]} if layer == "age" else {}
        appsnap.load(tmp_path / "x", progress=lambda *how_far: loaded.append(how_far), **opener)

        for told, size in ((saved, 2 * SIZE), (loaded, (tmp_path / "x").stat().st_size)):
            assert len(told) > 4
            assert told == sorted(told)
            assert {total for _, total in told} == {told[-1][0]}
            assert size <= told[-1][1] < size + 10_000

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_what_is_small(self, kind, tmp_path):
        """It is told of every kind, however small a file is."""
        told = []
        appsnap.save([1], tmp_path / "x", kind=kind, progress=lambda *how_far: told.append(how_far))
        appsnap.open_snapshot(tmp_path / "x", progress=lambda *how_far: told.append(how_far))

        assert all(0 < done <= total for done, total in told)
        assert told[-1] == ((tmp_path / "x").stat().st_size,) * 2

    def test_of_a_conversion(self, tmp_path):
        """It is told of what is written from a snapshot, too."""
        told = []
        appsnap.save([bytearray(SIZE)], tmp_path / "x")
        appsnap.open_snapshot(tmp_path / "x").save(
            tmp_path / "y", kind="msgpack", progress=lambda *how_far: told.append(how_far)
        )

        assert len(told) > 4
        assert told[-1][0] == told[-1][1] > SIZE


@pytest.mark.slow
class TestInterrupted:
    @pytest.mark.parametrize("layer", LAYERS)
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_a_save(self, kind, layer, tmp_path):
        """Ctrl-C in the middle of a large save leaves the old file as it was, nothing else, and no thread at work."""
        path = tmp_path / "files" / "x"
        path.parent.mkdir()
        appsnap.save(["old"], path)
        threads = threading.active_count()

        def interrupt(done, total):
            if done > total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            appsnap.save([os.urandom(SIZE)], path, kind=kind, progress=interrupt, **LAYERS[layer])

        assert appsnap.load(path) == ["old"]
        assert [*path.parent.iterdir()] == [path]
        assert threading.active_count() == threads

    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_a_load(self, kind, tmp_path):
        """Ctrl-C in the middle of a large load leaves no thread at work, and the file can be loaded again."""
        appsnap.save([bytearray(SIZE)], tmp_path / "x", kind=kind)
        threads = threading.active_count()

        def interrupt(done, total):
            if done > total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            appsnap.load(tmp_path / "x", progress=interrupt)

        assert threading.active_count() == threads
        assert len(appsnap.load(tmp_path / "x")[0]) == SIZE


SOURCE = Path(appsnap.__file__).parent
# Only the pickle in it tells a file in the old encryption of Twisted.
ABOUT_PICKLES = {"twisted_encryption.py"}


def imported(path):
    """Yield the names of all modules that a file imports, and of all that it imports from them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


class TestKinds:
    def test_nobody_knows_a_kind_by_name(self):
        """No module outside of the kinds imports one of them: all that a kind can do is told by its record."""
        packages = tuple(f"appsnap.kinds.{kind}" for kind in KINDS)

        found = {
            path.relative_to(SOURCE).as_posix()
            for path in SOURCE.rglob("*.py")
            if not path.is_relative_to(SOURCE / "kinds") or path.parent == SOURCE / "kinds"
            if any(name.startswith(packages) for name in imported(path))
        }

        assert found <= ABOUT_PICKLES

    @pytest.mark.parametrize("name", KINDS)
    def test_capabilities(self, name):
        """A kind has the functions of the capabilities that it declares, and no others."""
        kind = kind_named(name)
        package = kind._package()

        assert hasattr(package, "write_objects") == kind.objects
        assert hasattr(package, "locate") == kind.large_data
        assert hasattr(package, "signed") == kind.text
