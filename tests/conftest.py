import copyreg
import signal

import pytest
from hypothesis import HealthCheck, settings

# A shell ignores SIGINT in what runs in the background, and nohup ignores SIGHUP. All child processes would inherit it.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)

# The same examples each time, however long a busy machine takes for one: what is found by chance is the fuzzers' work.
settings.register_profile("appsnap", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
settings.load_profile("appsnap")


@pytest.fixture(scope="session", autouse=True)
def keys(tmp_path_factory):
    """Keep the keys of the user out of the tests."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPSNAP_CONFIG_DIR", str(folder))
        yield folder


@pytest.fixture
def twisted(monkeypatch):
    """Return a function that imports a module of Twisted, and leaves pickle as it is: `styles` adds to its table."""

    def imported(name):
        with monkeypatch.context() as patch:
            patch.setattr(copyreg, "dispatch_table", copyreg.dispatch_table.copy())
            return pytest.importorskip(name)

    return imported
