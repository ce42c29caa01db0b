"""Saves by fork while the application writes to a log and to a database."""

import asyncio
import logging
import sqlite3

import pytest

import appsnap
from appsnap import EVERYTHING
from appsnap.kinds import KINDS
from appsnap.runner.generations import Generations
from appsnap.runner.saver import Layers, Saver
from appsnap.service import Application, Service

SAVES = 50


class Journal(Service):
    """Writes each number to a text file, to a log, and to a database."""

    def __init__(self, folder):
        self.count = 0
        self.text = (folder / "journal.txt").open("w", encoding="utf-8")
        self.handler = logging.FileHandler(folder / "journal.log", encoding="utf-8")
        self.database = sqlite3.connect(folder / "journal.db")
        self.database.execute("CREATE TABLE entries (number INTEGER)")

    def write(self):
        """Write a number to each."""
        self.text.write(f"{self.count}\n")  # most of it stays in the buffer
        self.handler.emit(logging.makeLogRecord({"msg": f"{self.count}"}))
        with self.database:
            self.database.execute("INSERT INTO entries VALUES (?)", [self.count])
        self.count += 1

    def close(self):
        """Close all of them."""
        self.text.close()
        self.handler.close()
        self.database.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_twice(tmp_path, kind):
    """The buffers and the database are those of the parent: a child that asked them would write a part again."""
    application = Application("shop")
    journal = Journal(tmp_path)
    journal.setServiceParent(application)
    reports = []

    async def write():
        while True:
            for _ in range(10):
                journal.write()
            await asyncio.sleep(0)

    async def main():
        generations = Generations(tmp_path / "state", 3)
        saver = Saver(
            application,
            generations,
            Layers(kind=kind, sign=False),
            autosave=0,
            timeout=100,
            report=lambda *report: reports.append(report),
        )
        saver.warm_up()
        saver.start()
        writing = asyncio.create_task(write())
        for _ in range(SAVES):
            await saver.request()
            await asyncio.sleep(0.01)
        writing.cancel()
        await saver.finish()
        generations.close()
        return saver

    saver = asyncio.run(main())
    journal.close()

    assert reports == []
    assert saver.status["how"] == "fork"
    expected = [*range(journal.count)]
    assert len(expected) > SAVES
    for name in ("journal.txt", "journal.log"):
        assert [*map(int, (tmp_path / name).read_text().split())] == expected
    with sqlite3.connect(tmp_path / "journal.db") as database:
        assert [number for (number,) in database.execute("SELECT number FROM entries ORDER BY rowid")] == expected
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()

    restored = appsnap.load(saver._last.path, trust=EVERYTHING).services[0]
    assert restored.count == journal.count
    for _ in range(3):
        restored.write()
    restored.close()
    assert [*map(int, (tmp_path / "journal.txt").read_text().split())] == [*range(journal.count + 3)]
    assert [*map(int, (tmp_path / "journal.log").read_text().split())] == [*range(journal.count + 3)]
