"""A kernel fits the form of an exercise: it is a function that Triton can compile, and the judge launches it."""

import importlib.util
from pathlib import Path

import pytest
import torch

from lossbook.exercises._exercise import Exercise
from lossbook.exercises._judge import judge
from lossbook.fused._triton import INTERPRETED

pytestmark = pytest.mark.skipif(not INTERPRETED or torch.cuda.is_available(), reason="needs Triton's interpreter")


@pytest.fixture(scope="module")
def task():
    spec = importlib.util.spec_from_file_location("kernel_exercise", Path(__file__).with_name("kernel_exercise.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Exercise("kernels.log_sum_exp", module)


def test_the_right_kernels_are_accepted(task):
    for answer in (task.solved, *task.right.values()):
        assert judge(task, answer).status == "right", judge(task, answer).lines


@pytest.mark.parametrize("label", ["first block only", "no maximum", "sum not scaled", "infinity minus itself"])
def test_a_wrong_kernel_is_refused(task, label):
    report = judge(task, task.wrong[label], shrink=False)
    assert report.status == "wrong"
    assert task.wrong[label].fn.__doc__ == f"Refused by: {report.checks[-1].label}."


def test_an_untouched_stub_is_not_attempted(task):
    assert judge(task, task.module.stub).status == "not attempted"
    assert task.stub.startswith("@triton.jit\ndef stub(x, out, classes")
    assert task.solution.startswith("@triton.jit\ndef log_sum_exp(x, out, classes")
