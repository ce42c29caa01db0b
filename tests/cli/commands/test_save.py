import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.slow


class TestInterrupt:
    """Ctrl-C while saving."""

    def test_nothing_left_behind(self, folder, environment):
        """The old file stays, the child is gone, and there is one line."""
        (folder / "slow.py").write_text(
            "import os, sys, time\n"
            "from pathlib import Path\n"
            "if 'load' in sys.argv: Path('child').write_text(str(os.getpid())); time.sleep(600)\n"
            "from shop import application\n"
            "class Slow: pass\n"
            "application.slow = Slow()\n"
        )
        (folder / "shop.tap").write_text("old")
        before = {path.name for path in folder.iterdir()}
        with subprocess.Popen(
            ["appsnap", "save", "slow:application", "shop.tap"],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            deadline = time.monotonic() + 60
            while not (child := folder / "child").exists() or not child.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.02)

            os.killpg(process.pid, signal.SIGINT)

            assert process.communicate(timeout=60) == (None, "appsnap: error: interrupted\n")

        assert process.returncode == 130
        assert {path.name for path in folder.iterdir()} == before | {"child"}
        assert (folder / "shop.tap").read_text() == "old"
        assert not os.path.exists(f"/proc/{child.read_text()}")  # noqa: PTH110 - a process, not a file


class TestPassphrase:
    """The passphrase on its way to the fresh interpreter."""

    def test_never_in_arguments_or_environment(self, folder, environment):
        """A list of processes doesn't show it, and the code in the child doesn't find it in its environment."""
        (folder / "spy.py").write_text(
            "import os, sys\n"
            "from pathlib import Path\n"
            "if 'load' in sys.argv:\n"
            "    parts = [Path(f'/proc/{pid}/{name}').read_bytes() for pid in ('self', os.getppid()) "
            "for name in ('cmdline', 'environ')]\n"
            "    Path('seen').write_bytes(b'|'.join(parts))\n"
            "class Spy: pass\n"
            "application = Spy()\n"
        )
        (folder / "phrase").write_text("correct horse")

        subprocess.run(
            ["appsnap", "save", "spy:application", "spy.tap", "--passphrase-file", "phrase"],
            cwd=folder,
            env=environment,
            check=True,
        )

        assert b"load" in (folder / "seen").read_bytes()
        assert b"horse" not in (folder / "seen").read_bytes()
