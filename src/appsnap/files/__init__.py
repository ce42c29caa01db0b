"""Bytes to disk and back: atomic writing, zstd, age."""
