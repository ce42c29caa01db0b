"""watchdog: an observer that polls a folder, with handlers that match patterns."""

import threading

from watchdog.events import PatternMatchingEventHandler
from watchdog.observers.polling import PollingObserver

GROUP = "libraries"
PACKAGES = ("watchdog",)


class Handler(PatternMatchingEventHandler):
    def __init__(self):
        super().__init__(patterns=["**/*.txt"], ignore_directories=True)
        self.names = []
        self.called = threading.Event()

    def on_created(self, event):
        self.names.append(event.src_path.rpartition("/")[2])
        self.called.set()


class Watch:
    def __init__(self, folder):
        self.handler = Handler()
        self.observer = PollingObserver(timeout=0.05)
        self.watch = self.observer.schedule(self.handler, str(folder), recursive=False)


def build(folder):
    return Watch(folder / "in")


def facts(watch):
    return {
        "path": watch.watch.path,
        "patterns": watch.handler.patterns,
        "alive": watch.observer.is_alive(),
        "handlers": [len(handlers) for handlers in watch.observer._handlers.values()],
    }


def use(watch, folder):
    (folder / "in").mkdir()
    watch.observer.start()
    try:
        (folder / "in" / "new.bin").write_text("")
        # The thread takes its first look at the folder some time after its start.
        numbers = iter(range(300))
        while not watch.handler.called.wait(0.1):
            (folder / "in" / f"{next(numbers)}.txt").write_text("")
    finally:
        watch.observer.stop()
        watch.observer.join(30)
    assert watch.handler.names[0].endswith(".txt")
