"""The application of the command `appsnap save`: `bench.application:application`."""

from __future__ import annotations

from appsnap.service import Application
from bench import mixed
from bench.parts import mixed_tree

__all__ = ["SIZE", "application"]

SIZE = 1_000

application = mixed_tree(mixed, lambda: Application("bench"), SIZE)
