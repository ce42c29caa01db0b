"""carbon-cache: it receives metrics, and writes them into files of whisper's."""

import time
from pathlib import Path

import carbon_daemons
import in_reactor
from carbon import conf

GROUP = "twisted"
PACKAGES = ("carbon", "whisper")
PREPARE = "apps.carbon_cache:prepare"


def prepare():
    carbon_daemons.settings_of(conf.CarbonCacheOptions, "carbon-cache")


def build(folder):
    carbon_daemons.configure("cache")
    prepare()
    from carbon import service

    return carbon_daemons.built(service.createCacheService)


def facts(application):
    return {"services": in_reactor.names(application), "ports": conf.settings.CACHE_QUERY_PORT}


def use(application, folder):
    import whisper

    carbon_daemons.wire(application, ["write"])
    file = Path("whisper/shop/hits.wsp")

    def values():
        return whisper.fetch(str(file), 0)[1] if file.exists() and file.stat().st_size else []

    def call():
        carbon_daemons.send("shop.hits 7")
        end = time.monotonic() + 60
        while 7.0 not in values():
            assert time.monotonic() < end, "nothing is written"
            time.sleep(0.05)

    in_reactor.run(application, call)
