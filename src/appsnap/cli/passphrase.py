"""Where passphrases come from: a terminal, a file, a command, a file descriptor, the environment. Never an argument."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from appsnap.cli.output import lowered
from appsnap.cli.standard import label, read_small, stdin_readers
from appsnap.errors import PassphraseError
from appsnap.printable import escaped

__all__ = ["Sources"]

_HINT = "give --{0}passphrase-file, --{0}passphrase-command or --{0}passphrase-fd, or set {1}"


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a passphrase: an option of a command, or else a variable of the environment.

    At most one of `file`, `command` and `fd` is set. `prefix` is the prefix of the options, for hints.
    """

    file: str | None
    command: str | None
    fd: int | None
    variables: tuple[str, ...]
    prefix: str = ""

    @property
    def are_named(self) -> bool:
        """Whether an option names the source of the passphrase."""
        return (self.file, self.command, self.fd) != (None, None, None)

    @property
    def origin(self) -> str:
        """Where the passphrase comes from, in words."""
        if self.file is not None:
            return f"the file {self.file}"
        if self.command is not None:
            return f"the output of {self.command}"
        if self.fd is not None:
            return f"file descriptor {self.fd}"
        variable = next((variable for variable in self.variables if variable in os.environ), None)
        return f"the variable {variable}" if variable else "the terminal; capitals and the layout of the keyboard count"

    def named(self) -> str | None:
        """Return the passphrase from the source that an option names, or None if there is no such option."""
        if self.file is not None:
            return _one_line(read_small(self.file), label(self.file, "standard input"))
        if self.command is not None:
            return _one_line(_output_of(self.command), "the command's output")
        if self.fd is not None:
            # Closed afterwards: the application and its child processes must not inherit it.
            try:
                with os.fdopen(self.fd, "rb", closefd=self.fd > 2) as file:
                    return _one_line(file.read(), f"file descriptor {self.fd}")
            except OSError as error:
                raise PassphraseError(f"file descriptor {self.fd}: {lowered(str(error.strerror))}") from None
        return None

    def ambient(self) -> str | None:
        """Return the passphrase from the environment, or None."""
        for variable in self.variables:
            if variable in os.environ:
                if not os.environ[variable]:
                    raise PassphraseError(f"the passphrase in {variable} is empty")
                return os.environ[variable]
        return None

    def to_open(self, path: str) -> str:
        """Return the passphrase of an existing file, from the environment or the terminal."""
        return self.ambient() or self._typed(f"Passphrase for {escaped(path)}: ")

    def to_close(self, path: str) -> str:
        """Return the passphrase for a new file. The terminal asks for it twice."""
        found = self.named() or self.ambient()
        if found is not None:
            return found
        typed = self._typed(f"New passphrase for {escaped(path)}: ")
        if self._typed("The same again: ") != typed:
            raise PassphraseError("the two passphrases differ", hint="type the same one twice")
        return typed

    def _typed(self, prompt: str) -> str:
        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            raise PassphraseError(
                "a passphrase is needed, and there is no terminal to ask for it",
                hint=_HINT.format(self.prefix, self.variables[0]),
            ) from None
        try:
            line = _ask(terminal, prompt)
        finally:
            os.close(terminal)
        # Decoded as Python decodes the environment, in the encoding of the locale.
        typed = os.fsdecode(line.rstrip(b"\r\n"))
        if not typed:
            raise PassphraseError("the passphrase is empty")
        return typed


def _ask(terminal: int, prompt: str) -> bytes:
    """Read a line from a terminal without echo. Input from before the prompt is thrown away."""
    import termios  # noqa: PLC0415 - only to ask

    old = termios.tcgetattr(terminal)
    silent = [*old]
    silent[3] &= ~termios.ECHO
    line = b""
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        os.write(terminal, prompt.encode(sys.getfilesystemencoding(), "backslashreplace"))
        while not line.endswith(b"\n") and (piece := os.read(terminal, 4096)):
            line += piece
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, old)
        os.write(terminal, b"\n")
    return line


def _output_of(command: str) -> bytes:
    import shlex  # noqa: PLC0415 - seldom needed

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise PassphraseError(f"the passphrase command is malformed: {lowered(str(error))}") from None
    if not words:
        raise PassphraseError("the passphrase command is empty")
    import subprocess  # noqa: PLC0415 - seldom needed

    try:
        # Without a shell: users who want one can name it.
        result = subprocess.run(  # noqa: S603 - the user's own command
            words,
            # Standard input may be the snapshot.
            stdin=subprocess.DEVNULL if stdin_readers() else None,
            stdout=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        raise PassphraseError(
            f"the passphrase command can't be run: {words[0]}: {lowered(str(error.strerror))}"
        ) from None
    if result.returncode:
        raise PassphraseError(f"the passphrase command failed with exit status {result.returncode}: {words[0]}")
    return result.stdout


def _one_line(data: bytes, where: str) -> str:
    """Return the one line of the data, without its end."""
    line = data.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise PassphraseError(f"there is no passphrase in {where}")
    if b"\n" in line:
        raise PassphraseError(f"a passphrase is one line, and {where} has more than one")
    # Bytes that aren't UTF-8 become surrogates, and encrypt as the same bytes.
    return line.decode("utf-8", "surrogateescape")
