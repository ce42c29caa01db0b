"""Two layouts of an outline: as text for people, and as JSON."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from appsnap.printable import escaped, shortened
from appsnap.recipe.outline.places import Places
from appsnap.recipe.outline.readable import data_text, digest, readable
from appsnap.recipe.outline.tree import quoted
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.recipe.outline.tree import Outline

__all__ = ["MOST_PARTS", "json_nodes", "json_value", "text_lines"]

MOST_PARTS = 50
"""Parts of one node that are shown, of each sort: nobody reads a hundred thousand services."""

_LONGEST_PATH = 200


class _View(NamedTuple):
    """An outline as it is shown: the first places of the nodes that are shown, and those with several places."""

    outline: Outline
    places: Places
    shared: set[int]
    most: int | None


class _Row(NamedTuple):
    """A line below a node. `more` is the number of parts that are left out here; else the row is about an operand."""

    label: str
    operand: Operand
    full: bool
    more: int = 0


def text_lines(
    outline: Outline, *, depth: int = 20, most: int | None = MOST_PARTS, way: str = "--all"
) -> Iterator[str]:
    """Yield the outline as text, a line at a time. Characters that aren't printable are escaped.

    A node with several places is shown in full at the first one. At the others stands an arrow with the path of the
    first. Nodes deeper than `depth` levels are left out, and an ellipsis marks the place. Of the attributes, of the
    items and of the arguments of a node, `most` are shown each. A line has the number of the others, and the `way` to
    see them.
    """
    # A line has up to three levels of parts in it.
    places = Places(outline, most=most, depth=depth + 4)
    view = _View(outline, places, places.shared(), most)
    yield escaped(f"{outline.root_name}: {_headline(view, outline.root)}")
    elsewhere = functools.lru_cache(1_000)(functools.partial(_elsewhere, view))
    stack = [] if _is_value(view, outline.root) else [(_marked(_rows(view, outline.root)), "", depth)]
    while stack:
        rows, indent, left = stack[-1]
        last, row = next(rows, (True, None))
        if row is None:
            stack.pop()
            continue
        branch = "└── " if last else "├── "
        if row.more:
            yield f"{indent}{branch}… {row.more:,} more ({way})"
            continue
        label, operand = row.label, row.operand
        room = 100 - len(indent) - len(label)
        if not isinstance(operand, Ref):
            text: str | None = quoted(operand)
        elif row.full:
            text = readable(outline, operand)
            if text is None and _is_plain(outline, operand):
                # A call isn't shown again argument by argument, only because its label is long.
                is_call = outline.nodes[operand].form == "call"
                text = _inline(view, operand, 100 if is_call else room)
        else:
            text = elsewhere(operand, room)
        if text is not None:
            yield escaped(f"{indent}{branch}{label}: {text}")
            continue
        more = left <= 1 and next(_rows(view, operand), None) is not None
        yield escaped(f"{indent}{branch}{label}: {_headline(view, operand)}{' …' if more else ''}")
        if left > 1:
            stack.append((_marked(_rows(view, operand)), indent + ("    " if last else "│   "), left - 1))


def _rows(view: _View, operand: Operand) -> Iterator[_Row]:
    """Yield the rows below a node."""
    if not isinstance(operand, Ref):
        return
    outline, parents = view.outline, view.places.parents
    register = int(operand)
    for parts, count in outline.sections(register, view.most):
        for place, child in parts:
            full = isinstance(child, Ref) and parents.get(child) == (register, place)
            yield _Row(_bare(outline.label(register, place)), child, full)
        if view.most is not None and count > view.most:
            yield _Row("", None, full=False, more=count - view.most)


def _marked(rows: Iterator[_Row]) -> Iterator[tuple[bool, _Row]]:
    """Yield each row, and whether it is the last one."""
    waiting = next(rows, None)
    while waiting is not None:
        following = next(rows, None)
        yield following is None, waiting
        waiting = following


def _headline(view: _View, operand: Operand) -> str:
    """Return the line of a node whose parts follow in lines of their own."""
    if not isinstance(operand, Ref):
        return quoted(operand)
    node = view.outline.nodes[operand]
    if node.form in ("list", "tuple", "set", "frozenset", "dict"):
        count = len(node.items) + len(node.pairs)
        return f"{node.form} of {count:,}"
    return _inline(view, operand, 100) or view.outline.cut(view.outline.class_of(operand))


def _elsewhere(view: _View, operand: Ref, room: int) -> str:
    """Return the line of a node at any place but its first."""
    return (None if view.outline.may_change(operand) else _inline(view, operand, room)) or _arrow(view, operand)


def _arrow(view: _View, operand: Operand) -> str:
    return f"→ {view.outline.path(operand, 200, view.places)}"


def _is_value(view: _View, operand: Operand) -> bool:
    """Tell whether a node is a call that fits into one line."""
    outline = view.outline
    if not isinstance(operand, Ref):
        return False
    if readable(outline, operand) is not None:
        return True
    if outline.nodes[operand].form != "call":
        return False
    return _is_plain(outline, operand) and _inline(view, operand, 100) is not None


def _is_plain(outline: Outline, operand: Operand) -> bool:
    """Tell whether a node may be written in one line: it has no attributes and no state."""
    return not isinstance(operand, Ref) or not (
        outline.nodes[operand].attributes or outline.nodes[operand].state is not None
    )


def _inline(view: _View, operand: Operand, room: int, depth: int = 3, owner: int | None = None) -> str | None:
    """Return an operand as one line of at most `room` characters, or None if it needs more.

    Inside of a line, an object with attributes is an arrow to its first place. If its first place is here, in the node
    `owner`, the object needs lines of its own.
    """
    if not isinstance(operand, Ref):
        return quoted(operand)
    outline = view.outline
    node = outline.nodes[operand]
    if (line := readable(outline, operand)) is not None and (depth == 3 or not outline.may_change(operand)):
        return line
    if depth < 3 and operand in view.shared and _is_plain(outline, operand) and outline.may_change(operand):
        return None
    match node.form:
        case "name":
            return outline.cut(node.name)
        case "value" | "bytearray":
            text = data_text(outline, operand)
            return text if node.form == "value" else f"bytearray({text})"
        case "member":
            return f"{_arrow(view, node.args[0])}.{outline.cut(node.name)}"
        case "object" if not depth or node.attributes or node.state is not None:
            return _arrow(view, operand) if depth < 3 and view.places.parents.get(operand, ())[:1] != (owner,) else None
    if not depth or len(node.items) + len(node.pairs) + len(node.args) + len(node.keywords) > room:
        return None
    begin, end = _BRACKETS.get(node.form) or (f"{outline.cut(node.name)}(", ")")
    room -= len(begin) + len(end) - 2
    shown: list[str] = []
    # Each part gets the room that is left. Without that bound, shared parts could be visited a million times.
    for parts in (*((part,) for part in (*node.args, *node.items)), *node.pairs):
        texts = []
        for part in parts:
            inner = _inline(view, part, room, depth - 1, int(operand))
            if inner is None:
                return None
            room -= len(inner) + 2
            texts.append(inner)
        if room < 0:
            return None
        shown.append(": ".join(texts))
    for name, part in node.keywords.items():
        inner = _inline(view, part, room, depth - 1, int(operand))
        shown.append(f"{outline.cut(name)}={inner}")
        room -= len(shown[-1]) + 2
        if inner is None or room < 0:
            return None
    comma = "," if node.form == "tuple" and len(shown) == 1 else ""
    return f"{begin}{', '.join(shown)}{comma}{end}"


_BRACKETS = {
    "list": ("[", "]"),
    "tuple": ("(", ")"),
    "set": ("{", "}"),
    "dict": ("{", "}"),
    "frozenset": ("frozenset({", "})"),
}


def _bare(label: str) -> str:
    """Return a label as the name of a line: `port` for `.port`, and `["web"]` for itself."""
    return label.removeprefix(".").lstrip()


def json_nodes(outline: Outline, depth: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the nodes below the root as JSON objects, breadth first, each after its parent."""
    if not isinstance(outline.root, Ref):
        return
    found = bytearray(len(outline.nodes))  # by register
    found[outline.root] = True
    yield _node(outline, int(outline.root), None, outline.root_name)
    level: list[tuple[int, str | None]] = [(int(outline.root), outline.root_name)]
    while level and (depth is None or depth > 0):
        below: list[tuple[int, str | None]] = []
        for register, path in level:
            for place, child in outline.parts(register):
                if isinstance(child, Ref) and not found[child]:
                    found[child] = True
                    longer = None
                    if path is not None:
                        label = outline.label(register, place)
                        longer = path + label if len(path) + len(label) <= _LONGEST_PATH else None
                    yield _node(outline, int(child), register, longer)
                    if next(outline.parts(child), None) is not None:  # most have no parts
                        below.append((int(child), longer))
        level = below
        depth = None if depth is None else depth - 1


