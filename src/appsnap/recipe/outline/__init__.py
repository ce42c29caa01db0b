"""The outline of a recipe."""

from __future__ import annotations

from appsnap.recipe.outline.render import text_lines
from appsnap.recipe.outline.tree import Node, Outline, quoted

__all__ = ["Node", "Outline", "quoted", "text_lines"]
