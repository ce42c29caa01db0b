"""Files: a text file that is read, a log, a binary file that is changed, a listening socket."""

import io
import socket

GROUP = "libraries"
PACKAGES = ()


class Reader:
    """A program that reads a list by lines, writes a log, and counts in a binary file."""

    def __init__(self, folder):
        self.list = (folder / "list.txt").open(encoding="utf-8")
        self.log = (folder / "reader.log").open("a", encoding="latin-1", buffering=1)
        self.count = (folder / "count.bin").open("r+b")
        self.raw = (folder / "raw.bin").open("rb", buffering=0)
        self.notes = io.StringIO("a\nb\n")
        self.listening = socket.create_server(("127.0.0.1", 0))


def build(folder):
    (folder / "list.txt").write_text("one\ntwö\nthree\n", encoding="utf-8")
    (folder / "count.bin").write_bytes(bytes(8))
    (folder / "raw.bin").write_bytes(b"0123456789")
    reader = Reader(folder)
    assert reader.list.readline() == "one\n"
    reader.log.write("begun é\n")
    reader.count.seek(4)
    reader.raw.seek(5)
    reader.notes.readline()
    return reader


def facts(reader):
    return {
        "modes": [reader.list.mode, reader.log.mode, reader.count.mode, reader.raw.mode],
        "encodings": [reader.list.encoding, reader.log.encoding],
        "positions": [reader.list.tell(), reader.count.tell(), reader.raw.tell(), reader.notes.tell()],
        "listening": reader.listening.getsockname(),
        "family": reader.listening.family,
    }


def use(reader, folder):
    assert reader.list.readline() == "twö\n"
    reader.log.write("again\n")
    reader.count.write(b"\1")
    reader.count.flush()
    assert reader.raw.read(2) == b"56"
    assert reader.notes.read() == "b\n"
    assert (folder / "reader.log").read_text("latin-1") == "begun é\nagain\n"
    assert (folder / "count.bin").read_bytes() == bytes(4) + b"\1" + bytes(3)
    with socket.create_connection(reader.listening.getsockname()) as client:
        server, _ = reader.listening.accept()
        with server:
            client.sendall(b"hello")
            assert server.recv(5) == b"hello"
