"""What a stored chapter holds, for the tests that read chapters without running them."""

import re
from collections.abc import Iterator
from pathlib import Path

import chapters
from nbformat import NotebookNode


def is_of_a_loss(path: Path) -> bool:
    """Say whether a chapter is of one loss or activation of the package."""
    return (chapters.ROOT / "lossbook" / path.parent.name / f"{path.stem}.py").is_file()


def printed(output: NotebookNode) -> str:
    """The text of an output."""
    return str(output.get("text", "") + output.get("data", {}).get("text/plain", ""))


def alternative_text(cell: NotebookNode) -> str:
    """What stands for the figure of a cell where it is not seen."""
    return str(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))


def plain(line: str) -> str:
    """A line of prose as it is read: no mathematics, no code, no address of a link."""
    line = re.sub(r"\]\([^)]*\)", "]", line)
    return re.sub(r"`[^`]*`", "code", re.sub(r"\$[^$]*\$", "x", line))


def prose(text: str, *, tables: bool = False) -> Iterator[str]:
    """The lines of prose of a text: no display, listing, heading, picture or HTML, and tables if asked for."""
    text = re.sub(r"^(```|\$\$).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    left_out = r"\s*[#<!]" if tables else r"\s*[|#<!]"
    yield from (line for line in text.splitlines() if line.strip() and not re.match(left_out, line))
