"""Pytest plugin: keep what nbval runs, so that the book shows it without running it again.

    pytest -p keep_executed --nbval book

A chapter that ran to its end is written to _build/executed/ under its own path, with its outputs as the kernel sent
them: figures and explorers too. Whether they are the stored ones is for nbval to say, and for the book no matter.
"""

import nbformat
import pytest
from nbval.plugin import IPyNbCell

FOLDER = "_build/executed"
RAN = pytest.StashKey[dict[int, list[nbformat.NotebookNode]]]()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Note the outputs of a cell that ran; after a chapter's last one, write the chapter."""
    if not isinstance(item, IPyNbCell) or item.parent.timed_out or item.test_outputs is None:
        return
    if any(output.output_type == "error" for output in item.test_outputs) and not item.options["check_exception"]:
        return
    ran = item.parent.stash.setdefault(RAN, {})
    ran[item.cell_num] = item.test_outputs
    notebook = nbformat.from_dict(item.parent.nb)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if len(ran) < len(code):
        return
    for number, cell in enumerate(code):
        cell.update(outputs=ran[number], execution_count=number + 1)
    path = item.config.rootpath / FOLDER / item.path.relative_to(item.config.rootpath)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
