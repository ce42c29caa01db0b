import subprocess

import pexpect
import pytest

pytestmark = pytest.mark.slow


class TestSign:
    def test_what_was_shown_is_what_is_signed(self, folder, environment):
        """A file that changes while its owner reads the question isn't signed, and keeps the change."""
        subprocess.run(["appsnap", "save", "shop:application", "shop.tas"], cwd=folder, env=environment, check=True)
        path = folder / "shop.tas"
        path.write_text(path.read_text().replace("8080", "9090"))
        command = pexpect.spawn("appsnap", ["sign", "shop.tas"], cwd=folder, env=environment, timeout=200)
        command.expect_exact("[y/N]")

        path.write_text(path.read_text().replace("9090", "7070"))
        command.sendline("y")
        command.expect_exact("shop.tas has changed meanwhile, and isn't signed")
        command.expect(pexpect.EOF)
        command.close()

        assert command.exitstatus == 1
        assert "port=7070" in path.read_text()
        verified = subprocess.run(
            ["appsnap", "verify", "shop.tas"], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        assert "edited since it was signed by you" in verified.stdout
