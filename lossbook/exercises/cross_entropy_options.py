"""Exercises of the chapter on the options of cross entropy."""

import math

import torch
from torch import Tensor

from ..functional import cross_entropy
from ._judge import Answer, Exercise, same


def _draw() -> tuple[Tensor, Tensor]:
    """Draw logits and indices of 10 to 14 samples of 4 to 6 classes."""
    batch, classes = int(torch.randint(10, 15, ())), int(torch.randint(4, 7, ()))
    return 2 * torch.randn(batch, classes, dtype=torch.double), torch.randint(classes, (batch,))


def _draw_weighted() -> tuple[Tensor, Tensor, Tensor]:
    logits, target = _draw()
    target[:3] = torch.tensor([0, -100, 1])
    return logits, target, torch.linspace(0.5, 9, logits.shape[1], dtype=torch.double)


def _parts_add_up(answer: Answer, *sizes: int) -> None:
    logits, target, weight = _draw_weighted()
    parts = torch.split(torch.arange(len(target)), [*sizes, len(target) - sum(sizes)])
    found = torch.stack([answer(logits[part], target[part], weight, target) for part in parts]).sum()
    same(found, cross_entropy(logits, target, weight=weight), f"{len(parts)} parts added up")


def _whole(answer: Answer) -> None:
    _parts_add_up(answer)


def _parts(answer: Answer) -> None:
    _parts_add_up(answer, 3)
    _parts_add_up(answer, 2, 6)


def _part_of_one(answer: Answer) -> None:
    _parts_add_up(answer, 1, 1)  # the second has nothing left


def _draw_masked() -> tuple[Tensor, Tensor, Tensor]:
    """Draw logits with one to three classes of each row at -inf, never the right one."""
    logits, target = _draw()
    classes = logits.shape[1]
    rows = torch.arange(len(target))
    for step in range(1, 4):
        closed = rows % 3 + 1 >= step
        logits[rows[closed], (target[closed] + step) % classes] = -math.inf
    return logits, target, logits > -math.inf


def _smoothed_target(target: Tensor, allowed: Tensor, epsilon: float) -> Tensor:
    spread = allowed.double() / allowed.sum(1, keepdim=True)
    return (1 - epsilon) * torch.nn.functional.one_hot(target, allowed.shape[1]).double() + epsilon * spread


def _nothing_masked(answer: Answer) -> None:
    logits, target = _draw()
    for epsilon in (0.0, 0.1, 0.5):
        expected = cross_entropy(logits, target, label_smoothing=epsilon)
        same(answer(logits, target, epsilon), expected, f"every class allowed, epsilon {epsilon}")


def _some_masked(answer: Answer) -> None:
    logits, target, allowed = _draw_masked()
    for epsilon in (0.0, 0.1, 0.5):
        expected = cross_entropy(logits, _smoothed_target(target, allowed, epsilon))
        same(answer(logits, target, epsilon), expected, f"one to three classes masked, epsilon {epsilon}")


def _masked_gradient(answer: Answer) -> None:
    logits, target, allowed = _draw_masked()
    expected = (logits.softmax(1) - _smoothed_target(target, allowed, 0.2)) / len(target)
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(answer(logits, target, 0.2), logits)
    same(gradient, expected, "gradient, one to three classes masked")


def _draw_soft() -> tuple[Tensor, Tensor, Tensor]:
    logits, index = _draw()
    target = (2 * torch.randn_like(logits)).softmax(1)
    keep = index != index[0]
    keep[:3] = torch.tensor([True, True, False])
    return logits, target, keep


def _masked_value(answer: Answer) -> None:
    logits, target, keep = _draw_soft()
    loss, count = answer(logits, target, keep)
    same(loss, cross_entropy(logits[keep], target[keep]), "the loss")
    assert int(count) == int(keep.sum()), f"expected a count of {int(keep.sum())}, got {int(count)}"


def _masked_nan(answer: Answer) -> None:
    logits, target, keep = _draw_soft()
    logits[2], target[2] = math.nan, math.nan
    logits.requires_grad_()
    loss, _ = answer(logits, target, keep)
    same(loss.detach(), cross_entropy(logits[keep], target[keep]).detach(), "NaN in a row left out")
    (gradient,) = torch.autograd.grad(loss, logits)
    expected = torch.zeros_like(gradient)
    expected[keep] = (logits.detach()[keep].softmax(1) - target[keep]) / keep.sum()
    same(gradient, expected, "gradient, NaN in a row left out")


