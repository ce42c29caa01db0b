"""Fetch the age test vectors (C2SP/CCTV, 0BSD or CC0) from the npm package `cctv-age` into `.cache/cctv-age`.

The package is a JavaScript module with each vector in base64. This program writes one file for each vector. The tests
of age read the files from there, or from the folder in `APPSNAP_AGE_VECTORS`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "cctv-age@0.2.0"
SHA256 = "94a2a220a95b158a69997e84405bb5d4ef84adf05d15bf341b83ec3ba9dd846e"
COUNT = 143

VECTOR = re.compile(r'^// \.\./testdata/(\w+)\nvar \w+ = __toBinary\("([A-Za-z0-9+/=]*)"\);$', re.MULTILINE)


def download() -> bytes:
    """Return the archive of the package, checked against `SHA256`."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", folder, PACKAGE],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = Path(folder).iterdir()
        data = archive.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{PACKAGE} has SHA-256 {digest}, not {SHA256}")
    return data


def vectors(archive: bytes) -> dict[str, bytes]:
    """Return every vector of the package by its name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        module = tar.extractfile("package/index.js")
        assert module is not None
        found = VECTOR.findall(module.read().decode())
    if len(found) != COUNT:
        raise SystemExit(f"{PACKAGE} has {len(found)} vectors, not {COUNT}")
    return {name: base64.b64decode(text, validate=True) for name, text in found}


def main() -> None:
    """Write the vectors into the folder for the tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parents[1] / ".cache" / "cctv-age"
    parser.add_argument("folder", nargs="?", type=Path, default=default, help="where to (default: .cache/cctv-age)")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, vector in vectors(download()).items():
        (folder / name).write_bytes(vector)
    print(f"{COUNT} vectors in {folder}")


if __name__ == "__main__":
    main()
