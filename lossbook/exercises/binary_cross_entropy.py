"""Exercises of the chapter on binary cross entropy."""

import torch
from torch import Tensor

from ..functional import binary_cross_entropy, binary_cross_entropy_with_logits
from ._judge import Answer, Exercise, same


def _gradient(answer: Answer, p: Tensor, target: Tensor, where: str) -> None:
    kept = p.clone().requires_grad_()
    (expected,) = torch.autograd.grad(binary_cross_entropy(kept, target), kept)
    with torch.no_grad():
        found = answer(p, target)
    same(found, expected, where)
    same(p, kept.detach(), "your function changed its argument: p")


def _gradient_usual(answer: Answer) -> None:
    for shape in ((7,), (3, 4)):
        p = torch.rand(shape, dtype=torch.double) * 0.98 + 0.01
        _gradient(answer, p, torch.rand_like(p), f"shape {shape}")
        _gradient(answer, p, torch.rand_like(p).round(), f"shape {shape}, targets 0 and 1")


def _gradient_small(answer: Answer) -> None:
    for size in (1e-6, 1e-14, 1e-30):
        p = size * (torch.rand(5, dtype=torch.double) + 0.5)
        _gradient(answer, p, torch.ones_like(p), f"p around {size:g}, target 1")
        _gradient(answer, p, torch.zeros_like(p), f"p around {size:g}, target 0")


def _soft(*shape: int) -> Tensor:
    """Targets of which the first row is 0 and the second 1."""
    target = torch.rand(shape, dtype=torch.double)
    target[0], target[1] = 0.0, 1.0
    return target


def _entropy(target: Tensor) -> Tensor:
    entropy: Tensor = torch.special.entr(target) + torch.special.entr(1 - target)
    return entropy.mean()


def _excess_value(answer: Answer) -> None:
    for scale in (0.1, 3.0, 1e4):
        target = _soft(5, 4)
        logits = scale * torch.randn_like(target)
        expected = binary_cross_entropy_with_logits(logits, target) - _entropy(target)
        same(answer(logits, target), expected, f"logits of size {scale:g}")


def _excess_at_best(answer: Answer) -> None:
    target = torch.rand(4, 3, dtype=torch.double) * 0.98 + 0.01
    same(answer(target.logit(), target), torch.zeros((), dtype=torch.double), "a perfect model")


def _excess_gradient(answer: Answer) -> None:
    target = _soft(5, 4)
    logits = (3 * torch.randn_like(target)).requires_grad_()
    value = answer(logits, target)
    assert isinstance(value, Tensor), f"expected a tensor, got {type(value).__name__}"
    assert value.requires_grad, "the value has lost its graph, so nothing would train"
    (gradient,) = torch.autograd.grad(value, logits)
    same(gradient, (logits.detach().sigmoid() - target) / target.numel(), "gradient")


def _mixture(answer: Answer, logits: Tensor, gate: Tensor, target: Tensor, where: str) -> None:
    gate_of_each = gate.log_softmax(1)
    inputs = [logits.clone().requires_grad_(), gate_of_each.clone().requires_grad_()]
    log_yes, log_no = (
        (inputs[1].log_softmax(1) + torch.nn.functional.logsigmoid(sign * inputs[0])).logsumexp(1) for sign in (1, -1)
    )
    expected = -(target * log_yes + (1 - target) * log_no).mean()
    wanted = torch.autograd.grad(expected, inputs)
    value = answer(*inputs, target)
    same(value, expected, f"value, {where}")
    assert value.requires_grad, f"{where}: the value has lost its graph, so nothing would train"
    for name, found, right in zip(("logits", "gate"), torch.autograd.grad(value, inputs), wanted, strict=True):
        same(found, right, f"gradient of the {name}, {where}")


def _mixture_usual(answer: Answer) -> None:
    for hard in (True, False):
        batch, experts = (int(n) for n in torch.randperm(6)[:2] + 3)
        logits = 2 * torch.randn(batch, experts, dtype=torch.double)
        target = torch.rand(batch, dtype=torch.double)
        _mixture(answer, logits, torch.randn_like(logits), target.round() if hard else target, "logits of usual size")


