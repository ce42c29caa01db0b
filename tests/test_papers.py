"""Every command and every block of code in the papers works as described."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import appsnap
from papers import PROJECT, blocks, check_session, copy_project

CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def write_code(folder):
    """Write the blocks of Python into files: a block that begins with a file name is that file, the others a script."""
    script = []
    for block in blocks(README, "python"):
        name = re.match(r"# (\w+\.py)\n", block)
        if name:
            (folder / name[1]).write_text(block)
        else:
            script.append(block)
    (folder / "hello.py").write_text("\n".join(script))


@pytest.fixture
def folder(tmp_path):
    return copy_project(tmp_path)


class TestReadme:
    @pytest.mark.slow
    def test_the_session_works_as_pasted(self, folder):
        """One shell, command by command: each prints the text below it."""
        check_session("".join(blocks(README, "console")), folder, 9)

    def test_the_code_runs(self, folder):
        """The blocks of Python, one after the other, in a script."""
        write_code(folder)

        result = subprocess.run(
            [sys.executable, "-W", "error", "hello.py"], cwd=folder, capture_output=True, text=True, check=False
        )

        assert result.stderr == ""
        about, application, data = result.stdout.splitlines()
        assert about == "hello signed by you"
        assert application.endswith("[False, False]")
        assert data == "{'any': 'object'}"
        assert result.stdout.splitlines()[-1] == "{'any': 'object'}"

    @pytest.mark.slow
    def test_the_code_has_types(self, folder):
        """The blocks of Python pass mypy's strict checks, without a plugin."""
        pytest.importorskip("mypy")
        write_code(folder)
        (folder / "mypy.ini").write_text("[mypy]\nstrict = true\ncache_dir = cache\n")

        result = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "hello.py", "greeter.py"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )

        assert (result.returncode, result.stdout) == (0, "Success: no issues found in 2 source files\n"), result.stderr

    def test_it_names_the_commands_that_there_are(self):
        """Every target of make that it names is one."""
        makefile = (PROJECT / "Makefile").read_text()

        for target in re.findall(r"^ {4}make (\w+)", README, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE)

    def test_links_lead_somewhere(self):
        """Relative links in the papers are to files that are there."""
        for paper in (PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").glob("*.md")):
            for link in re.findall(r"\]\((?!https?:)([^)#]+)", paper.read_text(encoding="utf-8")):
                assert (paper.parent / link).exists(), f"{paper.name}: {link}"


class TestContributing:
    def test_it_names_the_commands_that_there_are(self):
        """Every target of make that it names is one."""
        makefile = (PROJECT / "Makefile").read_text().replace("$(VENV)", ".venv")

        targets = set(re.findall(r"(?:^    |`)make ([\w./]+)", CONTRIBUTING, re.MULTILINE))

        assert len(targets) > 5
        for target in targets:
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target

    def test_it_names_files_that_are_there(self):
        """Every path that it names is one of the project or of the package."""
        paths = set(re.findall(r"`([\w.-]*(?:/[\w.-]*)+|[\w-]+\.(?:py|md|toml))`", CONTRIBUTING))

        assert len(paths) > 20
        for path in paths:
            inside = path.removeprefix("src/appsnap")  # where the wheel is tested, there is no src
            assert any((place / inside).exists() for place in (PROJECT, Path(appsnap.__file__).parent)), path
