"""The rules of the house, as DESIGN.md has them: one stem in every tree, arrows that run down, and so on."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from subjects import SUBJECTS, public
from torch import nn

import lossbook
from lossbook import fused
from lossbook.exercises._exercise import chapters as exercise_chapters

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lossbook"
BESIDE = {"_core", "fused", "distributed", "exercises", "notebook"}  # the rooms that are no family
FAMILIES = sorted(f.name for f in PACKAGE.iterdir() if (f / "__init__.py").is_file() and f.name not in BESIDE)
STEMS = {subject.stem: subject.family for subject in SUBJECTS}
CLASSIC = [  # torch.nn's list, and linear cross entropy of torch 2.13
    *("L1Loss", "MSELoss", "HuberLoss", "SmoothL1Loss", "PoissonNLLLoss", "GaussianNLLLoss"),
    *("NLLLoss", "CrossEntropyLoss", "LinearCrossEntropyLoss", "BCELoss", "BCEWithLogitsLoss", "KLDivLoss"),
    *("SoftMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "MultiLabelMarginLoss"),
    *("MarginRankingLoss", "HingeEmbeddingLoss", "CosineEmbeddingLoss", "TripletMarginLoss"),
    *("TripletMarginWithDistanceLoss", "CTCLoss"),
]
ACTIVATIONS = ["Sigmoid", "Softmax", "Tanh", "LogSoftmax", "LogSigmoid", "Softplus"]


def modules(folder):
    return {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}


def test_every_loss_of_torch_is_here():
    assert set(CLASSIC + ACTIVATIONS) <= set(vars(lossbook))
    assert len(CLASSIC) == 22
    torchs_own = {n for n in dir(nn) if n.endswith("Loss") and n not in ("NLLLoss2d", "AdaptiveLogSoftmaxWithLoss")}
    assert torchs_own <= set(CLASSIC)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_of_a_family_is_one_public_loss(family):
    assert modules(PACKAGE / family) == {stem for stem, where in STEMS.items() if where == family}


def test_every_fused_file_is_a_loss_with_a_readable_form():
    names = {subject.stem: subject.function.__name__ for subject in SUBJECTS}
    stems = modules(PACKAGE / "fused")
    assert {names[stem] for stem in stems} == set(public(fused))
    for stem in stems:
        assert getattr(fused, names[stem]).__module__ == f"lossbook.fused.{stem}"


FILES = sorted(path for family in FAMILIES for path in (PACKAGE / family).glob("[!_]*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_loss_is_whole(path):
    """What `make stem` says of a loss that is being written: which line or file is still missing."""
    source = path.read_text(encoding="utf-8")
    line = f"from .{path.parent.name}.{path.stem} import "
    for name, where in ((r"def (\w+)\(", "functional.py"), (r"class (\w+)\(", "__init__.py")):
        public = [found for found in re.findall(rf"^{name}", source, re.MULTILINE) if found[0] != "_"]
        wanted = [found for found in public if found in (path.stem, f"{path.stem}_loss") or name.startswith("class")]
        assert wanted, f"{path.name} has no {path.stem}() or {path.stem}_loss(), or no module class"
        there = (PACKAGE / where).read_text(encoding="utf-8")
        assert f"{wanted[0]} as {wanted[0]}" in there, f"lossbook/{where} lacks {line}{wanted[0]} as {wanted[0]}"
    wanted = [ROOT / "tests" / "oracles" / f"{path.stem}.py"]
    if path.parent.name != "activations":
        wanted.append(ROOT / "benchmarks" / "work" / f"{path.stem}.py")
    for file in wanted:
        assert file.is_file(), f"there is no {file.relative_to(ROOT)}"


def test_every_loss_has_an_oracle_and_every_oracle_a_loss():
    assert modules(ROOT / "tests" / "oracles") == set(STEMS)


def test_a_chapter_lies_in_the_folder_of_its_loss():
    for chapter in (ROOT / "book").rglob("*.ipynb"):
        if chapter.stem in STEMS:
            assert chapter.parent.name == STEMS[chapter.stem], chapter


def test_the_regression_part_is_whole():
    written = {path.stem for path in (ROOT / "book" / "regression").glob("*.ipynb")}
    classic = {s.stem for s in SUBJECTS if s.family == "regression" and s.cls.__name__ in CLASSIC}
    assert len(classic) == 6
    assert classic <= written


def test_every_folder_of_exercises_has_a_chapter():
    written = {path.stem for path in (ROOT / "book").rglob("*.ipynb")}
    assert set(exercise_chapters()) <= written


def test_families_and_names_are_what_they_say():
    for subject in SUBJECTS:
        module = importlib.import_module(f"lossbook.{subject.family}.{subject.stem}")
        assert subject.function.__name__ in (subject.stem, f"{subject.stem}_loss")
        assert subject.function.__module__ == subject.cls.__module__ == module.__name__


def test_importing_the_package_needs_torch_alone():
    heavy = ("matplotlib", "ipywidgets", "sklearn", "numpy.testing", "mpmath", "triton", "torch._dynamo")
    code = (
        "import sys, torch; before = set(sys.modules); import lossbook; "
        f"print([m for m in {heavy!r} if m in sys.modules and m not in before])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# --- arrows ----------------------------------------------------------------------------------------------------------

SOURCES = sorted(PACKAGE.rglob("*.py"))
FLOOR = {"_core": 0, **dict.fromkeys(FAMILIES, 1), "functional": 2, "": 2, "cli": 4}  # every other room: 3


def room(path: Path) -> str:
    """The room of a file or module of the package: its folder, or its own name; "" is the package itself."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py").replace("__init__", "")


