"""Scripts: run in a module of their own, saved by value, with errors that say file and line."""

from __future__ import annotations

import concurrent.futures
import pickle
import subprocess
import sys
import textwrap
import xml.dom

import cloudpickle
import pytest

from appsnap import kinds, save
from appsnap.code.texts import text_of
from appsnap.errors import CannotLoad, WrongKind
from appsnap.script import run, run_module


@pytest.fixture
def script(tmp_path):
    """Give a function that writes a script, and returns its path."""

    def write(source, name="shop.tac"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else textwrap.dedent(source).encode())
        return path

    return write


@pytest.fixture(autouse=True)
def _unused_names():
    """Take away the modules of scripts that ran in other tests: they would have the names."""
    for name in [name for name in sys.modules if name.startswith("<")]:
        cloudpickle.unregister_pickle_by_value(sys.modules.pop(name))


WEB = """
    from __future__ import annotations
    import dataclasses
    import enum
    import typing

    class Color(enum.Enum):
        RED = 1

    class Pair(typing.NamedTuple):
        left: int

    @dataclasses.dataclass
    class Web:
        port: int = 80
        color: Color = Color.RED
        names: dataclasses.InitVar[list | None] = None

        def url(self):
            return address(self)

    def address(web):
        return f"http://localhost:{web.port}/"

    application = Web(81)
    pair = Pair(1)
"""


class TestRun:
    """The surroundings of a script, and its result."""

    def test_variable(self, script):
        """The value of the variable comes back; `application` unless told otherwise."""
        path = script("application = 1\nother = 2\n")

        assert run(path) == 1
        assert run(str(path), "other") == 2

    def test_module(self, script):
        """The script has a module of its own, knows its file, isn't `__main__`, and can't be imported."""
        path = script("import sys\napplication = (__name__, __file__, __package__, sys.modules[__name__].__dict__)\n")

        name, file, package, namespace = run(path)

        assert (name, file, package) == ("<shop.tac>", str(path), "")
        assert namespace["application"][0] == name
        with pytest.raises(ImportError):
            __import__("<other.tac>")

    def test_main_is_left_alone(self, script):
        """`__main__` stays the same module, during the run and after."""
        main = sys.modules["__main__"]

        assert run(script("import __main__\napplication = __main__\n")) is main
        assert sys.modules["__main__"] is main

    def test_no_future(self, script):
        """The script is compiled on its own terms, not with the features of this module."""
        annotations = run(script("def application(x: int): ...\n")).__annotations__

        assert annotations == {"x": int}

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("# coding: latin-1\napplication = 'é'\n".encode("latin-1"), "é"),
            ("application = 'é'\n".encode(), "é"),
            (b"\xef\xbb\xbf" + "application = 'é'\n".encode(), "é"),
            (b"application = '1\\\r\n2'\r\n", "12"),
        ],
        ids=["latin-1", "utf-8", "bom", "crlf"],
    )
    def test_encoding(self, script, source, value):
        """The encoding is found as Python finds it."""
        assert run(script(source)) == value

    def test_relative_path(self, script, monkeypatch):
        """A relative path is made absolute, so that the script finds its neighbours from anywhere."""
        path = script("application = __file__\n")
        monkeypatch.chdir(path.parent)

        assert run("shop.tac") == str(path)

    def test_link(self, script):
        """A link is run under its own name."""
        path = script("application = __file__\n")
        link = path.with_name("link.tac")
        link.symlink_to(path)

        assert run(link) == str(link)


class TestSavedByValue:
    """A definition in a script exists nowhere else, so it is saved with the objects."""

    def test_class(self, script):
        """Classes and functions of a script are taken by value."""
        application = run(script(WEB))

        for thing in (type(application), type(application).url, sys.modules["<shop.tac>"].address):
            assert not cloudpickle.cloudpickle._should_pickle_by_reference(thing)

    def test_elsewhere(self, script, tmp_path):
        """The objects of a script load in another process, which has neither script nor module."""
        path = script(WEB)
        data = tmp_path / "data"
        data.write_bytes(cloudpickle.dumps(run(path)))
        path.unlink()

        code = "import pickle, sys; web = pickle.load(open(sys.argv[1], 'rb')); print(web.url(), web.color, web)"
        done = subprocess.run([sys.executable, "-c", code, data], capture_output=True, text=True, check=True)

        assert done.stdout.split()[:2] == ["http://localhost:81/", "Color.RED"]

    def test_same_name(self, script):
        """Two scripts of one name don't get into each other's way, nor do two runs of one."""
        one = script("class A: x = 1\napplication = A()\n", "one/shop.tac")
        two = script("class A: x = 2\napplication = A()\n", "two/shop.tac")

        made = [run(path) for path in (one, two, one)]

        assert [type(each).__module__ for each in made] == ["<shop.tac>", "<shop.tac 2>", "<shop.tac 3>"]
        assert [pickle.loads(cloudpickle.dumps(each)).x for each in made] == [1, 2, 1]

    def test_threads(self, script):
        """Scripts that run at once have modules of their own."""
        paths = [script(f"class A: x = {number}\napplication = A\n", f"{number}/shop.tac") for number in range(20)]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(run, paths))

        assert [each.x for each in made] == list(range(20))
        assert len({each.__module__ for each in made}) == 20

    def test_with_dots(self, script):
        """The name of a script doesn't make the rest of the process go by value."""
        run(script("application = 1\n", "xml.dom.tac"))

        assert cloudpickle.cloudpickle._should_pickle_by_reference(xml.dom.Node)


