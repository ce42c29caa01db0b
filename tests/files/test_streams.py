import io
import random

import pytest
from hypothesis import given, strategies as st

from appsnap.errors import Damaged
from appsnap.files.streams import PIECE, ChunkReader, File, Memory, Stream, from_file, joined, of_file

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

    def test_each_byte_is_read_once(self, tmp_path):
        """The bytes that were looked at are those that are handed out, though the file has changed meanwhile."""
        path = tmp_path / "file"
        path.write_bytes(CONTENT)
        with path.open("rb", buffering=0) as file:
            source = File(file, len(CONTENT))
            seen = source.peek(10) + source.peek(PIECE)[10:]
            path.write_bytes(bytes(len(CONTENT)))
            room = bytearray(10)
            source.read_into(memoryview(room))
            again = source.peek(PIECE)

            assert seen == CONTENT[:PIECE]
            assert again == CONTENT[10:PIECE] + bytes(10)
            assert room + source.rest() == CONTENT[:PIECE] + bytes(len(CONTENT) - PIECE)

    def test_growing(self, tmp_path):
        """Bytes that a file gets later belong to another file."""
        path = tmp_path / "file"
        path.write_bytes(b"abc")
        with path.open("r+b", buffering=0) as file:
            source = of_file(file)
            file.seek(3)
            file.write(b"d")

            assert source.peek(9) == b"abc"
            assert source.rest() == b"abc"

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


class TestFromFile:
    """A file as a stream."""

    def test_content(self):
        """A file comes out as it is, in pieces of at most 1 MiB."""
        content = bytes(range(256)) * (PIECE // 256) + b"more"

        pieces = list(from_file(io.BytesIO(content)))

        assert [len(piece) for piece in pieces] == [PIECE, 4]
        assert b"".join(pieces) == content


class TestJoined:
    """A stream as one byte string."""

    @given(st.lists(st.binary(max_size=20)))
    def test_content(self, chunks):
        """Buffers put together are bytes."""
        assert joined(iter(chunks)) == b"".join(chunks)
        assert type(joined(chunks)) is bytes

    def test_buffers(self):
        """They may be of any type and shape, and be filled again when the next one is asked for."""

        def source():
            yield memoryview(bytes(range(8))).cast("I").cast("B").cast("I", [2])
            buffer = bytearray(b"ab")
            yield buffer
            buffer[:] = b"cd"
            yield buffer

        assert joined(source()) == bytes(range(8)) + b"abcd"


class TestChunkReader:
    """A stream in pieces of other sizes."""

    @given(st.lists(st.binary(max_size=20)), st.lists(st.integers(1, 30)))
    def test_read(self, chunks, sizes):
        """Whatever the buffers and the pieces are, the pieces put together are the buffers put together."""
        content = b"".join(chunks)
        reader = ChunkReader(chunks)

        pieces = [bytes(reader.read(size)) for size in sizes]

        assert b"".join(pieces) == content[: sum(sizes)]
        assert reader.at_end() == (sum(sizes) >= len(content))
        assert b"".join(bytes(view) for view in reader) == content[sum(sizes) :]
        assert reader.at_end()

    @given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 30)))
    def test_read_into(self, chunks, sizes):
        """As much is read as there is room for, or is left."""
        content = io.BytesIO(b"".join(chunks))
        reader = ChunkReader(chunks)
        for size in sizes:
            room = bytearray(size)

            count = reader.read_into(memoryview(room))

            assert room[:count] == content.read(size)
            assert count == size or reader.at_end()

    @given(st.lists(st.binary(max_size=20)), st.integers(0, 50), st.integers(0, 50))
    def test_peek(self, chunks, first, second):
        """To peek twice changes nothing about what is read."""
        content = b"".join(chunks)
        reader = ChunkReader(chunks)

        heads = reader.peek(first), reader.peek(second)

        assert heads == (content[:first], content[:second])
        assert b"".join(bytes(view) for view in reader) == content

    @pytest.mark.parametrize("size", [3, 4, 5, 8])
    def test_reused_buffer(self, size):
        """A source may fill the same buffer again: what has been read is safe, also after asking for the end."""
        buffer = bytearray(4)

        def source():
            for number in range(6):
                buffer[:] = bytes([number]) * 4
                yield buffer

        reader = ChunkReader(source())
        content = b""
        while True:
            piece = reader.read(size)
            at_end = reader.at_end()
            content += piece
            if at_end:
                break

        assert content == b"".join(bytes([number]) * 4 for number in range(6))

    def test_no_copy(self):
        """Pieces out of the middle of a large buffer are views of it."""
        chunk = bytes(1000)
        reader = ChunkReader([chunk])

        piece = reader.read(100)

        assert isinstance(piece, memoryview)
        assert piece.obj is chunk

    def test_any_buffer(self):
        """Buffers of larger items are read as the bytes that they are."""
        reader = ChunkReader([memoryview(b"12345678").cast("I"), bytearray(b"9")])

        assert bytes(reader.read(100)) == b"123456789"

    @pytest.mark.parametrize("other", [None, "text", 7])
    def test_no_buffer(self, other):
        """What is no buffer is refused, and isn't taken for the end."""
        reader = ChunkReader([b"1", other, b"2"])

        with pytest.raises(TypeError):
            reader.read(100)
