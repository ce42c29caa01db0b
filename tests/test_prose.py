"""The tool that counts what-words counts prose, and nothing else."""

import pytest

import prose

MODULE = '''
"""Say what is there."""
# What the constant is for.
# Whoever reads on knows.
KEY = "whatever"  # what = "no message"


def raises(name):
    """Raise.

    That which is raised is `what`, whichever it was.
    """
    raise ValueError(f"what {name} is: {'what a name'}", hint="say what it is")
'''


@pytest.fixture
def project(tmp_path):
    """Return a project with one module and one paper."""
    (tmp_path / "src" / "appsnap").mkdir(parents=True)
    (tmp_path / "src" / "appsnap" / "module.py").write_text(MODULE)
    (tmp_path / "README.md").write_text("word " * 997 + "what whatever whoever")
    return tmp_path


def sentences(passages):
    return [found for passage in passages for found in passage.sentences() if prose.what_words_of(found[1])]


class TestPython:
    def test_sentences(self):
        """Comments, docstrings and messages are prose, each with its line; keys and code are not."""
        assert sentences(prose.of_python(MODULE)) == [
            (2, "Say what is there."),
            (3, "What the constant is for."),
            (4, "Whoever reads on knows."),
            (5, 'what = "no message"'),
            (11, "That which is raised is `what`, whichever it was."),
            (13, "what field is: field"),
            (13, "what a name"),
            (13, "say what it is"),
        ]

    def test_words(self):
        """A name between backticks is one word, and no what-word."""
        text = "That which `what what` is, says what.ever"

        assert (prose.words_of(text), prose.what_words_of(text)) == (7, 2)


class TestMarkdown:
    def test_leaves_out_code(self):
        """Blocks between fences, indented blocks and addresses of links are no prose, and lines keep their numbers."""
        text = "```console\n$ what\n```\n\n    what\n\n[it](what.md) is\nwhat.\n\n* one\n* what?\n"

        assert sentences(prose.of_markdown(text)) == [(7, "[it]() is what."), (11, "* what?")]


class TestCheck:
    def test_passes(self, project, capsys):
        """Three what-words in 1,000 words are few enough."""
        (project / "src" / "appsnap" / "module.py").unlink()

        assert prose.main(["--check"], project) == 0
        assert "1,000 words     3 what-words    3.0 in 1,000" in capsys.readouterr().out

    def test_fails(self, project, capsys):
        """More of them, in the code or in the papers, are an error, and --list shows where they are."""
        assert prose.main(["--check", "--list", "--by-file"], project) == 1

        out = capsys.readouterr().out
        assert "src/appsnap/module.py:3: What the constant is for.\n" in out
        assert "1,000 words of the code:" in out

        (project / "README.md").write_text("what")
        assert prose.main(["--check"], project) == 1
        assert "of the code and of the papers:" in capsys.readouterr().out