class TestErrors:
    """Any error in a script is one error of ours, in one line, and leaves nothing behind."""

    def describe(self, path, variable="application"):
        """Return the error of running a script, which leaves nothing behind."""
        with pytest.raises(CannotLoad) as caught:
            run(path, variable)
        assert "<shop.tac>" not in sys.modules
        assert "<shop.tac>" not in cloudpickle.list_registry_pickle_by_value()
        assert "\n" not in str(caught.value)
        return caught.value

    def test_exception(self, script):
        """An exception comes with the line of the script, and is the cause."""
        path = script("import json\n\ndef load():\n    return json.loads('{')\n\napplication = load()\n")

        error = self.describe(path)

        assert str(error).startswith(f"{path}, line 4: JSONDecodeError: Expecting property name")
        assert isinstance(error.__cause__, ValueError)

    def test_syntax_error(self, script):
        """So does an error of syntax."""
        path = script("x = 1\nif x\n    pass\n")

        error = self.describe(path)

        assert str(error) == f"{path}, line 2: SyntaxError: expected ':'"
        assert isinstance(error.__cause__, SyntaxError)

    def test_syntax_error_elsewhere(self, script):
        """An error of syntax in something else is told at the line that led to it."""
        path = script("x = 1\nexec('if x')\n")

        assert str(self.describe(path)).startswith(f"{path}, line 2: SyntaxError: expected ':'")

    def test_encoding(self, script):
        """Bytes that aren't in the encoding are an error of syntax."""
        path = script(b"application = '\xff'\n")

        assert f"{path}, line 1: SyntaxError: " in str(self.describe(path))

    def test_nul(self, script):
        """A file that is no text at all is an error, too."""
        path = script(b"application = 1\0\n")

        assert str(self.describe(path)).startswith(str(path))

    def test_several_lines(self, script):
        """A message of several lines becomes one."""
        path = script("raise ValueError('one\\n\\n  two')\n")

        assert str(self.describe(path)) == f"{path}, line 1: ValueError: one two"

    @pytest.mark.parametrize("source", ["raise ValueError", "raise ValueError('')"])
    def test_no_message(self, script, source):
        """An error without a message ends with its name."""
        path = script(source)

        assert str(self.describe(path)) == f"{path}, line 1: ValueError"

    def test_exit(self, script):
        """A script that exits has not made an application."""
        path = script("import sys\nsys.exit(3)\n")

        assert str(self.describe(path)) == f"{path}, line 2: SystemExit: 3"

    def test_interrupt(self, script):
        """An interrupt from the keyboard stays a KeyboardInterrupt."""
        with pytest.raises(KeyboardInterrupt):
            run(script("raise KeyboardInterrupt\n"))
        assert "<shop.tac>" not in sys.modules

    def test_missing_variable(self, script):
        """A missing variable at the end is an error with a hint."""
        path = script("app = 1\n")

        error = self.describe(path)

        assert str(error) == f"{path} doesn't assign 'application'"
        assert "application = " in error.hint

    @pytest.mark.parametrize("kind", [kind for kind in kinds.KINDS if kind != "source"])
    def test_snapshot(self, tmp_path, kind):
        """A snapshot isn't taken for a script, unless it is one as well."""
        path = tmp_path / "shop"
        save([1], path, kind=kind)

        with pytest.raises(WrongKind, match=f"is a snapshot of kind {kind}, and no script"):
            run(path)

    def test_missing_file(self, tmp_path):
        """A file that isn't there is an OSError."""
        with pytest.raises(FileNotFoundError):
            run(tmp_path / "none.tac")

    def test_no_kind_of_snapshot(self):
        """A script is no kind in which anything is written."""
        assert "python" not in kinds.KINDS


class TestRunModule:
    def test_value_and_module(self, script):
        """The module comes with the value: it is the one that has the script's classes, and its text is known."""
        path = script("class Web: pass\nweb = Web()\n")

        web, module = run_module(path, "web")

        assert type(web) is module.Web
        assert sys.modules["<shop.tac>"] is module
        assert module.__file__ == str(path)
        assert text_of(module).source == path.read_text()
