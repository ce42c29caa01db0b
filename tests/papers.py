"""Sessions and code in the papers, for tests that run them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
MARK = "--- end of output ---\n"


def blocks(paper, language):
    """Return the blocks of a language in a paper."""
    return re.findall(rf"^```{language}\n(.*?)^```", paper, re.MULTILINE | re.DOTALL)


def matches(expected, actual):
    """Tell whether output is as expected; `...` stands for any text."""
    return re.fullmatch(".*?".join(map(re.escape, expected.split("..."))), actual, re.DOTALL) is not None


def check_session(session, folder, least):
    """Type a session into one shell, command by command: each has to print the text below it."""
    steps = []
    for line in session.splitlines(keepends=True):
        if line.startswith("$ "):
            steps.append([line[2:], ""])
        else:
            steps[-1][1] += line
    script = "".join(f"{command}printf '%s' '{MARK}'\n" for command, _ in steps)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("APPSNAP", "PYTHON"))}

    result = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment | {"PYTHONUTF8": "1", "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    outputs = result.stdout.split(MARK)
    assert len(steps) >= least
    for (command, expected), actual in zip(steps, outputs, strict=False):
        assert matches(expected, actual), f"$ {command}{actual}"
    assert len(outputs) == len(steps) + 1


def copy_project(folder):
    """Copy into a folder all that the sessions need: the fixtures, and an environment with appsnap to activate."""
    shutil.copytree(PROJECT / "fixtures", folder / "fixtures", ignore=shutil.ignore_patterns("__pycache__"))
    activate = folder / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'export PATH="{Path(sys.executable).parent}:$PATH"\n')
    return folder
