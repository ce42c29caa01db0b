import io
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import appsnap
from appsnap import EVERYTHING, dumps, loads
from appsnap.errors import Damaged
from appsnap.files import layers
from appsnap.files.age import parse_identities
from appsnap.files.streams import Memory, joined
from appsnap.kinds import kind_named, large as large_data
from appsnap.kinds.header import Header
from appsnap.kinds.large import ALIGNMENT, CHUNK, LEAST
from appsnap.kinds.msgpack import writer as msgpack_writer
from appsnap.kinds.pickle.native import _Sink
from appsnap.recipe.freeze import freeze
from isomorphism import difference

KINDS = ("pickle", "msgpack")
SIZES = (LEAST - 1, LEAST, LEAST + 1, 3 * LEAST + 17, CHUNK, CHUNK + 1)


def noise(size, seed=1):
    """Return bytes among which each piece is unlike the others."""
    return np.random.default_rng(seed).bytes(size)


def things(size):
    """Return one of everything that may become a buffer of this size, some of it shared."""
    shared = bytearray(noise(size, 2))
    array = np.frombuffer(bytearray(noise(size // 8 * 8, 3)), "<f8")
    return {
        "bytes": noise(size),
        "bytearray": shared,
        "again": shared,
        "array": array,
        "columns": np.asfortranarray(np.frombuffer(noise(size // 8 * 8, 4), "<i4").reshape(2, -1)),
        "read-only": np.frombuffer(noise(size), "u1"),
        "times": np.arange(size // 8).astype("datetime64[s]"),
        "text": "x" * size,
        "small": [bytearray(b"a"), b"b", 1.5],
    }


def header_of(data, kind):
    if kind == "pickle":
        return pickle.load(io.BytesIO(data))
    import msgpack

    unpacker = msgpack.Unpacker(io.BytesIO(data))
    return unpacker.unpack()


def start_of(data, kind):
    """Return where the body begins."""
    if kind == "pickle":
        file = io.BytesIO(data)
        pickle.load(file)
        return file.tell()
    import msgpack

    unpacker = msgpack.Unpacker(io.BytesIO(data))
    unpacker.skip()
    return unpacker.tell()


def spans_of(data, kind):
    """Return begin and end of each buffer in a document."""
    table, start = header_of(data, kind).get("buffers", []), start_of(data, kind)
    return [(start + offset, start + offset + size) for offset, size in zip(table[::3], table[1::3], strict=True)]


def written(kind, obj):
    """Return the document that is written from the recipe of an object."""
    return b"".join(kind_named(kind).write(Header(kind), freeze(obj), {}))


WAYS = {
    "pickle by C": ("pickle", lambda obj: dumps(obj, "pickle")),
    "pickle by the own writer": ("pickle", lambda obj: written("pickle", obj)),
    "msgpack": ("msgpack", lambda obj: dumps(obj, "msgpack")),
}


@pytest.mark.parametrize("way", WAYS)
class TestRoundTrip:
    @pytest.mark.slow
    @pytest.mark.parametrize("size", SIZES)
    def test_of_all_sizes(self, way, size):
        """What is large comes back equal, what is shared shared, from names and as a whole."""
        _, write = WAYS[way]
        before = things(size)
        data = write(before)

        for trust in ((), EVERYTHING):
            after = loads(data, trust=trust)

            assert difference(before, after) is None
            assert type(after["bytes"]) is bytes
            assert type(after["bytearray"]) is bytearray
            assert after["again"] is after["bytearray"]
            assert after["array"].flags.writeable
            assert after["columns"].flags.f_contiguous
            assert not after["read-only"].flags.writeable

    @pytest.mark.parametrize("size", SIZES)
    def test_where_the_data_is(self, way, size):
        """What is of 64 KiB or more stands as it is where the header says, at a multiple of 64 bytes."""
        kind, write = WAYS[way]
        before = [noise(size), bytearray(noise(size, 2)), noise(10)]
        data = write(before)

        spans = spans_of(data, kind)

        assert len(spans) == (0 if size < LEAST else 2)
        for (begin, end), expected in zip(spans, before, strict=False):
            assert begin % ALIGNMENT == 0
            assert data[begin:end] == expected

    def test_of_many(self, way):
        """There may be many buffers, at every distance from each other."""
        _, write = WAYS[way]
        before = [part for number in range(130) for part in (b"-" * number, noise(LEAST + number, number))]

        for trust in ((), EVERYTHING):
            assert loads(write(before), trust=trust) == before

    def test_without(self, way):
        """Where nothing is large, header and trailer have no more than ever."""
        kind, write = WAYS[way]

        header = header_of(write([b"x" * 1000]), kind)

        assert {"buffers", "padding"}.isdisjoint(header)

    def test_more_than_there_is_room_for_in_the_table(self, way, monkeypatch):
        """Buffers beyond the bound of the table stand in the body."""
        kind, write = WAYS[way]
        monkeypatch.setattr(large_data, "MOST", 2)
        monkeypatch.setattr(msgpack_writer, "MOST", 2)
        before = [noise(LEAST, number) for number in range(4)]
        data = write(before)

        assert len(spans_of(data, kind)) == 2
        assert loads(data) == before


class TestPickle:
    @pytest.mark.parametrize("way", ["pickle by C", "pickle by the own writer"])
    def test_pythons_own_reads_it(self, way):
        """A document with buffers is three pickles in a row all the same."""
        before = things(LEAST)
        data = io.BytesIO(WAYS[way][1](before))

        header, body, trailer = (pickle.load(data) for _ in range(3))

        assert not data.read()
        assert header["kind"] == "pickle"
        assert difference(before, body) is None
        assert len(trailer["buffers"]) == len(header["buffers"]) // 3

    def test_pythons_slow_one_reads_it(self):
        """So does the unpickler that is written in Python, which looks at frames closely."""
        before = [noise(LEAST + 1), bytearray(LEAST), [1.5] * 20_000]
        data = io.BytesIO(dumps(before))

        _, body, _ = (pickle._Unpickler(data).load() for _ in range(3))

        assert body == before

    def test_what_looks_like_a_large_payload(self):
        """Numbers and texts before a large payload that look like its opcode and length are left as they are."""
        large = bytearray(noise(LEAST))
        for opcode in (b"B", b"\x8e", b"\x96", b"X", b"\x95"):
            bait = (opcode + struct.pack("<Q", len(large)))[:8]
            for count in (0, 1, 2, 3, 7_000, 7_281, 7_282, 7_283):
                before = [*[struct.unpack("<d", bait)[0]] * count, opcode, large, None, "é" * LEAST, large, bait]

                assert difference(before, loads(dumps(before), trust=EVERYTHING)) is None

    def test_frames_of_every_length(self):
        """A large payload may stand behind any number of bytes."""
        large = noise(LEAST)
        for count in [*range(12), *range(LEAST - 30, LEAST + 30)]:
            before = ["", b"x" * count, large]

            assert loads(dumps(before), trust=EVERYTHING) == before

    @pytest.mark.parametrize(
        "pieces",
        [
            [b"\x80\x05\x95\xff\x00\x00\x00\x00\x00\x00\x00."],
            [b"\x80\x05abcd"],
            [b"\x80\x05" + b"?" * 9],
            [b"\x80\x05" + b"?" * 30],
            [b"\x80\x05\x96" + struct.pack("<Q", LEAST), bytes(LEAST + 1)],
        ],
    )
    def test_another_pickler(self, pieces):
        """What isn't put together as CPython's pickler does it isn't taken for that."""
        sink = _Sink()

        for piece in pieces[:-1]:
            sink.write(piece)
        with pytest.raises(pickle.PicklingError, match="this Python"):
            sink.write(pieces[-1])


@pytest.mark.parametrize("kind", KINDS)
class TestWhole:
    @pytest.mark.slow
    def test_altered(self, kind):
        """An altered bit is found wherever it is: in a buffer, before one, or in what says where they are."""
        data = dumps([noise(LEAST), bytearray(noise(CHUNK + LEAST, 2))], kind)
        (first, end), (second, last) = spans_of(data, kind)
        places = [*range(20, first), first, end - 1, *range(end, second), second, second + CHUNK, last - 1, last]

        for place in places:
            altered = bytearray(data)
            altered[place] ^= 0x01
            for trust in ((), EVERYTHING):
                with pytest.raises(appsnap.AppsnapError):
                    loads(altered, trust=trust)

    def test_truncated(self, kind):
        """A document that ends before its end is damaged, wherever that is."""
        data = dumps([noise(LEAST), bytearray(noise(LEAST, 2))], kind)
        for length in [*range(0, len(data), 997), *(place - 1 for span in spans_of(data, kind) for place in span)]:
            with pytest.raises(Damaged):
                loads(data[:length], kind=kind)

    @pytest.mark.memory
    def test_no_memory(self, kind, tmp_path):
        """What there is no memory for is an error of its own."""
        code = """
import resource, sys
import appsnap
appsnap.load(sys.argv[1])
with open("/proc/self/statm") as file:
    most = int(file.read().split()[0]) * resource.getpagesize() + (100 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    appsnap.load(sys.argv[2])
except appsnap.errors.CannotLoad as error:
    print(error)
"""
        for name, size in (("small", LEAST), ("large", 200 << 20)):
            appsnap.save([bytes(size), bytearray(size)], tmp_path / name, kind=kind)

        command = [sys.executable, "-c", code, tmp_path / "small", tmp_path / "large"]
        result = subprocess.run(command, capture_output=True, text=True, check=True)

        assert result.stdout == f"{tmp_path / 'large'}: there is no memory for 209,715,200 bytes that the file holds\n"

    def test_signed(self, kind, tmp_path, monkeypatch):
        """The signature covers what is in the buffers: nobody else's data passes for the signer's."""
        monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "configuration"))
        data = bytearray(dumps([noise(LEAST)], kind, sign=True))
        other = dumps([noise(LEAST, 2)], kind)
        begin, end = spans_of(data, kind)[0]
        checksums = [kind_named(kind).read(memoryview(bytes(one))) for one in (data, other)]
        data[begin:end] = other[begin:end]
        old, new = (one.trailer.buffers[0].encode() for one in checksums)

        with pytest.raises(Damaged, match="checksum of large data"):
            loads(data)
        with pytest.raises(Damaged, match="signature"):
            loads(bytes(data).replace(old, new))


class TestBuildingTwice:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("trust", [(), EVERYTHING])
    def test_is_independent(self, kind, trust, tmp_path):
        """What a snapshot builds twice shares nothing, large or small."""
        appsnap.save({"array": np.zeros(LEAST), "bytes": bytearray(LEAST)}, tmp_path / "x", kind=kind)
        snapshot = appsnap.open_snapshot(tmp_path / "x")

        first, second = snapshot.build(trust), snapshot.build(trust)
        first["array"][:] = 1
        first["bytes"][:] = b"x" * LEAST

        assert not second["array"].any()
        assert second["bytes"] == bytes(LEAST)
        assert not snapshot.build(trust)["array"].any()


MEASURED = """
import sys
import appsnap
import numpy as np
from appsnap.files.age import parse_identities

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) >> 10

path, kind, what, size, layer = sys.argv[1:]
size = int(size) << 20
secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
key = parse_identities(secret)[0]
to, by = ({"recipients": [str(key.recipient)]}, {"identities": [secret]}) if layer == "age" else ({}, {})
to |= {"compress": layer == "zstd"}
appsnap.loads(appsnap.dumps(np.zeros(20_000), kind, sign=True, **to), **by)
if what == "dumps":
    array = np.random.default_rng(1).integers(0, 255, size, "u1")
    before = peak()
    assert len(appsnap.dumps(array, kind, **to)) > size
    print(peak() - before - (size >> 20))
elif what == "save":
    array = np.random.default_rng(1).integers(0, 255, size, "u1")
    before = peak()
    appsnap.save([array, 1], path, kind=kind, **to)
    print(peak() - before)
else:
    before = peak()
    array, _ = appsnap.load(path, trust=() if what == "audited" else appsnap.EVERYTHING, **by)
    print(peak() - before - (size >> 20))
    assert array[-1] == np.random.default_rng(1).integers(0, 255, size, "u1")[-1]
"""


SECRET_KEY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


@pytest.mark.parametrize("kind", ["pickle", "msgpack"])
class TestArrays:
    """The memory of a loaded array is like that of any other array."""

    @pytest.mark.parametrize("options", [{}, {"armor": True}, {"compress": True}])
    def test_encrypted_in_memory(self, kind, options):
        """Bytes that are encrypted in their place are those of the stream: they decrypt to the same document."""
        data = np.arange(1_000_000)
        recipient = str(parse_identities(SECRET_KEY)[0].recipient)

        encrypted = dumps(data, kind, recipients=[recipient], **options)

        pieces = layers.unwrap(Memory(encrypted), layers.Opening(identities=[SECRET_KEY])).source.pieces()
        assert joined(pieces) == dumps(data, kind)

    @pytest.fixture
    def loaded(self, kind, tmp_path):
        """Return an array of 8 MB that was loaded from a file."""
        path = tmp_path / "array"
        appsnap.save(np.arange(1_000_000), path, kind=kind)
        return appsnap.load(path)

    def test_saves_again(self, kind, loaded):
        """It gives the same document as the array that was saved."""
        assert dumps(loaded, kind) == dumps(np.arange(1_000_000), kind)

    def test_changes(self, loaded):
        """It can be written to, and its memory is a bytearray of its own."""
        loaded[0] = 7

        assert np.resize(loaded, 1_000_001)[[0, -1]].tolist() == [7, 7]
        assert type(loaded.base) is bytearray

    @pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
    def test_fork(self, loaded):
        """A forked process changes its own array alone."""
        child = os.fork()
        if not child:
            loaded[:] = 0
            os._exit(int(loaded.any()))
        _, code = os.waitpid(child, 0)

        assert code == 0
        assert loaded[-1] == 999_999


@pytest.mark.memory
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system doesn't tell the peak memory")
@pytest.mark.parametrize("kind", KINDS)
class TestMemory:
    @pytest.mark.parametrize("layer", ["none", "age", "zstd"])
    def test_extra(self, kind, layer, tmp_path):
        """A large array is never held twice: not while it is saved, and not while it is loaded, in no layers."""
        environment = os.environ | {"APPSNAP_CONFIG_DIR": str(tmp_path / "configuration")}
        for what in ("dumps", "save", "trusted", "audited"):
            arguments = [tmp_path / "x", kind, what, "192", layer]
            ran = subprocess.run(
                [sys.executable, "-c", MEASURED, *map(str, arguments)],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )

            extra = int(ran.stdout)

            assert extra < 64, what
