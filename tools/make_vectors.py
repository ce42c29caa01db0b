"""Make the test vectors in `tests/vectors`: files that a reader of snapshots must refuse, and some that it must not.

Each is a file of its own with one failure: lines of `key: value`, an empty line, the payload. `tests/vectors/README.md`
says what the keys mean. The files are made from nothing but this program, and are the same each time.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter
from pathlib import Path

from vectors.layout import Vectors, render

FOLDER = Path(__file__).parents[1] / "tests" / "vectors"
SUBJECTS = (
    "buffers",
    "calls",
    "costs",
    "documents",
    "elements",
    "filled",
    "found",
    "gadgets",
    "good",
    "hashing",
    "layers",
    "letters",
    "names",
    "opcodes",
    "packed",
    "parsing",
    "shown",
    "signed",
    "statements",
    "streams",
    "trusted",
    "values",
)
"""Modules of `tools/vectors` that each add the vectors of one subject."""

KEPT = {"README.md", "harmless.py"}


def all_vectors() -> Vectors:
    """Return all vectors."""
    vectors = Vectors()
    for subject in SUBJECTS:
        importlib.import_module(f"vectors.{subject}").add(vectors)
    return vectors


def main() -> None:
    """Write them, or check that they are written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file differs")
    check = parser.parse_args().check
    vectors = list(all_vectors())
    files = {vector.name: render(vector) for vector in vectors}
    there = {path.name for path in FOLDER.iterdir() if path.is_file() and path.name not in KEPT}
    changed = {name for name, data in files.items() if name not in there or (FOLDER / name).read_bytes() != data}
    changed |= there - set(files)
    if check:
        sys.exit(f"{len(changed)} vectors differ: {', '.join(sorted(changed)[:10])}" if changed else 0)
    for name in changed:
        if name in files:
            (FOLDER / name).write_bytes(files[name])
        else:
            (FOLDER / name).unlink()
    counts = Counter((vector.kind, vector.expect) for vector in vectors)
    for (kind, expect), count in sorted(counts.items()):
        print(f"{kind:8} {expect:13} {count:4}")
    print(f"{len(files)} vectors, {sum(map(len, files.values())):,} bytes, {len(changed)} changed")


if __name__ == "__main__":
    main()
