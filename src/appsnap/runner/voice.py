"""How a process that runs an application speaks: to stderr, and to its log file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appsnap.runner.logs import Level, Log

__all__ = ["Explanation", "Voice"]


class Explanation(Protocol):
    """An error in words: its lines, and the exit code for it."""

    @property
    def lines(self) -> Sequence[str]:
        """The lines of the message."""

    @property
    def exit_code(self) -> int:
        """The exit code."""


class Voice:
    """The voice of a process: `line` writes a line to stderr, `show` an error that `explain` has put into words.

    As soon as there is a log file, all of it goes there, too.
    """

    def __init__(
        self,
        line: Callable[[str], object],
        explain: Callable[[BaseException], Explanation],
        show: Callable[[BaseException], object],
    ) -> None:
        self.log: Log | None = None
        self.is_detached = False
        """Whether stderr is the log file, or goes nowhere."""
        self._line = line
        self._explain = explain
        self._show = show

    def report(self, level: Level, text: str) -> None:
        """Say something that happened."""
        if not self.is_detached:
            self._line(text if level == "info" else f"{level}: {text}")
        if self.log is not None:
            self.log.write(level, text)

    def warn(self, text: str) -> None:
        """Say something that isn't as it should be."""
        self.report("warning", text)

    def failed(self, error: BaseException) -> int:
        """Explain an error. Returns the exit code for it."""
        if not self.is_detached:
            self._show(error)
        explanation = self._explain(error)
        if self.log is not None:
            for line in explanation.lines:
                self.log.write("error", line)
        return explanation.exit_code

    def reason(self, error: BaseException) -> str:
        """Return an error as one line."""
        return "; ".join(line.strip() for line in self._explain(error).lines)
