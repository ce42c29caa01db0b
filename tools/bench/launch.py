"""Run Python, and print its seconds and its peak of memory: `python -m bench.launch CLOCK LIMIT ARGUMENT...`.

CLOCK is `wall` or `processor`. A process begins with the peak of its parent, in the system's books, so the parent has
to be a small one. A process that takes more than LIMIT seconds is ended. The line of JSON then has a `word`, as it has
after a failure.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def main() -> None:
    """Run, and print one line."""
    clock, limit, *arguments = sys.argv[1:]
    sink = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    start = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, *arguments], os.environ, file_actions=[sink])
    signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start if clock == "wall" else usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        found: dict[str, object] = {"word": f"> {limit} s"}
    elif status:
        found = {"word": "fails"}
    else:
        unit = 1 if sys.platform == "darwin" else 1024
        found = {"seconds": seconds, "extra": usage.ru_maxrss * unit}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
