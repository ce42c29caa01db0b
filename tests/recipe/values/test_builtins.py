import pytest

import zoo


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "args"),
        [
            ("_codecs.encode", ("x", "rot13")),
            ("_codecs.encode", (b"x", "latin1")),
            ("builtins.bytes", (10**12,)),
            ("builtins.bytearray", (10**12,)),
            ("builtins.bytearray", ("x", "zlib_codec")),
            ("builtins.memoryview", (zoo.Node(),)),
            ("builtins.range", ("1",)),
            ("builtins.range", (0, 1 << 8_000_000, 1 << 4_000_000)),
            ("array._array_reconstructor", (zoo.Node, "i", 1, b"")),
            ("array._array_reconstructor", (zoo.array.array, "O", 1, b"")),
        ],
    )
    def test_arguments(self, refused, name, args):
        """Arguments that don't fit bytes, views and ranges are refused, at once."""
        refused(name, args)
