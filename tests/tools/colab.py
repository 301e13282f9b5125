"""Be Colab, where torch and numpy are there and lossbook is not: set up each notebook alone, in an empty folder.

    python colab.py NOTEBOOK ...

The first notebook's own set-up cell installs lossbook from where pip is told to look. Then a process is forked for each
notebook: it runs that notebook's cells up to the imports, and says what went wrong.
"""

import importlib.metadata
import json
import os
import sys
import tempfile
import types

import matplotlib.pyplot  # noqa: F401  as on Colab, where a notebook finds it
import torch  # noqa: F401
from IPython.core.interactiveshell import InteractiveShell

OTHERS = ("torch", "numpy", "triton", "matplotlib", "ipython")


def opening(notebook: str) -> list[str]:
    """The code of a notebook up to its first imports of lossbook."""
    with open(notebook, encoding="utf-8") as file:
        cells = ["".join(cell["source"]) for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
    last = next(number for number, cell in enumerate(cells) if "lossbook" in cell and number > 0)
    return cells[: last + 1]


def run(cells: list[str]) -> str:
    """Run cells as a notebook does, and say what the first error was."""
    shell = InteractiveShell.instance()
    for cell in cells:
        result = shell.run_cell(cell, silent=True)
        if error := result.error_before_exec or result.error_in_exec:
            return f"{type(error).__name__}: {error}"
    return ""


def main(notebooks: list[str]) -> int:
    """Set up each notebook; how many could not be."""
    sys.modules["google.colab"] = types.ModuleType("google.colab")
    before = [importlib.metadata.version(name) for name in OTHERS]
    failed = run(opening(notebooks[0])[:1])
    import lossbook

    if failed or not lossbook.__file__.startswith(sys.prefix):
        print(f"{failed or lossbook.__file__}: lossbook was not installed by the set-up cell")
        return 1
    if before != [importlib.metadata.version(name) for name in OTHERS]:
        print("the set-up cell installed more than lossbook")
        return 1
    return sum(set_up_alone(notebook) for notebook in notebooks)


def set_up_alone(notebook: str) -> bool:
    """Run a notebook's opening in a process and a folder of its own; whether it failed."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    os.chdir(tempfile.mkdtemp())
    failed = run(opening(notebook))
    print(f"{notebook}: {failed}\n" * bool(failed), end="", flush=True)
    os._exit(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
