"""Checks of the arguments in a snapshot, before a value is made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.recipe.values.registry import Make

__all__ = ["call", "check", "of"]


def check(condition: object, reason: str) -> None:
    """Raise ValueError with a reason unless a condition holds."""
    if not condition:
        raise ValueError(reason)


def of(*types: type, most: int, least: int = 0) -> Callable[[tuple[Any, ...]], None]:
    """Return a check that there are `least` to `most` arguments, each of exactly one of some types."""
    allowed = frozenset(types)

    def check_all(args: tuple[Any, ...]) -> None:
        check(least <= len(args) <= most, f"takes {least} to {most} arguments, not {len(args)}")
        for argument in args:
            check(type(argument) in allowed, f"takes no {type(argument).__name__}")

    return check_all


def call(cls: Callable[..., Any], *types: type, most: int, least: int = 0) -> Make:
    """Return a function that calls a class with arguments for which `of` holds."""
    check_all = of(*types, most=most, least=least)

    def make(args: tuple[Any, ...]) -> Any:
        check_all(args)
        return cls(*args)

    return make
