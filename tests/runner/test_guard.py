"""The watch over a stop."""

import asyncio
import math

from appsnap.runner import guard
from appsnap.runner.guard import Guard
from runner.running import LIMIT


def test_nobody_yet(monkeypatch):
    """Where nobody has begun to stop when the first report is due, the next one is due soon."""
    for name, seconds in (("_FIRST", 0.0), ("_EVERY", 600.0), ("_AGAIN", 0.001)):
        monkeypatch.setattr(guard, name, seconds)

    async def main():
        loop, said, looks = asyncio.get_running_loop(), asyncio.Queue(), asyncio.Queue()
        watch = Guard(math.inf, lambda *words: loop.call_soon_threadsafe(said.put_nowait, words), lambda _: None)
        monkeypatch.setattr(watch, "_late", lambda _: loop.call_soon_threadsafe(looks.put_nowait, 1) and late)
        late = []
        watch.begin()
        try:
            await asyncio.wait_for(looks.get(), LIMIT)
            late = ["the shop"]
            return await asyncio.wait_for(said.get(), LIMIT)
        finally:
            watch.cancel()

    level, words = asyncio.run(main())

    assert (level, words.partition(" s: ")[2]) == ("info", "the shop")
