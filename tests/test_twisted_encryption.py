import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appsnap.twisted_encryption import BLOCK, decrypt, has_its_name, has_its_size, is_source

TEXT = b"(dp0\nS'name'\np1\nS'web'\np2\ns."


def encrypt(data, passphrase, *, padded=True):
    """Encrypt as Twisted did."""
    if padded and len(data) % BLOCK:
        data += b" " * (BLOCK - len(data) % BLOCK)
    encryptor = Cipher(algorithms.AES(hashlib.md5(passphrase).digest()), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


class TestDecrypt:
    """What Twisted encrypted comes back."""

    @pytest.mark.parametrize(
        ("encrypted", "passphrase", "content"),
        [
            ("0e0385023b69c57edbfc123f24ff2ab1520f75ee63d6919d8008c53a43ec1caa", b"correct horse", TEXT),
            ("e355df027fa66adfd462b9baab229c4b", "häschen".encode(), b"N."),
        ],
    )
    def test_vectors(self, encrypted, passphrase, content):
        """Files made with the library that Twisted used, PyCrypto, by its successor PyCryptodome."""
        assert decrypt(memoryview(bytes.fromhex(encrypted)), passphrase) == content

    @pytest.mark.parametrize("size", range(1, 2 * BLOCK + 1))
    def test_padding(self, size):
        """Up to 15 spaces behind it are taken off, and nothing else is."""
        content = bytes(range(size - 1)) + b"."

        assert decrypt(memoryview(encrypt(content, b"x")), b"x") == content

    @pytest.mark.parametrize("content", [b"." + b" " * 31, b" " * 16, b"." + b"\n" * 15])
    def test_what_is_no_padding(self, content):
        """A block that is nothing but spaces, or ends in other white space, is left as it is."""
        assert decrypt(memoryview(encrypt(content, b"x", padded=False)), b"x") == content

    def test_wrong_passphrase(self):
        """It gives something else."""
        assert decrypt(memoryview(encrypt(TEXT, b"right")), b"wrong") != TEXT


class TestHasItsSize:
    """Whole blocks, and at least one."""

    @pytest.mark.parametrize(
        ("size", "result"), [(0, False), (1, False), (15, False), (16, True), (17, False), (32, True)]
    )
    def test_sizes(self, size, result):
        """As it says."""
        assert has_its_size(size) is result


class TestHasItsName:
    """Extensions that begin with an e, of Twisted's two kinds of file."""

    @pytest.mark.parametrize(
        ("path", "result"), [("a/web.etap", True), ("WEB.ETAS", True), ("web.tap", False), ("web.etam", False)]
    )
    def test_names(self, path, result):
        """As it says."""
        assert has_its_name(Path(path)) is result


class TestIsSource:
    """Twisted's source kind is told from everything else that may come out."""

    @pytest.mark.parametrize(
        "content", [b"app=Ref(1,\n", b"app = 1", b"import x\napp=x", b"from x import y\n", b"# by hand\n"]
    )
    def test_yes(self, content):
        """It assigns app, perhaps below something else."""
        assert is_source(content)

    @pytest.mark.parametrize("content", [TEXT, b"N.", b"", b"application=1", b"#\xff\xfe", b"\x80\x02}."])
    def test_no(self, content):
        """Pickles, and bytes that are no text."""
        assert not is_source(content)
