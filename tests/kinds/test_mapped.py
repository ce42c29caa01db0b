import dataclasses
import itertools
import mmap
import os

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import appsnap
from appsnap import EVERYTHING
from appsnap.errors import CannotLoad, Damaged, NotTrusted, PassphraseError, WrongKind
from appsnap.kinds import kind_named
from appsnap.kinds.large import LEAST
from isomorphism import difference
from vectors.layout import read

MAPPED = ("pickle", "msgpack")
IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("APPSNAP_CONFIG_DIR", str(tmp_path / "configuration"))


def things():
    """Return arrays of many sorts, and what else is large."""
    numbers = np.arange(LEAST, dtype="<i8")
    shared = bytearray(b"s" * LEAST)
    return {
        "numbers": numbers,
        "columns": np.asfortranarray(numbers.reshape(2, -1)),
        "records": np.zeros(LEAST, [("a", "<i2"), ("b", "<U3")]),
        "times": numbers.astype("datetime64[s]"),
        "read-only": np.frombuffer(b"r" * LEAST, "u1"),
        "small": np.arange(10),
        "bytes": b"b" * LEAST,
        "bytearray": shared,
        "again": shared,
        "text": "t" * LEAST,
        "view": memoryview(bytearray(b"v" * LEAST)),
    }


@dataclasses.dataclass
class Pair:
    """Something of two."""

    one: object
    other: object


def base_of(array):
    """Return what the data of an array is in the end."""
    while isinstance(array, (np.ndarray, memoryview)):
        array = array.obj if isinstance(array, memoryview) else array.base
    return array


