import inspect
import subprocess
import sys

import pytest

import appsnap
from appsnap import errors

ALL = [getattr(errors, name) for name in errors.__all__ if name not in ("Obstacle", "Place", "Want")]


class TestFrontDoor:
    def test_all_is_what_is_public(self):
        """`__all__` is sorted, complete, and each of its names is there."""
        assert appsnap.__all__ == sorted(
            appsnap.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
        )
        assert {*dir(appsnap)} == {*appsnap.__all__, "__version__"}
        for name in appsnap.__all__:
            assert getattr(appsnap, name) is not None

    def test_what_is_not_public_is_not_there(self):
        """An unknown name is an AttributeError, as in any module."""
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            appsnap.nonsense  # noqa: B018 - the access is the test

    def test_importing_it_imports_next_to_nothing(self):
        """Only used modules are imported."""
        code = "import sys; old = {*sys.modules}; import appsnap; print(*sorted({*sys.modules} - old))"

        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout

        heavy = {"asyncio", "click", "cloudpickle", "cryptography", "msgpack", "pickle", "xml", "zope"}
        assert not heavy & {name.partition(".")[0] for name in out.split()}


class TestErrors:
    @pytest.mark.parametrize("error", ALL)
    def test_every_error_has_one_base(self, error):
        """AppsnapError is the base of all errors, and each has an exit code that the command line documents."""
        assert issubclass(error, errors.AppsnapError)
        assert error.exit_code in range(1, 7)

    def test_the_tree_in_the_docstring_is_the_tree(self):
        """Every error stands in the module's docstring."""
        for error in ALL:
            assert error.__name__ in inspect.getdoc(errors)

    def test_a_place_says_what_to_do(self):
        """Path, type, reason, advice, in one line."""
        place = errors.Place("application.x", "socket.socket", "it is open", "close it")

        assert str(errors.CannotSave([place])) == (
            "cannot save 1 object: application.x (socket.socket): it is open; close it"
        )
