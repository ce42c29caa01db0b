"""Carbon's daemons, made of their options and a configuration in the current folder, for the scripts of each."""

import os
import socket
import time
from pathlib import Path

import in_reactor
from carbon import conf
from twisted.application import service
from twisted.python import usage


class Twistd(usage.Options):
    """Stands for the options of twistd, which a daemon's look at."""

    def __init__(self, name):
        super().__init__()
        self.subCommand = name
        self.update(pidfile="twistd.pid", nodaemon=True, umask=None)


def configure(name, **more):
    """Write the configuration of a daemon, with free ports."""
    ports = ("LINE_RECEIVER_PORT", "PICKLE_RECEIVER_PORT", "CACHE_QUERY_PORT")
    values = {port: in_reactor.free_port() for port in ports}
    values |= dict.fromkeys(("LINE_RECEIVER_INTERFACE", "PICKLE_RECEIVER_INTERFACE"), "127.0.0.1")
    values |= {"CACHE_QUERY_INTERFACE": "127.0.0.1", **more}
    lines = [f"[{name}]", *(f"{key} = {value}" for key, value in values.items())]
    Path("carbon.conf").write_text("\n".join(lines) + "\n")
    Path("storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 1s:1h\n")
    Path("aggregation-rules.conf").write_text("shop.total (1) = sum shop.*.hits\n")


def settings_of(options, name):
    """Fill the settings of the process: the daemon's modules read them when they are imported."""
    os.environ["GRAPHITE_ROOT"] = os.environ["GRAPHITE_STORAGE_DIR"] = str(Path.cwd())
    made = options()
    made.parent = Twistd(name)
    made.parseOptions(["--config", str(Path("carbon.conf").absolute()), "--debug"])


def built(make):
    """Return the application of a daemon."""
    application = service.Application("carbon")
    make(None).setServiceParent(application)
    return application


def root(application):
    """Return the service of the daemon."""
    (found,) = service.IServiceCollection(application)
    return found


def wire(application, pipeline):
    """Make what a daemon makes in modules beside its services."""
    from carbon import service as making, state

    if not state.pipeline_processors:
        making.setupPipeline(pipeline, service.MultiService(), conf.settings)
    for one in root(application):
        if type(one).__name__ == "CarbonClientManager":
            state.client_manager = one


def send(*lines):
    """Send lines to the daemon's receiver, each with the time of now."""
    with socket.create_connection(("127.0.0.1", conf.settings.LINE_RECEIVER_PORT), 60) as client:
        client.sendall(b"".join(f"{line} {time.time():.0f}\n".encode() for line in lines))


def received(application, *lines):
    """Run a daemon, send lines to it, and return the first one that it sends to its destination."""
    host, port, _ = conf.settings.DESTINATIONS[0].split(":")
    with socket.create_server((host, int(port))) as destination:
        destination.settimeout(60)
        found = []

        def call():
            connection, _ = destination.accept()
            with connection, connection.makefile("r") as stream:
                connection.settimeout(60)
                send(*lines)
                found.append(next(line for line in stream if line.startswith("shop.")))

        in_reactor.run(application, call)
    return found[0].split()[:2]
