"""Make the test vectors in `tests/vectors`: files that a reader of snapshots must refuse, and some that it must not.

A file holds the vectors of one kind and one subject. Each vector has one failure. `tests/vectors/README.md` describes
the form. The files are made from nothing but this program, and are the same each time.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections import Counter

from vectors.layout import FOLDER, Vector, Vectors, read, render

SUBJECTS = (
    "buffers",
    "calls",
    "costs",
    "databases",
    "documents",
    "elements",
    "filled",
    "found",
    "gadgets",
    "good",
    "hashing",
    "keywords",
    "layers",
    "letters",
    "names",
    "opcodes",
    "opened",
    "packed",
    "parsing",
    "shown",
    "signed",
    "sockets",
    "statements",
    "streams",
    "trusted",
    "values",
)
"""Modules of `tools/vectors` that each add the vectors of one subject."""

MOST_NAMED = 10


def all_vectors() -> Vectors:
    """Return all vectors."""
    vectors = Vectors()
    for vectors.subject in SUBJECTS:
        importlib.import_module(f"vectors.{vectors.subject}").add(vectors)
    return vectors


def written() -> dict[str, list[Vector | str]]:
    """Return the vectors in each file of the folder. The error stands for a damaged one."""
    found: dict[str, list[Vector | str]] = {}
    for record in read().values():
        try:
            vector: Vector | str = record.vector()
        except ValueError as error:
            vector = str(error)
        found.setdefault(record.file, []).append(vector)
    return found


def main() -> None:
    """Write the vectors, or check the written ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a vector differs")
    check = parser.parse_args().check
    made, there = all_vectors().files, written()
    # Vectors are compared, not bytes: compression takes most of the time, and may differ with the version of xz.
    files = [file for file in {**made, **there} if made.get(file) != there.get(file)]
    one, other = ({vector for file in files for vector in of.get(file, ())} for of in (made, there))
    names = sorted({vector if isinstance(vector, str) else vector.name for vector in one ^ other})
    if check:
        more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        named = ", ".join(names[:MOST_NAMED]) or "only their order"
        sys.exit(f"vectors differ in {', '.join(files)}: {named}{more}" if files else 0)
    for file in files:
        if file in made:
            (FOLDER / file).write_bytes(render(made[file]))
        else:
            (FOLDER / file).unlink()
    counts = Counter((vector.kind, vector.expect) for vectors in made.values() for vector in vectors)
    for (kind, expect), count in sorted(counts.items()):
        print(f"{kind:8} {expect:13} {count:4}")
    print(f"{counts.total()} vectors in {len(made)} files, {len(files)} of them written anew")


if __name__ == "__main__":
    main()
