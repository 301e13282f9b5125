"""Exercises of the smooth L1 chapter."""

import torch
from torch import Tensor

from ..functional import smooth_l1_loss
from ._judge import Answer, Exercise, same


def _errors(scale: float) -> Tensor:
    """Draw errors of a fresh number and sign; the first is an exact hit."""
    errors = scale * torch.randn(int(torch.randint(3, 40, ())), dtype=torch.double)
    errors[0] = 0
    return errors


def _gradient_by_autograd(error: Tensor, beta: float) -> Tensor:
    error = error.clone().requires_grad_()
    loss = smooth_l1_loss(error, torch.zeros_like(error), beta=beta, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, error)
    return gradient


def _gradient_at_betas(answer: Answer) -> None:
    for beta in (1 / 9, 1.0, 20.0):
        error = _errors(3.0)
        same(answer(error, beta), _gradient_by_autograd(error, beta), f"beta {beta:.3g}")


def _gradient_at_zero(answer: Answer) -> None:
    error = _errors(3.0)
    same(answer(error, 0.0), _gradient_by_autograd(error, 0.0), "beta 0, with an exact hit")


def _boxes(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw offsets, labels that are NaN where there is no object, and which boxes have one; the last has none."""
    offsets, labels = 2 * torch.randn(2, count, 4, dtype=torch.double)
    has_object = torch.rand(count) < 0.5
    has_object[0], has_object[-1] = True, False
    labels[~has_object] = torch.nan
    return offsets, labels, has_object


def _box_loss(offsets: Tensor, labels: Tensor, has_object: Tensor) -> Tensor:
    return smooth_l1_loss(offsets, labels, sample_weight=has_object, normalizer=len(offsets))


def _boxes_value(answer: Answer) -> None:
    for count in (2, int(torch.randint(5, 30, ()))):
        boxes = _boxes(count)
        same(answer(*boxes), _box_loss(*boxes), f"{int(boxes[2].sum())} objects in {count} boxes")


def _boxes_gradient(answer: Answer) -> None:
    offsets, labels, has_object = _boxes(6)
    offsets.requires_grad_()
    (expected,) = torch.autograd.grad(_box_loss(offsets, labels, has_object), offsets)
    (gradient,) = torch.autograd.grad(answer(offsets, labels, has_object), offsets)
    same(gradient, expected, "gradient")


def _boxes_empty(answer: Answer) -> None:
    offsets = torch.randn(5, 4, dtype=torch.double, requires_grad=True)
    labels, nothing = torch.full_like(offsets, torch.nan, requires_grad=False), torch.zeros(5, dtype=torch.bool)
    loss = answer(offsets, labels, nothing)
    same(loss, torch.zeros((), dtype=torch.double), "no object")
    (gradient,) = torch.autograd.grad(loss, offsets)
    same(gradient, torch.zeros(5, 4, dtype=torch.double), "gradient without an object")


def _log_cosh_value(answer: Answer) -> None:
    for beta in (0.2, 1.0, 5.0):
        error = _errors(2.0)
        same(answer(error, beta), beta * (error / beta).cosh().log(), f"float64, beta {beta:g}")


def _log_cosh_large(answer: Answer) -> None:
    error = torch.tensor([1000.0, -1000.0, 100.0])
    value = answer(error, 1.0)
    assert value.isfinite().all(), f"errors of 1000, -1000 and 100 in float32: not finite, got {value.tolist()}"
    worst = (value - (error.abs() - torch.tensor(2.0).log())).abs().max().item()
    assert worst < 1e-3, f"errors of 1000, -1000 and 100: off by {worst:.3g}"


def _log_cosh_gradient(answer: Answer) -> None:
    error = torch.cat([_errors(2.0), torch.tensor([2000.0, -2000.0], dtype=torch.double)]).requires_grad_()
    (gradient,) = torch.autograd.grad(answer(error, 0.5).sum(), error)
    same(gradient, (error.detach() / 0.5).tanh(), "gradient, beta 0.5, errors up to 2000")


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def smooth_l1_gradient(error, beta):\n    return ...",
        nudge="Between which two values does the gradient run, whatever beta is? And what is 0/0?",
        sketch="Clip the error to the interval from -beta to beta before you divide; treat beta = 0 apart.",
        solution=(
            "def smooth_l1_gradient(error, beta):\n    if beta == 0:\n        return error.sign()\n"
            "    return (error / beta).clamp(-1, 1)"
        ),
        reason=(
            "error / beta is infinite at beta = 0, which the clamp repairs, and NaN at an exact hit, which it does "
            "not. Without the division by beta it is the gradient of Huber, whose tail shrinks with its number."
        ),
        checks={"several betas": _gradient_at_betas, "beta 0": _gradient_at_zero},
        wrong={
            "NaN at 0/0": "def smooth_l1_gradient(error, beta):\n    return (error / beta).clamp(-1, 1)",
            "huber": "def smooth_l1_gradient(error, beta):\n    return error.clamp(-beta, beta)",
            "eps": "def smooth_l1_gradient(error, beta):\n    return (error / (beta + 1e-6)).clamp(-1, 1)",
            "absolute error": "def smooth_l1_gradient(error, beta):\n    return error.sign()",
            "two branches": (
                "def smooth_l1_gradient(error, beta):\n"
                "    return torch.where(error.abs() <= beta, error / beta, error.sign())"
            ),
        },
    ),
    "boxes": Exercise(
        title="The box loss of Fast R-CNN",
        stub="def box_loss(offsets, labels, has_object):\n    return ...",
        nudge="What does NaN times 0 give, and what does the sum of no numbers give?",
        sketch="Keep the rows with an object first, add up what is left, and divide by the number of rows there were.",
        solution=(
            "def box_loss(offsets, labels, has_object):\n"
            '    total = F.smooth_l1_loss(offsets[has_object], labels[has_object], reduction="sum")\n'
            "    return total / len(offsets)"
        ),
        reason=(
            "A mask that is multiplied on afterwards keeps the NaN of the labels. A mean divides by coordinates, or by "
            "nothing when there is no object; the sum over nothing is 0, with a gradient of 0."
        ),
        checks={"the value": _boxes_value, "its gradient": _boxes_gradient, "an image without objects": _boxes_empty},
        wrong={
            "mask afterwards": (
                "def box_loss(offsets, labels, has_object):\n"
                '    loss = F.smooth_l1_loss(offsets, labels, reduction="none").sum(1)\n'
                "    return (loss * has_object).sum() / len(offsets)"
            ),
            "NaN replaced too late": (
                "def box_loss(offsets, labels, has_object):\n"
                '    loss = F.smooth_l1_loss(offsets, labels, reduction="none").sum(1)\n'
                "    return loss.nan_to_num().sum() / len(offsets)"
            ),
            "mean of coordinates": (
                "def box_loss(offsets, labels, has_object):\n"
                "    return F.smooth_l1_loss(offsets[has_object], labels[has_object])"
            ),
            "over objects": (
                "def box_loss(offsets, labels, has_object):\n"
                '    total = F.smooth_l1_loss(offsets[has_object], labels[has_object], reduction="sum")\n'
                "    return total / has_object.sum()"
            ),
            "detached when empty": (
                "def box_loss(offsets, labels, has_object):\n    if not has_object.any():\n"
                "        return torch.zeros((), dtype=offsets.dtype)\n"
                '    total = F.smooth_l1_loss(offsets[has_object], labels[has_object], reduction="sum")\n'
                "    return total / len(offsets)"
            ),
        },
    ),
    "log_cosh": Exercise(
        title="A tip with all derivatives",
        stub="def log_cosh(error, beta):\n    return ...",
        nudge="cosh(z) is (exp(z) + exp(-z)) / 2. What is the logarithm of a sum of exponentials called?",
        sketch="torch has a function of two tensors for log(exp(a) + exp(b)) that takes the larger one out first.",
        solution=(
            "import math\n\n\ndef log_cosh(error, beta):\n    z = error / beta\n"
            "    return beta * (torch.logaddexp(z, -z) - math.log(2))"
        ),
        reason=(
            "cosh(90) is inf in float32, and so is its logarithm; the gradient becomes inf / inf. logaddexp takes "
            "exp(|z|) out of the sum: the only exponential left is exp(-2|z|), which is at most 1."
        ),
        checks={
            "the formula in float64": _log_cosh_value,
            "large errors in float32": _log_cosh_large,
            "its gradient": _log_cosh_gradient,
        },
        wrong={
            "textbook": "def log_cosh(error, beta):\n    return beta * (error / beta).cosh().log()",
            "clamped": "def log_cosh(error, beta):\n    return beta * (error / beta).clamp(-80, 80).cosh().log()",
            "without log 2": (
                "def log_cosh(error, beta):\n    z = error / beta\n    return beta * torch.logaddexp(z, -z)"
            ),
            "without beta": (
                "def log_cosh(error, beta):\n    z = error / beta\n    return torch.logaddexp(z, -z) - math.log(2)"
            ),
            "smooth L1": (
                "def log_cosh(error, beta):\n"
                '    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=beta, reduction="none")'
            ),
        },
    ),
}
