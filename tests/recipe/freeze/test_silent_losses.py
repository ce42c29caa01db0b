"""Objects that pickle brings back changed, without a word: they come back whole, or are refused."""

import io
import struct
import zoneinfo

import numpy as np
import pytest

from appsnap import EVERYTHING, CannotSave, dumps, loads, open_snapshot, save
from appsnap.kinds import KINDS


def came_back(obj, kind, trust=EVERYTHING):
    return loads(dumps(obj, kind), trust=trust)


def refusal(obj, kind):
    with pytest.raises(CannotSave) as caught:
        dumps({"it": obj}, kind)
    return str(caught.value)


def as_a_stranger(obj, kind, tmp_path):
    """Return an object that is loaded from an unsigned file, with all names granted that it lists."""
    path = tmp_path / "stranger"
    save(obj, path, kind=kind, sign=False)
    snapshot = open_snapshot(path)
    return snapshot.build(trust=[want.grant for want in snapshot.names])


FIELDS = [("a", "<i4"), ("b", "<f8")]


class Setting:
    """It compares its value with a mark of its class by `is`."""

    UNSET = object()

    def __init__(self, value=UNSET):
        self.value = value


@pytest.mark.parametrize("kind", KINDS)
def test_mark_of_a_class(kind, tmp_path):
    """A bare object that is an attribute of a class stays that object."""
    for made in (came_back(Setting(), kind), as_a_stranger(Setting(), kind, tmp_path)):
        assert made.value is Setting.UNSET


@pytest.mark.parametrize("kind", KINDS)
class TestNumpy:
    @pytest.mark.parametrize(
        "dtype",
        [
            np.dtype((np.record, FIELDS)),
            np.dtype([("r", np.dtype((np.record, FIELDS)), (2,)), ("n", "i1")]),
            np.dtype("longlong"),
            np.dtype(">u8").newbyteorder("<"),
            np.dtype([("x", "ulonglong"), (("title", "y"), ">f4", (2, 2))]),
            np.dtype("g"),
        ],
    )
    def test_dtype(self, kind, dtype, tmp_path):
        """A dtype gives items of the same types, also where `==` takes a plainer one for equal."""
        for made in (came_back(dtype, kind), as_a_stranger(dtype, kind, tmp_path)):
            assert made == dtype
            assert (made.type, made.char, str(made)) == (dtype.type, dtype.char, str(dtype))

    @pytest.mark.parametrize(
        "dtype",
        [
            np.dtype({"names": ["b", "a"], "offsets": [8, 0], "formats": ["i4", "i4"], "itemsize": 16}),
            np.dtype({"names": ["b", "a"], "offsets": [0, 2], "formats": ["i4", "i4"]}),
            np.dtype([("a", np.dtype("f8", metadata={"unit": "m"}))]),
            np.dtype((np.record, {"names": ["a", "b"], "formats": ["i1", "f8"], "aligned": True})),
            np.dtype(("i4", (2,))),
        ],
    )
    def test_odd_dtype(self, kind, dtype):
        """Fields in another order, fields that overlap, and dtypes with metadata come back."""
        made = came_back(dtype, kind)

        assert (made, made.type, repr(made)) == (dtype, dtype.type, repr(dtype))
        assert made.names is None or made.fields[made.names[0]][0].metadata == dtype.fields[made.names[0]][0].metadata

    def test_record_array(self, kind, tmp_path):
        """The items of a record array are records."""
        array = np.rec.array([(1, 2.5), (3, 4.5)], dtype=FIELDS)

        for made in (came_back(array, kind), as_a_stranger(array, kind, tmp_path)):
            assert type(made) is np.recarray
            assert type(made[1]) is np.record
            assert (made[1].a, made.b.tolist()) == (3, [2.5, 4.5])

    def test_limits_of_floats(self, kind, tmp_path):
        """The limits of a type of floats are found again by their dtype."""
        assert came_back(np.finfo("f4"), kind, trust=()).eps == np.finfo("f4").eps
        assert came_back(np.iinfo("i2"), kind).max == np.iinfo("i2").max


@pytest.mark.parametrize("kind", KINDS)
class TestZone:
    def test_from_a_file(self, kind):
        """A zone that was made from a file is refused: its key names another zone, or none."""
        data = struct.pack(">4s16x6llBB4s", b"TZif", 0, 0, 0, 0, 1, 4, 3600, 0, 0, b"ABC")
        for key in ("Mars/Base", "Europe/Vienna", None):
            said = refusal(zoneinfo.ZoneInfo.from_file(io.BytesIO(data), key=key), kind)

            assert '["it"]' in said
            assert "made from a file" in said
            assert "ZoneInfo(key)" in said

    def test_by_key(self, kind):
        """A zone without a cache has a key, and comes back."""
        assert came_back(zoneinfo.ZoneInfo.no_cache("Europe/Vienna"), kind, trust=()).key == "Europe/Vienna"
