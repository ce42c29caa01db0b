"""Some of the real applications that `make applications` tries: those with packages that other tests need, too."""

import sys
from pathlib import Path

import pytest

from applications.harness import SCRIPTS, Run, Script

NAMES = ("aiohttp_server", "files", "logging_queue", "networkx_graph", "queues", "sqlite")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_application(name, tmp_path):
    """It is saved in every kind, restored in a fresh process, used, stopped and saved again."""
    outcome = Run(Script.read(SCRIPTS / f"{name}.py"), Path(sys.executable), tmp_path).execute()

    assert outcome.wrong == []
