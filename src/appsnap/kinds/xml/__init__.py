"""The xml kind: a snapshot as an XML document, which any XML tool reads.

* The *document* is the element `snapshot`: its attributes are the header, and its last child is the trailer.
* An *element* stands for one value, or for one part of one: `reader` turns elements into steps.
* A *statement* is an element with an `id`, or a `fill`. The element `root` has the root.
* A *filling* is an element in `object`, `call`, `filled` or `fill`: it stands for a step that fills.
* An *escaped* text has numbers, as JSON writes them, in place of the characters that XML can't hold.
* The *writer* turns statements and expressions into indented elements.
"""

from __future__ import annotations

from appsnap.kinds.xml.document import read, write

__all__ = ["read", "write"]
