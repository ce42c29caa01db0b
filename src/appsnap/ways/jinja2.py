"""Jinja's templates: their `__new__` compiles a text, and gives none to pickle."""

from __future__ import annotations

from appsnap.ways import plain

__all__: list[str] = []

plain("jinja2.environment.Template")
