import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Return a folder with `appsnap` and `python`, as an installation would have them."""
    folder = tmp_path_factory.mktemp("bin")
    for name, arguments in {"appsnap": "-P -c 'from appsnap.cli import main; main()'", "python": ""}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        program.chmod(0o755)
    return folder


@pytest.fixture
def environment(programs, tmp_path):
    """Return an environment without settings of the person who runs the tests."""
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SOURCE_DATE_EPOCH": "0",
        "COLUMNS": "80",
    }


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the files that sessions begin with."""
    folder = tmp_path / "session"
    shutil.copytree(SCRIPTS / "files", folder)
    return folder
