"""The source kind: a snapshot as a Python module, made to be read, edited and compared.

* A *document* is the whole file: a header line, statements, a trailer line.
* A *word* is a token of Python: a name, a literal, a bracket. `tokens` divides text into words.
* A *piece* is some 20,000 characters of whole statements. A file is read piece by piece.
* A *statement* is an import, an assignment or a fill. `reader` turns statements into steps.
* An *expression* makes one value. `expressions` turns expressions into steps, and has the table of helpers.
* A *helper* is a function of `appsnap.actions` that files call: it stands for a step that Python has no syntax for.
* The *cursor* is the place of a reader among the words.
* The *writer* lays statements out as people lay them out.
"""

from __future__ import annotations

from appsnap.kinds.source.document import read, signed, write

__all__ = ["read", "signed", "write"]
