"""The pickle kind: fast, and read by Python's own pickle.

* A *document* is three pickles in a row: header, body, trailer. A *bare pickle* is a body alone; Twisted wrote those.
* *Native* is the C pickler and unpickler of Python. They write and read the body for objects that are trusted as code.
* The *reader* follows the opcodes. Its *unpickler* makes steps, not objects.
* The *writer* writes steps as opcodes. It is for documents that are made from another document.
* The *memo* is pickle's table of objects that are referred to again. The writer uses it for registers.
"""

from __future__ import annotations

from appsnap.kinds.pickle.document import assemble, has_header, locate, read, write, write_objects

__all__ = ["assemble", "has_header", "locate", "read", "write", "write_objects"]
