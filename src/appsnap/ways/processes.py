"""Ways for `multiprocessing` and `subprocess`: no process can save another one, or an object that they share."""

from __future__ import annotations

from typing import Any

from appsnap.errors import Refused
from appsnap.ways import saves

__all__: list[str] = []


@saves("subprocess.Popen", subclasses=True)
def _child(process: Any) -> Any:
    if getattr(process, "returncode", None) is None:
        raise Refused("a child process", "make it in startService, and TRANSIENT")
    return NotImplemented


@saves("multiprocessing.synchronize.SemLock", subclasses=True)
@saves("multiprocessing.synchronize.Condition", subclasses=True)
@saves("multiprocessing.synchronize.Event", subclasses=True)
@saves("multiprocessing.synchronize.Barrier", subclasses=True)
@saves("multiprocessing.queues.Queue", subclasses=True)
@saves("multiprocessing.queues.SimpleQueue", subclasses=True)
@saves("multiprocessing.sharedctypes.SynchronizedBase", subclasses=True)
@saves("multiprocessing.shared_memory.SharedMemory", subclasses=True)
def _shared(obj: Any) -> Any:
    raise Refused(
        f"a {type(obj).__name__} that processes share, and that belongs to the system",
        "make it in startService, and TRANSIENT",
    )
