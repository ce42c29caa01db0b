"""The states of web applications that run: tasks in them belong to the run."""

import asyncio

import pytest

import appsnap
from appsnap import EVERYTHING
from appsnap.kinds import KINDS


def an_aiohttp():
    web = pytest.importorskip("aiohttp.web")
    app = web.Application()
    return app, app._state


def a_starlette():
    pytest.importorskip("starlette")
    from starlette.applications import Starlette

    app = Starlette()
    return app, app.state._state


def state_of(app):
    return app._state if hasattr(app, "_state") else app.state._state


@pytest.mark.parametrize("make", [an_aiohttp, a_starlette])
class TestTasks:
    """Tasks that the start of an application has put into its state."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_under_way(self, make, kind):
        """A task that isn't done is left out, the rest comes back, and the live application is as it was."""

        async def main():
            app, state = make()
            task = asyncio.create_task(asyncio.sleep(60))
            state["hits"], state["task"], state["shelves"] = 7, task, {"three": [3]}
            try:
                data = appsnap.dumps(app, kind=kind)
            finally:
                task.cancel()
            assert state["task"] is task
            return data

        back = appsnap.loads(asyncio.run(main()), trust=EVERYTHING)

        assert state_of(back) == {"hits": 7, "shelves": {"three": [3]}}

    def test_done(self, make):
        """A task that is done stays, as a future with its result."""

        async def main():
            app, state = make()
            state["task"] = asyncio.create_task(asyncio.sleep(0, 5))
            await state["task"]
            back = appsnap.loads(appsnap.dumps(app), trust=EVERYTHING)
            return state_of(back)["task"].result()

        assert asyncio.run(main()) == 5

    def test_elsewhere(self, make):
        """A task below the values of the state is refused, as everywhere."""

        async def main():
            app, state = make()
            state["tasks"] = [asyncio.create_task(asyncio.sleep(60))]
            try:
                with pytest.raises(appsnap.CannotSave, match="a task that isn't done"):
                    appsnap.dumps(app)
            finally:
                state["tasks"][0].cancel()

        asyncio.run(main())


class TestOwnProtocol:
    """A class that is derived from one of a library, and says itself what its state is."""

    def test_with_a_task(self):
        """It is asked, also where a task is under way."""
        datastructures = pytest.importorskip("starlette.datastructures")

        class Counted(datastructures.State):
            def __getstate__(self):
                return {"_state": {"hits": self.hits, "saved": True}}

        async def main():
            state = Counted({"hits": 7})
            state.task = asyncio.create_task(asyncio.sleep(60))
            try:
                return appsnap.dumps(state)
            finally:
                state.task.cancel()

        back = appsnap.loads(asyncio.run(main()), trust=EVERYTHING)

        assert back._state == {"hits": 7, "saved": True}
