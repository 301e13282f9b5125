"""Exercises of the chapter on reductions, weights and masks."""

import torch
from torch import Tensor

from ..functional import cross_entropy, mse_loss, nll_loss
from ._judge import Answer, Exercise, same


def _masked(shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Draw predictions, targets and a mask with something on both sides; all but the mask are NaN under it."""
    mask = torch.rand(shape) < 0.6
    mask.view(-1)[0], mask.view(-1)[1] = True, False
    input, target = torch.randn(2, *shape, dtype=torch.double).masked_fill(~mask, torch.nan)
    return input.requires_grad_(), target, mask


def _masked_value(answer: Answer) -> None:
    for size in (7, 30):
        input, target, mask = _masked((size, 3))
        same(answer(input, target, mask), mse_loss(input[mask], target[mask]), f"{size} rows with gaps")


def _masked_gradient(answer: Answer) -> None:
    input, target, mask = _masked((20,))
    (gradient,) = torch.autograd.grad(answer(input, target, mask), input)
    expected = torch.zeros_like(input).masked_scatter(mask, 2 * (input - target)[mask] / mask.sum())
    same(gradient, expected.detach(), "gradient with NaN under the mask")


def _masked_nothing(answer: Answer) -> None:
    input = torch.full((4,), torch.nan, dtype=torch.double, requires_grad=True)
    value = answer(input, input.detach(), torch.zeros(4, dtype=torch.bool))
    same(value, torch.zeros((), dtype=torch.double), "nothing left")
    (gradient,) = torch.autograd.grad(value, input)
    same(gradient, torch.zeros(4, dtype=torch.double), "gradient with nothing left")


def _parts(sizes: list[int]) -> tuple[list[Tensor], list[Tensor]]:
    logits = [torch.randn(size, 5, dtype=torch.double) * 3 for size in sizes]
    targets = [torch.randint(5, (size,)) for size in sizes]
    for target in targets[1:]:
        target[1:] = target[1:].masked_fill(torch.rand(len(target) - 1) < 0.5, -100)
    return logits, targets


def _parts_agree(answer: Answer, logits: list[Tensor], targets: list[Tensor], where: str) -> None:
    whole, apart = torch.cat(logits).requires_grad_(), [part.clone().requires_grad_() for part in logits]
    expected = cross_entropy(whole, torch.cat(targets))
    losses = answer(apart, targets)
    assert isinstance(losses, list | tuple), f"{where}: expected a list of losses, got {type(losses).__name__}"
    assert len(losses) == len(logits), f"{where}: expected {len(logits)} losses, got {len(losses)}"
    total = torch.stack(list(losses)).sum()
    same(total, expected, f"{where}: the sum")
    (wanted,) = torch.autograd.grad(expected, whole)
    same(torch.cat(torch.autograd.grad(total, apart)), wanted, f"{where}: the gradient")


def _parts_unequal(answer: Answer) -> None:
    _parts_agree(answer, *_parts([40, 8, 3]), "parts of 40, 8 and 3")


def _parts_ignored(answer: Answer) -> None:
    logits, targets = _parts([6, 6, 6, 6])
    targets[2] = torch.full((6,), -100)
    _parts_agree(answer, logits, targets, "a part with nothing but -100")


def _weighted_draw() -> tuple[Tensor, Tensor, Tensor]:
    log_probs = torch.randn(20, 4, dtype=torch.double).log_softmax(1)
    target = torch.randint(4, (20,))
    target[:3] = torch.tensor([-100, 0, 3])
    return log_probs, target, torch.tensor([0.5, 1.0, 2.0, 8.0], dtype=torch.double)


def _weighted_value(answer: Answer) -> None:
    for _ in range(3):
        log_probs, target, weight = _weighted_draw()
        same(answer(log_probs, target, weight), nll_loss(log_probs, target, weight=weight), "20 samples, 4 classes")


def _weighted_one(answer: Answer) -> None:
    log_probs, target, weight = _weighted_draw()
    same(answer(log_probs[1:2], target[1:2], weight), nll_loss(log_probs[1:2], target[1:2]), "a batch of one")


def _weighted_gradient(answer: Answer) -> None:
    log_probs, target, weight = _weighted_draw()
    log_probs.requires_grad_()
    (expected,) = torch.autograd.grad(nll_loss(log_probs, target, weight=weight), log_probs)
    (gradient,) = torch.autograd.grad(answer(log_probs, target, weight), log_probs)
    same(gradient, expected, "gradient")


EXERCISES = {
    "masked": Exercise(
        title="A masked mean by hand",
        stub="def masked_mse(input, target, mask):\n    return ...",
        nudge="Which operation may see a NaN without passing it on, forwards and backwards?",
        sketch="Fill the error with 0 before it is squared, add up, and divide by the count, which is at least 1.",
        solution=(
            "def masked_mse(input, target, mask):\n"
            "    error = (input - target).masked_fill(~mask, 0.0)\n"
            "    return error.square().sum() / mask.sum().clamp(min=1)"
        ),
        reason=(
            "Times 0 keeps a NaN, and so does a where after the square: its backward multiplies 2 * NaN by 0. "
            "Filled before the square, the NaN is gone when the slope is taken. Indexing by the mask works too, except "
            "that its mean of nothing is NaN."
        ),
        checks={"the value": _masked_value, "its gradient": _masked_gradient, "nothing left": _masked_nothing},
        wrong={
            "mask after": (
                "def masked_mse(input, target, mask):\n"
                "    return ((input - target).square() * mask).sum() / mask.sum().clamp(min=1)"
            ),
            "where after": (
                "def masked_mse(input, target, mask):\n"
                "    each = torch.where(mask, (input - target).square(), 0.0)\n"
                "    return each.sum() / mask.sum().clamp(min=1)"
            ),
            "divides by all": (
                "def masked_mse(input, target, mask):\n"
                "    return (input - target).masked_fill(~mask, 0.0).square().mean()"
            ),
            "mean of nothing": (
                "def masked_mse(input, target, mask):\n    return (input[mask] - target[mask]).square().mean()"
            ),
            "nan to zero": (
                "def masked_mse(input, target, mask):\n"
                "    each = (input - target).square().nan_to_num(0.0) * mask\n"
                "    return each.sum() / mask.sum().clamp(min=1)"
            ),
        },
    ),
    "parts": Exercise(
        title="Parts that add up",
        stub="def part_losses(logits, targets):\n    return ...",
        nudge="What does cross entropy over all parts divide by, and what do you divide each part by?",
        sketch="Count the targets that are not -100 in all parts first; then each part is a sum divided by that count.",
        solution=(
            "def part_losses(logits, targets):\n"
            "    count = sum((target != -100).sum() for target in targets)\n"
            "    return [F.cross_entropy(x, y, reduction='sum') / count for x, y in zip(logits, targets)]"
        ),
        reason=(
            "A mean for each part gives the tokens of short parts more weight, and is NaN for a part without targets. "
            "The sum of nothing is 0, so with one count for all parts neither happens. In lossbook: normalizer=count."
        ),
        checks={"parts of unequal size": _parts_unequal, "a part without targets": _parts_ignored},
        wrong={
            "mean of means": (
                "def part_losses(logits, targets):\n"
                "    return [F.cross_entropy(x, y) / len(logits) for x, y in zip(logits, targets)]"
            ),
            "counts the ignored": (
                "def part_losses(logits, targets):\n"
                "    count = sum(len(target) for target in targets)\n"
                "    return [F.cross_entropy(x, y, reduction='sum') / count for x, y in zip(logits, targets)]"
            ),
            "weighted means": (
                "def part_losses(logits, targets):\n"
                "    count = sum((target != -100).sum() for target in targets)\n"
                "    return [F.cross_entropy(x, y) * (y != -100).sum() / count for x, y in zip(logits, targets)]"
            ),
            "sums": (
                "def part_losses(logits, targets):\n"
                "    return [F.cross_entropy(x, y, reduction='sum') for x, y in zip(logits, targets)]"
            ),
        },
    ),
    "weighted": Exercise(
        title="The weighted mean",
        stub="def weighted_nll(log_probs, target, weight):\n    return ...",
        nudge="What should a sample with weight 2 do to the divisor, and what an ignored one?",
        sketch="Drop the ignored rows first. Then pick one log-probability and one weight for each target.",
        solution=(
            "def weighted_nll(log_probs, target, weight):\n"
            "    keep = target != -100\n"
            "    log_probs, target = log_probs[keep], target[keep]\n"
            "    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)\n"
            "    return -(weight[target] * picked).sum() / weight[target].sum()"
        ),
        reason=(
            "The divisor is the sum of the weights of the targets that are there, so a batch of one is not weighted at "
            "all. An index of -100 wraps around in gather or raises: drop such rows before you look anything up."
        ),
        checks={"the value": _weighted_value, "a batch of one": _weighted_one, "its gradient": _weighted_gradient},
        wrong={
            "divides by the count": (
                "def weighted_nll(log_probs, target, weight):\n"
                "    keep = target != -100\n"
                "    log_probs, target = log_probs[keep], target[keep]\n"
                "    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)\n"
                "    return -(weight[target] * picked).mean()"
            ),
            "sum of all weights": (
                "def weighted_nll(log_probs, target, weight):\n"
                "    keep = target != -100\n"
                "    log_probs, target = log_probs[keep], target[keep]\n"
                "    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)\n"
                "    return -(weight[target] * picked).sum() / weight.sum()"
            ),
            "ignored ones as class 0": (
                "def weighted_nll(log_probs, target, weight):\n"
                "    target = target.clamp(min=0)\n"
                "    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)\n"
                "    return -(weight[target] * picked).sum() / weight[target].sum()"
            ),
            "no weights": ("def weighted_nll(log_probs, target, weight):\n    return F.nll_loss(log_probs, target)"),
        },
    ),
}
