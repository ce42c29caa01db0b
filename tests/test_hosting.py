"""Servers for applications of web frameworks, and objects that run."""

import asyncio
import functools
import importlib
import logging
import signal
import socket
import sys
import threading
import time

import pytest

import appsnap
from appsnap import errors
from appsnap.errors import ServiceError
from appsnap.hosting import server as base
from appsnap.hosting.aiohttp import AiohttpServer
from appsnap.hosting.asgi import ASGIServer
from appsnap.hosting.objects import ObjectService
from appsnap.hosting.recognise import hosted, served, sort_of
from appsnap.hosting.wsgi import WSGIServer
from appsnap.recipe.trust import Trust
from appsnap.runner.vouched import check_vouched
from appsnap.service import Application, MultiService
from restarts import answers_over_restarts

LIMIT = 60.0
"""Seconds that a busy machine may take for anything."""


async def ask(server, path="/", headers=""):
    """Return the whole answer to a request, as the server sends it until it closes the connection."""
    reader, writer = await connected(server)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), LIMIT)
    writer.close()
    return answer.decode()


async def connected(server):
    """Open a connection."""
    (bound,) = server.sockets
    if bound.family == socket.AF_UNIX:
        return await asyncio.open_unix_connection(bound.getsockname())
    return await asyncio.open_connection(*bound.getsockname()[:2])


class ASGI:
    """An ASGI application that notes its lifespan. `/slow` waits until it is let go."""

    def __init__(self):
        self.noted = []

    async def __call__(self, scope, receive, send):
        """Answer a request."""
        if scope["type"] == "lifespan":
            scope["state"]["shelf"] = "three"
            await receive()
            self.noted.append("startup")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.noted.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/slow":
            self.noted.append("slow")
            while "go" not in self.noted:  # noqa: ASYNC110 - threads tell it
                await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


class WSGI:
    """A WSGI application, likewise."""

    def __init__(self):
        self.noted = []

    def __call__(self, environ, start_response):
        """Answer a request."""
        if environ["PATH_INFO"] == "/slow":
            self.noted.append("slow")
            while "go" not in self.noted:
                time.sleep(0.01)
        start_response("200 OK", [("Content-Length", "5")])
        return [b"hello"]


def aiohttp_application():
    """Return an application of aiohttp, likewise."""
    web = pytest.importorskip("aiohttp.web")
    noted = []

    async def hello(request):
        if request.path == "/slow":
            noted.append("slow")
            while "go" not in noted:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        return web.Response(text="hello")

    async def startup(_):
        noted.append("startup")

    async def cleanup(_):
        noted.append("shutdown")

    application = web.Application()
    application.router.add_get("/", hello)
    application.router.add_get("/slow", hello)
    application.on_startup.append(startup)
    application.on_cleanup.append(cleanup)
    return application, noted


def asgi(**options):
    pytest.importorskip("uvicorn")
    application = ASGI()
    return ASGIServer(application, **options), application.noted


def wsgi(**options):
    pytest.importorskip("waitress")
    application = WSGI()
    return WSGIServer(application, **options), application.noted


def of_aiohttp(**options):
    application, noted = aiohttp_application()
    return AiohttpServer(application, **options), noted


of_each = pytest.mark.parametrize("make", [asgi, wsgi, of_aiohttp])


async def until(condition):
    """Wait until a condition holds."""
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


