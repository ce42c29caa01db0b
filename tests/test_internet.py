"""The timer and the server, on a real loop and real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
import pickle
import socket

import pytest

from appsnap import listening, snapshot
from appsnap.errors import ServiceError
from appsnap.internet import StreamServerService, TimerService
from appsnap.recipe.trust import EVERYTHING
from appsnap.service import Application, MultiService

LIMIT = 60
"""Seconds that a busy machine may take for anything."""


def append(calls, what):
    """Be the function of a timer."""
    calls.append(what)


class Calls(list):
    """A list whose growth can be awaited."""

    def __init__(self):
        super().__init__()
        self._grown = asyncio.Event()

    def append(self, what):
        """Grow."""
        super().append(what)
        self._grown.set()

    async def reach(self, count):
        """Wait until there are so many."""
        while len(self) < count:
            self._grown.clear()
            await asyncio.wait_for(self._grown.wait(), LIMIT)


async def settled(result):
    """Wait for the result of a stop, if it is awaitable."""
    if result is not None:
        await result


class TestTimer:
    """A function that is called every so often."""

    def test_first_call(self):
        """The first call comes at once, within the start."""
        calls = []

        async def main():
            timer = TimerService(60, append, calls, what="tick")
            timer.startService()
            assert calls == ["tick"]
            assert timer.running
            assert timer.stopService() is None
            assert not timer.running

        asyncio.run(main())

    def test_started_twice(self):
        """A second start begins anew, and one stop ends both."""
        calls = []

        async def main():
            timer = TimerService(0.001, append, calls, "tick")
            timer.startService()
            first = timer._next
            timer.startService()
            assert first.cancelled()
            await settled(timer.stopService())
            assert timer._next is None

        asyncio.run(main())

        assert calls == ["tick", "tick"]

    def test_repeats(self):
        """The calls go on, of a coroutine function as well."""

        async def tick(calls):
            await asyncio.sleep(0)
            calls.append("tick")

        async def main():
            for function in (tick, lambda calls: calls.append("tick")):
                calls = Calls()
                timer = TimerService(0.001, function, calls)
                timer.startService()
                await calls.reach(4)
                await settled(timer.stopService())

        asyncio.run(main())

    def test_ends(self):
        """After the stop there are no more calls, and a second start begins anew."""

        async def main():
            calls, other = Calls(), Calls()
            timer = TimerService(0.001, calls.append, "tick")
            other_timer = TimerService(0.001, other.append, "tick")
            timer.startService()
            timer.stopService()
            other_timer.startService()
            await other.reach(5)
            assert len(calls) == 1
            timer.startService()
            await calls.reach(3)
            timer.stopService()
            other_timer.stopService()

        asyncio.run(main())

    def test_fixed_times(self, monkeypatch):
        """Calls come at multiples of the step from the start; those that are missed are left out; none comes twice."""

        async def main():
            loop = asyncio.get_running_loop()
            clock, due = [1000.0], []
            monkeypatch.setattr(loop, "time", lambda: clock[-1])
            monkeypatch.setattr(loop, "call_at", lambda when, function: due.append(when))
            timer = TimerService(10, lambda: None)
            timer.startService()
            for now in (1010.0, 1019.999999, 1055.0, 1060.0):  # in time, early, late, in time again
                clock.append(now)
                timer._tick()
            assert due == [1010, 1020, 1030, 1060, 1070]
            timer.stopService()

        asyncio.run(main())

    def test_no_overlap(self):
        """A call isn't made while the last one is under way."""

        async def main():
            calls, release, beats = Calls(), asyncio.Event(), Calls()

            async def slow():
                calls.append("begun")
                await release.wait()

            timer, beat = TimerService(0.001, slow), TimerService(0.001, beats.append, "beat")
            timer.startService()
            beat.startService()
            await beats.reach(5)
            assert calls == ["begun"]
            release.set()
            await calls.reach(2)
            await settled(timer.stopService())
            beat.stopService()

        asyncio.run(main())

    def test_stop_waits(self):
        """The stop waits for a call under way, which isn't cancelled."""
        calls = []

        async def slow():
            for _ in range(5):
                await asyncio.sleep(0)
            calls.append("done")

        async def main():
            timer = TimerService(60, slow)
            timer.startService()
            await timer.stopService()
            assert calls == ["done"]

        asyncio.run(main())

    def test_cancelled_stop(self):
        """Cancelling the stop cancels the call."""
        cancelled = []

        async def hangs():
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(True)

        async def main():
            timer = TimerService(60, hangs)
            timer.startService()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(timer.stopService(), 0.001)

        asyncio.run(main())

        assert cancelled == [True]

    def test_stops_itself(self):
        """A call may stop its own timer, and take it out of the tree."""

        async def main():
            done = asyncio.Event()

            async def once():
                await settled(timer.disownServiceParent())
                done.set()

            root = MultiService()
            timer = TimerService(60, once)
            timer.setServiceParent(root)
            root.startService()
            await done.wait()
            assert not timer.running
            assert list(root) == []

        asyncio.run(asyncio.wait_for(main(), LIMIT))

    @pytest.mark.parametrize("later", [False, True])
    def test_error(self, caplog, later):
        """An error ends the calls, and is logged once with the path; the service starts anew as any other does."""

        async def main():
            calls, beats = Calls(), Calls()

            def fails():
                calls.append("call")
                if len(calls) == 2:
                    raise ValueError("no price")

            async def fails_later():
                await asyncio.sleep(0)
                fails()

            root = Application("shop")
            timer = TimerService(0.001, fails_later if later else fails)
            timer.setName("prices")
            timer.setServiceParent(root)
            beat = TimerService(0.001, beats.append, "beat")
            root.startService()
            await calls.reach(2)
            beat.startService()
            await beats.reach(5)
            assert (timer.running, calls) == (False, ["call", "call"])
            timer.startService()
            await calls.reach(4)
            beat.stopService()
            await settled(root.stopService())

        asyncio.run(main())

        (error,) = [record for record in caplog.records if record.name == "appsnap.internet"]
        assert error.getMessage().startswith('application.services["prices"] has stopped')
        assert str(error.exc_info[1]) == "no price"

    @pytest.mark.parametrize("later", [False, True])
    def test_error_of_the_last_call(self, caplog, later):
        """A call that stops its own timer and then raises is logged, too."""

        async def main():
            def fails():
                timer.stopService()
                raise ValueError("no price")

            async def fails_later():
                fails()

            timer = TimerService(0.001, fails_later if later else fails)
            timer.startService()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert (timer.running, timer._next) == (False, None)

        asyncio.run(main())

        (error,) = [record for record in caplog.records if record.name == "appsnap.internet"]
        assert str(error.exc_info[1]) == "no price"

    def test_cancelled_call(self):
        """A call that is cancelled is no error."""

        async def main():
            calls = Calls()

            async def gives_up():
                calls.append("call")
                raise asyncio.CancelledError

            timer = TimerService(0.001, gives_up)
            timer.startService()
            await calls.reach(3)
            await settled(timer.stopService())

        asyncio.run(main())

    def test_without_loop(self):
        """Without an event loop it can't start: the error says so, and it doesn't count as running."""
        root = Application("shop")
        TimerService(1, print).setServiceParent(root)

        with pytest.raises(ServiceError, match="no running event loop"):
            root.startService()
        assert not root.services[0].running

    @pytest.mark.parametrize("step", [0, -1, float("nan")])
    def test_step(self, step):
        """The step is above 0."""
        with pytest.raises(ValueError, match="step"):
            TimerService(step, print)

    def test_state(self):
        """Nothing live is saved, and a copy of a running timer starts anew."""

        async def main():
            async def hangs():
                await asyncio.Event().wait()

            timer = TimerService(60, append, [], "tick")
            timer.startService()
            assert timer.__getstate__() == {"step": 60, "call": (append, (["tick"], "tick"), {})}
            cloned = pickle.loads(pickle.dumps(timer))
            assert not cloned.running
            cloned.startService()
            assert cloned.call[1][0] == ["tick", "tick"]
            for each in (timer, cloned):
                each.stopService()

        asyncio.run(main())


