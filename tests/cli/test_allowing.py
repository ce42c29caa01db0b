import shlex

import pytest

from appsnap.cli.allowing import allowing, signing
from appsnap.errors import Want


class TestAllowing:
    """The command that would trust the missing names."""

    def test_names(self):
        """Each name stands once, in the form for its use, behind the typed command."""
        wants = [Want("a.B", "create", "x"), Want("a.B", "reference", "y"), Want("c.d", "call", "z")]

        assert allowing(wants, ["load", "f.tap", "--run"]) == "appsnap load f.tap --run --trust a.B --trust call:c.d"

    def test_end_of_options(self):
        """Arguments behind `--` stay there."""
        command = allowing([Want("a.B", "create", "x")], ["load", "--", "-f"])

        assert command == "appsnap load --trust a.B -- -f"

    def test_audit(self):
        """For `audit` it is the command that loads."""
        command = allowing([Want("a.B", "create", "x")], ["audit", "f.tap", "--json"])

        assert command == "appsnap load f.tap --trust a.B"

    @pytest.mark.parametrize(
        "wants",
        [
            [
                Want("cloudpickle.cloudpickle._make_function", "call", "x", carries_code=True),
                Want("a.B", "create", "y"),
            ],
            [Want("a.B ; rm", "create", "x")],
            [Want("a\n.B", "reference", "x")],
            [],
        ],
    )
    def test_everything(self, wants):
        """Code, unwritable names and refusals without names: all or nothing, and a warning."""
        words, _, command = allowing(wants, ["load", "--trust", "x.Y", "--trust=z.Z", "f.tap"]).rpartition(": ")

        assert command == "appsnap load f.tap --trust-everything"
        assert "if you trust who wrote it" in words

    def test_nothing_of_the_file_is_run(self):
        """A name that a shell would act on arrives there as one word."""
        name = "a.$(reboot)"

        assert name not in shlex.split(
            allowing([Want("a.B", "create", "x")], ["load", name]).replace(shlex.quote(name), "")
        )


class TestSigning:
    """The command that would sign an unsigned file."""

    def test_command(self):
        """It is `save`, with the same options, and trusts the whole file instead of some names."""
        command = signing(["convert", "a.tas", "b.etap", "--compress"])

        assert command == "appsnap save a.tas b.etap --compress --trust-everything"
        assert signing(["save", "--trust", "a.B", "--", "-a", "b"]) == "appsnap save --trust-everything -- -a b"
