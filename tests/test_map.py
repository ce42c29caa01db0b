"""The map in CONTRIBUTING.md: modules import only from their own row and from rows below it, and never in a circle."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

import appsnap

PROJECT = Path(__file__).parents[1]
SOURCE = Path(appsnap.__file__).parent
FRONT = {"__init__", "__main__", "_version"}
"""The front door, which everybody may import."""


def rows():
    """Return the rows of the map from top to bottom: the first parts of the paths in the first column."""
    table = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("| where | contents |")[2]
    lines = table.strip().splitlines()[1:]
    first = [line.split("|")[1] for line in lines[: next(at for at, line in enumerate(lines) if not line)]]
    return [{name.partition("/")[0] for name in re.findall(r"`([\w/]+?)(?:\.py)?/?`", cell)} for cell in first]


def module_of(path, root):
    """Return the dotted name of a file, without that of the root."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def is_for_types_only(node):
    """Tell whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walk(node):
    """Yield all nodes of a tree but those that are for type checkers only."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not is_for_types_only(child):
            yield from walk(child)


def imports(root, package):
    """Return the modules below a folder, each with the modules there that it imports, at once or later."""
    files = {module_of(path, root): path for path in root.rglob("*.py")}
    found = {}
    for module, path in files.items():
        names = set()
        for node in walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                above = node.module.removeprefix(package)
                # A module of a package may import another one by way of it.
                members = {f"{above}.{name.name}" for name in node.names} | {name.name for name in node.names}
                names |= members & files.keys() or {above}
            elif isinstance(node, ast.Import):
                names |= {name.name.removeprefix(package) for name in node.names}
        found[module] = (names & files.keys()) - {module}
    return found


class TestMap:
    def test_has_everything(self):
        """Each module and each package stands in one row."""
        there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

        assert sum(map(len, rows())) == len(set().union(*rows()))
        assert set().union(*rows()) == there - FRONT

    def test_no_import_runs_up(self):
        """A module imports nothing from a row above its own."""
        row_of = {name: number for number, row in enumerate(rows()) for name in row}

        up = [
            (module, name)
            for module, names in imports(SOURCE, "appsnap.").items()
            for name in names
            if {module, name}.isdisjoint(FRONT)
            if row_of[name.partition(".")[0]] < row_of[module.partition(".")[0]]
        ]

        assert up == []

    @pytest.mark.parametrize(("root", "package"), [(SOURCE, "appsnap."), (PROJECT / "tools", "")], ids=["src", "tools"])
    def test_no_circle(self, root, package):
        """No module imports itself by way of others."""
        graph = imports(root, package)

        assert len(graph) > 10
        graphlib.TopologicalSorter(graph).prepare()
