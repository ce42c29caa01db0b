"""The attributes of the small service, which is made of several classes."""

from __future__ import annotations

from typing import Any

__all__ = ["parts_of"]


def parts_of(number: int) -> tuple[str, int, dict[str, Any], float]:
    """Return name, port, options and rate of the service with a number."""
    options = {"host": "localhost", "paths": ["/", f"/shop/{number}"], "secure": number % 2 == 0}
    return f"service-{number}", 8000 + number % 1000, options, number / 7
