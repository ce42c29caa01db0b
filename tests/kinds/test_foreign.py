import bz2
import contextlib
import gzip
import importlib.util
import io
import json
import lzma
import marshal
import pickle
import sqlite3
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

import appsnap
from appsnap.errors import Damaged
from appsnap.kinds.foreign import describe


def in_file(write, *args):
    file = io.BytesIO()
    write(file, *args)
    return file.getvalue()


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a", "b")
    return file.getvalue()


def tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        made.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


def database():
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table a (b)")
        return connection.serialize()


def compiled():
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile("1", "a", "eval"))


FILES = {
    "npy": (in_file(np.save, np.zeros(3)), "an array of NumPy"),
    "npz": (in_file(np.savez, np.zeros(3)), "a zip archive"),
    "zip": (archive(), "a zip archive"),
    "gzip": (gzip.compress(b"a"), "gzip"),
    "bzip2": (bz2.compress(b"a"), "bzip2"),
    "xz": (lzma.compress(b"a"), "xz"),
    "tar": (tar(), "a tar archive"),
    **{f"zlib-{level}": (zlib.compress(b"a" * 99, level), "zlib compressed, as joblib") for level in (1, 3, 6, 9)},
    "sqlite": (database(), "a database of SQLite"),
    "elf": (b"\x7fELF\2\1\1" + bytes(9), "a compiled program"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(8), "an HDF5 file"),
    "pyc": (compiled(), "a compiled module"),
    "json": (json.dumps({"a": 1}).encode(), "JSON"),
    "json-list": (json.dumps([{"a": None}], indent=1).encode(), "JSON"),
    "json-empty": (b"{}\n", "JSON"),
    "json-marked": (b"\xef\xbb\xbf{}\n", "JSON"),
    "json-cut": (('{"a": "' + "ä" * 300)[:400].encode()[:511], "JSON"),
    "yaml": (b"---\na: 1\n", "YAML"),
    "yaml-plain": (b"# mine\nname: shop\nports:\n  - 1\n", "YAML"),
    "toml": (b"# mine\n\n[tool.appsnap]\ntrust = []\n", "TOML"),
    "html": (b"<!DOCTYPE html>\n<html>", "an HTML page"),
    "html-short": (b"<HTML><BODY>", "an HTML page"),
    "xml": (b"<svg></svg>", "XML"),
    "xml-declared": (b'<?xml version="1.0" encoding="utf-8"?>\n<svg/>\n', "another document in XML"),
    "script": (b'"""Mine."""\n\nimport os\n', "a script in Python"),
    "shebang": (b"#!/usr/bin/env python3\nprint(1)\n", "a script in Python"),
    "header-second": (
        b"#!/usr/bin/python\n\n# appsnap 1 source: {}\napplication = 1\n",
        "whose header isn't its first",
    ),
    "header-gone": (b"\nfrom appsnap.actions import new\nfrom a import B\n", "a source file without its header"),
    "shell": (b"#!/bin/sh\n", "a script"),
    "text": (b"Dear Ada,\nthe shop is closed.\n", "plain text"),
    "identity": (b"# created: 2026\n# public key: age1x\nAGE-SECRET-KEY-1Q\n", "a file of age identities"),
    "signing-key": (b"# created: 2026\nAPPSNAP-SECRET-KEY-1Q\n", "a file with a signing key"),
    "ssh": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "a key of another program"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    "conflict": (b"<<<<<<< HEAD\n# appsnap 1 source: {}\n", "the conflict markers of a merge"),
    "zeros": (bytes(100), "a file of zeros"),
    "utf-16": ("a".encode("utf-16"), "text in UTF-16"),
    "msgpack": (b"\x81\xa1a\x01", "msgpack of another program"),
}


class TestDescribe:
    @pytest.mark.parametrize("name", FILES)
    def test_named(self, tmp_path, name):
        """A file of another format is named as what it is, and nothing is said of pickles."""
        data, expected = FILES[name]
        path = tmp_path / "x.tap"
        path.write_bytes(data)

        with pytest.raises(Damaged) as caught:
            appsnap.open_snapshot(path)

        assert "no snapshot, but " in str(caught.value)
        assert expected in str(caught.value)
        assert "pickle" not in f"{caught.value} {caught.value.hint}"

    @pytest.mark.parametrize("protocol", [0, 1])
    @pytest.mark.parametrize(
        "value", [{"a": 1}, [1], ("a",), {1.5: None}, (2, "b"), ((1,), {}), (None, 1), [("x", 1.5)]]
    )
    def test_old_pickles(self, tmp_path, protocol, value):
        """A pickle without a mark of its own is read as one when the hint is followed."""
        path = tmp_path / "x.tap"
        path.write_bytes(pickle.dumps(value, protocol))

        with pytest.raises(Damaged) as caught:
            appsnap.load(path)

        assert "kind pickle" in caught.value.hint
        assert appsnap.load(path, kind="pickle") == value

    @pytest.mark.parametrize("name", ["npy", "json", "shebang", "text", "html"])
    def test_named_as_pickle(self, tmp_path, name):
        """So is a file that the caller takes for a pickle."""
        data, expected = FILES[name]
        path = tmp_path / "x.tap"
        path.write_bytes(data)

        with pytest.raises(Damaged, match=f"no pickle, but {expected}"):
            appsnap.load(path, kind="pickle")

    @pytest.mark.parametrize("mmap", [False, True])
    def test_empty(self, tmp_path, mmap):
        """An empty file is named so, mapped or not."""
        path = tmp_path / "x.tap"
        path.touch()

        with pytest.raises(Damaged, match="the file is empty") as caught:
            appsnap.load(path, mmap=mmap)

        assert "take another copy" in caught.value.hint

    def test_no_secret(self):
        """No text of a file is repeated."""
        for data, _ in FILES.values():
            assert "SECRET" not in "".join(describe(data))

    def test_random(self):
        """Any bytes have a description, maybe an empty one."""
        for first in range(256):
            for rest in (b"", bytes(20), bytes(range(256)) * 2, b"a" * 600):
                assert len(describe(bytes([first]) + rest)) == 2
        assert describe(b"\xc3") == ("", "")

    def test_joblib(self, tmp_path):
        """A file of joblib has arrays between its opcodes, and the error says who reads it."""
        path = tmp_path / "x.tap"
        path.write_bytes(b"\x80\x04\x95\x1f\0\0\0\0\0\0\0\x8c\x13joblib.numpy_pickle\x94\xff\xff")

        with pytest.raises(Damaged) as caught:
            appsnap.open_snapshot(path).names  # noqa: B018 - the body is read when it is asked for

        assert "joblib.load" in caught.value.hint
