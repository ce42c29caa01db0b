"""Facts about an outline as a whole: the number of its services, and its names. Few nodes are made for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appsnap.printable import as_word, plural, shortened
from appsnap.recipe.steps import Ref

if TYPE_CHECKING:
    from appsnap.recipe.outline.tree import Outline

__all__ = ["count_services", "counts_in_words"]

_MOST_NAMES = 5
_LONGEST = 60


def count_services(outline: Outline) -> int | None:
    """Return the number of services below the root, or None if the root isn't a collection of services."""
    root = outline.services_root
    if not isinstance(root, Ref) or "services" not in outline.nodes[root].attributes:
        return None
    collections = set(outline.nodes.registers_with("services"))
    found: set[int] = {root}
    stack: list[int] = [root]
    lists = set()  # a stranger's file may have one list for all services
    while stack:
        services = outline.nodes[stack.pop()].attributes.get("services")
        if not isinstance(services, Ref) or services in lists:
            continue
        lists.add(services)
        new = {operand for operand in outline.nodes[services].items if type(operand) is Ref} - found
        found |= new
        stack += new & collections
    return len(found) - 1


def counts_in_words(outline: Outline, steps: int) -> str:
    """Return the numbers of services, objects, steps and names, and the first names."""
    services = count_services(outline)
    facts = [] if services is None else [plural(services, "service")]
    names = [*dict.fromkeys(name.dotted for name in outline.nodes.names.values())]
    shown = [as_word(shortened(name, _LONGEST)) for name in names[:_MOST_NAMES]]
    facts += [plural(len(outline.nodes), "object"), plural(steps, "step"), plural(len(names), "name")]
    listed = f": {', '.join(shown)}{', …' if len(names) > _MOST_NAMES else ''}" if names else ""
    return ", ".join(facts) + listed
