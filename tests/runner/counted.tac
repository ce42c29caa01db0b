"""An application that counts the lines that it gets, and does what they say. Tests copy it, and edit the copy."""

import asyncio
import os
import subprocess
import threading
import time
from pathlib import Path

from appsnap.evolve import Versioned
from appsnap.internet import StreamServerService
from appsnap.service import Application

VERSION = 1
LONG = 600.0


def tell(text):
    print(text, flush=True)


class Spoiled:
    def __getstate__(self):
        raise ValueError("spoiled")


class Counter(Versioned, StreamServerService):
    persistenceVersion = 1
    count = 0
    at_stop = ""
    spoiled = None

    def __init__(self):
        super().__init__(self.answer, "127.0.0.1", int(os.environ.get("PORT", "0")))
        self.facts = {"made": VERSION}

    def upgradeToVersion1(self):
        pass

    async def answer(self, reader, writer):
        while line := await reader.readline():
            if word := line.decode().strip():
                getattr(self, word)()
            self.count += 1
            writer.write(f"{os.getpid()} {VERSION} {self.count} {self.facts}\n".encode())
            await writer.drain()

    def spoil(self):
        self.spoiled = Spoiled()

    def mend(self):
        self.spoiled = self.at_stop = ""

    def spoil_at_stop(self):
        self.at_stop = "spoil"

    def spoil_for_good(self):
        self.at_stop = "spoil for good"

    def hang_at_stop(self):
        self.at_stop = "hang"

    def fail_at_stop(self):
        self.at_stop = "fail"

    def linger_at_stop(self):
        self.at_stop = "linger"

    def child(self):
        self.facts["child"] = subprocess.run(
            ["ls", "-l", "/proc/self/fd"], capture_output=True, text=True
        ).stdout.split()

    def afterRestore(self):
        tell(f"restored at {self.count}")

    async def startService(self):
        if self.at_stop == "spoil for good" and self.spoiled:
            raise LookupError("no way back")
        await super().startService()
        tell(f"serves port {self.port}")

    async def stopService(self):
        await super().stopService()
        tell("stopping the counter")
        if self.at_stop.startswith("spoil"):
            self.spoil()
        elif self.at_stop == "hang":
            await asyncio.sleep(LONG)
        elif self.at_stop == "fail":
            raise OSError("the counter is stuck")
        elif self.at_stop == "linger":
            self.at_stop = ""
            while not Path("go on").exists():
                await asyncio.sleep(0.01)


# AT IMPORT

application = Application("counted")
counter = Counter()
counter.setName("counter")
counter.setServiceParent(application)
