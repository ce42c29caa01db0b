"""Other processes, as the system sees them."""

from pathlib import Path


def is_alive(process):
    """Tell whether a process runs: one that has ended may wait for its parent, or for the system."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(process):
    """Return the children of the first thread of a process."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
