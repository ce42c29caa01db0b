"""A process that runs an application: how it starts, what it does at signals, and how it ends.

The order of a start: the lock of the state, the application, the pidfile, the log, folder and umask, all imports that
saving needs, `afterRestore`, the privileged part of the start, the change of user, the rest of the start, READY=1.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from appsnap import effects, listening, sections
from appsnap.errors import ServiceError, hints
from appsnap.interfaces import IProcess, IService
from appsnap.printable import escaped, label
from appsnap.runner import daemon, restart, tasks
from appsnap.runner.ending import NOT_IN_TIME, Ending
from appsnap.runner.generations import Generations
from appsnap.runner.guard import say_in_time
from appsnap.runner.handover import Handover
from appsnap.runner.hooks import after_restore
from appsnap.runner.locks import Lock
from appsnap.runner.logs import Log
from appsnap.runner.notify import Notifier
from appsnap.runner.privileges import name_process
from appsnap.runner.reactor import Host
from appsnap.runner.restore import OLD_CODE, how_to_start, origin, restore
from appsnap.runner.root import finished, in_words, placed, service_of, stopped, undone
from appsnap.runner.saver import Saver
from appsnap.runner.signals import SIGNALS
from appsnap.twisted_services import adapted

if TYPE_CHECKING:
    from collections.abc import Callable

    from appsnap.listening import Inherited
    from appsnap.runner.handover import Mode
    from appsnap.runner.options import Options
    from appsnap.runner.restore import Restored, What
    from appsnap.runner.voice import Voice

__all__ = ["serve"]


def serve(what: What, options: Options, voice: Voice, handover: Handover | None = None) -> int:
    """Load an application, run it until a signal comes, stop it, and return the exit code.

    `handover` is the message of the process that was here before, of the process that puts this one into the
    background, or of one that only tries whether the application can be loaded. That one raises the errors of loading.
    """
    # Before the event loop has descriptors of its own: the number of sockets may be wrong.
    listening.take_systemd()
    process: Process | None = None
    own = os.getpid()

    async def run() -> int | None:
        nonlocal process
        process = Process(what, options, voice, handover)
        return await process.main()

    with asyncio.Runner() as runner, SIGNALS.wake(loop := runner.get_loop()):
        running: asyncio.Task[int | None] = loop.create_task(run())
        while True:
            try:
                code = loop.run_until_complete(running)
                if code is not None:
                    return code
                assert process is not None
                running = loop.create_task(process.replace())
            except (KeyboardInterrupt, RuntimeError, SystemExit) as error:
                # A callback of the application has ended the event loop. It goes on until all has stopped: in this
                # process, and not in one that the application has forked.
                if process is None or running.done() or loop.is_closed() or os.getpid() != own:
                    raise
                process.ended_by(error)


class Process:
    """This process. `main` does all of it."""

    def __init__(self, what: What, options: Options, voice: Voice, handover: Handover | None) -> None:
        self._what = what
        self._options = options
        self._voice = voice
        self._handover = handover
        self._notify = Notifier()
        self._generations: Generations | None = None
        self._restored: Restored | None = None
        self._saver: Saver | None = None
        self._stops = 0
        self._code = 0
        """The exit code that the application itself has asked for."""
        self._ended_by: BaseException | None = None
        self._kept: list[int] = []
        self._secret: dict[str, str] = {}
        self._is_running = False
        self._stopped: int | None = None
        """The exit code, as soon as the services have stopped."""
        self._reloads = False
        self._passed: list[Inherited] | None = None
        """The sockets for the next process image, as soon as this one is to be replaced."""
        self._refused = ""
        """Why the last restart was refused."""
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._host = Host(self._stopped_by_reactor)
        self._ending = Ending(options, voice, self._host)

    async def main(self) -> int | None:
        """Load, start, run, stop. Returns the exit code, or None for a restart: `replace` is to follow."""
        if self._handover is not None and self._handover.mode == "trial":
            with effects.trial():
                try:
                    self._restore()
                except FileNotFoundError:
                    # The process that runs may have removed a generation that was the newest a moment ago.
                    self._restore()
                self._service()
            restart.tell_success(self._handover)
            return 0
        # At the very end: threads of the application may live until then.
        atexit.register(self._ending.clear_away)
        SIGNALS.end_with(self._second)
        try:
            self._prepare()
        except Exception as error:  # noqa: BLE001 - users get a line for every error
            return self._voice.failed(self._with_hint(error))
        try:
            return await self._run()
        except Exception as error:  # noqa: BLE001 - users get a line for every error
            return await self._fail(error)

    async def replace(self) -> int:
        """Put a new process image in the place of this one. Returns the exit code if the process is to stop instead.

        The task of `main` has ended: some libraries, such as anyio, end their threads when the first task of the event
        loop does.
        """
        try:
            await self._replace()
            return await self._finish()
        except Exception as error:  # noqa: BLE001 - users get a line for every error
            return await self._fail(error)

    async def _run(self) -> int | None:
        if not await self._start():
            await self._ending.leave()
            return self._code
        while not self._stops:
            if self._reloads:
                self._reloads = False
                await self._restart()
                if self._passed is not None:
                    return None
            else:
                try:
                    await self._asked.wait()
                except asyncio.CancelledError as error:
                    self.ended_by(error)
                self._asked.clear()
        return await self._finish()

    def ended_by(self, error: BaseException) -> None:
        """Stop as a signal would have it: the application has ended the event loop, or cancelled all of its tasks."""
        if error is self._ended_by:
            return  # it has come through another task
        self._ended_by = error
        how = {SystemExit: "sys.exit()", RuntimeError: "loop.stop()", asyncio.CancelledError: "a cancellation"}
        words = f"ended by the application: {how.get(type(error), type(error).__name__)}"
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            found = error.code if isinstance(error, SystemExit) else 1
            self._code = found & 0xFF if isinstance(found, int) else int(found is not None)
            words += f", {escaped(found)}" if isinstance(found, str) else f" with exit code {self._code}"
        self._voice.report("error" if self._code else "info", words)
        self._end()

    def _stopped_by_reactor(self) -> None:
        if not self._stops:
            self._voice.report("info", "ended by the application: reactor.stop()")
        self._end()

    def _end(self) -> None:
        self._stops = self._stops or 1
        self._ending.begin()
        self._asked.set()

    # The start

    def _prepare(self) -> None:
        """Load the application, and do all that comes before its start."""
        options, handed = self._options, self._handover.descriptors if self._handover else {}
        if self._handover is not None:
            listening.inherit(self._handover.sockets)
        if options.state is not None:
            self._generations = Generations(options.state, options.keep)
            self._ending.locks["lock"] = Lock(self._generations.lock_path, handed.get("lock"))
        if options.pidfile is not None and "pidfile" in handed:
            self._ending.locks["pidfile"] = Lock(options.pidfile, handed["pidfile"])
        # A signal that ends the process now finds the locks, and clears them away.
        restart.let_signals_through()
        self._restore()
        self._service()
        # The application and its children need no passphrase.
        self._secret = {name: os.environ.pop(name) for name in _SECRET if name in os.environ}
        if options.pidfile is not None and "pidfile" not in handed:
            self._ending.locks["pidfile"] = Lock(options.pidfile)
        self._voice.log = Log(options.logfile, options.log_level, handed.get("log"))
        self._voice.is_detached = self._is_again and options.daemon
        assert self._restored is not None
        self._host.log(self._restored.application)
        if options.rundir is not None:
            os.chdir(options.rundir)
        if options.umask is not None:
            os.umask(options.umask)
        tasks.install(self._loop)
        restored = self._restored
        if self._generations is not None:
            assert restored.layers is not None
            identity = restored.identity
            self._generations.check_writer(os.geteuid() if identity is None or identity.uid is None else identity.uid)
            self._saver = Saver(
                restored.application,
                self._generations,
                restored.layers,
                autosave=options.autosave,
                timeout=options.save_timeout,
                report=self._voice.report,
                resumed=restored.generation,
                since=self._since(self._generations, restored),
                changed=self._tell_status,
            )
            self._saver.warm_up()
            sections.keep_with(self._saver)
            self._tell_origin(restored)
        if restored.generation is not None:
            after_restore(restored.application)

    @property
    def _is_again(self) -> bool:
        """Whether this process has run the application before."""
        return self._handover is not None and self._handover.mode != "daemon"

    def _restore(self) -> None:
        options, handed = self._options, self._handover
        generations = self._generations
        if generations is None and options.state is not None and Path(options.state).is_dir():
            generations = Generations(options.state, options.keep, make=False)
        self._restored = restore(
            self._what,
            generations,
            options,
            self._voice.warn,
            restarted=self._is_again,
            dropped=handed is not None and handed.dropped,
            granted=None if handed is None else handed.grants,
            look=self._host.prepare,
        )
        self._host.check(self._restored.application)
        self._identity = self._restored.identity

    def _service(self) -> IService:
        assert self._restored is not None
        service = service_of(self._restored.application)
        self._name = label(service.name or type(service).__qualname__)
        return service

    def _since(self, generations: Generations, restored: Restored) -> int:
        """Return the first number of the generations that new ones replace. A fresh start leaves the old ones alone."""
        if restored.generation is None:
            return max((one.number for one in generations.list()), default=0) + 1
        known = generations.read_status().get("since")
        return known if isinstance(known, int) else 0

    def _tell_origin(self, restored: Restored) -> None:
        """Say which generation the application comes from, and whether WHAT has changed since the state began."""
        assert self._generations is not None
        assert self._saver is not None
        known = self._generations.read_status().get("what")
        facts = origin(self._what, restored.generation, known, self._generations.folder)
        self._saver.update_status(what=facts.digest)
        if facts.line:
            self._voice.report("info", facts.line)

    async def _start(self) -> bool:
        """Start the application. Returns False if a signal stops it before."""
        SIGNALS.hand_to(self._receive, () if self._handover is None else self._handover.signals_before())
        if not await self._has_started():
            return False
        self._tell_ready()
        return True

    async def _has_started(self) -> bool:
        """Start the services. Returns False if a signal stops that."""
        if self._stops:  # it came while the application was loaded, and something has swallowed it
            self._tell_early_stop()
            return False
        starting = asyncio.ensure_future(self._starting())
        asked = asyncio.ensure_future(self._stop_asked())
        await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not starting.done():
            self._tell_early_stop()
            starting.cancel()
            if not await self._ending.in_time(asyncio.wait([starting])):
                self._ending.at_once(NOT_IN_TIME)
            if starting.cancelled():
                return False
        if isinstance(starting.exception(), SystemExit):
            return False  # `ended_by` has told it
        starting.result()
        return True

    def _tell_early_stop(self) -> None:
        self._notify(STOPPING=1, STATUS="stopping")
        self._voice.report("info", "stopping before it has started")

    def _with_hint(self, error: Exception) -> Exception:
        """Say how to start otherwise: at another address, or if a generation hasn't started, from another file."""
        if self._restored is None or not isinstance(error, ServiceError):
            return error
        if isinstance(error.__cause__, listening.CannotListen):
            error.hint = hints(error.hint, self._what.elsewhere(error, self._restored.application))
            return error
        failed = self._restored.generation
        if failed is not None and self._generations is not None:
            error.hint = hints(error.hint, OLD_CODE, how_to_start(self._what, failed, self._generations.list()))
        return error

    async def _stop_asked(self) -> None:
        while not self._stops:
            await self._asked.wait()
            self._asked.clear()
        self._asked.set()

    async def _starting(self) -> None:
        assert self._restored is not None
        service = self._service()
        identity, self._identity = self._identity, None
        self._host.start()
        with placed("privilegedStartService", service):
            privileged = service.privilegedStartService()
            try:
                await finished(privileged)
            except asyncio.CancelledError:
                if isinstance(privileged, asyncio.Future) and privileged.done() and not privileged.cancelled():
                    await stopped(service)  # the cancellation came when this part had just ended
                raise
        try:
            if identity is not None:
                if self._generations is not None:
                    uid = os.geteuid() if identity.uid is None else identity.uid
                    self._generations.give_to(uid, os.getegid() if identity.gid is None else identity.gid)
                identity.drop()
            name_process(adapted(IProcess, self._restored.application), self._voice.warn)
        except Exception:
            await undone(service)
            raise
        with placed("startService", service):
            try:
                await finished(service.startService())
            except Exception:
                if not IService.providedBy(service):  # ours has undone it
                    await undone(service)
                raise

    def _tell_ready(self) -> None:
        for unused in listening.close_unused():
            self._voice.warn(f"no service listens on the socket {unused}, which came from outside")
        if self._saver is not None:
            self._saver.start()
        self._is_running = True
        self._notify(READY=1, STATUS=self._status())
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            self._voice.report("info", "SIGHUP is ignored, as under nohup, and restarts nothing")
        how = "" if self._options.daemon else "; Ctrl-C stops it"
        self._voice.report("info", f"{self._name} is running as process {os.getpid()}{how}")
        if self._handover is not None and self._handover.mode == "daemon":
            daemon.leave_terminal(self._voice.log)
            self._voice.is_detached = True
            daemon.tell_ready(self._handover)
        self._loop.call_later(_STATUS_EVERY, self._keep_telling)
        self._act_on_kept()

    # Signals

    def _receive(self, number: int) -> None:
        """Take a signal, within its handler."""
        if number not in (signal.SIGINT, signal.SIGTERM):
            self._call(self._act, number)
            return
        self._stops += 1
        if self._stops > 1:
            self._second(number)
        for lock in [*self._ending.locks.values()]:
            lock.tell_stopping()
        self._ending.begin()
        self._call(self._asked.set)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        """Let the event loop call a function, from a signal handler."""
        if not self._loop.is_closed():  # else the process is about to end
            self._loop.call_soon_threadsafe(function, *arguments)

    def _second(self, number: int) -> NoReturn:
        name = signal.Signals(number).name
        say_in_time(self._voice.report, "error", [f"ended by a second {name}, not stopped"])
        self._ending.at_once(1)

    def _act(self, number: int) -> None:
        """Do what a signal asks for. One that comes before the application runs waits until it does."""
        if not self._is_running:
            self._kept.append(number)
        elif number == signal.SIGHUP:
            self._reloads = True
            self._asked.set()
        elif number == signal.SIGUSR1:
            self._reopen()
        elif self._saver is None:
            self._voice.warn("SIGUSR2 saves the state, and this application is run without --state")
        else:
            self._saver.request()

    def _act_on_kept(self) -> None:
        kept, self._kept = self._kept, []
        for number in kept:
            self._act(number)

    def _reopen(self) -> None:
        assert self._voice.log is not None
        try:
            self._voice.log.reopen()
        except OSError as error:
            self._voice.report("error", f"the log file {self._options.logfile} can't be opened: {error.strerror}")
        if self._options.daemon:
            daemon.point_output_to(self._voice.log)

    # The end

    async def _fail(self, error: Exception) -> int:
        # At once: what the application leaves behind may take its time.
        code = self._voice.failed(self._with_hint(error))
        self._ending.begin()
        await self._ending.leave()
        return code

    async def _finish(self) -> int:
        """Stop the application and save it. Returns the exit code."""
        self._is_running = False
        self._notify(STOPPING=1, STATUS="stopping")
        self._voice.report("info", f"stopping {self._name}")
        if self._stopped is None:
            self._stopped = await self._ending.stop(self._service())
        code = max(self._code, self._stopped, await self._ending.save(self._saver))
        await self._ending.leave()
        self._voice.report("info", f"{self._name} has stopped" + (", not without errors" if code else ""))
        return code

    # A restart in place

    async def _restart(self) -> None:
        """Try new code, and stop. Returns also if the code was refused, or if the process is to stop for good."""
        self._notify.reloading()
        self._voice.report("info", f"restarting {self._name}")
        trying = asyncio.ensure_future(self._why_not())
        stopped = asyncio.ensure_future(self._stop_asked())
        await asyncio.wait([trying, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._stops:
            trying.cancel()
            await asyncio.wait([trying])
            return
        reason = trying.result()
        if reason is not None:
            self._tell_refusal(reason)
            return
        try:
            sockets = listening.duplicates()
        except OSError as error:
            self._tell_refusal(f"the listening sockets can't be duplicated: {error.strerror}")
            return
        self._is_running = False
        self._ending.begin()
        listening.stop_accepting()
        await asyncio.sleep(_MOMENT)  # those who have just connected send their requests
        self._stopped = await self._ending.stop(self._service())
        is_saved = not await self._ending.save(self._saver)
        if self._stopped == NOT_IN_TIME:
            self._ending.at_once(NOT_IN_TIME)
        if self._stops:
            return
        if not is_saved:
            await self._start_again(sockets)
            return
        await self._ending.leave()
        self._passed = sockets

    async def _replace(self) -> None:
        assert self._passed is not None
        # The next image takes the signals, and the files of this one.
        at_exit = (SIGNALS.ignore, self._ending.clear_away)
        for function in at_exit:
            atexit.unregister(function)
        restart.end_threads_and_exit_functions()
        for function in at_exit:
            atexit.register(function)
        with restart.signals_kept() as came:
            await asyncio.sleep(0)  # what the handlers of earlier signals have asked the loop for
            if not self._stops:
                handover = self._handover_of("restart", self._passed)
                handover.descriptors["signals"] = came
                restart.again(self._options.folder, handover, {**self._notify.environment, **self._secret})

    async def _why_not(self) -> str | None:
        """Save, and try whether a new process could load the application. Returns the reason if it could not."""
        if self._saver is not None:
            try:
                await self._saver.request()
            except Exception as error:  # noqa: BLE001 - the application goes on
                return f"the state can't be saved: {self._voice.reason(error)}"
        return await restart.tried(self._options.folder, self._handover_of("trial", []), self._secret)

    def _handover_of(self, mode: Mode, sockets: list[Inherited]) -> Handover:
        assert self._restored is not None
        signals = [*self._kept, *([signal.SIGHUP] if self._reloads else [])]
        passed = {name: lock.fd for name, lock in self._ending.locks.items()}
        log = None if self._voice.log is None else self._voice.log.descriptor
        if log is not None:
            passed["log"] = log
        return Handover(
            mode,
            passed if mode == "restart" else {},
            sockets,
            [*map(int, signals)],
            self._what.secrets(),
            self._restored.grants,
            dropped=self._restored.identity is not None or (self._handover is not None and self._handover.dropped),
        )

    def _tell_refusal(self, reason: str) -> None:
        self._refused = reason
        if self._saver is not None:
            self._saver.update_status(refused=reason)
        self._voice.report("error", f"not restarted, still running as before: {reason}")
        self._notify(READY=1, STATUS=f"not restarted: {reason}")

    async def _start_again(self, sockets: list[Inherited]) -> None:
        """Start the stopped services again: the state could not be saved, and it is here only."""
        self._ending.give_up()
        listening.inherit(sockets)
        if not await self._has_started():
            return
        listening.close_unused()
        assert self._saver is not None
        self._saver.start()
        self._stopped = None
        self._is_running = True
        self._tell_refusal("the state can't be saved")
        self._act_on_kept()

    # Words for others

    def _status(self) -> str:
        return in_words(self._service(), {} if self._saver is None else self._saver.status, self._refused)

    def _tell_status(self) -> None:
        """Tell the service manager how the application is."""
        if self._is_running and self._notify.environment:
            self._notify(STATUS=self._status())

    def _keep_telling(self) -> None:
        if self._notify.environment and self._saver is not None:
            self._tell_status()
            self._loop.call_later(_STATUS_EVERY, self._keep_telling)


_SECRET = ("APPSNAP_PASSPHRASE",)

_STATUS_EVERY = 10.0
"""Seconds between two lines for the service manager, which says how old the state is."""

_MOMENT = 0.1
"""Seconds between the last connection that is accepted before a restart, and the stop."""
