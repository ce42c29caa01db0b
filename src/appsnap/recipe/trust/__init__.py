"""Trust: what a stranger's file may do. These modules and the records in `recipe.values` decide it, nothing else.

* A *want* is a name in a recipe together with its *use*: `reference` (the object is found and kept), `create` (objects
  of the class are made without `__init__`, and get their state), or `call` (the function or class is called).
* A *grant* says that a name is trusted for a use: by the caller's `Trust`, or by the record of a value type.
* An *effect* (`appsnap.effects`) is a file that building opens, or the like. Its grant names the target, too. A record
  of a value type tells the effects of a call from its arguments.
* The *survey* finds the wants, the effects, and the *obstacles*: the steps that no trust in names allows, or only for
  some classes.
* The *audit* compares wants with grants.
* A *check* tests an object that the recipe has made or found.
* A *cost* is time or memory that building takes beyond the length of the recipe.

They act in this order:

1. `names` and `grants`: the caller's trust is parsed. Nothing in a file adds to it.
2. `survey` and `audit`: before anything is imported, every want needs a grant, and steps may fill only objects that the
   recipe made.
3. `cost`: before anything is built, the cost of hashing keys is counted; the other costs are counted during the build.
4. `checks` and `filling`: at each step of the build, the objects that it uses are checked. `filling` also has the rule
   for the audit: which step may fill which object. `attributes` has the names that no state may set.

A file that is trusted as code (`EVERYTHING`) passes without all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.recipe.trust.audit import audit, denied, obstacles, refused, wants
from appsnap.recipe.trust.names import EVERYTHING, SPECIAL_METHODS, Everything, Grant, Trust, carries_code

if TYPE_CHECKING:
    from appsnap.recipe.trust.names import Trusted as Trusted

__all__ = [
    "EVERYTHING",
    "SPECIAL_METHODS",
    "Everything",
    "Grant",
    "Trust",
    "audit",
    "carries_code",
    "denied",
    "obstacles",
    "refused",
    "wants",
]