def _node(outline: Outline, register: int, parent: int | None, path: str | None) -> dict[str, Any]:
    node = outline.nodes[register]
    shown: dict[str, Any] = {
        "id": register,
        "path": path,
        "parent": parent,
        "form": node.form,
        "class": shortened(outline.class_of(Ref(register)), 100),
    }
    if node.form in ("name", "member"):
        shown["name"] = node.name
    if (line := readable(outline, Ref(register))) is not None:
        shown["shown"] = line
    if node.form in ("value", "bytearray"):
        shown["value"] = _json_data(outline, register)
    if node.args:
        shown["arguments"] = [json_value(operand) for operand in node.args]
    if node.keywords:
        shown["keywords"] = {name: json_value(operand) for name, operand in node.keywords.items()}
    if node.attributes:
        shown["attributes"] = {name: json_value(operand) for name, operand in node.attributes.items()}
    if node.items:
        shown["items"] = [json_value(operand) for operand in node.items]
    if node.pairs:
        shown["pairs"] = [[json_value(key), json_value(value)] for key, value in node.pairs]
    if node.state is not None:
        shown["state"] = json_value(node.state)
    return shown


def _json_data(outline: Outline, register: int) -> Any:
    """Return a text or bytes in JSON: a long one by its size, its digest and its begin."""
    value = outline.nodes[register].value
    if len(value) <= (_LONGEST_TEXT if isinstance(value, str) else _LONGEST_BYTES):
        return json_value(value if isinstance(value, str) else bytes(value))
    begin = value[:100]
    begin = begin if isinstance(begin, str) else bytes(begin)
    if register in outline.unverified:
        sums = [*outline.unverified[register]]
        return {"size": len(value), "sha256": None, "checksums": sums, "begin": json_value(begin)}
    return {"size": len(value), "sha256": digest(outline, Ref(register)), "begin": json_value(begin)}


_LONGEST_TEXT = 10_000
_LONGEST_BYTES = 1_000


def json_value(operand: Operand) -> Any:
    """Return an operand in JSON, without loss: references and unusual values as objects with one key."""
    if isinstance(operand, Ref):
        return {"ref": int(operand)}
    if operand is None or isinstance(operand, (bool, str)):
        return operand
    if isinstance(operand, int):
        # Many readers of JSON know only doubles (RFC 8259, section 6). Python limits decimal digits, but not
        # hexadecimal ones.
        return operand if abs(operand) < 2**53 else {"python": hex(operand)}
    if isinstance(operand, float) and math.isfinite(operand):
        return operand
    return {"python": repr(operand)}
