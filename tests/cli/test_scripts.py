"""Runs whole command-line sessions, each a file in `tests/scripts`.

A session begins in a folder with what is in `tests/scripts/files`. Lines are::

    # a comment
    $ appsnap show shop.tap           a command, for sh
    < text                            a line of its stdin, which is empty otherwise
    > text                            a line of its stdout
    2> text                           a line of its stderr
    tty> text                         what its terminal shows next; without such lines it has no terminal
    tty< text                         a line typed there, never shown; ^C is Ctrl-C
    exit 3                            its exit code, 0 otherwise

All that a command writes has to be there. `[..]` stands for any text within a line, a line `[...]` for any lines.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parent.parent / "scripts"

SECONDS = 200
"""How long a command may take: much more than any needs, because other tests run beside it."""


@dataclass
class Command:
    """One command of a session, and its expected result."""

    line: int
    text: str
    stdin: list[str] = field(default_factory=list)
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    terminal: list[tuple[str, str]] = field(default_factory=list)
    exit_code: int = 0


def parse(text):
    commands = []
    for number, line in enumerate(text.splitlines(), 1):
        mark, _, rest = line.partition(" ")
        if not line or mark == "#":
            continue
        if mark == "$":
            commands.append(Command(number, rest))
            continue
        command = commands[-1]
        match mark:
            case "<":
                command.stdin.append(rest)
            case ">":
                command.stdout.append(rest)
            case "2>":
                command.stderr.append(rest)
            case "tty>" | "tty<":
                command.terminal.append((mark, rest))
            case "exit":
                command.exit_code = int(rest)
            case _:
                pytest.fail(f"line {number}: {line}")
    return commands


def run(command, folder, environment):
    """Run a command without a terminal. Returns exit code, stdout and stderr."""
    result = subprocess.run(
        ["/bin/sh", "-c", command.text],
        cwd=folder,
        env=environment,
        input="".join(f"{line}\n" for line in command.stdin),
        capture_output=True,
        encoding="utf-8",
        start_new_session=True,
        timeout=SECONDS,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


def run_on_terminal(command, folder, environment):
    """Run a command that has a terminal, beside files for its output."""
    out, err = folder.parent / "stdout", folder.parent / "stderr"
    # The terminal ends when nobody has it open; Ctrl-C is for the command, not for its shell.
    shell = f"exec 9<>/dev/tty </dev/null >{out} 2>{err}\ntrap : INT\n{command.text}"
    terminal = pexpect.spawn("/bin/sh", ["-c", shell], cwd=folder, env=environment, encoding="utf-8", timeout=SECONDS)
    for mark, text in command.terminal:
        if mark == "tty>":
            if terminal.expect_exact([text, pexpect.EOF]):
                pytest.fail(f"line {command.line}: no such prompt, but {err.read_text()}", pytrace=False)
            assert not terminal.before.strip(), f"line {command.line}: unexpected on the terminal"
        elif text == "^C":
            terminal.sendintr()
        else:
            terminal.sendline(text)
    terminal.expect(pexpect.EOF)
    # The answer to a question is shown, a passphrase never is.
    assert terminal.before.strip() in {"", "n", "yes"}, f"line {command.line}: unexpected on the terminal"
    terminal.close()
    return terminal.exitstatus, out.read_text(), err.read_text()


def pattern(lines):
    expression = ""
    for line in lines:
        if line == "[...]":
            expression += "(?:.*\n)*"
        else:
            expression += ".*".join(map(re.escape, line.split("[..]"))) + "\n"
    return expression


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.txt")), ids=lambda path: path.stem)
def test_session(script, folder, environment):
    """The session runs as it is written in the file."""
    commands = parse(script.read_text())

    assert commands
    for command in commands:
        code, stdout, stderr = (run_on_terminal if command.terminal else run)(command, folder, environment)

        actual = f"{script.name}, line {command.line}: $ {command.text}\nexit {code}\n{stdout}--- stderr\n{stderr}"
        as_expected = re.fullmatch(pattern(command.stdout), stdout) and re.fullmatch(pattern(command.stderr), stderr)
        if not as_expected or code != command.exit_code:
            pytest.fail(actual, pytrace=False)