class TestServer:
    @of_each
    def test_serves(self, make):
        """From its start to its stop, and after another start; a second start or stop does nothing."""

        async def main():
            server, noted = make()
            for _ in range(2):
                await server.startService()
                await server.startService()
                assert server.running
                assert (await ask(server)).endswith("\r\n\r\nhello")
                address = server.sockets[0].getsockname()
                await server.stopService()
                await server.stopService()
                assert (server.running, server.sockets) == (False, ())
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(*address)
            return noted

        noted = asyncio.run(main())

        assert noted in ([], ["startup", "shutdown"] * 2)

    @of_each
    def test_unix(self, make, tmp_path):
        """A socket in the file system is an address, too."""

        async def main():
            server, _ = make(host=f"unix:{tmp_path}/socket")
            await server.startService()
            try:
                return await ask(server)
            finally:
                await server.stopService()

        assert asyncio.run(main()).endswith("\r\n\r\nhello")

    @of_each
    def test_used_address(self, make):
        """An address that another process has is an error of the start, with the path of the service."""
        application = Application("shop")
        with socket.create_server(("127.0.0.1", 0)) as other:
            server, noted = make(port=other.getsockname()[1])
            server.setName("app")
            server.setServiceParent(application)

            with pytest.raises(ServiceError, match=r'services\["app"\].*in use'):
                asyncio.run(_started(application))

        assert noted == []

    @of_each
    def test_slow_request(self, make):
        """A request under way is answered before the stop has ended; a connection without any is closed."""

        async def main():
            server, noted = make()
            await server.startService()
            slow = asyncio.create_task(ask(server, "/slow"))
            reader, writer = await connected(server)
            await until(lambda: "slow" in noted)
            stopping = asyncio.create_task(server.stopService())
            assert await asyncio.wait_for(reader.read(), LIMIT) == b""
            assert not stopping.done()
            noted.append("go")
            writer.close()
            await stopping
            return await slow

        assert asyncio.run(main()).endswith("\r\n\r\nhello")

    @of_each
    def test_kept_connection(self, make):
        """A connection that is kept after an answer doesn't hold the stop up."""

        async def main():
            server, _ = make()
            server.grace = LIMIT
            await server.startService()
            reader, writer = await connected(server)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await reader.readuntil(b"hello")
            await server.stopService()
            writer.close()

        asyncio.run(asyncio.wait_for(main(), LIMIT))

    @of_each
    def test_grace(self, make):
        """A request that takes longer than the grace is cut off."""

        async def main():
            server, noted = make()
            server.grace = 0.1
            await server.startService()
            slow = asyncio.create_task(ask(server, "/slow"))
            await until(lambda: "slow" in noted)
            await server.stopService()
            try:
                return await slow
            except ConnectionError:
                return ""
            finally:
                noted.append("go")

        assert "hello" not in asyncio.run(main())

    @of_each
    def test_no_request_is_lost(self, make, monkeypatch):
        """While a server stops and another one takes over its socket, each request is answered."""
        monkeypatch.setattr(base, "SETTLING", LIMIT)  # the machine may be busy
        request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

        found = answers_over_restarts(
            lambda: [make()[0], make()[0]], request, size=5, pauses=(0, 0.001, 0.02), times=5, limit=LIMIT
        )

        assert {*found} == {b"hello"}

    @pytest.mark.parametrize("kind", ["pickle", "source", "msgpack", "xml"])
    @pytest.mark.parametrize("make", [asgi, wsgi])
    def test_state(self, make, kind):
        """A running server is saved as its application and its address."""
        application = Application("shop")
        server, _ = make(root_path="/shop") if make is asgi else make(threads=1)
        server.setName("app")
        server.setServiceParent(application)

        async def saved():
            await application.startService()
            try:
                return appsnap.dumps(application, kind=kind)
            finally:
                await application.stopService()

        (restored,) = appsnap.loads(asyncio.run(saved()), trust=appsnap.EVERYTHING)

        state = vars(restored)
        assert type(state.pop("application")) is type(server.application)
        assert state.pop("parent").name == "shop"
        assert state == {"name": "app", "host": "127.0.0.1", "port": 0, "options": server.options}

    @pytest.mark.parametrize(
        ("cls", "library", "extra"),
        [(ASGIServer, "uvicorn", "asgi"), (WSGIServer, "waitress", "wsgi"), (AiohttpServer, "aiohttp", "web")],
    )
    def test_missing_library(self, monkeypatch, cls, library, extra):
        """Without its library, a server says what to install: where it is made, and where it starts."""
        application = {"asgi": ASGI(), "wsgi": WSGI(), "web": aiohttp_application()[0]}[extra]
        monkeypatch.setattr(base.importlib.util, "find_spec", lambda name: None if name == library else name)
        for name in [name for name in sys.modules if name.partition(".")[0] == library]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, library, None)

        with pytest.raises(errors.AppsnapError, match=f"needs {library}") as made:
            served(application, "shop", "127.0.0.1", 0)
        with pytest.raises(errors.AppsnapError, match=f"needs {library}") as started:
            asyncio.run(cls(application).startService())

        assert {made.value.hint, started.value.hint} == {f"pip install 'appsnap[{extra}]'"}

    def test_stranger(self):
        """A file that nobody vouches for gets a server only if it may make one, and call its application."""
        application = Application("shop")
        ASGIServer(ASGI()).setServiceParent(application)

        with pytest.raises(errors.NotTrusted) as refused:
            check_vouched(application, Trust(()))

        assert [want.name for want in refused.value.wants] == [
            "appsnap.hosting.asgi.ASGIServer",
            f"{ASGI.__module__}.ASGI",
        ]


