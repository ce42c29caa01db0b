"""Files that are no snapshots: each named as what it is, with the program that reads it."""

from __future__ import annotations

import re

__all__ = ["HEAD_SIZE", "describe"]

HEAD_SIZE = 512
"""As many bytes of the beginning of a file are looked at."""


def describe(head: bytes) -> tuple[str, str]:
    """Return the format of a file that begins with these bytes, and a hint for its owner. Each may be empty."""
    for magic, name, hint in _FORMATS:
        if re.match(magic, head, re.DOTALL):
            return name, hint
    text = _text(head)
    if text is None:
        return "", ""
    for pattern, name, hint in _TEXTS:
        if re.match(pattern, text, re.DOTALL | re.MULTILINE):
            return name, hint
    return "plain text", ""


def _text(head: bytes) -> str | None:
    # The last character may be cut.
    for end in range(len(head), max(len(head) - 4, 0), -1):
        try:
            text = head[:end].removeprefix(b"\xef\xbb\xbf").decode()
        except UnicodeDecodeError:
            continue
        return text if all(character.isprintable() or character in "\t\r\n\f" for character in text) else None
    return None


_UNPACK = "unpack it first"
_LOAD = "{} reads it"
_AS_PICKLE = "if it is a pickle of protocol 0 or 1, say so: kind pickle, as in --kind pickle"
_RUN = "a script is run, and makes its objects: `appsnap load FILE --kind python` runs it"

_OLD_PICKLE = (
    rb"(?:[]})][qu]|c[A-Za-z_][\w.]*\n\w+\n|\((?:[dlt][pq]|[VSIFL][^\n]*\n[a-zIFLSV(]|[XUKMJ][\x00-\x1f]|G[?@]|c\w+|i\w+\n|[N(]"
    rb"[(N\]}IKUXp]))"
)
_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (
        rb"\xef\xbb\xbf# appsnap ",
        "a source file behind a byte order mark",
        r"save it as UTF-8 without the mark, as `sed -i '1s/^\xef\xbb\xbf//' FILE` does",
    ),
    (
        rb"(?:\xef\xbb\xbf)?(?:#[^\n]*\n|\s)+# appsnap [0-9]+ source",
        "a source file whose header isn't its first line",
        "remove the lines above the one that begins with # appsnap",
    ),
    (rb"\x93NUMPY", "an array of NumPy (.npy)", _LOAD.format("numpy.load")),
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "a zip archive", f"{_UNPACK}; numpy.load reads .npz, torch.load reads .pt"),
    (rb"\x1f\x8b", "a file that gzip compressed", "gunzip gives the file in it"),
    (rb"BZh[1-9]", "a file that bzip2 compressed", "bunzip2 gives the file in it"),
    (rb"\xfd7zXZ\x00", "a file that xz compressed", "unxz gives the file in it"),
    (rb"\x04\x22\x4d\x18", "a file that lz4 compressed", "unlz4 gives the file in it"),
    (rb"7z\xbc\xaf", "an archive of 7-Zip", _UNPACK),
    (rb"\x78[\x01\x5e\x9c\xda]", "data that zlib compressed, as joblib does", "joblib.load reads the files of joblib"),
    (rb".{257}ustar", "a tar archive", "tar -xf unpacks it"),
    (rb"\x89HDF\r\n", "an HDF5 file", _LOAD.format("h5py")),
    (rb"SQLite format 3\x00", "a database of SQLite", _LOAD.format("sqlite3")),
    (rb"PAR1", "a Parquet file", _LOAD.format("pandas.read_parquet")),
    (rb"(?:ARROW1|FEA1)", "an Arrow file", _LOAD.format("pandas.read_feather")),
    (rb"\x7fELF|MZ.\x00|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "a compiled program", ""),
    (rb"%PDF-", "a PDF", ""),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", "an image", ""),
    (
        rb"..\r\n[\x00-\x03]\x00\x00\x00",
        "a compiled module of Python",
        "import the module, and save an object of it",
    ),
    (rb"\xff\xfe|\xfe\xff", "text in UTF-16", "write it in UTF-8"),
    (_OLD_PICKLE, "", _AS_PICKLE),
    (rb"[\x81-\x8f][\xa0-\xbf]", "msgpack of another program", "msgpack.unpackb reads it"),
    (rb"\x00+\Z", "a file of zeros", "its content was lost; take another copy of it"),
)
"""For each format: a pattern of the first bytes, its name, and a hint."""

_TEXTS: tuple[tuple[str, str, str], ...] = (
    (r".*^AGE-SECRET-KEY-", "a file of age identities", "it opens files: --identity, or identities=[…]"),
    (r".*^APPSNAP-SECRET-KEY-", "a file with a signing key", "keep it secret: who has it can sign as you"),
    (r"-----BEGIN [A-Z ]*KEY", "a key of another program", ""),
    (r"(?:ssh-|ecdsa-|age1|appsnap1)", "a public key", ""),
    (r"version https://git-lfs", "a pointer of Git LFS", "git lfs pull gives the file"),
    (r"<{7} ", "a file with the conflict markers of a merge", "take one of its two versions"),
    (r"\s*<(?i:!doctype html|html|head)", "an HTML page", "it may be the error page of a download"),
    (r"\s*<[?!]?\w", "XML", "a snapshot in XML begins with its declaration, <?xml …?>"),
    (r"\s*(?:\{\s*(?:\"|\}|\Z)|\[\s*(?:[-\"{\[0-9]|\]|true|false|null))", "JSON", _LOAD.format("json.load")),
    (r"%YAML|---\s", "YAML", ""),
    (
        r"(?:\s*#[^\n]*\n)*\s*\[\[?[\w.\"' -]+\]\]?\s*$",
        "TOML or INI",
        _LOAD.format("tomllib or configparser"),
    ),
    (
        r"(?:.*^)?from appsnap\.actions import ",
        "a source file without its header",
        "write its first line anew: # appsnap 1 source",
    ),
    (r"#![^\n]*python", "a script in Python", _RUN),
    (r"#!", "a script", ""),
    (r"(?:.*^)?(?:import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|@\w)", "a script in Python", _RUN),
    (r"(?:\s*#[^\n]*\n)*(?:[\w-]+:(?:[ \n]|\Z))", "YAML", ""),
    (r"(?:\s*#[^\n]*\n)*[\w.-]+ *= *\S", "a file of settings", ""),
)
"""The same for files that are text."""
