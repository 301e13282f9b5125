"""What a stored chapter holds, for the tests that read chapters without running them."""

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
