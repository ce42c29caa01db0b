"""Objects to a recipe.

A *reduction* says how one object is taken apart (`rules`). A *walk* takes a whole graph apart: without recursion
(`walk`), or faster, with calls a few levels deep (`fast`), or many objects of one shape together (`columns`), if they
are *quiet* (`quiet`): no method of the application sees the order. `order` sorts the items of a set in the same way in
every process. `places` describes the objects that can't be saved. `notes` has facts that people would miss later.
"""

from __future__ import annotations

from appsnap.recipe.freeze.notes import Notes
from appsnap.recipe.freeze.walk import freeze

__all__ = ["Notes", "freeze"]
