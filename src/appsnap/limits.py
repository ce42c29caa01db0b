"""Limits on the cost of reading a snapshot that isn't trusted, and the error for a snapshot beyond one."""

from __future__ import annotations

from dataclasses import dataclass, fields

from appsnap.errors import CannotLoad
from appsnap.printable import type_of

__all__ = ["FREE_OUTPUT", "FREE_STEPS", "LIMITS", "Limits", "Relative", "limits_of", "over", "steps_of"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one snapshot. All are whole numbers. Raise one where a good file needs more.

    Only `expansion` and `work_factor` hold for a file that its signature or passphrase makes trusted as a whole: it may
    do anything anyway. For one with `EVERYTHING` alone, those on steps and output hold, too. Raises ValueError for a
    value that isn't a whole number, or is negative.
    """

    steps: int = 10_000_000
    """Steps of the recipe. A service takes about three, so this allows three million services: 2.5 GB, and a minute. In
    a pickle, it also bounds the containers and marks that are open at once, and the arguments that calls share. In
    msgpack, it also bounds the operands of spans and sames. This limit doesn't hold for a file that is trusted as a
    whole."""

    steps_per_byte: int = 4
    """Steps for each byte of a compressed file, or of any msgpack file, without padding; and all else that `steps`
    bounds. 262,144 are free, and take 100 MB and some seconds to show. zstd makes next to nothing of a million equal
    steps, and so does a run in msgpack. Each step takes up to 400 bytes of memory. Services with names and ports take
    three steps, and ten bytes or more. This limit doesn't hold for a file that is trusted as a whole, either."""

    key_depth: int = 1_000
    """Levels of tuples in one key. Hashing recurses through them, and the interpreter's stack ends at some 10,000."""

    levels: int = 1_000
    """Levels of partials, exceptions, bound methods, deques and other results of calls in each other, and a tenth of
    that between objects that lead back to themselves. Python frees them by recursion: 10,000 levels need up to 1 MiB of
    stack, as a thread may have."""

    key_items: int = 20_000_000
    """Items hashed for all keys together: about a second. Each hash of a tuple hashes all items in it again. Sixty
    tuples, each with the one before twice in it, would take forever."""

    key_comparisons: int = 5_000_000
    """Items compared for all keys with equal hashes together: about a second. Equal hashes make dictionaries
    quadratic."""

    copies: int = 4
    """How often the content of the recipe (operands, characters, bytes) may be copied while values are made. A million
    copies are free. A hundred deques of one list copy that list a hundred times; usual files copy everything once.
    Patterns and dtypes cost more: that counts in microseconds. Of a compressed file's content, no more counts than 25
    times the size of the file."""

    expansion: int = 100
    """How many times larger than its zstd frame the content may be. 256 KiB are free. Each byte can take some 400 bytes
    of memory, for instance if it makes a set in a pickle. zstd compresses 32,000 equal bytes to one; usual files become
    2 to 100 times smaller."""

    output: int = 100
    """Characters that `show`, `audit` and `convert` write for each byte of the file. Ten million are free. A file may
    use a long name a thousand times with three bytes each, and source and xml have it a thousand times. The JSON of
    usual files has 10 to 50 characters for each byte. This limit doesn't hold for a file that is trusted as a whole."""

    work_factor: int = 20
    """scrypt's work factor. 20 means 2**20 rounds, up to 4 seconds and 1 GiB. One more doubles both. appsnap and the
    age program write 18, a second and 256 MiB. The age program reads up to 22."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 0:
                raise ValueError(f"the limit {field.name} is a whole number, not {value!r:.60}")


LIMITS = Limits()
"""The default limits."""

FREE_STEPS = 256 << 10
"""Steps of a compressed file, or one with runs, of any size, besides those that `steps_per_byte` allows."""

FREE_OUTPUT = 10_000_000
"""Characters that are shown of a file of any size, besides those that `output` allows."""


class Relative(int):
    """A bound that follows from the size of a file by a limit: `name` and `value` are those of the limit."""

    name: str
    value: int


def steps_of(size: int, limits: Limits) -> int:
    """Return the most steps of a compressed or msgpack file of so many bytes that isn't trusted as a whole."""
    most = Relative(FREE_STEPS + limits.steps_per_byte * size)
    most.name, most.value = "steps_per_byte", limits.steps_per_byte
    return min(limits.steps, most)


def limits_of(given: object) -> Limits:
    """Return an argument that has to be limits. Raises TypeError for one that isn't."""
    if not isinstance(given, Limits):
        raise TypeError(f"limits are appsnap.Limits, as in limits=Limits(steps=1_000), not {type_of(given)}")
    return given


def over(name: str, most: int, excess: str) -> CannotLoad:
    """Return the error for a snapshot beyond a limit. `excess` says in words what is too much."""
    if isinstance(most, Relative):
        name, most = most.name, most.value
    return CannotLoad(
        f"{excess}: the limit is {name}={most:,}",
        hint=f"if you trust who wrote the file, raise the limit: limits=Limits({name}=…), or --limit {name}=…",
    )
