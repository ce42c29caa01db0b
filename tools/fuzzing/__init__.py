"""The parts of `tools/fuzz.py`.

* A golden is a good document, and the parent of mutants.
* A form splits the documents of a kind into parts, changes parts, and joins them again.
* A mutant is a document with changed parts. Its seed and its number determine it.
* A trial reads, shows and builds a mutant, and returns a finding if something went wrong.
"""
