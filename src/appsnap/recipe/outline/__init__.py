"""A recipe as a tree, for people and for errors.

A *node* is the content of one register after all steps. The *outline* is the tree of the nodes (`tree`). A *path*, as
`application.services["web"].port`, leads from the root to a node, and a *label* is one part of it. `render` lays out
the tree as text or as JSON.
"""

from __future__ import annotations

from appsnap.recipe.outline.render import json_nodes, json_value, text_lines
from appsnap.recipe.outline.tree import Node, Outline, quoted

__all__ = ["Node", "Outline", "json_nodes", "json_value", "quoted", "text_lines"]
