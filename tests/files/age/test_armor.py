import base64
import itertools

import pytest
from hypothesis import given, strategies as st

from appsnap.errors import Damaged
from appsnap.files.age.armor import armored, decode_base64, encode_base64, is_armored, unarmored

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----\n"
END = b"-----END AGE ENCRYPTED FILE-----\n"


def write(data):
    """Return bytes as an armored file."""
    return b"".join(armored([data]))


def read(*chunks):
    """Return what an armored file holds."""
    return b"".join(unarmored(chunks))


class TestBase64:
    """Base64 without padding."""

    @given(st.binary(max_size=200))
    def test_round_trip(self, data):
        """What is encoded has no padding and decodes to what it was."""
        text = encode_base64(data)

        assert text == base64.b64encode(data).rstrip(b"=")
        assert decode_base64(text) == data

    @pytest.mark.slow
    def test_one_text_for_each_value(self):
        """Of all texts of three characters exactly those decode that encode something: 65,536 of 262,144."""
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        found = set()
        for text in itertools.product(alphabet, repeat=3):
            try:
                found.add(decode_base64(bytes(text)))
            except Damaged:
                continue

        assert len(found) == 65536

    @pytest.mark.parametrize(
        "text", [b"A", b"AAAAA", b"AA==", b"AAA=", b"AA\n", b"A A", b"AA-_", b"AB", b"AAB", b"\xff" * 4]
    )
    def test_refused(self, text):
        """Padding, white space, other alphabets, left-over bits and impossible lengths are refused."""
        with pytest.raises(Damaged, match="base64"):
            decode_base64(text)


class TestWrite:
    """What `armored` writes."""

    @pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96, 1000])
    def test_like_pem(self, size):
        """The lines have 64 columns, the last one may be shorter and is padded."""
        data = bytes(range(250)) * 4

        lines = write(data[:size]).splitlines()

        text = base64.b64encode(data[:size])
        assert lines[0] + b"\n" == BEGIN
        assert lines[-1] + b"\n" == END
        assert lines[1:-1] == [text[start : start + 64] for start in range(0, len(text), 64)]


class TestRead:
    """What `unarmored` accepts and refuses."""

    @given(st.integers(0, 300), st.integers(1, 100), st.booleans())
    def test_round_trip(self, size, step, crlf):
        """Whatever is written comes back, with either end of line and cut up in any way."""
        data = bytes(range(250)) * 2
        text = write(data[:size])
        if crlf:
            text = text.replace(b"\n", b"\r\n")

        assert read(*(text[start : start + step] for start in range(0, len(text), step))) == data[:size]

    @pytest.mark.parametrize("lines", [16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1])
    @pytest.mark.parametrize("rest", [0, 1, 47])
    @pytest.mark.parametrize("end_of_line", [b"\n", b"\r\n"])
    def test_blocks(self, lines, rest, end_of_line):
        """Files that end near the end of a block of lines come back."""
        data = bytes(lines * 48 + rest)

        assert read(write(data).replace(b"\n", end_of_line)) == data

    @pytest.mark.parametrize("space", [b"", b"\n", b"\r\n", b" \t\n\v\f\r\n", b"\n" * 1024])
    def test_white_space_around(self, space):
        """White space is fine on lines before the block and after it, up to 1,024 bytes."""
        assert read(space + write(b"data")) == b"data"
        assert read(write(b"data")[:-1] + b"\n" + space) == b"data" if len(space) < 1024 else True
        assert is_armored(space + write(b"data"))

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            BEGIN,
            b"x" + BEGIN + END,
            b" " + BEGIN + END,
            b"\n" * 1025 + BEGIN + END,
            BEGIN.rstrip() + b" \n" + END,
            BEGIN + END.rstrip() + b" \n",
            BEGIN + END + b"x",
            BEGIN + END + b"\n" * 2000,
            BEGIN + END + BEGIN + END,
            BEGIN + b"\n" + END,
            BEGIN + b"AAAA\n\n" + END,
            BEGIN + b"\nAAAA\n" + END,
            BEGIN + b"AAAA" + END,
            BEGIN + b"AAAA\r" + END,
            BEGIN + b"AAAA\r\r\n" + END,
            BEGIN + b"\r\n" + END,
            BEGIN + b"====\n" + END,
            BEGIN + b"AAAA \n" + END,
            BEGIN + b"AA\n" + END,
            BEGIN + b"AA=\n" + END,
            BEGIN + b"AB==\n" + END,
            BEGIN + b"AA==\nAAAA\n" + END,
            BEGIN + b"A" * 62 + b"==\nAAAA\n" + END,
            BEGIN + b"AAAA\nAAAA\n" + END,
            BEGIN + b"A" * 68 + b"\n" + END,
            BEGIN + b"A" * 68 + b"\nAAAA\n" + END,
            BEGIN + b"A" * 63 + b"\n\nAAAA\n" + END,
            BEGIN + b"A" * 64 + b"\rAAAA\n" + END,
            BEGIN + b"A" * 64 + b"\r\r\nAAAA\n" + END,
            BEGIN + b"AA-AA\n" + END,
            BEGIN + b"Header: 1\n\nAAAA\n" + END,
            BEGIN + b"AAAA\n" + END.lower(),
            BEGIN + b"A" * 5_000_000,
            BEGIN + b"A" * 64 + b"\n",
        ],
        ids=lambda text: repr(text[:80]) + str(len(text)),
    )
    def test_refused(self, text):
        """Everything that `armored` would not write is refused: a file has one armored form, ends of lines apart."""
        with pytest.raises(Damaged, match="age"):
            read(text)

    def test_truncated(self):
        """The file is refused at every length but its own, with or without its last end of line."""
        text = write(bytes(100))

        for length in range(len(text) - 1):
            with pytest.raises(Damaged):
                read(text[:length])
        assert read(text[:-1]) == read(text) == bytes(100)

    def test_long_line(self):
        """A line without an end is refused before it is read as a whole."""
        pieces = iter([BEGIN, *([b"A" * 1_000_000] * 100)])

        with pytest.raises(Damaged, match="64 columns"):
            b"".join(unarmored(pieces))

        assert len(list(pieces)) > 90
