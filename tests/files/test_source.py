import random

import pytest
from hypothesis import given, strategies as st

from appsnap.errors import Damaged
from appsnap.files.chunks import PIECE
from appsnap.files.source import File, Memory, Stream, joined, unwritten

CONTENT = random.Random(1).randbytes(3 * PIECE + 5)


@pytest.fixture(params=["file", "memory", "stream"])
def source(request, tmp_path):
    """Return a source of `CONTENT`."""
    if request.param == "memory":
        yield Memory(CONTENT)
    elif request.param == "stream":
        yield Stream((CONTENT[start : start + 70_000] for start in range(0, len(CONTENT), 70_000)), 10 * PIECE)
    else:
        path = tmp_path / "file"
        path.write_bytes(CONTENT)
        with path.open("rb", buffering=0) as file:
            yield File(file, len(CONTENT))


class TestSources:
    """What is read is the same, wherever it comes from and in whatever way it is asked for."""

    def test_each_way(self, source):
        """By peeking, reading, reading into, and in pieces."""
        room = bytearray(2 * PIECE)

        assert bytes(source.peek(10)) == CONTENT[:10]
        assert bytes(source.read(100)) == CONTENT[:100]
        left = source.left
        source.read_into(memoryview(room))
        assert source.left == left - len(room)
        assert room == CONTENT[100 : 100 + len(room)]
        assert b"".join(map(bytes, source.pieces())) == CONTENT[100 + len(room) :]

    def test_rest(self, source):
        """All that is left, which is nothing afterwards."""
        source.read(1)

        assert source.rest() == CONTENT[1:]
        assert source.left == 0

    def test_too_short(self, source):
        """What isn't there is damage, whether less is known to be there beforehand, or turns out to be."""
        room = memoryview(bytearray(4 * PIECE))

        with pytest.raises(Damaged, match="are missing"):
            source.read_into(room)

    def test_more_than_a_stream_may_be(self):
        """A stream is read no further than its bound."""
        with pytest.raises(Damaged, match="1 bytes are missing"):
            Stream([b"abc"], 2).read_into(memoryview(bytearray(3)))


class TestUnwritten:
    """Memory that is written once."""

    @pytest.mark.parametrize("cls", [bytes, bytearray])
    @pytest.mark.parametrize("size", [0, 1, 1 << 16, (4 << 20) - 1, 4 << 20, (5 << 20) + 7])
    def test_object(self, cls, size):
        """It has the type and the size, and becomes what is written to it."""
        content = random.Random(size).randbytes(size)

        with unwritten(cls, size) as (made, view):
            view[:] = content

        assert type(made) is cls
        assert made == content
        assert hash(bytes(made)) == hash(content)
        assert made + b"more" == content + b"more"

    def test_too_much(self):
        """More than there can be is no memory, not a crash."""
        for cls in bytes, bytearray:
            for size in 1 << 60, (1 << 63) - 1, 1 << 63, (1 << 64) + 5:
                with pytest.raises(MemoryError), unwritten(cls, size):
                    pass

    @pytest.mark.parametrize("cls", [bytes, bytearray])
    def test_failure(self, cls):
        """What others left in that memory is in no frame of an error."""
        secrets = [bytearray(b"SECRET" * 20_000) for _ in range(100)]
        secrets.clear()
        kept = []

        def fail():
            with unwritten(cls, 120_000) as (made, view):
                kept.append(made)
                view[:3] = b"abc"
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()

        assert kept == [bytes(120_000)]

    @given(st.lists(st.binary(max_size=20)))
    def test_joined(self, pieces):
        """Pieces put together."""
        assert joined(pieces) == b"".join(pieces)

    def test_joined_large(self):
        """Of any type, and more of them than are joined by Python."""
        pieces = [b"", CONTENT, memoryview(CONTENT)[5:], bytearray(b"x"), memoryview(bytes(8)).cast("I")]

        assert joined(iter(pieces)) == b"".join(pieces)
        assert type(joined(pieces)) is bytes
