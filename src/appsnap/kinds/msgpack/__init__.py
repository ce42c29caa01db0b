"""The msgpack kind: small and fast, and read by msgpack libraries of other languages.

* A *document* is three msgpack objects in a row: header, body, trailer. Large data stands behind the body.
* The body is an array of *steps*; each step is an array of its number and its fields.
* A *run* of steps is one array, with a *column* for each of the operands (`columns`).
* A reference is a *distance* to a register that was written before.
* *Keys* of dictionaries and attributes are written once, and have a number from then on.
* An *extension* is a number with a type: an integer of more than 64 bits, or the number of large data.
"""

from __future__ import annotations

from appsnap.kinds.msgpack.document import locate, read, write

__all__ = ["locate", "read", "write"]
