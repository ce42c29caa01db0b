"""Hints work when they are followed."""

import ast
import os
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

import appsnap
from appsnap.cli.app import COMMANDS, appsnap as program

SOURCE = Path(appsnap.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
RECIPIENT = "age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"


def texts():
    """Return the texts in the source that users may see, each with its file and line: all but the docstrings."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [
            (f"{path.relative_to(SOURCE)}:{node.lineno}", node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        ]
    return found


def commands():
    """Return all commands by their names, those of `keys` as `keys trust`."""
    context = click.Context(program)
    found = {name: program.get_command(context, name) for name in COMMANDS}
    found |= {f"keys {name}": command for name, command in found["keys"].commands.items()}
    return found | {"make web": found["make"].get_command(context, "web")}


class TestWords:
    """The commands, options and names in messages are there."""

    def test_options(self):
        """Each option that a message names is one of a command."""
        there = {option for command in commands().values() for one in command.params for option in one.opts}
        there |= {"--help", "--version", "--plain", "--json"}
        others = {"--no-names", "--max", "--no-files", "--command", "--arguments"}  # of other programs

        named = {
            (place, option) for place, text in texts() for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text)
        }

        assert {(place, option) for place, option in named if option not in there | others} == set()
        assert len(named) > 50

    def test_commands(self):
        """Each command that a message quotes is one."""
        there = commands()
        named = []
        for place, text in texts():
            for word, second in re.findall(r"(?:`|: )appsnap ([a-z]+)(?: ([a-z-]+))?", text):
                named.append((place, f"{word} {second}" if word == "keys" and second else word))

        assert [(place, name) for place, name in named if name not in there] == []
        assert len(named) > 5

    def test_names(self):
        """Each name in the package that a message has can be imported."""
        named = {
            name.rstrip(".") for _, text in texts() for name in re.findall(r"\bappsnap\.[a-z]\w*\.[a-z]\w*\(", text)
        }

        assert "appsnap.evolve.renamed(" in named
        assert all(callable(pkgutil.resolve_name(name.removesuffix("("))) for name in named)


KEYS = "$HOME/.config/appsnap"
CONVERT = "appsnap convert for_me.tap x.tap --source-identity key.txt"

FOLLOWED = {
    "names": ("appsnap load --quiet stranger.tap", "hint: (appsnap .*)", "HINT"),
    "names-save": ("appsnap save stranger.tap x.tap", "hint: (appsnap .*)", "HINT"),
    "audit": ("appsnap audit stranger.tap", "^(appsnap load .*)", "HINT"),
    "code": ("appsnap load code.tap", "program: (appsnap .*)", "HINT"),
    "unsigned": ("appsnap convert stranger.tap x.tas", "program: (appsnap .*)", "HINT"),
    "script": ("appsnap load shop.tac", "to run it: (appsnap .*)", "HINT"),
    "usage": ("appsnap save", "hint: (appsnap .*)", "HINT"),
    "object": ("appsnap save shop:applicaton x.tap", r"did you mean (\S+)\?", "appsnap save HINT x.tap"),
    "dotted": ("appsnap save shop.application x.tap", r"did you mean (\S+)\?", "appsnap save HINT x.tap"),
    "command": ("appsnap sav", r"did you mean (\w+)\?", "appsnap HINT shop:application x.tap"),
    "limit": ("APPSNAP_CONFIG_DIR=b appsnap show shop.tap --limit steps=3", "(--limit steps=)…",
              "APPSNAP_CONFIG_DIR=b appsnap show shop.tap HINT999"),
    "identity": ("appsnap show for_me.tap", "(--identity) FILE", "appsnap show for_me.tap HINT key.txt"),
    "passphrase": ("appsnap show phrase.etap", "(--passphrase-file)", "appsnap show phrase.etap HINT phrase"),
    "plain": (CONVERT, "(--plain)", f"{CONVERT} HINT"),
    "recipient": (CONVERT, "(-r) AGE_RECIPIENT", f"{CONVERT} HINT {RECIPIENT}"),
    "old-pickle": ("appsnap show old.tap", "as in (--kind pickle)", "appsnap show old.tap HINT"),
    "key": ("APPSNAP_CONFIG_DIR=b appsnap load shop.tap", "`(appsnap keys trust .*?)`",
            "export APPSNAP_CONFIG_DIR=b; HINT && appsnap load shop.tap"),
    "folder": ("cd listed && appsnap load ../stranger.tap", "agree: (appsnap .*)",
               "cd listed && HINT --yes && PYTHONPATH=.. appsnap load ../stranger.tap"),
    "agreement": ("cd listed && appsnap keys trust-folder", "(--yes) agrees",
                  "cd listed && appsnap keys trust-folder HINT"),
    "mode": (f"chmod 644 {KEYS}/*; appsnap load shop.tap", "hint: (chmod .*)", "HINT && appsnap load shop.tap"),
    "damaged-key": (f"echo x > {KEYS}/signing-key.txt; appsnap keys show", "`(mv .*)`", "HINT && appsnap keys show"),
    "own-key": ("appsnap keys revoke $(appsnap keys show)", "signed: (appsnap .*)",
                f"mv {KEYS}/signing-key.txt old && appsnap keys show && HINT"),
    "not-a-trusted-key": ("appsnap keys revoke /nowhere", "hint: (appsnap .*)", "HINT"),
    "no-list": ("appsnap keys trust-folder", r"lines are (\[.*\]) and",
                "printf 'HINT\ntrust = [\"shop.*\"]' > pyproject.toml && appsnap keys trust-folder --yes"),
    "fresh": ("appsnap save moody:application x.tap", "(--no-verify)", "appsnap save moody:application x.tap HINT"),
    "traceback": ("appsnap save broken:x x.tap", "set (APPSNAP_TRACEBACK=1)",
                  "HINT appsnap save broken:x x.tap 2>&1 | grep Traceback"),
    "variable": ("appsnap save empty.tac x.tap", "to it: (application = )",
                 "echo 'HINT 5' > empty.tac && appsnap save empty.tac x.tap"),
    "private-folder": ("chmod 777 $HOME/.config/appsnap; appsnap load shop.tap", "hint: (chmod .*)",
                       "HINT && appsnap load shop.tap"),
}  # fmt: skip
"""For each hint: a command that fails, the part of its output to follow, and what is typed then, with that part."""

FILES = {
    "moody.py": """
from shop import application
class Moody:
    def __setstate__(self, state):
        raise ValueError(1)
application.moody = Moody()
application.moody.x = 1
""",
    "own.tac": """
from appsnap.service import Application, Service
class Own(Service):
    pass
application = Application("own")
Own().setServiceParent(application)
""",
    "broken.py": "1 / 0",
    "empty.tac": "",
    "phrase": "correct horse",
    "old.tap": "(lp0\nI1\na.",
    "listed/pyproject.toml": '[tool.appsnap]\ntrust = ["shop.*"]\n',
}
MADE = f"""
appsnap save --no-sign shop:application stranger.tap
appsnap save shop:application shop.tap
appsnap save shop:application for_me.tap -r {RECIPIENT}
appsnap save shop:application phrase.etap --passphrase-file phrase
appsnap save --no-sign own.tac code.tap
"""


def shell(command, home, programs):
    """Run a command in the folder of a session, for a user with this home."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=home / "session",
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def begun(programs, tmp_path_factory):
    """Return the home of a user who has all that the commands need."""
    home = tmp_path_factory.mktemp("hints")
    shutil.copytree(Path(__file__).parent.parent / "scripts" / "files", home / "session")
    (home / "session" / "listed").mkdir()
    for name, text in FILES.items():
        (home / "session" / name).write_text(text)
    done = shell(f"set -e; {MADE}", home, programs)
    assert done.returncode == 0, done.stderr
    return home


@pytest.mark.slow
class TestFollowed:
    @pytest.mark.parametrize("name", FOLLOWED)
    def test_works(self, begun, programs, tmp_path, name):
        """The command, option or name in the hint is typed as it stands; then the command succeeds."""
        home = shutil.copytree(begun, tmp_path / "home")
        command, pattern, follow = FOLLOWED[name]

        failed = shell(command, home, programs)
        said = re.search(pattern, failed.stdout + failed.stderr, re.MULTILINE)
        assert said, failed.stderr
        done = shell(follow.replace("HINT", said[1]), home, programs)

        assert done.returncode == 0, f"{follow.replace('HINT', said[1])}\n{done.stderr}"
