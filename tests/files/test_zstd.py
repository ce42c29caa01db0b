import hashlib
import os
import random
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, strategies as st

from appsnap.errors import CannotLoad, Damaged
from appsnap.files.zstd import HEAD_SIZE, Bound, compress, decompress, is_compressed, limit_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Compresses to about half of it.
CONTENT = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(10_000))
LARGE = 40 << 20
PADDING = b"\x50\x2a\x4d\x18\x03\x00\x00\x00\x00\x00\x00"


def pack(data, **options):
    """Return bytes as a zstd frame."""
    return b"".join(compress([data], **options))


def unpack(data, **options):
    """Return what a zstd frame holds."""
    return b"".join(decompress([data], **options))


def large():
    """Yield 40 MiB, 1 MiB at a time."""
    for number in range(LARGE >> 20):
        yield (hashlib.sha256(b"%d" % number).digest() * (1 << 15))[: 1 << 20]


@pytest.fixture
def zstd_program():
    """Run the program zstd as a filter."""
    if shutil.which("zstd") is None:
        message = "THE PROGRAM zstd IS NOT INSTALLED: no test against it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    def run(*arguments, data):
        return subprocess.run(["zstd", *arguments], input=data, check=True, capture_output=True).stdout

    return run


class TestRoundTrip:
    """What is compressed comes back."""

    @pytest.mark.slow
    @given(st.integers(0, len(CONTENT)), st.integers(1, 100_000), st.integers(1, 100_000), st.sampled_from([1, 3, 19]))
    def test_sizes(self, size, before, between, level):
        """Any size comes back, however the buffers are cut; what is compressed doesn't depend on that."""
        chunks = [CONTENT[:size][start : start + before] for start in range(0, size, before)]
        frame = b"".join(compress(chunks, level=level))
        parts = [frame[start : start + between] for start in range(0, len(frame), between)]

        assert b"".join(decompress(parts)) == CONTENT[:size]
        assert frame == pack(CONTENT[:size], level=level)

    def test_large(self):
        """What is compressed in several threads is one frame too, comes back, and is the same each time."""
        frame = b"".join(compress(large()))

        assert len(frame) < LARGE // 100
        assert frame[zstd.get_frame_size(frame) :].startswith(PADDING[:4])
        assert b"".join(decompress([frame])) == b"".join(large())
        assert frame == b"".join(compress(large()))

    @pytest.mark.slow
    @pytest.mark.parametrize("level", [1, 3])
    def test_cores(self, monkeypatch, level):
        """What is large is compressed to the same bytes, however many cores there are and however it is cut."""
        words = [b"%x" % (number * number) for number in range(5000)]
        text = b" ".join(random.Random(level).choices(words, k=6_000_000))
        digests = set()

        for cores, size in [(1, 1 << 20), (2, len(text)), (3, 77_777), (64, 10_000_000)]:
            monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
            digest = hashlib.sha256()
            for piece in compress((text[start : start + size] for start in range(0, len(text), size)), level=level):
                digest.update(piece)
            digests.add(digest.digest())

        assert len(text) > 32 << 20
        assert len(digests) == 1

    def test_size_in_header(self):
        """What is not large says in its header how large it is, as zstd -l shows."""
        assert zstd.get_frame_info(pack(CONTENT)).decompressed_size == len(CONTENT)
        assert zstd.get_frame_info(pack(b"")).decompressed_size == 0

    def test_level(self):
        """A higher level compresses better."""
        text = b" ".join(b"%d" % number for number in range(100_000))

        assert len(pack(text, level=19)) < len(pack(text, level=1)) < len(text)


class TestZstdProgram:
    """Both ways against the program zstd."""

    @pytest.mark.parametrize("data", [b"", CONTENT, b"".join(large())], ids=["empty", "small", "large"])
    def test_both_ways(self, zstd_program, data):
        """What either compresses, the other decompresses, and both check it."""
        ours = pack(data)

        assert zstd_program("-d", data=ours) == data
        assert unpack(zstd_program("-3", data=data)) == data

    def test_highest_level(self, zstd_program):
        """Frames with the largest window that the program makes by default are read."""
        data = b"".join(large())

        assert unpack(zstd_program("--ultra", "-22", "--zstd=wlog=27,strat=1", "--no-check", data=data)) == data


