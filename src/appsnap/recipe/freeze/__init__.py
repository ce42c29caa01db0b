"""Objects to recipe."""

from __future__ import annotations

from appsnap.recipe.freeze.walk import freeze

__all__ = ["freeze"]
