"""Ways for `structlog`: its loggers refuse files that aren't standard streams, but a file can be opened again."""

from __future__ import annotations

from appsnap.ways import plain

__all__: list[str] = []

for _name in ("BytesLogger", "PrintLogger", "WriteLogger"):
    plain(f"structlog._output.{_name}")
