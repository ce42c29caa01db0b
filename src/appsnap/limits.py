"""What it may cost to read a snapshot that nobody vouches for, and how an error says that it would cost more."""

from __future__ import annotations

from dataclasses import dataclass, fields

from appsnap.errors import CannotLoad

__all__ = ["LIMITS", "Limits", "over"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one snapshot: all are whole numbers, and each can be raised where a good file needs more.

    Those on keys, comparisons and copies don't hold for a file that is trusted as code: it may do what it likes.
    Raises ValueError for what is no number, or negative.
    """

    steps: int = 10_000_000
    """Steps of the recipe. A service takes about three, so this is three million of them: 2.5 GB, and a minute. In a
    pickle, it is how many containers and marks may lie open, too, and bounds what calls share of their arguments."""

    key_depth: int = 1_000
    """Levels of tuples in one key. Hashing goes down them on the interpreter's stack, which ends at some 10,000."""

    key_items: int = 20_000_000
    """Items hashed for all keys together: about a second. A tuple is hashed anew each time, with all that is in it:
    sixty tuples of two, each made of the one before, would take forever."""

    key_comparisons: int = 5_000_000
    """Items compared for all keys with equal hashes together: about a second. Such keys make dictionaries quadratic."""

    copies: int = 4
    """How many times as much as the recipe holds (operands, characters, bytes) may be copied while values are made of
    it. A million are free. A hundred deques of one list hold that a hundred times; what people save copies once. What
    patterns and dtypes take besides counts in microseconds."""

    expansion: int = 100
    """How many times as large as a zstd frame its content may be. 256 KiB are free: each byte may take some 400 to be
    read and built, as where each is a set of a pickle. zstd makes 32,000 bytes of the same kind one; what people save
    becomes 2 to 100 times smaller."""

    work_factor: int = 20
    """Of scrypt: a passphrase takes 2**20 rounds, up to 4 seconds and 1 GiB. Each more doubles both. appsnap and the
    age program write 18, a second and 256 MiB; the latter reads up to 22."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 0:
                raise ValueError(f"the limit {field.name} is a whole number, not {value!r:.60}")


LIMITS = Limits()
"""The limits where none are given."""


def over(name: str, most: int, what: str) -> CannotLoad:
    """Return the error for a snapshot that is beyond a limit: `what` says in which way."""
    return CannotLoad(
        f"{what}: the limit is {name}={most:,}",
        hint=f"if you trust who wrote the file, raise the limit: limits=Limits({name}=…), or --limit {name}=…",
    )
