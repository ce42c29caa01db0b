"""buildbot: a master with a builder, a scheduler and a web server, as its buildbot.tac makes it."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import in_reactor
from twisted.application import service
from twisted.internet import defer, reactor, threads

GROUP = "twisted"
PACKAGES = ("buildbot", "buildbot-www")

CREATE = "from buildbot.scripts.runner import run; run()"
CONFIG = """
from buildbot.plugins import schedulers, steps, util, worker
c = BuildmasterConfig = {{
    "workers": [worker.Worker("w", "secret")],
    "protocols": {{"pb": {{"port": "tcp:{pb}:interface=127.0.0.1"}}}},
    "builders": [
        util.BuilderConfig("b", workernames=["w"], factory=util.BuildFactory([steps.ShellCommand(command=["true"])]))
    ],
    "schedulers": [schedulers.ForceScheduler(name="force", builderNames=["b"])],
    "www": {{"port": "tcp:{web}:interface=127.0.0.1"}},
    "buildbotURL": "http://127.0.0.1:{web}/",
    "buildbotNetUsageData": None,
}}
"""


def build(folder):
    subprocess.run([sys.executable, "-P", "-c", CREATE, "create-master", "."], check=True)
    Path("master.cfg").write_text(CONFIG.format(pb=in_reactor.free_port(), web=in_reactor.free_port()))
    tac = Path("buildbot.tac").absolute()
    made = {"__file__": str(tac)}
    exec(compile(tac.read_text(), tac, "exec"), made)
    return made["application"]


def facts(application):
    (master,) = service.IServiceCollection(application)
    return {
        "services": in_reactor.names(application),
        "same": all(one.master is master for one in master.services if hasattr(one, "master")),
        "log": [master.log_rotation.rotateLength, master.basedir == str(Path.cwd())],
    }


def use(application, folder):
    (master,) = service.IServiceCollection(application)

    async def builders():
        await master.initLock.run(lambda: None)  # it is held until the master has started
        return await master.data.get(("builders",))

    def call():
        found = threads.blockingCallFromThread(reactor, lambda: defer.ensureDeferred(builders()))
        assert [one["name"] for one in found] == ["b"]
        with urllib.request.urlopen(f"{master.config.buildbotURL}api/v2/builders", timeout=60) as answer:
            assert b'"name": "b"' in answer.read()

    in_reactor.run(application, call)
