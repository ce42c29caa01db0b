"""Litestar's emitter of events: its streams and tasks belong to a run, and the next start makes them anew."""

from __future__ import annotations

from appsnap.ways import transient

__all__ = ["nothing"]


def nothing() -> None:
    """Return None: the emitter isn't started."""


transient(
    "litestar.events.emitter.SimpleEventEmitter",
    {"_exit_stack": nothing, "_receive_stream": nothing, "_send_stream": nothing},
)
