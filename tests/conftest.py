import pytest


@pytest.fixture(scope="session", autouse=True)
def keys(tmp_path_factory):
    """Keep the keys of whoever runs the tests out of them."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPSNAP_CONFIG_DIR", str(folder))
        yield folder
