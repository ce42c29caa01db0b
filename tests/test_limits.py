import dataclasses
import hashlib
import re
from pathlib import Path

import msgpack
import pytest

import appsnap
from appsnap import service
from appsnap.errors import CannotLoad, Damaged
from appsnap.files import layers, zstd
from appsnap.files.streams import Memory
from appsnap.kinds import documents, kind_named
from appsnap.kinds.header import Header
from appsnap.kinds.msgpack import reader as msgpack_reader
from appsnap.kinds.pickle import document as pickle_kind, unpickler as pickle_unpickler
from appsnap.kinds.xml import reader as xml_reader
from appsnap.limits import FREE_STEPS, LIMITS, over
from appsnap.recipe.steps import Call, List, Name, Recipe, Ref, Value

ROOT = Path(__file__).parents[1]
NAMES = [field.name for field in dataclasses.fields(appsnap.Limits)]


class TestLimits:
    @pytest.mark.parametrize("value", [-1, 1.5, "5", None, True])
    def test_only_whole_numbers(self, value):
        """A limit is a whole number."""
        with pytest.raises(ValueError, match="the limit steps is a whole number"):
            appsnap.Limits(steps=value)

    def test_error(self):
        """The error says which limit it was, its value, and how to raise it."""
        error = over("steps", 1_000, "the recipe is too long")

        assert str(error) == "the recipe is too long: the limit is steps=1,000"
        assert "limits=Limits(steps=…)" in error.hint
        assert "--limit steps=…" in error.hint

    def test_documented(self):
        """The format's description has each limit with its default."""
        rows = dict(re.findall(r"^\| `(\w+)` \| ([0-9,]+) \|", (ROOT / "docs/format.md").read_text(), re.MULTILINE))

        assert {name: int(rows[name].replace(",", "")) for name in NAMES} == dataclasses.asdict(LIMITS)


def nested_lists(levels):
    """Return lists in lists: a step for each, in every kind."""
    nested = []
    for _ in range(levels - 1):
        nested = [nested]
    return nested


