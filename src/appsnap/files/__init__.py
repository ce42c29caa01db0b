"""Bytes to disk and back: atomic writing, zstd, age, and Twisted's old encryption."""
