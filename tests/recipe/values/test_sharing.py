import numpy as np
import pytest

import appsnap
from appsnap import EVERYTHING, dumps, loads
from appsnap.kinds import KINDS
from isomorphism import difference


def base(size=100):
    return np.arange(size, dtype="<i8")


def views():
    """Return graphs of arrays, in each of which all share memory with the first."""
    table = base().reshape(10, 10)
    columns = np.asfortranarray(table)
    records = np.zeros(50, [("a", "<i2"), ("b", "<f8"), ("c", "<M8[s]")])
    buffer = bytearray(800)
    text = np.array(["one", "two", "three"])
    return {
        "the base, and a view": [a := base(), a[3:7]],
        "a view, and its base": [(a := base())[3:7], a],
        "views alone": [(a := base())[10:60], a[50:90], a[40:55]],
        "a view of a view": [a := base(), a[10:][5:]],
        "columns": [table, table[:, 3], table.T, table[::2, ::3]],
        "backwards": [a := base(), a[::-1], a[50:20:-3]],
        "in Fortran's order": [columns, columns[2], columns[:, 2]],
        "interleaved": [(a := base())[::2], a[1::2], a[10:20]],
        "fields": [records, records["a"], records["b"], records["c"][3:]],
        "another dtype": [a := base(), a.view("<u4"), a.view("S8")],
        "texts": [text, text[1:]],
        "windows": [a := base(), np.lib.stride_tricks.sliding_window_view(a, 5)],
        "no dimensions": [a := base(), a[5:6].reshape(())],
        "of a bytearray": [np.frombuffer(buffer, "u1"), np.frombuffer(buffer, "<f8", 50, 80)],
        "large": [a := base(100_000), a[:50_000], a[::-1]],
    }


@pytest.mark.parametrize("trust", [(), EVERYTHING], ids=["audited", "trusted"])
@pytest.mark.parametrize("kind", KINDS)
class TestSharing:
    @pytest.mark.parametrize("name", views())
    def test_stays(self, kind, trust, name):
        """Arrays that share memory come back equal and share it, in files that are made of them again, too."""
        before = views()[name]
        again = before
        for _ in range(2):
            again = loads(dumps(again, kind), trust=trust)
            assert difference(before, again) is None
            first, *others = again
            for other in others:
                assert np.may_share_memory(first, other) or name in ("views alone", "interleaved")
        for graph in (before, again):
            graph[0][...] = graph[0][::-1].copy()
        assert difference(before, again) is None

    def test_what_is_written_to_one_is_seen_in_the_other(self, kind, trust):
        """What comes back is one memory, not equal copies."""
        array = base(20_000)
        array, view, mirrored = loads(dumps([array, array[10:20], array[::-1]], kind), trust=trust)

        array[12] = -1

        assert view[2] == -1
        assert mirrored[-13] == -1

    def test_read_only(self, kind, trust):
        """A view that can't be written to stays so, and sees what is written to its base."""
        array = base()
        view = array[10:]
        view.flags.writeable = False
        spread = np.broadcast_to(array[:1], (3, 1))

        array, view, spread = loads(dumps([array, view, spread], kind), trust=trust)
        array[[0, 10]] = -1

        assert view[0] == -1
        assert spread.tolist() == [[-1]] * 3
        assert (array.flags.writeable, view.flags.writeable, spread.flags.writeable) == (True, False, False)
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            loads(dumps(np.frombuffer(b"ab", "u1"), kind), trust=trust).flags.writeable = True

    def test_all_read_only(self, kind, trust):
        """Views of what can't be written to are made of bytes, and share them."""
        whole = np.frombuffer(b"x" * 100, "u1")

        whole, part = loads(dumps([whole, whole[10:]], kind), trust=trust)

        assert np.shares_memory(whole, part)
        assert not whole.flags.writeable
        assert not part.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
class TestWhatIsSaved:
    def test_once(self, kind):
        """What several arrays look at is saved once."""
        array = np.random.default_rng(1).integers(0, 2**60, 10_000)

        one, many = len(dumps([array], kind)), len(dumps([array, array[1:], array[::-1]], kind))

        assert many < one * 1.1

    def test_no_more_than_is_looked_at(self, kind):
        """A small view of a large array that isn't there takes its own bytes along; so do views that don't touch."""
        array = np.random.default_rng(1).integers(0, 2**60, 100_000)

        assert len(dumps([array[:100]], kind)) < 6_000
        assert len(dumps([array[:100], array[-100:]], kind)) < 12_000

    def test_temporary_views(self, kind):
        """Views that an object makes when it is asked for its state share memory with what is there."""
        array = base(1000)

        array, holder = loads(dumps([array, Holder(array)], kind), trust=EVERYTHING)
        array[500] = -1

        assert holder.half[0] == -1

    def test_many(self, kind):
        """Many groups of views of one array share what each of them looks at."""
        array = base(4_000)
        views = [array[start : start + 6] for start in range(0, 4_000, 10)]
        others = [view[3:] for view in views]

        views, others = loads(dumps([views, others[::-1]], kind))

        for number, (view, other) in enumerate(zip(views, others[::-1], strict=True)):
            assert view.tolist() == [*range(10 * number, 10 * number + 6)]
            view[3] = -1
            assert other[0] == -1

    def test_objects(self, kind):
        """Arrays of objects share nothing but the objects."""
        array = np.array([[], 1], object)

        one, other = loads(dumps([array, array[:1]], kind), trust=EVERYTHING)

        assert one[0] is other[0]


class Holder:
    """Something that saves a view of an array."""

    def __init__(self, array):
        self.array = array

    def __getstate__(self):
        return {"half": self.array[500:]}


class TestMapped:
    @pytest.mark.parametrize("kind", ["pickle", "msgpack"])
    def test_shared(self, kind, tmp_path):
        """Mapped arrays share what they shared, and are saved anew as such."""
        array = base(50_000)
        appsnap.save([array, array[::2], base(50_000)], tmp_path / "x", kind=kind)

        for number in "xy":
            mapped = appsnap.load(tmp_path / number, mmap=True, trust=EVERYTHING)
            appsnap.save(mapped, tmp_path / "y", kind=kind)
            mapped[0][4] = -1

            assert mapped[1][2] == -1
            assert not np.may_share_memory(mapped[0], mapped[2])
        assert (tmp_path / "y").stat().st_size < 850_000
