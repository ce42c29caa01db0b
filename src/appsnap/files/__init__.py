"""Bytes on their way to a file and back. Nothing here knows objects or kinds.

* A *stream* is an iterable of buffers. A *source* is read once, from begin to end. Both are in `streams`.
* *Atomic* writing leaves the old file or the new one, never a part: `atomic`.
* A *layer* changes the bytes of a document: age encrypts them (`age`), zstd compresses them (`zstd`). `layers` puts
  both around a document, and takes them off.
* *Armor* is an encrypted file written as text. *Bech32* is the text of a key.
"""
