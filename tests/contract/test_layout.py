"""One stem, every tree: the name of a loss finds its code, its oracle, its chapter and its exercises."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from subjects import SUBJECTS, public
from torch import nn

import lossbook
from lossbook import fused
from lossbook.exercises._judge import chapters as exercise_catalogues

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ("activations", "classification", "contrastive", "ranking", "regression", "segmentation", "sequence")
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
    assert modules(ROOT / "lossbook" / family) == {stem for stem, where in STEMS.items() if where == family}


def test_every_fused_file_is_a_loss_with_a_readable_form():
    names = {subject.stem: subject.function.__name__ for subject in SUBJECTS}
    stems = modules(ROOT / "lossbook" / "fused")
    assert {names[stem] for stem in stems} == set(public(fused))
    for stem in stems:
        assert getattr(fused, names[stem]).__module__ == f"lossbook.fused.{stem}"


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


def test_every_catalogue_of_exercises_has_a_chapter():
    written = {path.stem for path in (ROOT / "book").rglob("*.ipynb")}
    assert set(exercise_catalogues()) <= written


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
