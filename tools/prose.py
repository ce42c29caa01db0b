"""Count what-words in the prose of appsnap: `tools/prose.py [--by-file] [--list] [--check]`.

Prose is each comment, each docstring and each string of three words or more in src/appsnap, and the text of the papers
without code. What-words are what, whatever, whatsoever, whichever, whoever, and "that which", which is no better.
--list prints the sentences that hold them. Exit code 1, with --check: there are too many in the code or in the papers.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROJECT = Path(__file__).parents[1]

MOST = 3
"""What-words in 1,000 words. Nine libraries that are read with ease have 0 to 2.2 of them. A sentence that begins with
one makes a clause its subject, and a reader who learnt English at school has to look for the noun."""

WHAT = re.compile(r"\b(?:what(?:ever|soever)?|whichever|whoever|that\s+which)\b", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_][\w'-]*")
CODE = re.compile(r"`+[^`]+`+")
SENTENCE = re.compile(r"(?:[^.!?]|[.!?](?!\s|$))+[.!?]*")
BLOCK = re.compile(
    r"^(`{3,}|~{3,}).*?^\1`*[ \t]*$"  # code between fences
    r"|(?<=\n\n)(?: {4}.*?(?:\n|\Z))+"  # code that is indented behind a blank line
    r"|(?<=\]\()[^)]+(?=\))",  # the address of a link
    re.DOTALL | re.MULTILINE,
)
"""Parts of Markdown that are no prose."""

FEWEST = 3
"""Words of a string that is prose, and no name or key."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of prose, and the line that it begins in."""

    line: int
    text: str

    def sentences(self) -> Iterator[tuple[int, str]]:
        """Yield each sentence with its line. A blank line, a row of a table and an item of a list begin a new one."""
        at = 0
        for paragraph in re.split(r"(\n\s*\n|\n(?=[|*-]))", self.text):
            for found in SENTENCE.finditer(paragraph):
                begin = at + found.start() + len(found[0]) - len(found[0].lstrip())
                if sentence := " ".join(found[0].split()):
                    yield self.line + self.text.count("\n", 0, begin), sentence
            at += len(paragraph)


def words_of(text: str) -> int:
    """Return the number of words. A piece of code between backticks is one."""
    return len(WORD.findall(CODE.sub("code", text)))


def what_words_of(text: str) -> int:
    """Return the number of what-words outside of code between backticks."""
    return len(WHAT.findall(CODE.sub("code", text)))


def of_python(source: str) -> list[Passage]:
    """Return the comments, the docstrings and the messages of a module."""
    return sorted([*_comments(source), *_strings(ast.parse(source))], key=lambda passage: passage.line)


def of_markdown(text: str) -> list[Passage]:
    """Return the text of a paper without code."""
    return [Passage(1, BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text))]


def _comments(source: str) -> Iterator[Passage]:
    """Yield comments. Those on lines of their own that follow each other are one passage."""
    begin, lines, column = 0, list[str](), -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or token.string.startswith(("#!", "# noqa", "# type:")):
            continue
        row, col = token.start
        if lines and (row, col) != (begin + len(lines), column):
            yield Passage(begin, "\n".join(lines))
            lines = []
        if not lines:
            begin, column = row, col
        lines.append(token.string.lstrip("#").strip())
    if lines:
        yield Passage(begin, "\n".join(lines))


def _strings(node: ast.AST) -> Iterator[Passage]:
    """Yield docstrings and messages. The fields of an f-string are one word each, and may hold strings of their own."""
    text, fields = "", ast.iter_child_nodes(node)
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "field" for part in node.values)
        fields = (part for part in node.values if not isinstance(part, ast.Constant))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    if words_of(text) >= FEWEST:
        assert isinstance(node, ast.expr)
        yield Passage(node.lineno, text)
    for field in fields:
        yield from _strings(field)


@dataclass(slots=True)
class Figures:
    """Words and what-words of a file, a package or a whole."""

    words: int = 0
    what_words: int = 0

    @property
    def ratio(self) -> float:
        """What-words in 1,000 words."""
        return 1_000 * self.what_words / max(self.words, 1)

    def add(self, passages: Iterable[Passage]) -> None:
        """Count passages."""
        for passage in passages:
            self.words += words_of(passage.text)
            self.what_words += what_words_of(passage.text)

    def __str__(self) -> str:
        return f"{self.words:7,} words {self.what_words:5,} what-words {self.ratio:6.1f} in 1,000"


def files(project: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file that has prose, with the whole that it belongs to."""
    yield from (("code", path) for path in sorted((project / "src" / "appsnap").rglob("*.py")))
    papers = [*(project / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]
    yield from (("papers", path) for path in [*papers, *sorted((project / "docs").glob("*.md"))] if path.exists())


def main(arguments: list[str] | None = None, project: Path = PROJECT) -> int:
    """Print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by-file", action="store_true", help="print the figures of each file")
    parser.add_argument("--list", action="store_true", help="print each sentence with a what-word")
    parser.add_argument("--check", action="store_true", help=f"fail above {MOST} in 1,000 words")
    options = parser.parse_args(arguments)

    places: dict[str, Figures] = {}
    wholes: dict[str, Figures] = {}
    for whole, path in files(project):
        name = path.relative_to(project)
        read = of_python if path.suffix == ".py" else of_markdown
        passages = read(path.read_text(encoding="utf-8"))
        for figures in (
            places.setdefault(str(name if options.by_file else name.parent), Figures()),
            wholes.setdefault(whole, Figures()),
        ):
            figures.add(passages)
        if options.list:
            for passage in passages:
                for line, sentence in passage.sentences():
                    if what_words_of(sentence):
                        print(f"{name}:{line}: {sentence}")
    for place, figures in [*places.items(), *wholes.items()]:
        print(f"{place:44}{figures}")
    too_many = [whole for whole, figures in wholes.items() if figures.ratio > MOST]
    if options.check and too_many:
        print(f"more than {MOST} what-words in 1,000 words of the {' and of the '.join(too_many)}: see them by --list")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
