"""Loguru's logger: it belongs to the process, with all that handles its messages."""

from __future__ import annotations

import sys
from typing import Any

from appsnap.ways import by_name, saves

__all__: list[str] = []

by_name("loguru._logger.Logger")


@saves("loguru._logger.Core")
def _(core: Any) -> Any:
    logger = sys.modules["loguru"].logger
    return (getattr, (logger, "_core")) if logger._core is core else NotImplemented