def _nobody(answer: Answer) -> None:
    logits, target, keep = _draw_soft()
    logits.requires_grad_()
    loss, count = answer(logits, target, torch.zeros_like(keep))
    same(loss.detach(), torch.zeros((), dtype=torch.double), "no row left")
    assert int(count) == 0, f"no row left: expected a count of 0, got {int(count)}"
    assert loss.requires_grad, "no row left: the loss has no graph, so backward() would raise"
    (gradient,) = torch.autograd.grad(loss, logits)
    same(gradient, torch.zeros_like(gradient), "gradient, no row left")


EXERCISES = {
    "part": Exercise(
        title="One part of a weighted batch",
        stub="def part_loss(logits, target, weight, all_targets):\n    return ...",
        nudge="What does the mean of the whole batch divide by, and which of its samples enter that number?",
        sketch="The sum of this part's weighted losses, over the weights of all targets that are not -100.",
        solution=(
            "def part_loss(logits, target, weight, all_targets):\n"
            "    total = weight[all_targets[all_targets != -100]].sum()\n"
            '    return F.cross_entropy(logits, target, weight, reduction="sum") / total'
        ),
        reason=(
            "A mean of means gives each part the same say, however much weight it holds, and is NaN as soon as one "
            "part is empty. A sum over one divisor, known before the first backward pass, can be split anywhere."
        ),
        checks={
            "one part": _whole,
            "two and three parts": _parts,
            "a part of one, and one with nothing left": _part_of_one,
        },
        wrong={
            "mean of each part": (
                "def part_loss(logits, target, weight, all_targets):\n"
                "    return F.cross_entropy(logits, target, weight)"
            ),
            "mean, by its share of the samples": (
                "def part_loss(logits, target, weight, all_targets):\n"
                "    return F.cross_entropy(logits, target, weight) * len(target) / len(all_targets)"
            ),
            "divided by the samples": (
                "def part_loss(logits, target, weight, all_targets):\n"
                '    return F.cross_entropy(logits, target, weight, reduction="sum") / len(all_targets)'
            ),
            "divided by those not ignored": (
                "def part_loss(logits, target, weight, all_targets):\n    count = (all_targets != -100).sum()\n"
                '    return F.cross_entropy(logits, target, weight, reduction="sum") / count'
            ),
            "ignored samples counted as class 0": (
                "def part_loss(logits, target, weight, all_targets):\n"
                "    total = weight[all_targets.clamp(min=0)].sum()\n"
                '    return F.cross_entropy(logits, target, weight, reduction="sum") / total'
            ),
            "divided by its own weights": (
                "def part_loss(logits, target, weight, all_targets):\n"
                "    own = weight[target[target != -100]].sum().clamp(min=1)\n"
                '    return F.cross_entropy(logits, target, weight, reduction="sum") / own'
            ),
        },
    ),
    "allowed": Exercise(
        title="Smooth over the allowed classes",
        stub="def smoothed_cross_entropy(logits, target, epsilon):\n    return ...",
        nudge="Which log-probabilities may the even share touch, and by how many classes is it divided in each row?",
        sketch=(
            "Take log_softmax, put 0 where the logit is -inf, and mix the right class with the sum over the row, "
            "divided by the number of its allowed classes."
        ),
        solution=(
            "def smoothed_cross_entropy(logits, target, epsilon):\n"
            "    allowed = logits > -math.inf\n"
            "    log_p = logits.log_softmax(dim=1).masked_fill(~allowed, 0.0)\n"
            "    right = log_p.gather(1, target[:, None]).squeeze(1)\n"
            "    even = log_p.sum(dim=1) / allowed.sum(dim=1)\n"
            "    return -((1 - epsilon) * right + epsilon * even).mean()"
        ),
        reason=(
            "Asking a forbidden class for a share of the probability costs infinity. Multiplying its logarithm by 0 "
            "afterwards gives NaN, so the logarithm is replaced before anything touches it; and a sum over the allowed "
            "classes that is divided by all of them would smooth less than it says."
        ),
        checks={
            "every class allowed": _nothing_masked,
            "some classes masked": _some_masked,
            "the gradient": _masked_gradient,
        },
        wrong={
            "torch": (
                "def smoothed_cross_entropy(logits, target, epsilon):\n"
                "    return F.cross_entropy(logits, target, label_smoothing=epsilon)"
            ),
            "a large negative number": (
                "def smoothed_cross_entropy(logits, target, epsilon):\n"
                "    return F.cross_entropy(logits.clamp(min=-1e9), target, label_smoothing=epsilon)"
            ),
            "divided by all classes": (
                "def smoothed_cross_entropy(logits, target, epsilon):\n"
                "    log_p = logits.log_softmax(1).masked_fill(logits == -math.inf, 0)\n"
                "    right = log_p.gather(1, target[:, None]).squeeze(1)\n"
                "    return -((1 - epsilon) * right + epsilon * log_p.mean(1)).mean()"
            ),
            "multiplied by the mask": (
                "def smoothed_cross_entropy(logits, target, epsilon):\n    allowed = (logits > -math.inf).double()\n"
                "    log_p = logits.log_softmax(1)\n    right = log_p.gather(1, target[:, None]).squeeze(1)\n"
                "    even = (log_p * allowed).sum(1) / allowed.sum(1)\n"
                "    return -((1 - epsilon) * right + epsilon * even).mean()"
            ),
            "only the wrong classes": (
                "def smoothed_cross_entropy(logits, target, epsilon):\n    allowed = logits > -math.inf\n"
                "    log_p = logits.log_softmax(1).masked_fill(~allowed, 0)\n"
                "    right = log_p.gather(1, target[:, None]).squeeze(1)\n"
                "    even = (log_p.sum(1) - right) / (allowed.sum(1) - 1)\n"
                "    return -((1 - epsilon) * right + epsilon * even).mean()"
            ),
            "masked before the softmax": (
                "def smoothed_cross_entropy(logits, target, epsilon):\n    allowed = logits > -math.inf\n"
                "    log_p = logits.masked_fill(~allowed, 0).log_softmax(1) * allowed\n"
                "    right = log_p.gather(1, target[:, None]).squeeze(1)\n"
                "    even = log_p.sum(1) / allowed.sum(1)\n"
                "    return -((1 - epsilon) * right + epsilon * even).mean()"
            ),
        },
    ),
    "masked": Exercise(
        title="Soft labels with a mask and a count",
        stub="def masked_soft_loss(logits, target, keep):\n    return ...",
        nudge="What is NaN times 0, and what is the mean of no numbers?",
        sketch="Select the rows first, add up their losses, and divide by the count, or by 1 if there is none.",
        solution=(
            "def masked_soft_loss(logits, target, keep):\n"
            "    count = keep.sum()\n"
            "    log_p = logits[keep].log_softmax(dim=1)\n"
            "    total = -(target[keep] * log_p).sum()\n"
            "    return total / count.clamp(min=1), count"
        ),
        reason=(
            "NaN times 0 is NaN, so a mask that multiplies cannot remove anything. The sum over no rows is 0 and still "
            "hangs on the logits, so backward() works; the count goes with the loss, because a 0 from an empty batch "
            "and a 0 from a perfect one look alike."
        ),
        checks={"value and count": _masked_value, "NaN in what is left out": _masked_nan, "no row left": _nobody},
        wrong={
            "mean over every row": (
                "def masked_soft_loss(logits, target, keep):\n"
                '    each = F.cross_entropy(logits, target, reduction="none")\n'
                "    return (each * keep).mean(), keep.sum()"
            ),
            "multiplied by the mask": (
                "def masked_soft_loss(logits, target, keep):\n"
                '    each = F.cross_entropy(logits, target, reduction="none")\n'
                "    return (each * keep).sum() / keep.sum().clamp(min=1), keep.sum()"
            ),
            "where after the loss": (
                "def masked_soft_loss(logits, target, keep):\n"
                '    each = F.cross_entropy(logits, target, reduction="none")\n'
                "    return torch.where(keep, each, 0).sum() / keep.sum().clamp(min=1), keep.sum()"
            ),
            "mean of no rows": (
                "def masked_soft_loss(logits, target, keep):\n"
                "    return F.cross_entropy(logits[keep], target[keep]), keep.sum()"
            ),
            "0 without a graph": (
                "def masked_soft_loss(logits, target, keep):\n    if not keep.any():\n"
                "        return torch.zeros((), dtype=logits.dtype), keep.sum()\n"
                "    return F.cross_entropy(logits[keep], target[keep]), keep.sum()"
            ),
            "count of entries": (
                "def masked_soft_loss(logits, target, keep):\n"
                '    total = F.cross_entropy(logits[keep], target[keep], reduction="sum")\n'
                "    count = keep.sum() * logits.shape[1]\n    return total / count.clamp(min=1), count"
            ),
            "the clamped count": (
                "def masked_soft_loss(logits, target, keep):\n    count = keep.sum().clamp(min=1)\n"
                "    total = -(target[keep] * logits[keep].log_softmax(1)).sum()\n    return total / count, count"
            ),
        },
    ),
}
