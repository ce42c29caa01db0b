"""A question with the answer yes or no. It goes to the terminal itself, so that stdin and stdout stay free."""

from __future__ import annotations

import os

from appsnap.errors import AppsnapError
from appsnap.printable import escaped

__all__ = ["agree"]


def agree(question: str) -> None:
    """Ask a question on the terminal. Raises AppsnapError unless the answer is yes, or where there is no terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise AppsnapError("there is no terminal to ask for your agreement", hint="--yes agrees") from None
    with os.fdopen(terminal, "r+b", buffering=0) as file:
        file.write(f"{escaped(question)} [y/N] ".encode())
        answer = b""
        while not answer.endswith(b"\n") and (piece := file.read(4096)):
            answer += piece
    if answer.strip().lower() not in {b"y", b"yes"}:
        raise AppsnapError("not agreed, so nothing was changed")