@pytest.mark.parametrize("kind", MAPPED)
class TestMapped:
    @pytest.mark.parametrize("sign", [True, False])
    @pytest.mark.parametrize("trust", [(), EVERYTHING])
    def test_is_equal(self, kind, tmp_path, sign, trust):
        """What is mapped is equal to what is loaded, whether it is trusted as a whole or by its names."""
        path = tmp_path / "x"
        appsnap.save(things(), path, kind=kind, sign=sign)

        mapped, loaded = (appsnap.load(path, trust=trust, mmap=way) for way in (True, False))

        assert difference(things(), mapped) is None
        assert difference(loaded, mapped) is None

    def test_what_is_a_view(self, kind, tmp_path):
        """Large arrays are views of the file; all else is an object of its own."""
        path = tmp_path / "x"
        appsnap.save(things(), path, kind=kind)

        mapped = appsnap.load(path, mmap=True)

        views = {name for name, thing in mapped.items() if isinstance(base_of(thing), mmap.mmap)}
        assert views == {"numbers", "columns", "records", "times", "read-only"}
        assert type(mapped["bytes"]) is bytes
        assert mapped["again"] is mapped["bytearray"]

    def test_writing_stays_here(self, kind, tmp_path):
        """What is written to a mapped array never reaches the file, nor another load of it."""
        path = tmp_path / "x"
        appsnap.save(things(), path, kind=kind)
        before = path.read_bytes()
        first, second = (appsnap.load(path, mmap=True) for _ in range(2))

        first["numbers"][:] = -1

        assert path.read_bytes() == before
        assert second["numbers"][1] == 1
        assert first["columns"][0, 1] == 1
        with pytest.raises(ValueError, match="read-only"):
            first["read-only"][0] = 1

    def test_the_file_may_be_replaced(self, kind, tmp_path):
        """Objects can be saved to the file that they are mapped from: what they have is the old one, until they go."""
        path = tmp_path / "x"
        appsnap.save(things(), path, kind=kind)
        mapped = appsnap.load(path, mmap=True)
        mapped["numbers"][0] = 17

        appsnap.save(mapped, path, kind=kind)
        path.write_bytes(path.read_bytes())

        assert appsnap.load(path, mmap=True)["numbers"][0] == 17
        assert mapped["numbers"][-1] == LEAST - 1

    def test_what_is_used_otherwise_too(self, kind, tmp_path):
        """Data of an array that something else has as well is copied for both."""
        data = bytearray(b"d" * LEAST)
        path = tmp_path / "x"
        array = np.ndarray((LEAST,), "u1", data)
        appsnap.save([Pair(array, data), Pair(array, array)], path, kind=kind)

        first, second = appsnap.load(path, mmap=True, trust=EVERYTHING)

        assert second.one is second.other is first.one
        assert type(first.other) is bytearray

    def test_nothing_large(self, kind, tmp_path):
        """A file in which nothing is large can be mapped, too; so can a bare pickle, and the root may be an array."""
        for number, thing in enumerate(([1, "a"], np.arange(LEAST), bytearray(LEAST), b"x" * LEAST)):
            appsnap.save(thing, tmp_path / str(number), kind=kind)

            assert difference(thing, appsnap.load(tmp_path / str(number), mmap=True)) is None

    def test_verified(self, kind, tmp_path):
        """All but the data of the buffers is verified: an altered byte of it is found, and nothing is built."""
        path = tmp_path / "x"
        appsnap.save([np.arange(LEAST)], path, kind=kind)
        data = path.read_bytes()
        parts = kind_named(kind).read(memoryview(data)).recipe
        large = next(bytes(step[0]) for step in parts.steps if isinstance(step[0], bytearray) and len(step[0]) >= LEAST)
        begin = data.index(large)
        places = [*range(20, begin, 7), begin - 1, *range(begin + len(large), len(data), 7)]

        for place in places:
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            try:
                found = appsnap.load(path, mmap=True)
            except appsnap.AppsnapError:
                continue
            # Names of fields and versions that no reader knows.
            assert place >= begin + len(large)
            assert difference([np.arange(LEAST)], found) is None

    def test_data_that_is_altered(self, kind, tmp_path):
        """That of the buffers isn't looked at: it comes as it is, and only loading without mmap finds it."""
        path = tmp_path / "x"
        appsnap.save([np.arange(LEAST)], path, kind=kind)
        with path.open("r+b") as file:
            file.seek(LEAST)
            file.write(b"!")

        assert difference([np.arange(LEAST)], appsnap.load(path, mmap=True)) is not None
        with pytest.raises(Damaged, match="checksum of large data"):
            appsnap.load(path)

    @pytest.mark.parametrize("trust", [(), EVERYTHING])
    def test_other_data_that_is_altered(self, kind, trust, tmp_path):
        """What isn't only the data of an array is verified: it may be code to those who trust the file."""
        data = bytearray(b"d" * LEAST)
        array = np.ndarray((LEAST,), "u1", data)
        large = bytearray(b"l" * (9 << 20))
        for number, thing in enumerate(([b"x" * LEAST], [large], [np.arange(LEAST), large], [array, data], [[large]])):
            path = tmp_path / str(number)
            appsnap.save(thing, path, kind=kind)
            with path.open("r+b") as file:
                file.seek(-50_000, os.SEEK_END)
                file.write(b"!")

            with pytest.raises(Damaged, match="checksum of large data"):
                appsnap.load(path, mmap=True, trust=trust)

    def test_truncated(self, kind, tmp_path):
        """A truncated file is refused, wherever it ends."""
        path = tmp_path / "x"
        appsnap.save(things(), path, kind=kind)
        size = path.stat().st_size
        for length in (size - 1, size // 2, 200, 20, 1, 0):
            os.truncate(path, length)
            with pytest.raises(Damaged):
                appsnap.load(path, kind=kind, mmap=True)

    def test_trust(self, kind, tmp_path):
        """Names are agreed to as ever: nothing is imported before."""
        path = tmp_path / "x"
        appsnap.save([np.arange(LEAST), Pair(1, 2)], path, kind=kind, sign=False)

        with pytest.raises(NotTrusted, match="Pair"):
            appsnap.load(path, mmap=True)
        assert appsnap.load(path, mmap=True, trust=[f"{__name__}.Pair"])[1] == Pair(1, 2)

    def test_another_kind(self, kind, tmp_path):
        """A file of another kind than the one that was asked for is refused."""
        appsnap.save([1], tmp_path / "x", kind=kind)

        with pytest.raises(WrongKind):
            appsnap.load(tmp_path / "x", kind="xml", mmap=True)


VECTORS = read("*-buffers.txt")


class TestVectors:
    @pytest.mark.parametrize("name", VECTORS)
    def test_a_mapped_one(self, name, tmp_path):
        """A hostile table is found in a mapped file, too. Altered data isn't: only its checksum would tell."""
        vector = VECTORS[name].vector()
        (tmp_path / "x").write_bytes(vector.payload)
        unseen = name.endswith(("-sums-wrong", "-altered"))

        try:
            found = repr(appsnap.load(tmp_path / "x", kind=vector.kind, trust=vector.trust, mmap=True))
        except appsnap.AppsnapError as error:
            assert not unseen
            assert type(error) is {"damaged": Damaged, "not trusted": NotTrusted}[vector.expect]
        else:
            assert unseen or found == vector.result


class TestRefused:
    @pytest.mark.parametrize("kind", ["source", "xml"])
    def test_kinds(self, kind, tmp_path):
        """Source and xml hold no bytes that could be mapped."""
        appsnap.save([1], tmp_path / "x", kind=kind)

        with pytest.raises(CannotLoad, match=f"can be mapped, and this one is of kind {kind}"):
            appsnap.load(tmp_path / "x", mmap=True)

    @pytest.mark.slow
    def test_layers(self, tmp_path):
        """What is encrypted or compressed can't be mapped, and no passphrase is asked for."""
        appsnap.save([1], tmp_path / "e", passphrase="tea")
        appsnap.save([1], tmp_path / "a", passphrase="tea", armor=True)
        appsnap.save([1], tmp_path / "z", compress=True)

        for name, what in (("e", "encrypted"), ("a", "encrypted"), ("z", "compressed")):
            with pytest.raises(CannotLoad, match=f"can be mapped, and this one is {what}"):
                appsnap.load(tmp_path / name, mmap=True, passphrase=lambda: pytest.fail("it was asked for"))

    def test_a_passphrase_for_a_plain_file(self, tmp_path):
        """A plain file in the place of an encrypted one is noticed here, too."""
        appsnap.save([1], tmp_path / "x")

        for opener in ({"passphrase": "tea"}, {"identities": [IDENTITY]}):
            with pytest.raises(PassphraseError, match="isn't encrypted"):
                appsnap.load(tmp_path / "x", mmap=True, **opener)


DTYPES = st.sampled_from(["u1", "<i4", ">f8", "<M8[s]", "S3", "<U2", "<c16", "?", "f2"])


@st.composite
def graphs(draw):
    """Make lists of arrays that may share memory, byte strings and bytearrays, of sizes around that of a buffer."""
    things = []
    for _ in range(draw(st.integers(1, 5))):
        size = draw(st.sampled_from([0, 1, 100, LEAST - 1, LEAST, LEAST + 63, 3 * LEAST]))
        data = np.random.default_rng(size).bytes(size)
        dtype = np.dtype(draw(DTYPES))
        array = np.frombuffer(bytearray(data), "u1").astype("i8").astype(dtype)
        match draw(st.integers(0, 5)):
            case 0:
                things.append(draw(st.sampled_from([bytes, bytearray]))(data))
            case 1:
                things.append(np.asfortranarray(array[: size // 4 * 4].reshape(2, -1)))
            case 2:
                things += [array, array[draw(st.integers(0, 50)) :: draw(st.sampled_from([-3, -1, 1, 2]))]]
            case 3:
                array.flags.writeable = False
                things.append(array)
            case _:
                things += [array] * draw(st.integers(1, 2))
    return draw(st.permutations(things))


class TestAllWays:
    @pytest.mark.slow
    @settings(max_examples=60)
    @given(before=graphs(), kind=st.sampled_from(MAPPED), signed=st.booleans())
    def test_are_equal(self, tmp_path_factory, before, kind, signed):
        """Whatever large data is saved: the audited, the trusted and the mapped load of it give equal objects."""
        path = tmp_path_factory.mktemp("x") / "x"
        appsnap.save(before, path, kind=kind, sign=signed)

        for how in ({}, {"trust": EVERYTHING}, {"mmap": True}, {"mmap": True, "trust": EVERYTHING}):
            after = appsnap.load(path, **how)

            assert difference(before, after) is None
            for one, other in itertools.combinations([n for n, x in enumerate(before) if type(x) is np.ndarray], 2):
                assert np.shares_memory(before[one], before[other]) == np.shares_memory(after[one], after[other])
