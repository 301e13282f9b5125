"""Docstrings as Markdown: the parts of one, and its marks in the language of the pages.

A docstring of lossbook has a summary, text with mathematics, and the sections of DESIGN.md. Only what they use is
understood: literals, roles, ``.. math::`` blocks and addresses.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HEAD = re.compile(r"^([A-Z][a-z]+):(?: (.*))?$")
TITLES = ("Args", "Attributes", "Returns", "Raises", "Note", "Usage", "Example", "References")
MARK = re.compile(
    r"``(?P<code>.+?)``|:math:`(?P<math>.+?)`|:\w+:`~?(?P<role>.+?)`|`(?P<plain>.+?)`"
    r"|(?P<link>https?://[^\s<>]*[\w/])|(?P<quoted>\"(?:none|mean|sum|batchmean)\")"
)
FIRST_OF_SOURCE = re.compile(r"[^()]*\(\d{4}\), ")
Link = Callable[[str], str]  # from code, or the dotted name in a role, to Markdown


def as_code(name: str) -> str:
    """A name that leads nowhere."""
    return f"`{name}`"


@dataclass(frozen=True)
class Docstring:
    """The parts of a docstring, as they stand there."""

    summary: str
    text: str
    sections: dict[str, str]

    @staticmethod
    def of(thing: Any) -> Docstring:
        """Read the docstring of a function or class.

        Example:
            >>> Docstring.of(Docstring.of).summary
            'Read the docstring of a function or class.'
        """
        return Docstring.parse(inspect.getdoc(thing) or "")

    @staticmethod
    def parse(doc: str) -> Docstring:
        """Take a docstring apart at the titles of its sections."""
        parts: dict[str, list[str]] = {"": []}
        current = ""
        for line in inspect.cleandoc(doc).splitlines():
            head = HEAD.match(line)
            if head and head[1] in TITLES:
                current = head[1]
                parts[current] = [head[2] or ""]
            else:
                parts[current].append(line)
        summary, _, text = "\n".join(parts.pop("")).partition("\n\n")
        return Docstring(
            " ".join(summary.split()), text.strip("\n"), {title: dedented(lines) for title, lines in parts.items()}
        )

    def items(self, title: str) -> dict[str, str]:
        """The entries of a section that is a list: name to what is said of it."""
        parts = re.split(r"^(\*{0,2}\w+): ", "\n" + self.sections.get(title, ""), flags=re.MULTILINE)[1:]
        return dict(zip(parts[::2], (" ".join(text.split()) for text in parts[1::2]), strict=True))

    def raises(self) -> list[tuple[str, str]]:
        """Each error and what it is raised for."""
        parts = re.split(r"^(\w+): ", self.sections.get("Raises", ""), flags=re.MULTILINE)[1:]
        return list(zip(parts[::2], (" ".join(text.split()) for text in parts[1::2]), strict=True))

    def references(self) -> list[str]:
        """Each source on one line: it begins with its authors and the year."""
        found: list[str] = []
        ended = True
        for line in self.sections.get("References", "").splitlines():
            if ended or FIRST_OF_SOURCE.match(line):
                found.append(line.strip())
            else:
                found[-1] += " " + line.strip()
            ended = "://" in line
        return found


def dedented(lines: list[str]) -> str:
    """The body of a section, whose first line may stand beside the title."""
    return (lines[0] + "\n" + textwrap.dedent("\n".join(lines[1:]))).strip("\n")


def inline(text: str, link: Link = as_code) -> str:
    """A line of a docstring as Markdown.

    Example:
        >>> print(inline('``p`` is at least 0; "mean" as in :func:`mse_loss`'))
        `p` is at least 0; `"mean"` as in `mse_loss`
    """
    out, end = [], 0
    text = " ".join(text.split())
    for mark in MARK.finditer(text):
        out += [escaped(text[end : mark.start()]), shown(mark, link)]
        end = mark.end()
    return "".join([*out, escaped(text[end:])])


def shown(mark: re.Match[str], link: Link) -> str:
    """A mark of a docstring as one of Markdown."""
    if mark["math"]:
        return f"${mark['math']}$"
    if mark["link"]:
        return f"<{mark['link']}>"
    return as_code(mark["quoted"]) if mark["quoted"] else link(mark["role"] or mark["code"] or mark["plain"])


def escaped(text: str) -> str:
    """Text whose signs mean nothing to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>$|#~])", r"\\\1", text)


def blocks(text: str, link: Link = as_code) -> str:
    """Paragraphs and displayed mathematics as Markdown."""
    out = []
    for block in re.split(r"\n\s*\n(?=\S)", text):
        if found := re.match(r"\.\. math::(.*)", block, re.DOTALL):
            out.append(f"$$\n{formula(found[1])}\n$$")
        elif block.strip():
            out.append(inline(block, link))
    return "\n\n".join(out)


def formula(text: str) -> str:
    r"""Displayed mathematics as MathJax wants it: no empty line, and an underscore is one in words.

    Example:
        >>> print(formula(r" \text{log\_probs}_t"))
        \text{log_probs}_t
    """
    lines = re.sub(r"\n\s*\n", "\n", textwrap.dedent(" " * 99 + text).strip())
    return re.sub(r"\\text\{[^}]*\}", lambda words: words[0].replace(r"\_", "_"), lines)
