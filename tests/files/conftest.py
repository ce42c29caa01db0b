import subprocess
import sys

import pytest


@pytest.fixture
def peak_memory():
    """Run Python code in a fresh process and return the most memory that it had, in bytes."""
    if not sys.platform.startswith("linux"):
        pytest.skip("VmHWM is Linux's; ru_maxrss would have the parent's peak in it")

    def run(code: str) -> int:
        code += "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
        result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        return int(result.stdout) * 1024

    return run
