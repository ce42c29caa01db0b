"""The outline of a recipe."""

from __future__ import annotations

from appsnap.recipe.outline.render import json_nodes, json_value, text_lines
from appsnap.recipe.outline.tree import Node, Outline, quoted

__all__ = ["Node", "Outline", "json_nodes", "json_value", "quoted", "text_lines"]
