"""The pyproject.toml of a folder, which may be a stranger's."""

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
