import shlex

import click
import pytest

from appsnap.cli.app import COMMANDS, appsnap

CONTEXT = click.Context(appsnap, info_name="appsnap")


def command_named(name):
    return appsnap.get_command(CONTEXT, name)


def examples_of(command):
    lines = command.epilog.partition("Examples:\n")[2].splitlines()
    return [line.strip() for line in lines if "appsnap " in line]


@pytest.mark.parametrize("name", COMMANDS)
class TestCommand:
    """Every command is documented."""

    def test_first_line(self, name):
        """The first line of a command's help is the one in the list of commands."""
        assert command_named(name).help.partition("\n")[0] == COMMANDS[name]

    def test_paragraphs(self, name):
        """No mark of a paragraph that click keeps as it is stands in the rendered help."""
        assert "\\b" not in command_named(name).get_help(click.Context(command_named(name)))

    def test_width(self, name, monkeypatch):
        """A terminal of 80 columns shows each line whole, also in the help of commands in a group."""
        monkeypatch.setenv("COLUMNS", "80")
        command = command_named(name)
        context = click.Context(command, info_name=f"appsnap {name}")
        names = command.list_commands(context) if isinstance(command, click.Group) else ()
        inner = [command.get_command(context, one) for one in names]

        for one in [command, *inner]:
            for line in one.get_help(click.Context(one, info_name=name)).splitlines():
                assert len(line) <= 80
                assert line.startswith("Usage:") or not line.endswith("...")

    def test_options(self, name):
        """Every option has a help text, which is a sentence."""
        for parameter in command_named(name).params:
            if isinstance(parameter, click.Option):
                assert parameter.help, parameter.name
                assert parameter.help.endswith((".", ").")), parameter.name

    def test_examples(self, name):
        """Every command has examples, and their options exist."""
        examples = examples_of(command_named(name))

        assert examples
        for example in examples:
            words = shlex.split(example, comments=True)
            if words[0] != "appsnap":
                continue
            ends = [index for index, word in enumerate(words) if word in ("|", "&&", ">")]
            arguments = words[1 : min(ends, default=len(words))]
            command_named(arguments[0]).make_context(arguments[0], arguments[1:])


class TestGroup:
    """The help of `appsnap` itself."""

    def test_commands(self):
        """Every command of the table can be run, and nothing else."""
        assert appsnap.list_commands(CONTEXT) == [*COMMANDS]
        assert all(isinstance(command_named(name), click.Command) for name in COMMANDS)
        assert command_named("nothing") is None

    def test_no_passphrase_in_arguments(self):
        """No option takes a passphrase as its value, because a list of processes would show it."""
        for name in COMMANDS:
            for parameter in command_named(name).params:
                if "--passphrase" in parameter.opts:
                    assert parameter.is_flag

    def test_same_options_are_the_same(self):
        """An option that several commands have means the same in each of them, as far as its type says."""
        types = {}
        for name in COMMANDS:
            for parameter in command_named(name).params:
                for word in parameter.opts if isinstance(parameter, click.Option) else ():
                    if word != "--kind":
                        type_ = parameter.type.to_info_dict()
                        assert types.setdefault(word, type_) == type_
