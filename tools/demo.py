"""Show the main job of appsnap: `make demo`.

The demo saves the sample application from `fixtures/` as every kind, and encrypted. It shows one file. It loads each
file in a new process, and proves that the trees are equal and stopped. Then it starts a restored application for a
moment.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = ("shop.tap", "shop.tas", "shop.tam", "shop.tax", "shop.etap")

# Runs in its own process for each file: prints the number of services, and a digest of the application as source.
PROBE = """
import hashlib, sys, appsnap
from appsnap.interfaces import IService, IServiceCollection
application = appsnap.load(sys.argv[1], passphrase=lambda: sys.argv[2])
waiting, running, count = [*IServiceCollection(application)], 0, 0
while waiting:
    service = waiting.pop()
    count, running = count + 1, running + bool(IService(service).running)
    waiting += IServiceCollection(service, ())
print(count, "services,", running, "running,", hashlib.sha256(appsnap.dumps(application, "source")).hexdigest()[:16])
"""

PASSPHRASE = "tea and cake"

ENVIRONMENT = os.environ | {"PYTHONPATH": str(FIXTURES)}
# Put the commands of the virtual environment on the path, like an activated shell.
ENVIRONMENT["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{ENVIRONMENT['PATH']}"


def environment(file: str) -> dict[str, str]:
    """Return the environment of a command, with the passphrase for an encrypted file."""
    return ENVIRONMENT | ({"APPSNAP_PASSPHRASE": PASSPHRASE} if file.endswith(".etap") else {})


def run(*command: str, shown: str = "", file: str = "") -> str:
    """Print a command, run it, print its output, and return the output."""
    print(f"\n$ {shown or shlex.join(command)}", flush=True)
    result = subprocess.run(command, env=environment(file), stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, end="", flush=True)
    if result.returncode:
        raise SystemExit(result.returncode)
    return result.stdout


def start(file: str) -> None:
    """Run a restored application until its first report, and stop it."""
    print(f"\n$ appsnap run {file}", flush=True)
    command = ["appsnap", "run", file]
    process = subprocess.Popen(command, env=environment(file), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            print(line, end="", flush=True)
            if "running" in line:
                break
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        print(rest, end="", flush=True)
    if process.returncode:
        raise SystemExit(process.returncode)


def main() -> None:
    """Run the demo in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="appsnap-demo-") as folder:
        os.chdir(folder)
        ENVIRONMENT["APPSNAP_CONFIG_DIR"] = folder  # the key that signs is for the demo alone
        for file in FILES:
            run("appsnap", "save", "shop:application", file, file=file)
        run("ls", "-l", *FILES)
        run("cat", "shop.tas")
        run("appsnap", "show", "shop.tap")
        words = {
            run(
                sys.executable,
                "-c",
                PROBE,
                file,
                PASSPHRASE,
                shown=f"python -c 'load, count, and print a digest' {file}",
            )
            for file in FILES
        }
        if len(words) != 1 or " 0 running" not in next(iter(words)):
            raise SystemExit("the trees differ")
        print(f"\nAll {len(FILES)} files hold the same application, and nothing in it is running.")
        start("shop.etap")
        print("\nDone.")


if __name__ == "__main__":
    main()
