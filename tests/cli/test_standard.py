"""Standard output that is a terminal: it gets text only."""

import os
import pty
import subprocess
import sys

import pytest

import appsnap


def on_terminal(*arguments):
    """Run a command whose standard output is a terminal. Returns its exit code, that output and stderr."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "appsnap", *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        complaint = process.stderr.read().decode()
    return process.returncode, shown.decode(), complaint


@pytest.fixture
def path(tmp_path):
    appsnap.save(["hello"], tmp_path / "x.tap", sign=False)
    return str(tmp_path / "x.tap")


class TestTerminal:
    @pytest.mark.parametrize("target", ["-", "/dev/stdout"])
    @pytest.mark.parametrize("options", [[], ["--kind", "msgpack"], ["--kind", "source", "--compress"]], ids="".join)
    def test_binary(self, path, target, options):
        """Binary files are refused before anything is read."""
        code, shown, complaint = on_terminal("convert", path, target, *options)

        assert (code, shown) == (2, "")
        assert "a terminal shows no binary files" in complaint

    @pytest.mark.parametrize("kind", ["source", "xml"])
    def test_text(self, path, kind):
        """Text is shown."""
        code, shown, complaint = on_terminal("convert", path, "-", "--kind", kind)

        assert code == 0, complaint
        assert appsnap.loads(shown.replace("\r\n", "\n").encode(), kind=kind) == ["hello"]

    def test_armor(self, path, tmp_path):
        """So is an encrypted file in armor."""
        (tmp_path / "phrase").write_text("tea")

        code, shown, _ = on_terminal("convert", path, "-", "--armor", "--passphrase-file", str(tmp_path / "phrase"))

        assert code == 0
        assert appsnap.loads(shown.replace("\r\n", "\n").encode(), passphrase="tea") == ["hello"]

    @pytest.mark.parametrize("text", ["\x9b31m", "\u202e", "\u2028", "\x85"], ids=ascii)
    def test_control_characters(self, tmp_path, text):
        """XML has them as they are, and a terminal would obey. As source they are escapes."""
        appsnap.save([text], tmp_path / "x.tap", sign=False)

        code, shown, complaint = on_terminal("convert", str(tmp_path / "x.tap"), "-", "--kind", "xml")

        assert (code, shown) == (1, "")
        assert "it has control characters, which a terminal obeys" in complaint
        code, shown, complaint = on_terminal("convert", str(tmp_path / "x.tap"), "-", "--kind", "source")
        assert code == 0
        assert shown.isascii()