def _mixture_large(answer: Answer) -> None:
    for size in (60.0, 1e3, 1e4):
        for label in (0.0, 1.0):
            target = torch.full((4,), label, dtype=torch.double)
            side = 1.0 if label == 0 else -1.0  # all experts sure, all of them wrong
            logits = side * size * (1 + torch.rand(4, 3, dtype=torch.double))
            _mixture(answer, logits, torch.randn_like(logits), target, f"experts sure and wrong by {size:g}")


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def probability_gradient(p, target):\n    return ...",
        nudge="Bring the two terms to one denominator. What is left above it?",
        sketch="The difference of p and target, over p (1 - p), divided by what the mean divides by.",
        solution="def probability_gradient(p, target):\n    return (p - target) / (p * (1 - p)) / p.numel()",
        reason=(
            "At p = 1e-30 the true gradient is -1e30, and a sigmoid before it needs every digit of that: its own slope "
            "is 1e-30, and the product is -1. A floor under the denominator, or a clamp of p, makes the product "
            "nearly 0."
        ),
        checks={"probabilities from 0.01 to 0.99": _gradient_usual, "small probabilities": _gradient_small},
        wrong={
            "of the logit": "def probability_gradient(p, target):\n    return (p - target) / p.numel()",
            "sign": "def probability_gradient(p, target):\n    return (target - p) / (p * (1 - p)) / p.numel()",
            "of the sum": "def probability_gradient(p, target):\n    return (p - target) / (p * (1 - p))",
            "divided by the rows": (
                "def probability_gradient(p, target):\n    return (p - target) / (p * (1 - p)) / len(p)"
            ),
            "a floor under the denominator": (
                "def probability_gradient(p, target):\n"
                "    return (p - target) / (p * (1 - p)).clamp(min=1e-12) / p.numel()"
            ),
            "p clamped": (
                "def probability_gradient(p, target):\n    p = p.clamp(1e-7, 1 - 1e-7)\n"
                "    return (p - target) / (p * (1 - p)) / p.numel()"
            ),
            "the yes part only": "def probability_gradient(p, target):\n    return -target / p / p.numel()",
        },
    ),
    "excess": Exercise(
        title="Above the floor",
        stub="def above_the_floor(logits, target):\n    return ...",
        nudge="The entropy has two terms. What is 0 log 0, and what does the computer make of it?",
        sketch=(
            "The loss of logits, minus the mean over all entries of the entropy; torch.special has a function for "
            "-x log x that is right at 0."
        ),
        solution=(
            "def above_the_floor(logits, target):\n"
            "    entropy = torch.special.entr(target) + torch.special.entr(1 - target)\n"
            "    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()"
        ),
        reason=(
            "target.log() is minus infinity for a target of 0, and 0 times that is NaN. The entropy does not depend on "
            "the logits, so the gradient is that of the loss."
        ),
        checks={
            "several sizes of logits": _excess_value,
            "a perfect model": _excess_at_best,
            "gradient": _excess_gradient,
        },
        wrong={
            "0 log 0 is NaN": (
                "def above_the_floor(logits, target):\n"
                "    entropy = -(target * target.log() + (1 - target) * (1 - target).log())\n"
                "    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()"
            ),
            "half of the entropy": (
                "def above_the_floor(logits, target):\n"
                "    entropy = torch.special.entr(target)\n"
                "    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()"
            ),
            "the loss as it is": (
                "def above_the_floor(logits, target):\n    return F.binary_cross_entropy_with_logits(logits, target)"
            ),
            "sums": (
                "def above_the_floor(logits, target):\n"
                "    entropy = torch.special.entr(target) + torch.special.entr(1 - target)\n"
                '    return F.binary_cross_entropy_with_logits(logits, target, reduction="sum") - entropy.sum()'
            ),
            "through the probability": (
                "def above_the_floor(logits, target):\n"
                "    entropy = torch.special.entr(target) + torch.special.entr(1 - target)\n"
                "    return F.binary_cross_entropy(logits.sigmoid(), target) - entropy.mean()"
            ),
            "the entropy of the model": (
                "def above_the_floor(logits, target):\n    p = logits.sigmoid()\n"
                "    entropy = torch.special.entr(p) + torch.special.entr(1 - p)\n"
                "    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()"
            ),
        },
    ),
    "mixture": Exercise(
        title="A mixture of experts",
        stub="def mixture_loss(logits, gate, target):\n    return ...",
        nudge="A weighed sum of probabilities is a sum of exponentials of what?",
        sketch=(
            "The logarithm of each gate weight plus that of each expert's yes, and log-sum-exp over the experts, is "
            "the logarithm of the yes. Do the same for the no, with the sign of the logits turned."
        ),
        solution=(
            "def mixture_loss(logits, gate, target):\n"
            "    trust = gate.log_softmax(dim=1)\n"
            "    log_yes = (trust + F.logsigmoid(logits)).logsumexp(dim=1)\n"
            "    log_no = (trust + F.logsigmoid(-logits)).logsumexp(dim=1)\n"
            "    return -(target * log_yes + (1 - target) * log_no).mean()"
        ),
        reason=(
            "The probability of the mixture rounds to 0 or 1 as soon as all experts are sure, and then neither they "
            "nor the gate learn. Averaging the logits, or the losses, is another model: the average of probabilities "
            "is a yes as soon as one trusted expert says so."
        ),
        checks={"logits of usual size": _mixture_usual, "experts sure and wrong": _mixture_large},
        wrong={
            "through the probability": (
                "def mixture_loss(logits, gate, target):\n"
                "    p = (gate.softmax(1) * logits.sigmoid()).sum(1)\n"
                "    return F.binary_cross_entropy(p, target)"
            ),
            "logits averaged": (
                "def mixture_loss(logits, gate, target):\n"
                "    return F.binary_cross_entropy_with_logits((gate.softmax(1) * logits).sum(1), target)"
            ),
            "losses averaged": (
                "def mixture_loss(logits, gate, target):\n"
                "    losses = F.binary_cross_entropy_with_logits(\n"
                '        logits, target[:, None].expand_as(logits), reduction="none"\n    )\n'
                "    return (gate.softmax(1) * losses).sum(1).mean()"
            ),
            "gate not normalised": (
                "def mixture_loss(logits, gate, target):\n"
                "    log_yes = (gate + F.logsigmoid(logits)).logsumexp(1)\n"
                "    log_no = (gate + F.logsigmoid(-logits)).logsumexp(1)\n"
                "    return -(target * log_yes + (1 - target) * log_no).mean()"
            ),
            "gate over the batch": (
                "def mixture_loss(logits, gate, target):\n    trust = gate.log_softmax(0)\n"
                "    log_yes = (trust + F.logsigmoid(logits)).logsumexp(1)\n"
                "    log_no = (trust + F.logsigmoid(-logits)).logsumexp(1)\n"
                "    return -(target * log_yes + (1 - target) * log_no).mean()"
            ),
            "a small number in the logarithm": (
                "def mixture_loss(logits, gate, target):\n    p = (gate.softmax(1) * logits.sigmoid()).sum(1)\n"
                "    return -(target * (p + 1e-8).log() + (1 - target) * (1 - p + 1e-8).log()).mean()"
            ),
        },
    ),
}
