"""Two layouts of an outline: as text for people, and as JSON."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from appsnap.printable import escaped, shortened
from appsnap.recipe.outline.readable import data_text, digest, readable
from appsnap.recipe.outline.tree import quoted
from appsnap.recipe.steps import Operand, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appsnap.recipe.outline.tree import Outline

__all__ = ["json_nodes", "json_value", "text_lines"]

_LONGEST_PATH = 200


def text_lines(outline: Outline, *, depth: int = 20) -> Iterator[str]:
    """Yield the outline as text, a line at a time. Characters that aren't printable are escaped.

    A node with several places is shown in full at the first one. At the others stands an arrow with the path of the
    first. Nodes deeper than `depth` levels are left out, and an ellipsis marks the place.
    """
    yield escaped(f"{outline.root_name}: {_headline(outline, outline.root)}")
    elsewhere = functools.lru_cache(1_000)(functools.partial(_elsewhere, outline))
    stack = [] if _is_value(outline, outline.root) else [_rows(outline, outline.root, "", depth)]
    while stack:
        row = next(stack[-1], None)
        if row is None:
            stack.pop()
            continue
        indent, last, label, operand, left, full = row
        branch = "└── " if last else "├── "
        room = 100 - len(indent) - len(label)
        if not isinstance(operand, Ref):
            text: str | None = quoted(operand)
        elif full:
            text = readable(outline, operand)
            if text is None and _is_plain(outline, operand):
                # A call isn't shown again argument by argument, only because its label is long.
                is_call = outline.nodes[operand].form == "call"
                text = _inline(outline, operand, 100 if is_call else room)
        else:
            text = elsewhere(operand, room)
        if text is not None:
            yield escaped(f"{indent}{branch}{label}: {text}")
            continue
        below = _rows(outline, operand, indent + ("    " if last else "│   "), left - 1)
        more = left <= 1 and next(below, None) is not None
        yield escaped(f"{indent}{branch}{label}: {_headline(outline, operand)}{' …' if more else ''}")
        if left > 1:
            stack.append(below)


def _rows(
    outline: Outline, operand: Operand, indent: str, left: int
) -> Iterator[tuple[str, bool, str, Operand, int, bool]]:
    """Yield the rows below a node: indent, is it the last one, name, operand, levels left, is it the first place."""
    if not isinstance(operand, Ref):
        return
    parents = outline.parents
    row: tuple[str, Operand, int, bool] | None = None
    for place, (label, child) in enumerate(outline.children(operand)):
        if row is not None:
            yield (indent, False, *row)
        full = isinstance(child, Ref) and parents.get(int(child), ())[:2] == (int(operand), place)
        row = (_bare(label), child, left, full)
    if row is not None:
        yield (indent, True, *row)


def _headline(outline: Outline, operand: Operand) -> str:
    """Return the line of a node whose parts follow in lines of their own."""
    if not isinstance(operand, Ref):
        return quoted(operand)
    node = outline.nodes[operand]
    if node.form in ("list", "tuple", "set", "frozenset", "dict"):
        count = len(node.items) + len(node.pairs)
        return f"{node.form} of {count}"
    return _inline(outline, operand, 100) or outline.cut(outline.class_of(operand))


def _elsewhere(outline: Outline, operand: Ref, room: int) -> str:
    """Return the line of a node at any place but its first."""
    return (None if outline.may_change(operand) else _inline(outline, operand, room)) or _arrow(outline, operand)


def _arrow(outline: Outline, operand: Operand) -> str:
    return f"→ {outline.path(operand, 200)}"


def _is_value(outline: Outline, operand: Operand) -> bool:
    """Tell whether a node is a call that fits into one line."""
    if not isinstance(operand, Ref):
        return False
    if readable(outline, operand) is not None:
        return True
    if outline.nodes[operand].form != "call":
        return False
    return _is_plain(outline, operand) and _inline(outline, operand, 100) is not None


def _is_plain(outline: Outline, operand: Operand) -> bool:
    """Tell whether a node may be written in one line: it has no attributes and no state."""
    return not isinstance(operand, Ref) or not (
        outline.nodes[operand].attributes or outline.nodes[operand].state is not None
    )


def _inline(outline: Outline, operand: Operand, room: int, depth: int = 3, owner: int | None = None) -> str | None:
    """Return an operand as one line of at most `room` characters, or None if it needs more.

    Inside of a line, an object with attributes is an arrow to its first place. If its first place is here, in the node
    `owner`, the object needs lines of its own.
    """
    if not isinstance(operand, Ref):
        return quoted(operand)
    node = outline.nodes[operand]
    if (line := readable(outline, operand)) is not None and (depth == 3 or not outline.may_change(operand)):
        return line
    if depth < 3 and operand in outline.shared and _is_plain(outline, operand) and outline.may_change(operand):
        return None
    match node.form:
        case "name":
            return outline.cut(node.name)
        case "value" | "bytearray":
            text = data_text(outline, operand)
            return text if node.form == "value" else f"bytearray({text})"
        case "member":
            return f"{_arrow(outline, node.args[0])}.{outline.cut(node.name)}"
        case "object" if not depth or node.attributes or node.state is not None:
            return _arrow(outline, operand) if depth < 3 and outline.parents.get(operand, ())[:1] != (owner,) else None
    if not depth or len(node.items) + len(node.pairs) + len(node.args) > room:
        return None
    begin, end = _BRACKETS.get(node.form) or (f"{outline.cut(node.name)}(", ")")
    room -= len(begin) + len(end) - 2
    shown: list[str] = []
    # Each part gets the room that is left. Without that bound, shared parts could be visited a million times.
    for parts in (*((part,) for part in (*node.args, *node.items)), *node.pairs):
        texts = []
        for part in parts:
            inner = _inline(outline, part, room, depth - 1, int(operand))
            if inner is None:
                return None
            room -= len(inner) + 2
            texts.append(inner)
        if room < 0:
            return None
        shown.append(": ".join(texts))
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
            for label, child in outline.children(register):
                if isinstance(child, Ref) and not found[child]:
                    found[child] = True
                    longer = None if path is None or len(path) + len(label) > _LONGEST_PATH else path + label
                    yield _node(outline, int(child), register, longer)
                    if next(outline.children(child), None) is not None:  # most have no parts
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
    most = _LONGEST_TEXT if isinstance(value, str) else _LONGEST_BYTES
    if len(value) <= most:
        return json_value(value)
    return {"size": len(value), "sha256": digest(outline, Ref(register)), "begin": json_value(value[:100])}


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
