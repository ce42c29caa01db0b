"""Test vectors of snapshots that a reader must refuse, and of some that it must not: `tools/make_vectors.py`."""