async def echo(reader, writer):
    """Send lines back."""
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


async def ask(port, line, host="127.0.0.1"):
    """Send a line, and return the answer."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(line)
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


class TestServer:
    """A port, and a handler for each connection."""

    def test_serves(self):
        """Each connection gets its handler; the port is the real one while it runs, and free again after."""

        async def main():
            server = StreamServerService(echo)
            assert (server.port, server.sockets) == (0, ())
            await server.startService()
            port = server.port
            assert port > 0
            assert server.sockets[0].getsockname() == ("127.0.0.1", port)
            answers = await asyncio.gather(*(ask(port, b"%d\n" % number) for number in range(5)))
            assert answers == [b"%d\n" % number for number in range(5)]
            await settled(server.stopService())
            assert (server.port, server.sockets) == (0, ())
            with pytest.raises(ConnectionRefusedError):
                await ask(port, b"gone\n")

        asyncio.run(main())

    def test_started_twice(self):
        """A second start of a server that serves changes nothing."""

        async def main():
            server = StreamServerService(echo)
            await server.startService()
            port = server.port
            await server.startService()
            assert server.port == port
            assert await ask(port, b"hello\n") == b"hello\n"
            await settled(server.stopService())
            with pytest.raises(OSError):
                await ask(port, b"hello\n")

        asyncio.run(main())

    def test_in_a_tree(self):
        """In a tree it starts and stops, and starts again, on the port that it was given."""

        async def main():
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            root = Application("shop")
            StreamServerService(echo, port=port).setServiceParent(root)
            for _ in range(2):
                await root.startService()
                assert await ask(port, b"hello\n") == b"hello\n"
                await settled(root.stopService())

        asyncio.run(main())

    def test_privileged(self):
        """The port is bound in the privileged part; a connection that comes early waits."""

        async def main():
            server = StreamServerService(echo)
            server.privilegedStartService()
            server.privilegedStartService()
            port = server.port
            answer = asyncio.create_task(ask(port, b"early\n"))
            await asyncio.sleep(0)
            await server.startService()
            assert server.port == port
            assert await answer == b"early\n"
            await settled(server.stopService())

        asyncio.run(main())

    def test_stop_before_start(self):
        """A port that was only bound is closed by the stop, which needs no event loop."""
        server = StreamServerService(echo)
        server.privilegedStartService()
        port = server.port

        assert server.stopService() is None

        socket.create_server(("127.0.0.1", port)).close()

    def test_port_in_use(self):
        """A port that is taken is an error of the start, and nothing stays open."""

        async def main():
            with socket.create_server(("127.0.0.1", 0)) as taken:
                root = Application("shop")
                StreamServerService(echo, port=taken.getsockname()[1]).setServiceParent(root)
                with pytest.raises(ServiceError, match=r"application\.services\[0\].*in use"):
                    await root.startService()
            assert not root.services[0].running
            assert root.services[0].sockets == ()

        asyncio.run(main())

    def test_bad_option(self):
        """An option that asyncio doesn't know is an error of the start, and the port is closed."""

        async def main():
            server = StreamServerService(echo, nonsense=True)
            with pytest.raises(TypeError, match="nonsense"):
                await server.startService()
            assert not server.running
            assert server.sockets == ()

        asyncio.run(main())

    def test_cancelled_start(self):
        """A start that is cancelled leaves no port open."""

        async def main():
            watched = asyncio.get_running_loop()._selector.get_map()
            before = len(watched)
            server = StreamServerService(echo)
            starting = asyncio.create_task(server.startService())
            await asyncio.sleep(0)
            starting.cancel()
            await asyncio.wait([starting])
            assert starting.cancelled()
            assert len(watched) == before
            assert not server.running
            assert server.sockets == ()

        asyncio.run(main())

    @pytest.mark.parametrize("newcomer", [False, True])
    def test_stop_before_the_start_has_begun(self, newcomer):
        """The port is free again after a stop in the tick of the start."""
        application, server = Application("shop"), StreamServerService(lambda reader, writer: None)

        async def main():
            if newcomer:
                application.startService()
            server.setServiceParent(application)
            if not newcomer:
                application.privilegedStartService()
                application.startService()
            assert server.sockets
            await application.stopService()

        asyncio.run(main())

        assert server.sockets == ()
        assert not server.running

    def test_options(self):
        """Options are asyncio's: here a limit for lines."""
        limits = []

        async def handler(reader, writer):
            limits.append(reader._limit)

        async def main():
            server = StreamServerService(handler, limit=17)
            await server.startService()
            assert await ask(server.port, b"") == b""
            await settled(server.stopService())

        asyncio.run(main())

        assert limits == [17]

    def test_grace(self):
        """The stop closes the port at once, and waits for a handler under way, whose client gets its answer."""
        begun, release = asyncio.Event(), asyncio.Event()

        async def handler(reader, writer):
            begun.set()
            await release.wait()
            writer.write(b"done\n")

        async def main():
            server = StreamServerService(handler)
            await server.startService()
            port = server.port
            answer = asyncio.create_task(ask(port, b""))
            await begun.wait()
            stopping = server.stopService()
            assert (server.running, server.port, server.sockets) == (False, 0, ())
            for _ in range(5):
                await asyncio.sleep(0)
            with pytest.raises(ConnectionRefusedError):
                await ask(port, b"")
            assert not stopping.done()
            release.set()
            await stopping
            assert await answer == b"done\n"

        asyncio.run(main())

    def test_after_the_grace(self):
        """The stop then cancels the handlers, waits for their end, and closes their connections."""
        log = []
        begun = asyncio.Event()

        async def handler(reader, writer):
            begun.set()
            try:
                await reader.readline()
            finally:
                for _ in range(3):
                    await asyncio.sleep(0)
                log.append("tidied")

        async def main():
            server = StreamServerService(handler)
            server.grace = 0.01
            await server.startService()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            await begun.wait()
            await server.stopService()
            assert log == ["tidied"]
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

        asyncio.run(main())

    @pytest.mark.parametrize("grace", [5, float("inf"), "a stranger's"])
    def test_cancelled_stop(self, grace):
        """A stop that is cancelled, or has a grace that is no number, cancels the handlers and waits for them."""
        log = []
        begun = asyncio.Event()

        async def handler(reader, writer):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                log.append("tidied")

        async def main():
            server = StreamServerService(handler)
            server.grace = grace
            await server.startService()
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            await begun.wait()
            stopping = server.stopService()
            if isinstance(grace, str):
                with pytest.raises(TypeError):
                    await stopping
            else:
                for _ in range(6):
                    await asyncio.sleep(0)
                stopping.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await stopping
            assert log == ["tidied"]
            writer.close()

        asyncio.run(main())

    def test_stop_does_not_wait_for_clients(self):
        """A client that doesn't read its answer can't hold up the stop for longer than the grace."""
        written = asyncio.Event()

        async def floods(reader, writer):
            writer.write(b"x" * (16 << 20))
            written.set()

        async def main():
            server = StreamServerService(floods)
            server.grace = 0.01
            await server.startService()
            with socket.create_connection(("127.0.0.1", server.port)):
                await written.wait()
                await asyncio.sleep(0)
                await asyncio.wait_for(server.stopService(), LIMIT)

        asyncio.run(main())

    @pytest.mark.parametrize("ticks", range(8))
    @pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
    def test_stop_at_any_tick(self, loop, ticks):
        """A connection is answered at any tick of the stop: by this server, or by the next one at its port."""

        async def main():
            server = StreamServerService(echo)
            await server.startService()
            port = server.port
            with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
                client.sendall(b"hello\n")
                client.shutdown(socket.SHUT_WR)
                for _ in range(ticks):
                    await asyncio.sleep(0)
                handed_over = listening.duplicates()
                await server.stopService()
                listening.inherit(handed_over)
                after = StreamServerService(echo)
                await after.startService()
                assert after.port == port
                answer = await asyncio.to_thread(client.recv, 100)
            await after.stopService()
            return answer

        try:
            with asyncio.Runner(loop_factory=pytest.importorskip(loop).new_event_loop) as runner:
                assert runner.run(main()) == b"hello\n"
        finally:
            listening.close_unused()

    def test_started_during_the_grace(self):
        """A server that starts anew while handlers of its last run finish keeps its new ones."""
        begun = asyncio.Event()
        old = []

        async def handler(reader, writer):
            begun.set()
            try:
                while line := await reader.readline():
                    writer.write(line)
            except asyncio.CancelledError:
                old.append(True)
                raise

        async def main():
            server = StreamServerService(handler)
            server.grace = 0.05
            await server.startService()
            _, idle = await asyncio.open_connection("127.0.0.1", server.port)
            await begun.wait()
            stopping = server.stopService()
            await server.startService()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"one\n")
            assert await reader.readline() == b"one\n"
            await stopping
            assert old == [True]
            writer.write(b"two\n")
            assert await reader.readline() == b"two\n"
            for each in (idle, writer):
                each.close()
            await server.stopService()

        asyncio.run(asyncio.wait_for(main(), LIMIT))

    def test_handler_that_begins_late(self):
        """A handler that begins during the grace, after a handshake of TLS, say, has the rest of it."""
        begun, releases, log = Calls(), [asyncio.Event(), asyncio.Event()], []

        async def handler(reader, writer):
            number = len(begun)
            begun.append("begun")
            await releases[number].wait()
            log.append(number)

        async def main():
            server, other = StreamServerService(handler), StreamServerService(echo)
            await server.startService()
            await other.startService()
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            await begun.reach(1)
            connections = server._connections
            stopping = server.stopService()
            server._connected(connections, *await asyncio.open_connection("127.0.0.1", other.port))
            releases[0].set()
            await begun.reach(2)
            for _ in range(5):
                await asyncio.sleep(0)
            assert not stopping.done()
            releases[1].set()
            await stopping
            assert log == [0, 1]
            writer.close()
            await other.stopService()

        asyncio.run(asyncio.wait_for(main(), LIMIT))

    def test_connection_that_comes_too_late(self):
        """A connection whose handler would begin after the end of the stop is closed."""

        async def main():
            server = StreamServerService(echo)
            await server.startService()
            connections = server._connections
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"bye\n")
            assert await reader.readline() == b"bye\n"
            writer.write_eof()
            await server.stopService()
            server._connected(connections, reader, writer)
            assert writer.transport.is_closing()
            assert not connections.handlers

        asyncio.run(main())

    def test_stopped_without_its_loop(self):
        """A server is stopped between two runs of its loop, and after the loop's end."""
        loop = asyncio.new_event_loop()
        for ended in (False, True):
            server = StreamServerService(echo)
            loop.run_until_complete(server.startService())
            port = server.port
            if ended:
                loop.close()
            assert server.stopService() is None
            socket.create_server(("127.0.0.1", port)).close()

    @pytest.mark.parametrize("waits", [False, True])
    def test_stops_itself(self, waits):
        """A handler may stop its own server, and wait for that, and still answers its client."""

        async def main():
            async def handler(reader, writer):
                stopping = server.stopService()
                if waits:
                    await stopping
                writer.write(b"bye\n")

            server = StreamServerService(handler)
            await server.startService()
            assert await ask(server.port, b"") == b"bye\n"

        asyncio.run(asyncio.wait_for(main(), LIMIT))

    def test_error(self, caplog):
        """An error in a handler is logged; its connection is closed, and the server goes on."""

        async def handler(reader, writer):
            if await reader.readline() == b"fail\n":
                raise ValueError("handler")
            writer.write(b"fine\n")

        async def main():
            server = StreamServerService(handler)
            await server.startService()
            assert await ask(server.port, b"fail\n") == b""
            assert await ask(server.port, b"work\n") == b"fine\n"
            await settled(server.stopService())

        with caplog.at_level(logging.INFO):
            asyncio.run(main())

        (record,) = caplog.records
        assert (record.name, str(record.exc_info[1])) == ("appsnap.internet", "handler")

    def test_lost_connection(self, caplog):
        """A client that goes away is no error of the application."""

        async def handler(reader, writer):
            raise ConnectionResetError("gone")

        async def main():
            server = StreamServerService(handler)
            await server.startService()
            assert await ask(server.port, b"") == b""
            await settled(server.stopService())

        with caplog.at_level(logging.INFO):
            asyncio.run(main())

        assert caplog.records == []

    def test_ipv6(self):
        """A host with colons is an IPv6 address."""
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6 here")

        async def main():
            server = StreamServerService(echo, "::1")
            await server.startService()
            assert await ask(server.port, b"six\n", "::1") == b"six\n"
            await settled(server.stopService())

        asyncio.run(main())

    def test_state(self):
        """A saved server has its arguments, with the requested port, and nothing live."""

        async def main():
            server = StreamServerService(echo)
            await server.startService()
            await ask(server.port, b"hello\n")
            assert server.__getstate__() == {"handler": echo, "host": "127.0.0.1", "port": 0}
            cloned = copy.copy(server)
            assert (cloned.running, cloned.port, cloned.sockets) == (False, 0, ())
            await cloned.startService()
            assert cloned.port not in (0, server.port)
            for each in (server, cloned):
                await settled(each.stopService())

        asyncio.run(main())

    def test_state_with_options(self):
        """Options are saved if there are any."""
        assert StreamServerService(echo, port=8080, backlog=5).__getstate__() == {
            "handler": echo,
            "host": "127.0.0.1",
            "port": 8080,
            "options": {"backlog": 5},
        }

    def test_state_with_grace(self):
        """A grace is saved if it isn't the usual one."""
        server = StreamServerService(echo)
        server.grace = 60
        assert server.__getstate__()["grace"] == 60


class TestSaved:
    """Both in files."""

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    def test_while_running(self, kind):
        """A tree that is saved while it runs comes back stopped, with nothing live, and starts."""

        async def main():
            application = Application("shop")
            StreamServerService(echo, limit=1000).setServiceParent(application)
            TimerService(60, append, [], "tick").setServiceParent(application)
            await application.startService()
            data = snapshot.dumps(application, kind)

            loaded = snapshot.loads(data, trust=EVERYTHING)

            server, timer = loaded
            assert [each.running for each in (loaded, server, timer)] == [False, False, False]
            assert vars(server) == {
                "parent": loaded,
                "handler": echo,
                "host": "127.0.0.1",
                "port": 0,
                "options": {"limit": 1000},
            }
            assert vars(timer) == {"parent": loaded, "step": 60, "call": (append, (["tick"], "tick"), {})}
            await loaded.startService()
            assert await ask(server.port, b"hello\n") == b"hello\n"
            assert timer.call[1][0] == ["tick", "tick"]
            for each in (application, loaded):
                await settled(each.stopService())

        asyncio.run(main())
