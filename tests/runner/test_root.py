import pytest

from appsnap.runner.root import all_services, in_words
from appsnap.service import Application, MultiService, Service


def tree(count):
    """Return an application with so many services, of which each second one is below another."""
    application = inner = Application("shop")
    for number in range(count):
        service = Service() if number % 2 else MultiService()
        service.setServiceParent(inner)
        inner = application if number % 2 else service
    return application


class TestAllServices:
    def test_order(self):
        """Each service comes before its children, and a service that stands twice in the tree comes once."""
        application = tree(4)
        first, second = application
        application.services.append(first)

        assert [*all_services(application)] == [application, first, *first, second, *second]


class TestInWords:
    @pytest.mark.parametrize(
        ("count", "words"),
        [(0, "0 services"), (1, "1 service"), (1_000, "1,000 services"), (2_000, "more than 1,000 services")],
    )
    def test_count(self, count, words):
        """The root doesn't count. Of very many services only so many are counted as take no time."""
        assert in_words(tree(count), {}, "") == f"running, {words}"

    def test_refused(self):
        """A refused restart comes before a failed save."""
        assert (
            in_words(tree(1), {"failed": "full"}, "no code")
            == "running, 1 service; not restarted: no code; not saved: full"
        )
