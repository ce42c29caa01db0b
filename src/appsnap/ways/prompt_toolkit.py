"""prompt_toolkit's key processor and its parser of keys: each has a generator, which it makes itself."""

from __future__ import annotations

from typing import Any, TypeVar

from appsnap.recipe.freeze.inherited import newobj
from appsnap.ways import objects, saves

__all__ = ["reset"]

T = TypeVar("T")


def reset(machine: T, state: dict[str, Any], /) -> T:
    """Let a new key processor or parser make its generator, and give it its attributes. Returns it."""
    machine.reset()  # type: ignore[attr-defined]  # both have it
    return objects.fill(machine, state)


_GENERATORS = ("_process_coroutine", "_input_parser")
_OF_THE_RUN = {"_flush_wait_task": None}


@saves("prompt_toolkit.key_binding.key_processor.KeyProcessor", subclasses=True)
@saves("prompt_toolkit.input.vt100_parser.Vt100Parser", subclasses=True)
def _(machine: Any) -> Any:
    _, (cls,), state, *_ = objects.take_apart(_GENERATORS, machine)
    stopped = {name: value for name, value in _OF_THE_RUN.items() if name in state}
    return newobj, (cls,), {**state, **stopped}, None, None, reset