def imports(path: Path) -> Iterator[tuple[Path, str, bool]]:
    """What a file imports from the package: the module, the name, and whether when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.level or (node.module or "").startswith("lossbook")):
            continue
        module = PACKAGE if not node.level else path.parents[node.level - 1]
        parts = (node.module or "").split(".")[0 if node.level else 1 :]
        for alias in node.names:
            yield module.joinpath(*filter(None, parts)), alias.name, id(node) in at_once


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_arrows_run_down_and_no_private_name_crosses_a_file(path):
    mine = room(path)
    for module, name, at_once in imports(path):
        private = name.startswith("_") and not (module / f"{name}.py").is_file()
        assert not private, f"{name} of {module.name} is private: move it, under a public name, to a file of its own"
        theirs = room(module / f"{name}.py") if module == PACKAGE else room(module)
        if mine == theirs or not at_once:
            continue
        assert FLOOR.get(theirs, 3) < FLOOR.get(mine, 3) or mine == "", f"{mine} must not import {theirs}"


# --- sizes, prose, versions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_one_idea(family):
    assert len(list((PACKAGE / family).glob("[!_]*.py"))) <= 15, "two ideas: split it"


@pytest.mark.parametrize("folder", ["lossbook", "tools", "benchmarks"])
def test_a_file_is_read_at_one_sitting(folder):
    long = {
        p.relative_to(ROOT).as_posix(): len(p.read_text(encoding="utf-8").splitlines())
        for p in (ROOT / folder).rglob("*.py")
    }
    assert not {path: lines for path, lines in long.items() if lines > 400}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "DESIGN.md", "book/intro.md", "book/choosing.ipynb"])
def test_no_count_in_prose(page):
    number = r"(?:\d+|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|hundred)(?:-\w+)?"
    things = r"(?:loss(?:es)?(?: functions)?|kernels|chapters|exercises|activations|oracles)"
    text = (ROOT / page).read_text(encoding="utf-8")
    assert not re.findall(rf"\b(?:all )?{number} (?:\w+ )?{things}\b", text, re.IGNORECASE)
