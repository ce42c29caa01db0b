import os
import subprocess
import sys

import pytest

from appsnap.files.memory import Result, filled

CONTENT = os.urandom(5 << 20)
SIZES = (0, 1, 100, 70_000, len(CONTENT))


class TestFilled:
    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("cls", [bytes, bytearray])
    def test_each_size(self, cls, size):
        """The object has the bytes that were written, and is of the very class."""

        def fill(room):
            room[:] = CONTENT[:size]

        made = filled(cls, size, fill)

        assert type(made) is cls
        assert made == cls(CONTENT[:size])
        assert hash(bytes(made)) == hash(CONTENT[:size])

    def test_bytearray_can_change(self):
        """A bytearray grows and shrinks, as any other."""
        made = filled(bytearray, len(CONTENT), lambda room: room.__setitem__(slice(None), CONTENT))

        made += b"more"
        del made[:10]

        assert made == CONTENT[10:] + b"more"

    def test_kept_view(self):
        """A view of a bytearray keeps its memory alive."""
        views = []

        made = filled(bytearray, 100_000, views.append)
        made[:] = CONTENT[:100_000]
        del made

        assert views[0] == CONTENT[:100_000]

    @pytest.mark.parametrize("cls", [bytes, bytearray])
    def test_error(self, cls):
        """An error of `fill` goes on."""
        with pytest.raises(ZeroDivisionError):
            filled(cls, 100_000, lambda _: 1 / 0)

    @pytest.mark.parametrize("cls", [bytes, bytearray])
    def test_no_memory(self, cls):
        """More than the system has is a MemoryError."""
        with pytest.raises(MemoryError):
            filled(cls, 1 << 61, lambda _: None)

    @pytest.mark.parametrize("cls", [bytes, bytearray])
    def test_nothing_is_written_before(self, cls):
        """Pages that nobody has written to take no memory."""
        code = f"""
import resource
from appsnap.files.memory import Result, filled
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
made = filled({cls.__name__}, 200 << 20, lambda room: None)
assert len(made) == 200 << 20
print(peak() - before)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert int(done.stdout) < 20 << 10


class TestResult:
    def test_in_place(self):
        """A room is the place of the next bytes, of which only the begin may be used."""
        result = Result(100)

        result.add(CONTENT[:30])
        for size in (40, 20):
            room = result.room(50)
            room[:size] = CONTENT[30 : 30 + size]
            result.add(room[:size])
            result.add(b"between")
            del room

        assert result.value() == CONTENT[:70] + b"between" + CONTENT[30:50] + b"between"

    @pytest.mark.parametrize("size", [0, 5, 10, 11])
    def test_larger(self, size):
        """More bytes than were expected are a part of it, too."""
        result = Result(size)

        for piece in (b"12345", b"67890", b"x", b"y"):
            room = result.room(len(piece) + 2)
            room[: len(piece)] = piece
            result.add(room[: len(piece)])
            del room

        assert result.value() == b"1234567890xy"

    def test_smaller(self):
        """Memory that isn't needed is given back."""
        result = Result(1 << 20)
        result.add(b"x")

        value = result.value()

        assert (value, sys.getsizeof(value)) == (b"x", sys.getsizeof(b"x"))
