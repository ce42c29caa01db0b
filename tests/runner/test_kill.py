"""`kill -9` at any moment: the state is never older than promised, and every file can be read."""

import contextlib
import random
import signal
import socket
import time

import pytest

import appsnap
from appsnap.cli.app import run as command_line
from appsnap.runner.generations import Generations
from runner.running import Running

TIMES = 50
SEED = 11

MODULE = '''
import appsnap
from appsnap.internet import StreamServerService
from appsnap.service import Application, Service


class Counting(Service):
    """Counts requests. A request to keep the count is answered when that is on disk."""

    count = 0

    def startService(self):
        super().startService()
        print(f"begins at {self.count}", flush=True)

    async def answer(self, reader, writer):
        while line := await reader.readline():
            self.count += 1
            count = self.count
            if line == b"keep\\n":
                await appsnap.saved()
            writer.write(f"{count}\\n".encode())
            await writer.drain()


class Server(StreamServerService):
    async def startService(self):
        await super().startService()
        print(f"serves port {self.port}", flush=True)


application = Application("counting")
counting = Counting()
counting.setServiceParent(application)
Server(counting.answer).setServiceParent(application)
'''


def use(port, until, keep):
    """Send requests up to a moment, and return the count that was kept last, or 0."""
    kept = 0
    with socket.create_connection(("127.0.0.1", port)) as client, client.makefile() as answers:
        for number in range(1_000_000):
            left = until - time.monotonic()
            if left <= 0:
                return kept
            client.settimeout(left)
            keeps = number % keep == keep - 1
            try:
                client.sendall(b"keep\n" if keeps else b"more\n")
                answer = int(answers.readline())
            except TimeoutError:
                return kept
            kept = answer if keeps else kept
    return kept


def saved_count(state):
    """Return the count in the newest generation. All of them have to be whole, and none is older than the status."""
    if not state.exists():
        return 0
    with contextlib.closing(Generations(state)) as generations:
        found, status = generations.list(), generations.read_status()
    for generation in found:
        assert command_line(["verify", str(generation.path)]) == 0
    assert (status.get("generation") or 0) <= (found[0].number if found else 0)
    return appsnap.load(found[0].path).services[0].count if found else 0


@pytest.mark.slow
@pytest.mark.timeout(1200)  # fifty processes, one after another
def test_at_random_moments(tmp_path, monkeypatch, capfd):
    """After each kill the count is no older than the last one that was promised to be on disk."""
    (tmp_path / "counting.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    chance = random.Random(SEED)
    state = tmp_path / "state"
    command = ("--state", state, "--autosave", "0.05", "--keep", "3", "counting:application")
    before = floor = starts = 0

    for _ in range(TIMES):
        early = chance.random() < 0.3
        moment = chance.uniform(0, 0.4)
        with Running(*command, folder=tmp_path) as process:
            if early:
                time.sleep(moment)
            else:
                port = int(process.until("serves port").rpartition(" ")[2])
                process.ready()
                floor = max(floor, use(port, time.monotonic() + moment, keep=chance.randrange(2, 60)))
            process.send(signal.SIGKILL).end()
        begun = [int(line.rpartition(" ")[2]) for line in process.lines if line.startswith("begins at ")]
        starts += len(begun)
        assert not process.has("warning:")
        assert all(count >= before for count in begun)
        before = floor = max(floor, saved_count(state))

    with Running(*command, folder=tmp_path) as process:
        assert int(process.until("begins at ").rpartition(" ")[2]) >= floor
        assert process.ready().stop() == 0
    assert saved_count(state) >= floor > 0
    assert not [*state.glob(".*")]
    # The kills came in every part of a life.
    assert TIMES > starts > TIMES / 2