async def _started(application):
    application.privilegedStartService()
    await application.startService()


class TestASGI:
    @pytest.fixture(autouse=True)
    def with_uvicorn(self):
        """Skip the tests where there is no uvicorn."""
        pytest.importorskip("uvicorn")

    def test_lifespan(self):
        """The application starts before the first request, sees the state, and ends after the last one."""
        noted = []

        async def application(scope, receive, send):
            if scope["type"] == "http":
                noted.append(scope["state"])
            await ASGI.__call__(application, scope, receive, send)

        application.noted = noted

        async def main():
            server = ASGIServer(application)
            await server.startService()
            await ask(server)
            await server.stopService()

        asyncio.run(main())

        assert noted == ["startup", {"shelf": "three"}, "shutdown"]

    def test_without_lifespan(self):
        """An application that knows no lifespan is served without."""

        async def application(scope, receive, send):
            assert scope["type"] == "http"
            await ASGI()(scope, receive, send)

        async def main():
            server = ASGIServer(application)
            await server.startService()
            try:
                return await ask(server)
            finally:
                await server.stopService()

        assert asyncio.run(main()).endswith("hello")

    @pytest.mark.parametrize("how", ["raises", "tells", "tells and raises", "tells and waits"])
    def test_failing_start(self, how):
        """The error of a lifespan that doesn't start is that of the service, and nothing listens any more."""

        async def application(scope, receive, send):
            await receive()
            if "tells" in how:
                await send({"type": "lifespan.startup.failed", "message": "Traceback\nLookupError: no shelf"})
            if "raises" in how:
                raise LookupError("no shelf")
            if "waits" in how:
                await receive()

        async def main():
            root = Application("shop")
            server = ASGIServer(application)
            server.setName("app")
            server.setServiceParent(root)
            with pytest.raises(ServiceError, match=r"app.*no shelf") as error:
                await _started(root)
            assert server.sockets == ()
            return error.value.__cause__

        cause = asyncio.run(main())

        assert type(cause) is (LookupError if "raises" in how else RuntimeError)

    @pytest.mark.parametrize("how", ["raises", "tells"])
    def test_failing_end(self, how):
        """An error at the end of the lifespan is one of the stop."""

        async def application(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            if how == "tells":
                await send({"type": "lifespan.shutdown.failed", "message": "no shelf"})
            else:
                raise LookupError("no shelf")

        async def main():
            server = ASGIServer(application)
            await server.startService()
            await server.stopService()

        with pytest.raises((LookupError, RuntimeError), match="no shelf"):
            asyncio.run(main())

    def test_signals(self):
        """Uvicorn leaves the signals to the process."""

        async def main():
            before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
            server = ASGIServer(ASGI())
            await server.startService()
            during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
            await server.stopService()
            assert before == during

        asyncio.run(main())

    def test_log(self):
        """Uvicorn changes no logging."""
        loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]

        async def main():
            server = ASGIServer(ASGI())
            await server.startService()
            await server.stopService()

        asyncio.run(main())

        assert [(logger.handlers, logger.propagate) for logger in loggers] == [([], True)] * 3

    def test_last_answers(self, monkeypatch):
        """A server that stops says in its answers that the connection ends."""
        monkeypatch.setattr(base, "SETTLING", LIMIT)

        async def main():
            server = ASGIServer(ASGI())
            await server.startService()
            reader, writer = await connected(server)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            first = await reader.readuntil(b"hello")
            stopping = asyncio.create_task(server.stopService())
            await asyncio.sleep(0)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            second = await reader.read()
            writer.close()
            await stopping
            return first.lower(), second.lower()

        first, second = asyncio.run(main())

        assert b"connection: close" not in first
        assert b"connection: close" in second
        assert second.endswith(b"hello")

    def test_websocket(self):
        """A websocket is served, and closed at the stop."""
        client = pytest.importorskip("websockets.asyncio.client")
        closed = pytest.importorskip("websockets.exceptions").ConnectionClosed

        async def application(scope, receive, send):
            assert scope["type"] == "websocket"
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"].upper()})

        async def main():
            server = ASGIServer(application)
            await server.startService()
            port = server.sockets[0].getsockname()[1]
            async with client.connect(f"ws://127.0.0.1:{port}/") as websocket:
                await websocket.send("hello")
                assert await websocket.recv() == "HELLO"
                await server.stopService()
                with pytest.raises(closed):
                    await websocket.recv()

        asyncio.run(main())