class TestReading:
    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_steps(self, kind):
        """A recipe of more steps is refused in every kind, and read where the limit is raised to their number."""
        data = appsnap.dumps([[number] for number in range(10)], kind)
        limits = appsnap.Limits(steps=10)

        with pytest.raises(CannotLoad, match=r"(?m)steps=10$") as caught:
            appsnap.loads(data, limits=limits)

        assert "--limit steps=…" in caught.value.hint
        assert len(appsnap.loads(data, limits=appsnap.Limits(steps=11))) == 10

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_steps_of_a_compressed_file(self, kind, tmp_path, monkeypatch):
        """A stranger's small file with very many steps is refused; the same file is read for its owner."""
        path = tmp_path / "file"
        records = [[] for _ in range(FREE_STEPS + 1_000)]
        free = appsnap.Limits(steps_per_byte=0)
        appsnap.save(records, path, kind=kind, compress=True)

        assert appsnap.load(path, limits=free) == records
        assert len(appsnap.open_snapshot(path, limits=free).document.recipe.steps) > FREE_STEPS
        monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "stranger"))
        for look in (appsnap.load, appsnap.open_snapshot):
            with pytest.raises(CannotLoad, match=r"(?m)the limit is steps_per_byte=0$") as caught:
                look(path, limits=free)
        assert "--limit steps_per_byte=…" in caught.value.hint
        assert appsnap.load(path, limits=appsnap.Limits(steps_per_byte=4)) == records

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_padding_has_no_weight(self, kind):
        """Zeros behind a frame raise no limit on steps."""
        frame = appsnap.dumps([[] for _ in range(100)], kind, compress=True)
        padded = frame + b"\x50\x2a\x4d\x18" + (1 << 20).to_bytes(4, "little") + bytes(1 << 20)
        unwrapped = layers.unwrap(Memory(padded), layers.Opening())
        _, document = documents.open_document(unwrapped, None, LIMITS)

        assert document.recipe.steps
        assert unwrapped.weight == len(frame)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"N" + b"\x94" * 2_000_000, id="memo"),
            pytest.param(b"(" * 300_000, id="marks"),
            pytest.param(b"]0" * 300_000 + b"N", id="dropped"),
            pytest.param(b")" * 300_000, id="tuples"),
        ],
    )
    def test_what_lies_open_in_a_compressed_file(self, body):
        """All that costs more memory than it has bytes is bounded by the size of the file."""
        data = b"".join(zstd.compress([b"\x80\x05" + body + b"."]))

        with pytest.raises(CannotLoad, match=r"(?m)too many .+ are open: the limit is steps_per_byte=4$"):
            appsnap.loads(data)

    def test_header_and_trailer(self):
        """A header or a trailer may not hold what no body of this size may."""
        body = b"\x91\x91\x00"
        head = b"\x84\xa7appsnap\x01\xa4kind\xa7msgpack\xa4size\x03\xa1x\xdc\x07\xd0" + b"\x90" * 2_000
        trailer = msgpack.packb({"sha256": hashlib.sha256(head + body).hexdigest()})
        nested = b"\x80\x05\x95" + bytes(8) + b"}\x94(\x8c\x07appsnap\x94K\x01\x8c\x01x](" + b"]" * 200_000

        with pytest.raises(Damaged, match="too many lists and maps"):
            appsnap.loads(head + body + trailer)
        with pytest.raises(CannotLoad, match="too many containers are open"):
            appsnap.loads(nested + b"eu.")

    def test_copies_of_a_compressed_file(self):
        """Copies are relative to the file, too, and not to the content that comes out of it."""
        steps = [Value("x" * 600_000), List([None] * 300_000), Name("collections", "deque")]
        steps += [Call(Ref(2), [Ref(1)]) for _ in range(10)]
        recipe = Recipe([*steps, List([Ref(0), *map(Ref, range(3, 13))])], Ref(13))
        plain = b"".join(kind_named("pickle").write(Header("pickle"), recipe, {}))
        packed = b"".join(zstd.compress([plain]))

        assert len(appsnap.loads(plain)) == 11
        with pytest.raises(CannotLoad, match="copies=4"):
            appsnap.loads(packed)
        assert len(appsnap.loads(packed, limits=appsnap.Limits(copies=1_000))) == 11

    @pytest.mark.parametrize("body", [b"]" * 11, b"}" * 11, b")" * 11, b"(" * 11, b"(" + b"]" * 11 + b"l"])
    def test_what_lies_open(self, body):
        """Containers and marks of a pickle count before they are steps."""
        with pytest.raises(CannotLoad, match=r"(?m)too many \w+ are open: the limit is steps=10$"):
            appsnap.loads(b"\x80\x05" + body + b".", limits=appsnap.Limits(steps=10))

    def test_what_was_open(self):
        """A container that a step has made lies open no longer, nor do arguments and states that were handed over."""
        root = service.MultiService()
        for _ in range(100):
            service.Service().setServiceParent(root)
        data = appsnap.dumps(root, "pickle")
        steps = len(pickle_kind.read(memoryview(data)).recipe.steps)

        assert len(appsnap.loads(data, limits=appsnap.Limits(steps=steps)).services) == 100

    def test_announced(self):
        """The announced sizes of a msgpack file are checked before anything is unpacked."""
        body = b"\xdc\x00\x15" + b"\xc1" * 21  # a byte that is never used
        head = msgpack.packb({"appsnap": 1, "kind": "msgpack", "size": len(body)})
        data = head + body + msgpack.packb({"sha256": hashlib.sha256(head + body).hexdigest()})

        with pytest.raises(CannotLoad, match=r"(?m)steps=19$"):
            appsnap.loads(data, limits=appsnap.Limits(steps=19))
        with pytest.raises(Damaged):
            appsnap.loads(data, limits=appsnap.Limits(steps=20))

    @pytest.mark.parametrize("kind", ["pickle", "msgpack", "xml"])
    def test_no_memory(self, monkeypatch, kind):
        """Where memory ends all the same, that is an error of ours."""

        def end(*_):
            raise MemoryError

        data = appsnap.dumps([1], kind)
        monkeypatch.setattr(pickle_unpickler.StepUnpickler, "append", end)
        monkeypatch.setattr(msgpack_reader.StepDecoder, "add", end)
        monkeypatch.setattr(xml_reader.Reader, "_statement", end)

        with pytest.raises(CannotLoad, match="there is no memory"):
            appsnap.loads(data)

    def test_opening(self, tmp_path):
        """A snapshot that is only looked at is held to the limits, too."""
        path = tmp_path / "list.tap"
        appsnap.save([[1], [2]], path, sign=False)

        with pytest.raises(CannotLoad, match=r"(?m)steps=2$"):
            appsnap.open_snapshot(path, limits=appsnap.Limits(steps=2))

    @pytest.mark.parametrize("layer", [{}, {"compress": True}])
    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_own(self, kind, layer, tmp_path, monkeypatch):
        """A file of one's own may have any number of steps: it is looked at, verified, loaded and converted."""
        path, other = tmp_path / "file", tmp_path / "other"
        nested = nested_lists(100)
        few = appsnap.Limits(steps=50)
        appsnap.save(nested, path, kind=kind, **layer)

        snapshot = appsnap.open_snapshot(path, limits=few)
        snapshot.save(other, kind="msgpack")

        assert len(snapshot.document.recipe.steps) > few.steps
        assert appsnap.load(path, limits=few) == appsnap.load(other, limits=few, mmap=True) == nested
        monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "stranger"))
        for file in (path, other):
            with pytest.raises(CannotLoad, match=r"(?m)the limit is steps=50$"):
                appsnap.open_snapshot(file, limits=few)

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_passphrase(self, kind, tmp_path):
        """So is a file that a passphrase opens."""
        data = appsnap.dumps(nested_lists(100), kind, passphrase="secret")

        assert appsnap.loads(data, passphrase="secret", limits=appsnap.Limits(steps=50)) == nested_lists(100)

    def test_edited(self, tmp_path):
        """A file of one's own that was edited has the limit."""
        path = tmp_path / "file.tas"
        appsnap.save([[str(number)] for number in range(100)], path)
        path.write_text(path.read_text().replace('"7"', '"8"'))

        with pytest.raises(CannotLoad, match=r"(?m)the limit is steps=100$"):
            appsnap.open_snapshot(path, limits=appsnap.Limits(steps=100))

    def test_building(self, tmp_path):
        """The building of a recipe has its own limits."""
        path = tmp_path / "dict.tap"
        appsnap.save({((1, 2), 3): 4}, path, sign=False)
        snapshot = appsnap.open_snapshot(path)

        with pytest.raises(CannotLoad, match=r"(?m)key_depth=1$"):
            snapshot.build(limits=appsnap.Limits(key_depth=1))
        assert snapshot.build(limits=appsnap.Limits(key_depth=2)) == {((1, 2), 3): 4}

    def test_trusted_as_code(self):
        """A file trusted as code isn't held to the limits of building."""
        data = appsnap.dumps({((1, 2), 3): 4}, "msgpack")

        made = appsnap.loads(data, trust=appsnap.EVERYTHING, limits=appsnap.Limits(key_depth=1, key_items=0, copies=0))

        assert made == {((1, 2), 3): 4}

    def test_expansion(self, tmp_path):
        """A zstd frame holds at most a multiple of its size, beyond a free amount."""
        path = tmp_path / "zeros.tap"
        path.write_bytes(b"".join(zstd.compress([appsnap.dumps(bytes(65 << 20))])))

        with pytest.raises(CannotLoad, match=r"(?m)holds more than [0-9,]+ bytes: the limit is expansion=1$") as caught:
            appsnap.load(path, limits=appsnap.Limits(expansion=1))

        assert type(caught.value) is CannotLoad
        assert len(appsnap.load(path, limits=appsnap.Limits(expansion=40_000))) == 65 << 20

    @pytest.mark.slow
    def test_work_factor(self, tmp_path):
        """A file that asks for more work than allowed is refused before any of it is done."""
        path = tmp_path / "secret.etap"
        appsnap.save([1], path, passphrase="correct horse")

        with pytest.raises(CannotLoad, match=r"(?m)work factor 18: the limit is work_factor=17$") as caught:
            appsnap.load(path, passphrase="correct horse", limits=appsnap.Limits(work_factor=17))

        assert type(caught.value) is CannotLoad
