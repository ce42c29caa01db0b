"""Generators that have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["ended"]


def ended() -> Generator[Any, Any, Any]:
    """Return a generator that has ended."""
    made = _generator()
    made.close()
    return made


def _generator() -> Generator[Any, Any, Any]:
    yield None
