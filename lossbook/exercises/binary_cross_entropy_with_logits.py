"""Exercises of the chapter on binary cross entropy with logits."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..functional import binary_cross_entropy_with_logits
from ._judge import Answer, Exercise, same


def _draw(scale: float) -> tuple[Tensor, Tensor]:
    """Draw logits and targets between 0 and 1, both ends included; no two sizes are equal."""
    batch, labels = (int(n) for n in torch.randperm(8)[:2] + 3)
    target = torch.rand(batch, labels, dtype=torch.double)
    target[0], target[1] = 0.0, 1.0
    return scale * torch.randn(batch, labels, dtype=torch.double), target


def _gradient_is(answer: Answer, scale: float, *, hard: bool) -> None:
    logits, target = _draw(scale)
    if hard:
        target = target.round()
    pos_weight = torch.rand(logits.shape[1], dtype=torch.double) * 9 + 0.5
    kept = logits.clone().requires_grad_()
    loss = binary_cross_entropy_with_logits(kept, target, pos_weight=pos_weight)
    (expected,) = torch.autograd.grad(loss, kept)
    with torch.no_grad():
        found = answer(logits, target, pos_weight)
    same(found, expected, f"logits of size {scale:g}")
    same(logits, kept.detach(), "your function changed its argument: logits")


def _gradient_hard(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        _gradient_is(answer, scale, hard=True)


def _gradient_soft(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0, 1e4):
        _gradient_is(answer, scale, hard=False)


def _unknown(answer: Answer, logits: Tensor, target: Tensor, where: str) -> None:
    known = target >= 0
    logits = logits.clone().requires_grad_()
    reference = logits.detach().clone().requires_grad_()
    expected = binary_cross_entropy_with_logits(reference, target.clamp(min=0), sample_weight=known)
    (wanted,) = torch.autograd.grad(expected, reference)
    value = answer(logits, target)
    same(value, expected, f"value, {where}")
    assert value.requires_grad, f"value, {where}: it has lost its graph, so nothing would train"
    (gradient,) = torch.autograd.grad(value, logits)
    same(gradient, wanted, f"gradient, {where}")


def _unknown_values(answer: Answer) -> None:
    for scale in (1.0, 10.0, 1e4):
        logits, target = _draw(scale)
        target = target.round()
        target[2, 1:] = -1.0
        _unknown(answer, logits, target, f"logits of size {scale:g}")


def _unknown_nan(answer: Answer) -> None:
    logits, target = _draw(2.0)
    target = target.round()
    target[:, 0] = -1.0
    for rubbish in (math.nan, math.inf, -math.inf):
        logits[:, 0] = rubbish
        _unknown(answer, logits, target, f"{rubbish} where the label is unknown")


def _unknown_infinite(answer: Answer) -> None:
    logits, target = _draw(2.0)
    target = target.round()
    logits[0, 0], logits[1, 0] = -math.inf, math.inf  # row 0 is all no, row 1 all yes
    _unknown(answer, logits, target, "an infinite logit that is right")


def _thinned(answer: Answer, logits: Tensor, where: str) -> None:
    kept = float(torch.rand(())) * 0.3 + 0.01
    logits = logits.clone().requires_grad_()
    value = answer(logits, kept)
    same(value.detach() if isinstance(value, Tensor) else value, F.logsigmoid(logits.detach() + math.log(kept)), where)
    assert value.requires_grad, f"{where}: the value has lost its graph"
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    same(gradient, torch.sigmoid(-logits.detach() - math.log(kept)), f"gradient, {where}")


def _thinned_usual(answer: Answer) -> None:
    for shape in ((7,), (3, 4)):
        _thinned(answer, 2 * torch.randn(shape, dtype=torch.double), f"logits of shape {shape}")


def _thinned_large(answer: Answer) -> None:
    for size in (50.0, 800.0, 1e4):
        _thinned(answer, torch.tensor([-size, size], dtype=torch.double), f"logits of -{size:g} and {size:g}")


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def logit_gradient(logits, target, pos_weight):\n    return ...",
        nudge="Write the loss as two terms, -w t log p and -(1 - t) log(1 - p). What is the slope of each in z?",
        sketch=(
            "The slope of -log p is p - 1, that of -log(1 - p) is p. Weigh the first by w t, the second by 1 - t, add, "
            "and divide by what the mean divides by."
        ),
        solution=(
            "def logit_gradient(logits, target, pos_weight):\n"
            "    p = logits.sigmoid()\n"
            "    pull = (1 - target) * p - pos_weight * target * (1 - p)\n"
            "    return pull / logits.numel()"
        ),
        reason=(
            "For targets of 0 and 1 a factor on p - t where t is 1 would do, but a soft target has a share on both "
            "sides, and only its share of yes is weighed. The mean divides by samples times labels, and pos_weight "
            "does not change that."
        ),
        checks={"targets 0 and 1": _gradient_hard, "targets between 0 and 1": _gradient_soft},
        wrong={
            "weight on the whole entry": (
                "def logit_gradient(logits, target, pos_weight):\n"
                "    return pos_weight * (logits.sigmoid() - target) / logits.numel()"
            ),
            "right for 0 and 1 only": (
                "def logit_gradient(logits, target, pos_weight):\n"
                "    factor = torch.where(target > 0.5, pos_weight, 1.0)\n"
                "    return factor * (logits.sigmoid() - target) / logits.numel()"
            ),
            "no weight": (
                "def logit_gradient(logits, target, pos_weight):\n"
                "    return (logits.sigmoid() - target) / logits.numel()"
            ),
            "divided by the samples": (
                "def logit_gradient(logits, target, pos_weight):\n    p = logits.sigmoid()\n"
                "    return ((1 - target) * p - pos_weight * target * (1 - p)) / len(logits)"
            ),
            "divided by the weights": (
                "def logit_gradient(logits, target, pos_weight):\n    p = logits.sigmoid()\n"
                "    total = (1 - target + pos_weight * target).sum()\n"
                "    return ((1 - target) * p - pos_weight * target * (1 - p)) / total"
            ),
            "of the sum": (
                "def logit_gradient(logits, target, pos_weight):\n    p = logits.sigmoid()\n"
                "    return (1 - target) * p - pos_weight * target * (1 - p)"
            ),
            "through the probability": (
                "def logit_gradient(logits, target, pos_weight):\n    p = logits.sigmoid()\n"
                "    slope = (1 - target) / (1 - p) - pos_weight * target / p\n"
                "    return slope * p * (1 - p) / logits.numel()"
            ),
        },
    ),
    "unknown": Exercise(
        title="Unknown labels, infinite logits",
        stub="def known_loss(logits, target):\n    return ...",
        nudge="What is NaN times 0, and what is infinity minus infinity? Can you avoid having either?",
        sketch=(
            "Keep the known entries by indexing, not by multiplying. Turn the sign of the logit where the answer is "
            "no; the loss of what happened is then one function of one number."
        ),
        solution=(
            "def known_loss(logits, target):\n"
            "    known = target >= 0\n"
            "    z, t = logits[known], target[known]\n"
            "    return -F.logsigmoid(torch.where(t == 1, z, -z)).mean()"
        ),
        reason=(
            "A mask that multiplies keeps a NaN, and the gradient of a masked NaN is NaN too: entries have to be taken "
            "out before anything is computed. With the sign of the label in the logit, nothing is subtracted, so an "
            "infinite logit of the right sign costs exactly 0."
        ),
        checks={
            "values and gradients": _unknown_values,
            "rubbish where the label is unknown": _unknown_nan,
            "infinite logits": _unknown_infinite,
        },
        wrong={
            "times the mask": (
                "def known_loss(logits, target):\n    known = target >= 0\n"
                "    loss = F.softplus(torch.where(target == 1, -logits, logits))\n"
                "    return (loss * known).sum() / known.sum()"
            ),
            "the value masked, not the gradient": (
                "def known_loss(logits, target):\n    known = target >= 0\n"
                "    loss = (1 + torch.where(target == 1, -logits, logits).exp()).log()\n"
                "    return torch.where(known, loss, 0.0).sum() / known.sum()"
            ),
            "mean over all entries": (
                "def known_loss(logits, target):\n    known = target >= 0\n    z, t = logits[known], target[known]\n"
                "    return -F.logsigmoid(torch.where(t == 1, z, -z)).sum() / target.numel()"
            ),
            "unknown counts as no": (
                "def known_loss(logits, target):\n"
                "    return -F.logsigmoid(torch.where(target == 1, logits, -logits)).mean()"
            ),
            "torch's loss of the known": (
                "def known_loss(logits, target):\n    known = target >= 0\n"
                "    return F.binary_cross_entropy_with_logits(logits[known], target[known])"
            ),
            "infinity clamped at 100": (
                "def known_loss(logits, target):\n    known = target >= 0\n    z = logits[known].clamp(-100, 100)\n"
                "    return F.binary_cross_entropy_with_logits(z, target[known])"
            ),
            "torch's loss of probabilities": (
                "def known_loss(logits, target):\n    known = target >= 0\n"
                "    return F.binary_cross_entropy(logits[known].sigmoid(), target[known])"
            ),
        },
    ),
    "thinned": Exercise(
        title="Undo the thinning",
        stub="def honest_log_probability(logits, kept):\n    return ...",
        nudge="Odds are positives per negative. What does keeping a share of the negatives do to them, and to their "
        "logarithm?",
        sketch="The odds in the thinned data are too high by 1 / kept. Mend the logit, then stay in the logarithm.",
        solution="def honest_log_probability(logits, kept):\n    return F.logsigmoid(logits + math.log(kept))",
        reason=(
            "In the logit the correction is one sum. Through the probability it is p / (p + (1 - p) / kept), which is "
            "right until p rounds to 0 or 1: its logarithm is then minus infinity or exactly 0, and its gradient gone."
        ),
        checks={"logits of usual size": _thinned_usual, "large logits": _thinned_large},
        wrong={
            "not mended": "def honest_log_probability(logits, kept):\n    return F.logsigmoid(logits)",
            "the wrong way": (
                "def honest_log_probability(logits, kept):\n    return F.logsigmoid(logits - math.log(kept))"
            ),
            "the probability scaled": (
                "def honest_log_probability(logits, kept):\n    return (kept * logits.sigmoid()).log()"
            ),
            "the logit scaled": "def honest_log_probability(logits, kept):\n    return F.logsigmoid(kept * logits)",
            "through the probability": (
                "def honest_log_probability(logits, kept):\n"
                "    p = logits.sigmoid()\n    return (p / (p + (1 - p) / kept)).log()"
            ),
            "a log of a sigmoid": (
                "def honest_log_probability(logits, kept):\n    return (logits + math.log(kept)).sigmoid().log()"
            ),
            "the probability itself": (
                "def honest_log_probability(logits, kept):\n    return (logits + math.log(kept)).sigmoid()"
            ),
        },
    ),
}
