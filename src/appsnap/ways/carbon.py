"""Ways for `carbon`: its log is the one of the process, and its services open their ports anew."""

from __future__ import annotations

from appsnap.ways import by_name, transient

__all__: list[str] = []

by_name("carbon.log.CarbonLogObserver")
transient("carbon.protocols.CarbonService", ("_port",))
