"""The pyproject.toml of a folder, which may be a stranger's."""

import subprocess

import pytest

from appsnap.cli.project import names_of
from appsnap.errors import AppsnapError


@pytest.mark.parametrize("part", ["a", '"#,"', "'='", '"\\"."', ' "a" '])
@pytest.mark.parametrize("form", ["[{}]", "{} = 1"])
def test_deep_key(tmp_path, part, form):
    """A key with very many parts, for which tomllib would take gigabytes, is refused."""
    key = ".".join([part] * 101)
    (tmp_path / "pyproject.toml").write_text(f"[tool.appsnap]\n{form.format(key)}\n")

    with pytest.raises(AppsnapError, match="more than 100 parts"):
        names_of(str(tmp_path))


def test_dots_elsewhere(tmp_path):
    """Dots in comments and texts, and many short names, are no such key."""
    names = ", ".join(f'"shop.part.C{number}"' for number in range(500))
    text = f'# {"." * 300} appsnap\n[project]\nx = "{"One or two. " * 300}"\n[tool.appsnap]\ntrust = [{names}]\n'
    (tmp_path / "pyproject.toml").write_text(text)

    assert len(names_of(str(tmp_path))) == 500


def test_folder(tmp_path):
    """A folder of this name has no names."""
    (tmp_path / "pyproject.toml").mkdir()

    assert names_of(str(tmp_path)) == []


@pytest.fixture
def shop(folder):
    """Return a folder with a project: a module of ways that leaves a trace when it is imported."""
    (folder / "pyproject.toml").write_text('[tool.appsnap]\nways = ["shop.ways"]\n')
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text(
        "class Lamp:\n"
        "    def __init__(self): self.color, self.wire = 'red', iter('wire')\n"
        "    def __getstate__(self): raise TypeError('not pickled')\n"
    )
    (folder / "shop" / "ways.py").write_text(
        "import pathlib, appsnap\n"
        "with open('imported', 'a') as file: file.write('!')\n"
        "appsnap.plain('shop.Lamp')\n"
        "appsnap.transient('shop.Lamp', {'wire': list})\n"
    )
    (folder / "app.py").write_text("import shop\napplication = [shop.Lamp()]\n")
    return folder


class TestWays:
    """`[tool.appsnap] ways`."""

    @pytest.fixture
    def appsnap(self, shop, environment):
        """Return a function that runs `appsnap` in the project, and returns its output, and whether it imported."""

        def run(*arguments, code=0):
            trace = shop / "imported"
            trace.unlink(missing_ok=True)
            done = subprocess.run(
                ["appsnap", *arguments],
                cwd=shop,
                env=environment,
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
            assert done.returncode == code, done.stderr
            return done.stdout + done.stderr, trace.exists()

        return run

    def test_agreed(self, appsnap):
        """Once the user has agreed, they count where objects are saved or loaded. To look at a file imports none."""
        out, imported = appsnap("save", "app.py", "app.snap", code=1)
        assert (
            "lists 1 name to import, ignored until you agree: shop.ways; to agree: appsnap keys trust-folder ." in out
        )
        assert not imported

        out, imported = appsnap("keys", "trust-folder", ".", "--yes")
        assert "  ways:shop.ways\n" in out
        assert not imported

        out, imported = appsnap("save", "app.py", "app.snap")
        assert "fresh interpreter" not in out
        assert imported
        for command in (["show"], ["audit"], ["verify"]):
            assert not appsnap(*command, "app.snap")[1]
        assert not appsnap("convert", "app.snap", "app.tas")[1]
        assert appsnap("load", "app.snap")[1]

    @pytest.mark.parametrize(
        ("ways", "message"),
        [
            ('"shop.ways"', r'[tool.appsnap] ways has to be a list like ["shop.ways"]'),
            ('["shop ways"]', "[tool.appsnap] ways: 'shop ways' is no name of a module"),
            ('["shop.../ways"]', "is no name of a module"),
        ],
    )
    def test_malformed(self, appsnap, shop, ways, message):
        """Anything but a list of names of modules is an error."""
        (shop / "pyproject.toml").write_text(f"[tool.appsnap]\nways = {ways}\n")

        out, imported = appsnap("save", "app.py", "app.snap", code=1)

        assert message in out
        assert not imported

    def test_missing(self, appsnap, shop):
        """So is one that can't be imported, with its name and the reason."""
        (shop / "pyproject.toml").write_text('[tool.appsnap]\nways = ["shop.wax"]\n')
        appsnap("keys", "trust-folder", ".", "--yes")

        out, _ = appsnap("save", "app.py", "app.snap", code=1)

        assert "[tool.appsnap] ways: shop.wax can't be imported: ModuleNotFoundError: No module named 'shop.wax'" in out
