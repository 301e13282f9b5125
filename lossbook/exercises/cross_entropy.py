"""Exercises of the cross entropy chapter."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..functional import cross_entropy
from ._judge import Answer, Exercise, same


def _draw(scale: float) -> tuple[Tensor, Tensor]:
    """Draw logits and indices of a fresh number of samples and classes; no two sizes are equal."""
    batch, classes = (int(n) for n in torch.randperm(9)[:2] + 3)
    return scale * torch.randn(batch, classes, dtype=torch.double), torch.randint(classes, (batch,))


def _by_autograd(logits: Tensor, target: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(logits, target), logits)
    return gradient


def _gradient_at_scales(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        logits, target = _draw(scale)
        kept = logits.clone()
        with torch.no_grad():
            found = answer(logits, target)
        same(found, _by_autograd(kept, target), f"logits of size {scale:g}")
        same(logits, kept, "your function changed its argument: logits")


def _gradient_of_large(answer: Answer) -> None:
    logits, target = _draw(1e4)
    with torch.no_grad():
        found = answer(logits, target)
    same(found, _by_autograd(logits, target), "logits of size 10 000")


def _soft(logits: Tensor) -> Tensor:
    return (2 * torch.randn_like(logits)).softmax(dim=1)


def _soft_value(answer: Answer) -> None:
    for scale in (1.0, 10.0):
        logits, _ = _draw(scale)
        target = _soft(logits)
        same(answer(logits, target), cross_entropy(logits, target), f"float64, logits of size {scale:g}")


def _soft_gradient(answer: Answer) -> None:
    logits, _ = _draw(2.0)
    target = _soft(logits)
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(answer(logits, target), logits)
    same(gradient, (logits.detach().softmax(dim=1) - target) / len(logits), "gradient, float64")


def _soft_large(answer: Answer) -> None:
    for offset in (1e4, -1e4):
        logits = torch.tensor([[0.0, 0.0, 0.0], [-2e4, -500.0, -500.0]]) + offset
        target = torch.tensor([[0.2, 0.3, 0.5], [0.5, 0.25, 0.25]])
        expected = torch.tensor([math.log(3), 9750 + math.log(2)])
        for row, exact in enumerate(expected):
            found = answer(logits[row : row + 1], target[row : row + 1])
            off = abs(found.item() / exact.item() - 1)
            assert off < 1e-6, f"float32 logits {logits[row].tolist()}: expected {exact:.4f}, got {found.item():.4f}"
        together = answer(logits, target).item()
        assert abs(together / expected.mean().item() - 1) < 1e-6, f"both rows at once: got {together:.4f}"


def _soft_masked(answer: Answer) -> None:
    logits, _ = _draw(2.0)
    logits[:, 0] = -math.inf
    target = torch.cat([torch.zeros_like(logits[:, :1]), _soft(logits[:, 1:])], dim=1)
    logits.requires_grad_()
    value = answer(logits, target)
    same(value, cross_entropy(logits.detach(), target), "a masked class")
    (gradient,) = torch.autograd.grad(value, logits)
    same(gradient, (logits.detach().softmax(dim=1) - target) / len(logits), "gradient with a masked class")
    impossible = answer(logits[:1].detach(), torch.eye(logits.shape[1], dtype=torch.double)[:1]).item()
    assert impossible == math.inf, f"a target of 1 on a masked class: expected inf, got {impossible:.4g}"


def _soft_half(answer: Answer) -> None:
    worst = 0.0
    for _ in range(10):  # one draw may round to the right value by chance
        logits = (4 * torch.randn(20, 50)).bfloat16()
        target = _soft(logits.float())
        found = answer(logits, target)
        assert found.dtype == torch.float32, f"bfloat16 logits: expected a float32 loss, got {found.dtype}"
        exact = cross_entropy(logits.double(), target.double()).item()
        worst = max(worst, abs(found.item() / exact - 1))
    assert worst < 1e-5, f"bfloat16 logits: relative error {worst:.2g}, so something was computed in bfloat16"


def _model(depth: int, scale: float) -> nn.Sequential:
    sizes = [5] * depth + [4]
    *layers, last = (nn.Linear(a, b) for a, b in pairwise(sizes))
    with torch.no_grad():
        last.weight.mul_(scale)
    hidden = (module for layer in layers for module in (layer, nn.Tanh()))
    return nn.Sequential(*hidden, last, nn.Softmax(dim=1)).double()


def _meant(answer: Answer, depth: int, scale: float) -> None:
    model = _model(depth, scale)
    inputs, target = torch.randn(12, 5, dtype=torch.double), torch.arange(12) % 4
    layers = list(model)
    logits = inputs
    for layer in layers[:-1]:
        logits = layer(logits)
    parameters = list(model.parameters())
    expected = cross_entropy(logits, target)
    value = answer(model, inputs, target)
    same(value, expected, f"value, {depth} linear layers")
    assert value.requires_grad, "the value has lost its graph: nothing would train"
    assert list(model) == layers, "the module is theirs: it must keep its layers"
    for wanted, found in zip(
        torch.autograd.grad(expected, parameters),
        torch.autograd.grad(value, parameters, allow_unused=True),
        strict=True,
    ):
        assert found is not None, "a weight of the network gets no gradient"
        same(found, wanted, f"gradient of the weights, {depth} linear layers")


def _bug_depths(answer: Answer) -> None:
    for depth in (1, 2, 3):
        _meant(answer, depth, scale=1.0)


def _bug_sure(answer: Answer) -> None:
    _meant(answer, depth=2, scale=1e4)


EXERCISES = {
    "gradient": Exercise(
        title="The gradient by hand",
        stub="def logit_gradient(logits, target):\n    return ...",
        nudge="For one sample it is p - q. What is q for an index, and what does the mean do to it?",
        sketch="Softmax over dimension 1, minus a one-hot of the target, divided by the number of samples.",
        solution=(
            "def logit_gradient(logits, target):\n"
            "    p = logits.softmax(dim=1)\n"
            "    q = F.one_hot(target, logits.shape[1])\n"
            "    return (p - q) / len(logits)"
        ),
        reason=(
            "The mean divides by N, so the gradient does too; forgetting it is a learning rate that grows with the "
            "batch. It is also why the backward pass of this loss needs no logarithm and cannot overflow."
        ),
        checks={"logits of several sizes": _gradient_at_scales, "logits of size 10 000": _gradient_of_large},
        wrong={
            "gradient of the sum": (
                "def logit_gradient(logits, target):\n    return logits.softmax(1) - F.one_hot(target, logits.shape[1])"
            ),
            "sign": (
                "def logit_gradient(logits, target):\n"
                "    return (F.one_hot(target, logits.shape[1]) - logits.softmax(1)) / len(logits)"
            ),
            "divided by every entry": (
                "def logit_gradient(logits, target):\n"
                "    return (logits.softmax(1) - F.one_hot(target, logits.shape[1])) / logits.numel()"
            ),
            "softmax over the batch": (
                "def logit_gradient(logits, target):\n"
                "    return (logits.softmax(0) - F.one_hot(target, logits.shape[1])) / len(logits)"
            ),
            "exponentials by hand": (
                "def logit_gradient(logits, target):\n    p = logits.exp() / logits.exp().sum(1, keepdim=True)\n"
                "    return (p - F.one_hot(target, logits.shape[1])) / len(logits)"
            ),
            "only the right class": (
                "def logit_gradient(logits, target):\n    q = F.one_hot(target, logits.shape[1])\n"
                "    return (logits.softmax(1) - q) * q / len(logits)"
            ),
            "logits overwritten": (
                "def logit_gradient(logits, target):\n"
                "    logits -= logits.amax(1, keepdim=True)\n    p = logits.softmax(1)\n"
                "    return (p - F.one_hot(target, logits.shape[1])) / len(logits)"
            ),
        },
    ),
    "soft": Exercise(
        title="Probability targets that survive everything",
        stub="def soft_cross_entropy(logits, target):\n    return ...",
        nudge="Which of the steps is exact in bfloat16, and what is 0 times minus infinity?",
        sketch=(
            "Go to float32 first, take log_softmax, replace the logarithm where the target is 0, and only then "
            "multiply."
        ),
        solution=(
            "def soft_cross_entropy(logits, target):\n"
            "    if logits.dtype != torch.double:\n"
            "        logits = logits.float()\n"
            "    log_p = logits.log_softmax(dim=1).masked_fill(target == 0, 0.0)\n"
            "    return -(target * log_p).sum(dim=1).mean()"
        ),
        reason=(
            "Zero times minus infinity is NaN; nan_to_num after the product would also hide a label on a masked class. "
            "log_softmax subtracts the largest logit before anything is added to it, so 1e4 does not swallow log 3; "
            "and a loss that was summed up in bfloat16 cannot be mended by .float() afterwards."
        ),
        checks={
            "the value in float64": _soft_value,
            "its gradient": _soft_gradient,
            "logits around 10 000": _soft_large,
            "a masked class": _soft_masked,
            "bfloat16 logits": _soft_half,
        },
        wrong={
            "torch": "def soft_cross_entropy(logits, target):\n    return F.cross_entropy(logits, target)",
            "torch in float32": (
                "def soft_cross_entropy(logits, target):\n    return F.cross_entropy(logits.float(), target.float())"
            ),
            "the definition": (
                "def soft_cross_entropy(logits, target):\n    p = logits.exp() / logits.exp().sum(1, keepdim=True)\n"
                "    return -(target * p.log()).sum(1).mean()"
            ),
            "a small number in the logarithm": (
                "def soft_cross_entropy(logits, target):\n"
                "    return -(target * (logits.softmax(1) + 1e-8).log()).sum(1).mean()"
            ),
            "log-sum-exp added back": (
                "def soft_cross_entropy(logits, target):\n    logits = logits if logits.dtype == torch.double "
                "else logits.float()\n    picked = (target * logits.masked_fill(target == 0, 0)).sum(1)\n"
                "    return (logits.logsumexp(1) - picked).mean()"
            ),
            "one maximum for the whole batch": (
                "def soft_cross_entropy(logits, target):\n    logits = logits if logits.dtype == torch.double "
                "else logits.float()\n    z = logits - logits.max()\n"
                "    log_p = z - z.exp().sum(1, keepdim=True).log()\n"
                "    return -(target * log_p.masked_fill(target == 0, 0)).sum(1).mean()"
            ),
            "NaN replaced afterwards": (
                "def soft_cross_entropy(logits, target):\n    logits = logits if logits.dtype == torch.double "
                "else logits.float()\n    return -(target * logits.log_softmax(1)).nan_to_num(0.0).sum(1).mean()"
            ),
            "float32 too late": (
                "def soft_cross_entropy(logits, target):\n"
                "    log_p = logits.log_softmax(1).masked_fill(target == 0, 0)\n"
                "    loss = -(target * log_p).sum(1).mean()\n"
                "    return loss if logits.dtype == torch.double else loss.float()"
            ),
            "detached": (
                "def soft_cross_entropy(logits, target):\n    logits = logits if logits.dtype == torch.double "
                "else logits.float()\n    z = logits - logits.amax(1, keepdim=True)\n"
                "    log_p = z - z.exp().sum(1, keepdim=True).log().detach()\n"
                "    return -(target * log_p.masked_fill(target == 0, 0)).sum(1).mean()"
            ),
        },
    ),
    "bug": Exercise(
        title="Find the bug: a network that ends in softmax",
        stub="def training_loss(model, inputs, target):\n    return ...",
        nudge="The logits exist: they are what the last layer is given. How do you run a Sequential up to there?",
        sketch="A Sequential can be sliced, and the slice shares its layers with the whole.",
        solution=(
            "def training_loss(model, inputs, target):\n"
            "    logits = model[:-1](inputs)\n"
            "    return F.cross_entropy(logits, target)"
        ),
        reason=(
            "The bug is a softmax before a loss that has one. The logarithm of the network's output with nll_loss is "
            "right on paper and infinite as soon as a probability is 0; a small number in it kills the gradient where "
            "the network is most wrong. The slice copies nothing: its weights are the network's own."
        ),
        checks={"one to three linear layers": _bug_depths, "a network that is sure": _bug_sure},
        wrong={
            "as it was": (
                "def training_loss(model, inputs, target):\n    return F.cross_entropy(model(inputs), target)"
            ),
            "nll of probabilities": (
                "def training_loss(model, inputs, target):\n    return F.nll_loss(model(inputs), target)"
            ),
            "logarithm": (
                "def training_loss(model, inputs, target):\n    return F.nll_loss(model(inputs).log(), target)"
            ),
            "logarithm and a small number": (
                "def training_loss(model, inputs, target):\n    return F.nll_loss((model(inputs) + 1e-8).log(), target)"
            ),
            "log_softmax on top": (
                "def training_loss(model, inputs, target):\n"
                "    return F.nll_loss(F.log_softmax(model(inputs), dim=1), target)"
            ),
            "layer cut off for good": (
                "def training_loss(model, inputs, target):\n    del model[-1]\n"
                "    return F.cross_entropy(model(inputs), target)"
            ),
            "first layer only": (
                "def training_loss(model, inputs, target):\n    return F.cross_entropy(model[0](inputs), target)"
            ),
            "without a graph": (
                "def training_loss(model, inputs, target):\n    with torch.no_grad():\n"
                "        return F.cross_entropy(model[:-1](inputs), target)"
            ),
        },
    ),
}
