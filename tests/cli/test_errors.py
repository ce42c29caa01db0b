import shlex

import pytest

from appsnap.cli.errors import explain, signing_command, trusting_command
from appsnap.errors import CannotSave, Damaged, NotTrusted, PassphraseError, Place, ServiceError, Want
from appsnap.limits import over


class TestExplain:
    """Every error is lines, a hint and an exit code."""

    @pytest.mark.parametrize(
        ("error", "lines", "exit_code"),
        [
            (FileNotFoundError(2, "No such file or directory", "a.tap"), ["a.tap: no such file or directory"], 1),
            (IsADirectoryError(21, "Is a directory", b"a\xff"), ["a\udcff: is a directory"], 1),
            (OSError(28, "No space left on device"), ["no space left on device"], 1),
            (Damaged("the checksum is wrong", offset=7), ["the checksum is wrong, at byte 7"], 5),
            (PassphraseError("wrong passphrase"), ["wrong passphrase"], 4),
            (KeyboardInterrupt(), ["interrupted"], 130),
            (MemoryError(), ["out of memory"], 1),
            (ZeroDivisionError("a\nb"), ["internal: ZeroDivisionError: a b"], 1),
            (AssertionError(), ["internal: AssertionError"], 1),
        ],
    )
    def test_one_line(self, error, lines, exit_code):
        """Without traceback, class or number, where they say nothing."""
        explanation = explain(error, ["show", "a.tap"])

        assert [*explanation.lines] == lines
        assert explanation.exit_code == exit_code

    @pytest.mark.parametrize(("command", "option"), [("show", "--limit"), ("save", "--source-limit")])
    def test_limit(self, command, option):
        """A limit is raised by the option that the command has."""
        explanation = explain(over("key_depth", 5, "too deep"), [command, "a.tap"])

        assert explanation.hint == f"if you trust who wrote the file, raise the limit: {option} key_depth=…"

    def test_cannot_save(self):
        """Every place has a line of its own."""
        places = [Place("application.a", "t.T", "why", "do"), Place("application.b", "t.U", "why", "do")]

        lines = explain(CannotSave(places), []).lines

        assert [*lines] == ["cannot save 2 objects", "  application.a (t.T): why; do", "  application.b (t.U): why; do"]

    def test_not_trusted(self):
        """Every name has a line of its own, and the hint allows all of them."""
        error = NotTrusted([Want("a.B", "create", "application.x"), Want("c.d", "call", "application.y")])

        explanation = explain(error, ["load", "f.tap"])

        assert [*explanation.lines] == [
            "not trusted: a.B to create at application.x",
            "not trusted: c.d to call at application.y",
        ]
        assert explanation.hint.endswith("file: c.d; appsnap load f.tap --trust a.B --trust call:c.d")
        assert explanation.exit_code == 3

    def test_not_trusted_very_many(self):
        """The first names have lines; where there are too many for a command, it is `audit` that has it."""
        wants = [Want(f"a.B{number}", "create", "application.x") for number in range(101)]

        explanation = explain(NotTrusted(wants[:100]), ["load", "f.tap"])

        assert len(explanation.lines) == explanation.hint.count("--trust") == 100
        explanation = explain(NotTrusted(wants), ["load", "f.tap"])
        assert len(explanation.lines) == 101
        assert explanation.lines[100] == "not trusted: 1 more, which `appsnap audit` lists"
        assert explanation.hint == "`appsnap audit` lists all 101 names, and then the command that allows them"
        assert explain(NotTrusted(wants), ["audit", "f.tap"]).hint.count("--trust") == 101

    def test_not_trusted_with_a_reason(self):
        """A name that turned out to be something else says so, and can be named."""
        error = NotTrusted([Want("a.b", "reference", "")], message="not trusted: a.b is no class defined in a")

        explanation = explain(error, ["load", "f.tap", "--trust", "a.*"])

        assert [*explanation.lines] == ["not trusted: a.b is no class defined in a"]
        assert explanation.hint == "appsnap load f.tap --trust 'a.*' --trust a.b"

    def test_group(self):
        """The errors of a group are lines in order, with their notes, however deep they are."""
        first, second = OSError("x"), ValueError("y")
        first.add_note("while stopping application.a (t.T)")
        group = BaseExceptionGroup("g", [BaseExceptionGroup("h", [first]), second])

        assert [*explain(group, []).lines] == ["while stopping application.a (t.T): OSError: x", "ValueError: y"]

    def test_service_error(self):
        """Further errors follow, in one line each."""
        error = ServiceError("startService", "application.a", "t.T", OSError("x"))
        error.add_note("Traceback (most recent call last):\n  File …\nValueError: y\n")

        assert [*explain(error, []).lines] == [str(error), "  ValueError: y"]


class TestTrustingCommand:
    """The command that would trust what is missing."""

    def test_names(self):
        """Each name once, in the form for its use, behind what was typed."""
        wants = [Want("a.B", "create", "x"), Want("a.B", "reference", "y"), Want("c.d", "call", "z")]

        assert (
            trusting_command(wants, ["run", "f.tap", "--daemon"])
            == "appsnap run f.tap --daemon --trust a.B --trust call:c.d"
        )

    def test_end_of_options(self):
        """What stands behind `--` stays there."""
        command = trusting_command([Want("a.B", "create", "x")], ["load", "--", "-f"])

        assert command == "appsnap load --trust a.B -- -f"

    def test_audit(self):
        """For `audit` it is the command that loads."""
        command = trusting_command([Want("a.B", "create", "x")], ["audit", "f.tap", "--json"])

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
        """Code, names that can't be written, and what has no names: all or nothing, and a warning."""
        words, _, command = trusting_command(wants, ["load", "--trust", "x.Y", "--trust=z.Z", "f.tap"]).rpartition(": ")

        assert command == "appsnap load f.tap --trust-everything"
        assert "if you trust who wrote it" in words

    def test_nothing_of_the_file_is_run(self):
        """A name that a shell would act on arrives there as one word."""
        name = "a.$(reboot)"

        assert name not in shlex.split(
            trusting_command([Want("a.B", "create", "x")], ["load", name]).replace(shlex.quote(name), "")
        )


class TestSigningCommand:
    """The command that would sign what was left unsigned."""

    def test_command(self):
        """It is `save`, with the same options, and trusts the whole file instead of some names."""
        command = signing_command(["convert", "a.tas", "b.etap", "--compress"])

        assert command == "appsnap save a.tas b.etap --compress --trust-everything"
        assert signing_command(["save", "--trust", "a.B", "--", "-a", "b"]) == "appsnap save --trust-everything -- -a b"
