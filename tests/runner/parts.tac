"""An application of parts that behave well or badly. The variable PARTS names them."""

import asyncio
import builtins
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time

from appsnap.internet import StreamServerService, TimerService
from appsnap.service import Application, MultiService, Service

LONG = 600.0
"""Seconds: longer than any test waits."""


def tell(text):
    print(text, flush=True)


class Told(Service):
    """Tells each of its calls."""

    def privilegedStartService(self):
        tell(f"{self.name}: privileged")

    def startService(self):
        super().startService()
        tell(f"{self.name}: start")

    def stopService(self):
        super().stopService()
        tell(f"{self.name}: stop")


class FailingStart(Told):
    def startService(self):
        raise ValueError("no\nluck")


class FailingPrivileged(Told):
    def privilegedStartService(self):
        raise PermissionError("no door")


class EndlessStart(Told):
    async def startService(self):
        tell(f"{self.name}: starts for ever")
        await asyncio.Event().wait()


class BlockingStart(Told):
    def startService(self):
        tell(f"{self.name}: blocks")
        while True:
            time.sleep(0.01)  # a signal that comes just before a sleep is seen after it


class FailingStop(Told):
    def stopService(self):
        raise OSError(f"{self.name} is stuck")


class HangingStop(Told):
    async def stopService(self):
        tell(f"{self.name}: hangs")
        await asyncio.Event().wait()


class LingeringStop(Told):
    """Stops when there is a file with the name `go on`."""

    async def stopService(self):
        tell(f"{self.name}: lingers")
        while not os.path.exists("go on"):
            await asyncio.sleep(0.01)


class BlockingStop(Told):
    def stopService(self):
        tell(f"{self.name}: blocks")
        while True:
            time.sleep(0.01)  # a signal that comes just before a sleep is seen after it


class OwnThread(Told):
    """Leaves a thread behind that never ends."""

    def startService(self):
        super().startService()
        threading.Thread(target=time.sleep, args=(LONG,), name="own thread").start()


class DaemonThread(Told):
    """Leaves a thread behind that Python doesn't wait for."""

    def startService(self):
        super().startService()
        threading.Thread(target=time.sleep, args=(LONG,), daemon=True).start()


class DefaultExecutor(Told):
    """Leaves a call in the loop's own threads behind."""

    def startService(self):
        super().startService()
        asyncio.get_running_loop().run_in_executor(None, time.sleep, LONG)


class StubbornTask(Told):
    """Leaves a task behind that takes no cancellation."""

    def startService(self):
        super().startService()
        self.task = asyncio.ensure_future(self.stay())

    async def stay(self):
        while True:
            try:
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                tell(f"{self.name}: stays")

    def __getstate__(self):
        return {"name": self.name, "parent": self.parent}


class Unsaveable(Told):
    """Gets an attribute that no file can hold."""

    def startService(self):
        super().startService()
        self.numbers = (number for number in ())


class Forking(Told):
    """Has a child that is forked and lives long, and one that ends as any program does."""

    def startService(self):
        super().startService()
        self.process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(LONG,))
        self.process.start()
        tell(f"forked {self.process.pid}")
        other = os.fork()
        if other == 0:
            sys.exit()  # the exit functions of Python are called
        tell(f"other ended: {os.waitpid(other, 0)[1]}")

    def stopService(self):
        super().stopService()
        self.process.terminate()
        self.process.join(LONG)
        tell(f"child ended: {self.process.exitcode}")


class Counter(Told):
    """Counts its starts."""

    count = 0

    def startService(self):
        if os.environ.get("FAIL"):
            raise ValueError("no start")
        self.count += 1
        tell(f"started {self.count} times")


class Late:
    """Sends its process a signal when Python has given up its handlers."""

    def __del__(self, write=os.write, kill=os.kill, getpid=os.getpid, number=signal.SIGTERM):
        write(1, b"late\n")
        kill(getpid(), number)


class DyingTask(Told):
    """Has a task in the background that dies of an error."""

    def startService(self):
        super().startService()
        self.task = asyncio.ensure_future(self.die())

    async def die(self):
        await asyncio.sleep(0)
        raise LookupError("lost")


def ring():
    tell("ring")
    raise ZeroDivisionError("no time")


class Child(Told):
    """Shows a child process's environment."""

    async def startService(self):
        super().startService()
        child = await asyncio.create_subprocess_exec("env", stdout=asyncio.subprocess.PIPE)
        out, _ = await child.communicate()
        for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "APPSNAP_HANDOVER"):
            tell(f"child has {name}: {name in out.decode()}")


class Facts(Told):
    """Tells how the process is."""

    def startService(self):
        super().startService()
        mask = os.umask(0)
        os.umask(mask)
        tell(f"folder {os.getcwd()}, umask {mask:03o}")
        status = open("/proc/self/status").read()
        for line in status.splitlines():
            if line.split(":")[0] in ("Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapInh", "CapAmb"):
                tell(" ".join(line.split()))
        tell(" ".join(f"{name}={os.environ.get(name)}" for name in ("HOME", "USER", "LOGNAME")))


class Logging(Told):
    """Writes log lines."""

    def startService(self):
        super().startService()
        for level in ("debug", "info", "warning", "error"):
            getattr(logging.getLogger("own"), level)("a line of level %s", level)


async def answer(reader, writer):
    """Answer each line."""
    while line := await reader.readline():
        if line == b"slow\n":
            tell("slow request")
            await asyncio.sleep(0.3)
        elif line == b"endless\n":
            tell("endless request")
            await asyncio.sleep(LONG)
        writer.write(f"{os.getpid()} got {line.decode()}".encode())
        await writer.drain()


class Server(StreamServerService):
    def __init__(self):
        super().__init__(answer, "127.0.0.1", int(os.environ.get("PORT", "0")))

    async def startService(self):
        await super().startService()
        tell(f"serves port {self.port}")


CLASSES = {cls.__name__: cls for cls in Told.__subclasses__()} | {"Told": Told, "Server": Server}


def part(name):
    made = TimerService(LONG, ring) if name == "Timer" else CLASSES[name.rstrip("0123456789")]()
    made.setName(name.lower())
    return made


if os.environ.get("LATE_SIGNAL"):
    builtins.late = Late()
if os.environ.get("OWN_LOGGING"):
    logging.basicConfig(format="own format: %(message)s", level="DEBUG")
if os.environ.get("SIGNALS") and not os.path.exists("sent"):
    open("sent", "x").close()  # once: a restart runs this script again
    for number in os.environ["SIGNALS"].split():
        os.kill(os.getpid(), int(number))
application = Application(os.environ.get("NAME", "parts"))
application.processName = os.environ.get("PROCESS_NAME")
inner = MultiService()
inner.setName("inner")
for name in os.environ.get("PARTS", "Told").split():
    part(name).setServiceParent(inner if name.endswith("9") else application)
if inner.services:
    inner.setServiceParent(application)
