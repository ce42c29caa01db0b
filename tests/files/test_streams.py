import random

import pytest

from appsnap.errors import Damaged
from appsnap.files.chunks import PIECE
from appsnap.files.streams import File, Memory, Stream

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
