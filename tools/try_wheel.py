"""Try a wheel as somebody has it who installs it: in a fresh environment and an empty folder, without this checkout.

    python tools/try_wheel.py dist/lossbook-0.1.0-py3-none-any.whl

  contents    it holds every file of lossbook/, byte for byte, and nothing else; the version is lossbook.__version__
  alone       with torch and nothing more it imports, computes a loss and judges an exercise
  doctests    with the extra `book`, the examples of every module
  chapter     a chapter copied out of the checkout shows what is stored in it; --chapter names another one

The versions that pip takes are those of constraints.txt. This file needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "book" / "regression" / "huber.ipynb"


def version() -> str:
    """The version of the checkout, read and not imported."""
    source = (ROOT / "lossbook" / "__init__.py").read_text("utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    return found


def contents(wheel: Path) -> list[str]:
    """Say what the wheel lacks, adds or has differently; no line if it is the package of this checkout."""
    info = f"lossbook-{version()}.dist-info/"
    with ZipFile(wheel) as archive:
        shipped = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    if info + "METADATA" not in shipped:
        return [f"no {info}: this wheel is of another version than lossbook.__version__"]
    found = {name: data for name, data in shipped.items() if not name.startswith(info)}
    files = (path for path in (ROOT / "lossbook").rglob("[!.]*") if path.is_file() and path.suffix != ".pyc")
    wanted = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files}
    wrong = [f"lacks {name}" for name in sorted(wanted.keys() - found.keys())]
    wrong += [f"has {name}, which the package has not" for name in sorted(found.keys() - wanted.keys())]
    wrong += [f"has another {name}" for name in sorted(wanted.keys() & found.keys()) if wanted[name] != found[name]]
    wrong += [f"lacks {name}" for name in ("LICENSE", "LICENSE-TEXT") if f"{info}licenses/{name}" not in shipped]
    metadata = message_from_bytes(shipped[info + "METADATA"])
    if metadata.get_payload().strip() != (ROOT / "README.md").read_text("utf-8").strip():
        wrong.append("does not carry README.md as its description")
    if metadata["Version"] != version():
        wrong.append(f"says that it is version {metadata['Version']}")
    return wrong


def alone() -> None:
    """Import the package that this Python has, compute, and judge two answers to an exercise."""
    import torch

    import lossbook
    from lossbook.exercises import check, help_for

    where = Path(lossbook.__file__).resolve()
    assert where.is_relative_to(Path(sys.prefix).resolve()), f"lossbook comes from {where}"
    assert importlib.metadata.version("lossbook") == lossbook.__version__
    assert importlib.util.find_spec("matplotlib") is None, "the environment is not a bare one"

    value = lossbook.HuberLoss(delta=1.0)(torch.tensor([0.5, 3.0]), torch.zeros(2))
    assert value == (0.125 + 2.5) / 2, value
    fused = lossbook.fused.huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2))
    assert fused == value, fused

    def judged(answer) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            check("huber.gradient", answer)
        return said.getvalue()

    right = judged(lambda error, delta: error.clamp(-delta, delta))
    assert "ok " in right, right
    assert "WRONG" not in right, right
    wrong = judged(lambda error, delta: delta * error.sign())
    assert "WRONG" in wrong, wrong
    assert "clamp(" in help_for("huber.gradient").text, "the solution is not shown"


def trials(wheel: Path, chapter: Path, folder: Path) -> str:
    """Carry out what comes after the contents, in an empty folder; name the trial that failed, or nothing."""
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    empty = folder / "empty"
    empty.mkdir()
    print("== venv", flush=True)
    venv.create(folder / "venv", with_pip=True)
    for copied in (chapter, ROOT / "tests" / "nbval.cfg"):
        shutil.copy(copied, empty)
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON") and name != "MPLBACKEND"}
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    pytest = ["-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    nbval = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with=nbval.cfg"]
    commands = {
        "install": [*pip, wheel],
        "alone": ["-P", Path(__file__).resolve(), "--alone"],
        "install what the book needs": [*pip, f"{wheel}[book]", "pytest", "nbval", "ipykernel"],
        "fonts": ["-m", "matplotlib.font_manager"],  # the first import lists them, and says so where it is slow
        "doctests": [*pytest, "--doctest-modules", "--pyargs", "lossbook"],
        "chapter": [*pytest, *nbval, chapter.name],
    }
    for name, arguments in commands.items():
        print(f"== {name}", flush=True)
        if subprocess.run([python, *arguments], cwd=empty, env=env, stdin=subprocess.DEVNULL, check=False).returncode:
            return name
    return ""


def main(arguments: list[str]) -> int:
    """Try one wheel."""
    parser = argparse.ArgumentParser(description="Try a wheel in a fresh environment and an empty folder.")
    parser.add_argument("wheel", type=Path, nargs="?")
    parser.add_argument("--chapter", type=Path, default=CHAPTER)
    parser.add_argument("--alone", action="store_true", help="what is run inside the fresh environment")
    options = parser.parse_args(arguments)
    if options.alone:
        alone()
        return 0
    if options.wheel is None:
        parser.error("say which wheel: python -m build makes dist/lossbook-VERSION-py3-none-any.whl")
    print("== contents", flush=True)
    failed = "\n".join(f"the wheel {line}" for line in contents(options.wheel))
    if not failed:
        with tempfile.TemporaryDirectory() as folder:
            failed = trials(options.wheel.resolve(), options.chapter.resolve(), Path(folder))
    print(f"FAILED: {failed}" if failed else f"{options.wheel.name}: every trial passed", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
