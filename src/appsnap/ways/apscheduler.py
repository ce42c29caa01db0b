"""APScheduler 3: its schedulers and jobs, which refuse to be pickled.

A scheduler that runs comes back stopped: neither its thread nor its event loop does. Its jobs are kept.
"""

from __future__ import annotations

from typing import Any

from appsnap.ways import objects, plain, saves

__all__: list[str] = []

_STOPPED = 0
_OF_THE_RUN = ("_eventloop", "_event", "_ioloop", "_reactor", "_thread", "_timeout", "_delayedcall", "_greenlet")


@saves("apscheduler.schedulers.base.BaseScheduler", subclasses=True)
def _(scheduler: Any) -> Any:
    made, args, state, *rest = objects.take_apart(_OF_THE_RUN if scheduler.state != _STOPPED else (), scheduler)
    return made, args, state and {**state, **({"state": _STOPPED} if "state" in state else {})}, *rest


@saves("apscheduler.executors.base.BaseExecutor", subclasses=True)
def _(executor: Any) -> Any:
    return objects.take_apart(("_eventloop", "_ioloop", "_reactor", "_pending_futures"), executor)


plain("apscheduler.job.Job")
