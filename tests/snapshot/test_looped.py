"""Objects that exist only inside of an event loop: in programs, in the trial of a save, and on the command line."""

import asyncio
import subprocess
import sys

import pytest

import appsnap
from appsnap.errors import CannotBuild

MODULE = """\
import asyncio

class Client:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.names = ["tap"]
"""


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Return a function that makes an object of a class in a module of this folder."""
    (tmp_path / "clients.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield lambda: __import__("clients").Client()
    sys.modules.pop("clients", None)


def appsnap_command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "appsnap", *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
class TestLooped:
    def test_coroutine(self, client, kind):
        """In a coroutine, the running loop is that of the objects."""

        async def main():
            data = appsnap.dumps(client(), kind=kind)
            found = appsnap.loads(data, trust=appsnap.EVERYTHING)
            return found.loop is asyncio.get_running_loop(), found.names

        assert asyncio.run(main()) == (True, ["tap"])

    def test_plain_code(self, client, kind):
        """Outside of a loop, the error says where to load them."""

        async def main():
            return appsnap.dumps(client(), kind=kind)

        with pytest.raises(CannotBuild, match=r"object\.loop .*no running event loop") as error:
            appsnap.loads(asyncio.run(main()), trust=appsnap.EVERYTHING)

        assert "load it in a coroutine" in error.value.hint

    def test_save(self, client, kind, tmp_path):
        """The trial of a save loads them in a loop, and so do the commands that look at them or save them anew."""

        async def main():
            appsnap.save(client(), tmp_path / "client", kind=kind, verify=True)

        asyncio.run(main())

        assert appsnap_command("load", "client") == (0, "clients.Client\n", "")
        assert appsnap_command("save", "client", "again.tax") == (0, "", "")
        assert appsnap_command("load", "again.tax", "--check") == (0, "clients.Client\n", "")
