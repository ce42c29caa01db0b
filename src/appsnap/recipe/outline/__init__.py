"""A recipe as a tree, for people and for errors.

A *node* is the content of one register after all steps (`nodes`). The *outline* is the tree of the nodes (`tree`). A
*place* is a part of a node, and the first place of a node leads to it (`places`). A *path*, as
`application.services["web"].port`, is the labels of all places from the root to a node. `render` lays out the tree as
text or as JSON, and makes only the nodes that it shows. `facts` are about the tree as a whole.
"""

from __future__ import annotations

from appsnap.recipe.outline.facts import count_services, counts_in_words
from appsnap.recipe.outline.render import MOST_PARTS, json_nodes, json_value, text_lines
from appsnap.recipe.outline.tree import Node, Outline, quoted

__all__ = [
    "MOST_PARTS",
    "Node",
    "Outline",
    "count_services",
    "counts_in_words",
    "json_nodes",
    "json_value",
    "quoted",
    "text_lines",
]
