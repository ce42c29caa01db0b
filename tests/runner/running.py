"""Runs `appsnap run` as a real process, and listens to it like a terminal and a service manager."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PARTS = Path(__file__).with_name("parts.tac")
LIMIT = 200.0
"""Seconds that a busy machine may take for anything."""


def wait_until(condition, reason):
    """Wait until a condition holds, and return its value. Fails with a reason if it never does."""
    end = time.monotonic() + LIMIT
    while not (found := condition()):
        assert time.monotonic() < end, reason()
        time.sleep(0.01)
    return found


class Running:
    """A process of `appsnap`. The end of the `with` block kills it if it still lives.

    `lines` are those of stdout and stderr. `environment` is added to the variables; None removes one.
    `before` is called in the new process, and a line for a `shell` runs the command.
    """

    def __init__(self, *arguments, command="run", folder=None, before=None, shell=None, **environment):
        self.lines = []
        through = [] if shell is None else ["sh", "-c", shell, "sh"]
        variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        self._process = subprocess.Popen(
            [*through, sys.executable, "-m", "appsnap", command, *map(str, arguments)],
            cwd=folder,
            env={name: str(value) for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[] if shell is None else [3],
            preexec_fn=before,  # noqa: PLW1509 - it calls the system only
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def until(self, text, count=1):
        """Wait for lines with a text in them, and return the last one."""

        def found():
            lines = [line for line in [*self.lines] if text in line]
            if len(lines) < count and self._process.poll() is not None:
                self._reader.join()
                lines = [line for line in self.lines if text in line]
                assert len(lines) >= count, f"ended without {text!r}: {self}"
            return lines[count - 1 :]

        return wait_until(found, lambda: f"{text!r} never came: {self}")[0]

    def ready(self):
        """Wait until the application runs."""
        self.until("is running as process")
        return self

    def send(self, *numbers):
        """Send signals."""
        for number in numbers:
            self._process.send_signal(number)
        return self

    def end(self):
        """Wait for the end, and return the exit code."""
        code = self._process.wait(LIMIT)
        self._reader.join(LIMIT)
        return code

    def stop(self):
        """Stop it by SIGTERM, and return the exit code."""
        return self.send(signal.SIGTERM).end()

    def has(self, text):
        """Tell whether a line has a text in it."""
        return any(text in line for line in self.lines)

    @property
    def errors(self):
        """The lines about errors and warnings, and hints."""
        words = ("appsnap: error:", "appsnap: warning:", "appsnap: hint:")
        return [line.removeprefix("appsnap: ") for line in self.lines if line.startswith(words)]

    def __str__(self):
        return "\n".join(["", *self.lines, f"exit code {self._process.poll()}"])


def run(*arguments, **settings):
    """Run a command until it ends by itself. Returns the process, with its `code`."""
    with Running(*arguments, **settings) as process:
        process.code = process.end()
    return process


def parts(*names, options=(), **settings):
    """Run an application of these parts."""
    return Running(*options, PARTS, PARTS=" ".join(names), **settings)


@contextlib.contextmanager
def ended(pid):
    """End a process that is no child of this one, at the end of the block."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def is_alive(pid):
    """Tell whether a process lives. One that has ended, and waits for its parent to look, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Manager:
    """A service manager: a notify socket and the messages that came to it."""

    def __init__(self, *, abstract=False):
        self._folder = tempfile.TemporaryDirectory()  # a socket's path has 108 characters
        path = f"{self._folder.name}/notify"
        self.name = f"@{path}" if abstract else path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{path}" if abstract else path)
        self._socket.settimeout(LIMIT)
        self.messages = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._folder.cleanup()

    def until(self, text):
        """Wait for a message with a text in it, and return it."""
        while True:
            message = self._socket.recv(1 << 16).decode()
            self.messages.append(message)
            if text in message:
                return message

    def rest(self):
        """Return all messages, also those that nobody has waited for."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.messages.append(self._socket.recv(1 << 16).decode())
        return self.messages