class TestWSGI:
    def test_accepted_late(self, monkeypatch):
        """A connection that the thread is about to accept when the stop begins is answered."""
        monkeypatch.setattr(base, "SETTLING", LIMIT)
        begun, goes_on = threading.Event(), threading.Event()

        async def main():
            server, _ = wsgi()
            await server.startService()
            accept = server._server.handle_accept

            def late():
                begun.set()
                goes_on.wait()
                accept()

            server._server.handle_accept = late
            answer = asyncio.create_task(ask(server))
            await until(begun.is_set)
            stopping = asyncio.create_task(server.stopService())
            for _ in range(10):
                await asyncio.sleep(0)
            goes_on.set()
            await stopping
            return await answer

        assert asyncio.run(main()).endswith("hello")


class TestSort:
    @pytest.mark.parametrize(
        ("make", "sort"),
        [
            (ASGI, "ASGI"),
            (WSGI, "WSGI"),
            (lambda: aiohttp_application()[0], "aiohttp"),
            (lambda: functools.partial(ASGI.__call__, ASGI()), "ASGI"),
            (lambda: WSGI().__call__, "WSGI"),
            (MultiService, "service"),
            (threading.Event, None),
            (threading.Thread, None),
            (lambda: {"a": 1}, None),
            (lambda: print, None),
            (lambda: ASGI, None),
            (lambda: lambda one: None, None),
        ],
    )
    def test_sort(self, make, sort):
        """The class of an object, or the parameters of a function, tell its sort."""
        assert sort_of(make()) == sort

    def test_imports(self):
        """No server is imported for the question."""
        before = {*sys.modules}

        sort_of(ASGI())
        sort_of(WSGI())

        assert {name for name in {*sys.modules} - before if name.startswith(("uvicorn", "waitress"))} == set()

    @pytest.mark.parametrize(
        ("source", "name", "service", "variable"),
        [
            (f"{__name__}:application", __name__.rpartition(".")[2], "application", "application"),
            ("no.module:app", "module", "app", None),
            ("shop/web.tac", "web", "web", None),
        ],
    )
    def test_name(self, source, name, service, variable):
        """A service is named after the variable, and its application after the module or the file."""
        application = hosted(Worker(), source)

        (found,) = application
        assert (application.name, found.name, found.variable) == (name, service, variable)
        assert found.module is (sys.modules[__name__] if variable else None)

    def test_served(self):
        """An application with one service is made; no other object is served."""
        pytest.importorskip("uvicorn")

        application = served(ASGI(), "web:app", "127.0.0.1", 8000)

        (server,) = application
        assert (application.name, server.name, server.host, server.port) == ("web", "app", "127.0.0.1", 8000)
        assert served(application, "web:app", "127.0.0.1", 8000) is None
        assert served({}, "web:app", "127.0.0.1", 8000) is None


