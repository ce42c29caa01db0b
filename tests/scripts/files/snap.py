# Makes snapshots that nobody should have: see the sessions that call it.

import hashlib
import io
import os
import pickle
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appsnap.service import Application, Service
from appsnap.snapshot import save


def cut(path, size):
    data = Path(path).read_bytes()
    Path(path).write_bytes(data[: int(size)])


def flip(path, position):
    data = bytearray(Path(path).read_bytes())
    data[int(position)] ^= 1
    Path(path).write_bytes(data)


def newer(path):
    data = Path(path).read_bytes()
    header = io.BytesIO(data)
    fields = pickle.load(header)
    Path(path).write_bytes(pickle.dumps(fields | {"appsnap": 99}, 5) + data[header.tell() :])


def forge(path, new):
    """Change the trailer, and leave the signature as it is."""
    data = Path(path).read_bytes()
    file = io.BytesIO(data)
    size = pickle.load(file)["size"]
    end = file.tell() + size
    file.seek(end)
    trailer = pickle.load(file) | {"distributions": {"other": "1"}}
    Path(new).write_bytes(data[:end] + pickle.dumps(trailer, 5))


def names(path):
    """Write a bare pickle that wants a name which tries to look like something else."""
    texts = [text.encode() for text in ("os", "\x1b[2J\nappsnap: error: fine.\u202esystem")]
    Path(path).write_bytes(b"\x80\x05" + b"".join(b"\x8c" + bytes([len(text)]) + text for text in texts) + b"\x93.")


def values(path):
    """Write a snapshot with names and values that a terminal would act on."""
    application = Application("sh\x1b[31mop\n\u202e")
    service = Service()
    service.note = "a\nb\x7f\x9b31m"
    setattr(service, "x\x1b]0;title\x07", "\ud800")
    service.setServiceParent(application)
    save(application, path)


def system(path):
    Path(path).write_bytes(pickle.dumps(Run(), 5))


def twisted(passphrase, path, target):
    """Encrypt a file as Twisted's persisted.sob once did."""
    data = Path(path).read_bytes()
    data += b" " * (-len(data) % 16)
    encryptor = Cipher(algorithms.AES(hashlib.md5(passphrase.encode()).digest()), modes.ECB()).encryptor()
    Path(target).write_bytes(encryptor.update(data) + encryptor.finalize())


class Run:
    def __reduce__(self):
        return os.system, ("echo hacked >&2",)


globals()[sys.argv[1]](*sys.argv[2:])
