"""Ways for `fastapi`: the default of its parameters is compared by `is`."""

from __future__ import annotations

from appsnap.ways import by_name

__all__: list[str] = []

by_name("fastapi.datastructures.DefaultPlaceholder")