class TestDamage:
    """No altered or truncated frame gives other content."""

    def test_truncated(self):
        """A frame cut off at any length is refused."""
        frame = pack(CONTENT[:500])

        for length in range(len(frame)):
            with pytest.raises(Damaged, match="truncated zstd frame"):
                unpack(frame[:length])

    @pytest.mark.parametrize("mask", [0x01, 0x10, 0x80])
    def test_flipped(self, mask):
        """A frame with any byte changed is refused; a bit that zstd doesn't look at changes nothing."""
        frame = pack(CONTENT[:500])
        refused = 0

        for position in range(len(frame)):
            altered = bytearray(frame)
            altered[position] ^= mask
            try:
                assert unpack(altered) == CONTENT[:500]
            except Damaged:
                refused += 1

        assert refused >= len(frame) - 2

    @pytest.mark.parametrize(
        "extra",
        [
            *(b"\0", b"\n", pack(b""), pack(CONTENT), PADDING[:4], PADDING[:-1], PADDING + b"\0", PADDING + PADDING),
            *(PADDING[:-1] + b"x", PADDING.replace(b"\x50", b"\x51")),
        ],
        ids=["zero", "line", "empty frame", "frame", "head", "short", "long", "twice", "no zero", "another frame"],
    )
    # The second one makes a frame that ends where a piece of the input does.
    @pytest.mark.parametrize(("size", "length"), [(100, 113), (131_059, 128 * 1024 + 3)])
    def test_extended(self, extra, size, length):
        """Whatever follows the frame is refused, be it a frame or not."""
        frame = pack(hashlib.shake_256(b"").digest(size))
        assert len(frame) == length

        with pytest.raises(Damaged, match="something follows"):
            unpack(frame + extra)

    @pytest.mark.parametrize("data", [b"", b"x", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd" + b"garbage" * 10])
    def test_no_frame(self, data):
        """What is no frame is refused, with zstd's own words for it."""
        with pytest.raises(Damaged, match="zstd frame"):
            unpack(data)

    def test_padding(self):
        """Padding may follow the frame: zeros that every decompressor passes over."""
        assert unpack(pack(CONTENT) + PADDING) == CONTENT

    @pytest.mark.parametrize("size", [1, 3, 1000, 4096, 1 << 20])
    def test_padding_in_pieces(self, size):
        """However it comes in, also in one buffer that is filled again and again, each byte of it is looked at."""
        frame = pack(CONTENT[:100])
        padded = bytearray(frame + PADDING[:4] + (10_000).to_bytes(4, "little") + bytes(10_000))
        buffer = bytearray(size)

        def unpacked():
            def chunks():
                for start in range(0, len(padded), size):
                    chunk = padded[start : start + size]
                    buffer[: len(chunk)] = chunk
                    yield memoryview(buffer)[: len(chunk)]

            return b"".join(decompress(chunks()))

        assert unpacked() == CONTENT[:100]
        for place in (len(frame), len(frame) + 4, len(frame) + 8, len(padded) // 2, len(padded) - 1):
            padded[place] ^= 1
            with pytest.raises(Damaged, match="something follows the zstd frame"):
                unpacked()
            padded[place] ^= 1
        for length in (len(padded) - 1, len(frame) + 8, len(frame) + 7, len(frame) + 1):
            cut, padded[length:] = padded[length:], b""
            with pytest.raises(Damaged, match="something follows the zstd frame"):
                unpacked()
            padded += cut

    @pytest.mark.parametrize("size", [262_000, 262_144 + 2_000, 1_000_000, 50_000_000])
    def test_uniform(self, size):
        """What is uniform is padded to what its reader allows, and no more; and is read by others, too."""
        packed = pack(bytes(size))

        assert unpack(packed, limit=limit_of(len(packed))) == bytes(size)
        assert size < 1_000_000 or size / len(packed) > 90
        assert zstd.decompress(packed) == bytes(size)


class TestBounds:
    """A small file can't take all memory."""

    def test_limit(self):
        """As many bytes as the limit come out, and not one more."""
        frame = pack(CONTENT)

        assert unpack(frame, limit=Bound(len(CONTENT), 1)) == CONTENT
        with pytest.raises(CannotLoad, match=f"(?m)more than {len(CONTENT) - 1:,} bytes: the limit is expansion=1$"):
            unpack(frame, limit=Bound(len(CONTENT) - 1, 1))

    def test_bomb(self):
        """A frame that swells to a thousandfold is stopped at the limit, and comes out in pieces."""
        frame = zstd.compress(bytes(512 << 20))
        assert len(frame) < 1 << 16

        sizes = []

        with pytest.raises(CannotLoad, match="more than 3,000,000 bytes"):
            sizes.extend(map(len, decompress([frame], limit=Bound(3_000_000, 1))))

        assert max(sizes) <= 1 << 20
        assert 1 << 20 <= sum(sizes) <= 3_000_000

    @pytest.mark.parametrize(("window_log", "accepted"), [(27, True), (28, False), (31, False)])
    def test_window(self, window_log, accepted):
        """A frame may ask for a window of 128 MiB and not more."""
        # RFC 8878, section 3.1.1.1.2: the exponent in the upper five bits. A raw, last block of one byte follows.
        frame = b"\x28\xb5\x2f\xfd\x00" + bytes([window_log - 10 << 3]) + b"\x09\x00\x00x"

        if accepted:
            assert unpack(frame) == b"x"
        else:
            with pytest.raises(Damaged, match="too much memory"):
                unpack(frame)

    @pytest.mark.memory
    def test_memory(self, peak_memory):
        """A stream takes no more memory if it is longer."""
        code = """
from appsnap.files.zstd import compress, decompress
chunk = bytes(1 << 20)
assert sum(map(len, decompress(compress(chunk for _ in range({count}))))) == {count} << 20
"""

        assert peak_memory(code.format(count=512)) < 1.2 * peak_memory(code.format(count=64))


class TestIsCompressed:
    """Frames are recognised by their first bytes."""

    def test_yes(self):
        """Every frame."""
        assert is_compressed(pack(b"")[:HEAD_SIZE])

    @pytest.mark.parametrize("head", [b"", b"\x28\xb5\x2f", b"\x1f\x8b\x08\x00", b"age-encryption.org/v1"])
    def test_no(self, head):
        """Everything else."""
        assert not is_compressed(head)