class Worker:
    """Counts, and may be told to return or to fail."""

    def __init__(self):
        self.count = 0
        self.order = ""

    async def run(self):
        """Count until there is an order."""
        while not self.order:
            self.count += 1
            await asyncio.sleep(0.001)
        if self.order == "fail":
            raise LookupError("no shelf")


class Polite(Worker):
    """A worker that can be asked to stop."""

    def stop(self):
        """Give the order."""
        self.order = "stop"


class Scheduler:
    def __init__(self):
        self.noted = []

    def start(self):
        """Note it."""
        self.noted.append("start")

    async def shutdown(self):
        """Note it."""
        self.noted.append("shutdown")


class TestObject:
    @pytest.mark.parametrize("cls", [Worker, Polite])
    def test_run(self, cls):
        """`run` runs from the start to the stop, which asks for its end where it can."""
        worker = cls()

        async def main():
            service = ObjectService(worker)
            await service.startService()
            await service.startService()
            await until(lambda: worker.count)
            assert service.running
            await service.stopService()
            await service.stopService()
            assert not service.running
            return len(asyncio.all_tasks())

        assert asyncio.run(main()) == 1
        assert worker.order == ("stop" if cls is Polite else "")

    def test_run_fails(self, caplog):
        """An error of `run` is logged with the path of the service, which isn't running any more."""
        application = hosted(Worker(), "shop:worker")

        async def main():
            (service,) = application
            await application.startService()
            service.object.order = "fail"
            await until(lambda: not service.running)
            await application.stopService()

        asyncio.run(main())

        assert 'application.services["worker"] has stopped, because its run() failed' in caplog.text
        assert "LookupError: no shelf" in caplog.text

    def test_start_and_stop(self):
        """`start` and its opposite may be plain or coroutine functions. What hasn't started isn't stopped."""
        scheduler = Scheduler()

        async def main():
            service = ObjectService(scheduler)
            await service.stopService()
            await service.startService()
            await service.stopService()

        asyncio.run(main())

        assert scheduler.noted == ["start", "shutdown"]

    def test_failing_start(self):
        """An error of `start` is that of the service."""

        class Broken(Scheduler):
            def start(self):
                raise LookupError("no shelf")

        application = hosted(Broken(), "shop:broken")

        with pytest.raises(ServiceError, match=r"broken.*LookupError: no shelf"):
            asyncio.run(_started(application))

    def test_state(self, monkeypatch):
        """A running object is saved without its task."""
        monkeypatch.delitem(sys.modules, "shop", raising=False)  # then the object has no module to be put back into

        async def main():
            application = hosted(Worker(), "shop:worker")
            await application.startService()
            data = appsnap.dumps(application)
            await application.stopService()
            return data

        (service,) = appsnap.loads(asyncio.run(main()), trust=appsnap.EVERYTHING)

        assert {*vars(service)} == {"name", "parent", "object"}

    def test_variable(self, tmp_path, monkeypatch, caplog):
        """An object from a snapshot is put where its module has one of its class."""
        code = "class Worker:\n    async def run(self):\n        pass\nworker = Worker()"
        (tmp_path / "workers.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        module = importlib.import_module("workers")
        try:
            data = appsnap.dumps(hosted(module.worker, "workers:worker"))
            made, found = [appsnap.loads(data, trust=appsnap.EVERYTHING) for _ in range(2)]

            async def started_and_stopped(application):
                await application.startService()
                await application.stopService()

            asyncio.run(started_and_stopped(made))
            assert module.worker is made.services[0].object
            module.worker = "another"
            asyncio.run(started_and_stopped(found))
        finally:
            del sys.modules["workers"]

        assert module.worker == "another"
        assert "workers:worker is no Worker any more" in caplog.text

    def test_others_stay(self):
        """An object that isn't of this sort stays as it is."""
        for other in ({}, Application("shop"), ASGI()):
            assert hosted(other, "shop") is other
