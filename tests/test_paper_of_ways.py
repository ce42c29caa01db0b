"""docs/ways.md: its session and its code work as described."""

import re

import pytest

import appsnap
from appsnap.effects import Grants, is_grant
from papers import PROJECT, blocks, check_session, copy_project

PAPER = (PROJECT / "docs" / "ways.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_session(tmp_path):
    """One shell, command by command, in a folder with the modules of the paper."""
    project = copy_project(tmp_path)
    folder = project / "printers"
    folder.mkdir()
    for block in blocks(PAPER, "python"):
        if name := re.match(r"# (\w+\.py)\n", block):
            (folder / name[1]).write_text(block)

    check_session("".join(blocks(PAPER, "console")), project, 8)


def test_functions():
    """Every function of appsnap in the paper is there."""
    for name in set(re.findall(r"\bappsnap\.(\w+)\(", PAPER)):
        assert callable(getattr(appsnap, name))


def test_grants():
    """Every grant in the paper is one."""
    table = PAPER.partition("| grant | allows |")[2].partition("\n\n")[0]
    grants = re.findall(r"`((?:read|write|listen|database):[^`]+)`", table)

    assert len(grants) > 5
    for grant in grants:
        Grants([grant])  # raises ValueError for another form
        assert is_grant(grant)
