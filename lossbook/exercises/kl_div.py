"""Exercises of the KL divergence chapter."""

import torch
from torch import Tensor

from ..functional import kl_div
from ._judge import Answer, Exercise, same


def _draw(scale: float) -> tuple[Tensor, Tensor]:
    """Draw two sets of logits of a fresh number of samples and classes; no two sizes are equal."""
    batch, classes = (int(n) for n in torch.randperm(9)[:2] + 3)
    first, second = scale * torch.randn(2, batch, classes, dtype=torch.double)
    return first, second


def _reverse(answer: Answer) -> None:
    for scale in (0.1, 1.0, 5.0):
        logits, other = _draw(scale)
        log_p = other.log_softmax(dim=1)
        with torch.no_grad():
            found = answer(logits.clone(), log_p.clone())
        logits.requires_grad_()
        divergence = kl_div(log_p, logits.log_softmax(dim=1), log_target=True, reduction="sum")
        (expected,) = torch.autograd.grad(divergence, logits)
        same(found, expected, f"logits of size {scale:g}")


def _reverse_large(answer: Answer) -> None:
    logits = torch.tensor([[2000.0, 1999.0, 0.0]], dtype=torch.double)
    log_p = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.double).log_softmax(dim=1)
    with torch.no_grad():
        found = answer(logits.clone(), log_p)
    logits.requires_grad_()
    divergence = kl_div(log_p, logits.log_softmax(dim=1), log_target=True, reduction="sum")
    (expected,) = torch.autograd.grad(divergence, logits)
    same(found, expected, "logits of size 2000")


def _distilled(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    log_q, log_p = ((z / temperature).log_softmax(dim=1) for z in (student, teacher.detach()))
    return temperature**2 * kl_div(log_q, log_p, log_target=True, reduction="batchmean")


def _distil_value(answer: Answer) -> None:
    for temperature in (1.0, 2.0, 7.0):
        student, teacher = _draw(3.0)
        expected = _distilled(student, teacher, temperature)
        same(answer(student, teacher, temperature), expected, f"value at T = {temperature:g}")


def _distil_gradient(answer: Answer) -> None:
    student, teacher = (z.requires_grad_() for z in _draw(3.0))
    found = torch.autograd.grad(answer(student, teacher, 3.0), [student, teacher], allow_unused=True)
    (expected,) = torch.autograd.grad(_distilled(student, teacher, 3.0), student)
    same(found[0], expected, "gradient for the student")
    assert found[1] is None or not found[1].any(), "a gradient reaches the teacher"


def _distil_large(answer: Answer) -> None:
    student, teacher = _draw(1000.0)
    same(answer(student, teacher, 1.0), _distilled(student, teacher, 1.0), "logits of size 1000")


def _padded(answer: Answer, padding: float) -> None:
    batch, length, classes = (int(n) for n in torch.randperm(5)[:3] + 3)
    log_q, log_p = torch.randn(2, batch, length, classes, dtype=torch.double).log_softmax(dim=-1)
    mask = torch.rand(batch, length) < 0.6
    mask[0, 0], mask[0, 1] = True, False
    log_q[~mask], log_p[~mask] = padding, padding
    log_q.requires_grad_()
    expected = kl_div(log_q[mask], log_p[mask], log_target=True, reduction="batchmean")
    value = answer(log_q, log_p, mask)
    same(value, expected, "the mean over the real words")
    (found,), (slope,) = torch.autograd.grad(value, log_q), torch.autograd.grad(expected, log_q)
    same(found, slope, "its gradient")


def _padded_finite(answer: Answer) -> None:
    _padded(answer, padding=-7.0)


def _padded_nan(answer: Answer) -> None:
    _padded(answer, padding=torch.nan)


EXERCISES = {
    "reverse": Exercise(
        title="The gradient of the reverse direction",
        stub="def reverse_gradient(logits, log_p):\n    return ...",
        nudge="Let r = log q - log p. KL is the mean of r under q; how does q change with the logits?",
        sketch="Each class gets q times what its r lies above the mean of r, and the mean is the divergence itself.",
        solution=(
            "def reverse_gradient(logits, log_p):\n"
            "    log_q = logits.log_softmax(dim=1)\n"
            "    q, r = log_q.exp(), log_q - log_p\n"
            "    return q * (r - (q * r).sum(dim=1, keepdim=True))"
        ),
        reason=(
            "The derivative of log q itself drops out, because q adds up to 1. The factor q in front is why this "
            "direction ignores a class that the model does not mention: nothing pulls on it. The forward gradient, "
            "q - p, has no such factor."
        ),
        checks={"logits of several sizes": _reverse, "logits of size 2000": _reverse_large},
        wrong={
            "the forward gradient": (
                "def reverse_gradient(logits, log_p):\n    return logits.softmax(1) - log_p.exp()"
            ),
            "gradient for q": (
                "def reverse_gradient(logits, log_p):\n    log_q = logits.log_softmax(1)\n    return log_q - log_p + 1"
            ),
            "mean not taken off": (
                "def reverse_gradient(logits, log_p):\n    log_q = logits.log_softmax(1)\n"
                "    return log_q.exp() * (log_q - log_p)"
            ),
            "mean without weights": (
                "def reverse_gradient(logits, log_p):\n    log_q = logits.log_softmax(1)\n    r = log_q - log_p\n"
                "    return log_q.exp() * (r - r.mean(1, keepdim=True))"
            ),
            "divided by the batch": (
                "def reverse_gradient(logits, log_p):\n    log_q = logits.log_softmax(1)\n"
                "    q, r = log_q.exp(), log_q - log_p\n"
                "    return q * (r - (q * r).sum(1, keepdim=True)) / len(q)"
            ),
            "logarithm of a softmax": (
                "def reverse_gradient(logits, log_p):\n    q = logits.softmax(1)\n    r = q.log() - log_p\n"
                "    return q * (r - (q * r).sum(1, keepdim=True))"
            ),
        },
    ),
    "distil": Exercise(
        title="A distillation loss",
        stub="def distillation(student, teacher, temperature):\n    return ...",
        nudge="Which of the two is the target, and which of them is divided by T?",
        sketch=(
            "Divide both by T, take log_softmax of both, detach the teacher, and use batchmean with log_target; "
            "then the factor."
        ),
        solution=(
            "def distillation(student, teacher, temperature):\n"
            "    log_q = (student / temperature).log_softmax(dim=1)\n"
            "    log_p = (teacher.detach() / temperature).log_softmax(dim=1)\n"
            "    return temperature**2 * F.kl_div(log_q, log_p, log_target=True, reduction='batchmean')"
        ),
        reason=(
            "A logarithm of softmax is -inf as soon as the student is sure. log_softmax is not, and with log_target "
            "nothing has to be taken out of a logarithm and put back."
        ),
        checks={"three temperatures": _distil_value, "gradients": _distil_gradient, "large logits": _distil_large},
        wrong={
            "without T squared": (
                "def distillation(student, teacher, temperature):\n"
                "    p = (teacher.detach() / temperature).softmax(1)\n"
                "    return F.kl_div((student / temperature).log_softmax(1), p, reduction='batchmean')"
            ),
            "T once": (
                "def distillation(student, teacher, temperature):\n"
                "    p = (teacher.detach() / temperature).softmax(1)\n"
                "    return temperature * F.kl_div((student / temperature).log_softmax(1), p, reduction='batchmean')"
            ),
            "teacher not softened": (
                "def distillation(student, teacher, temperature):\n    p = teacher.detach().softmax(1)\n"
                "    return temperature**2 * F.kl_div((student / temperature).log_softmax(1), p, reduction='batchmean')"
            ),
            "arguments swapped": (
                "def distillation(student, teacher, temperature):\n    q = (student / temperature).softmax(1)\n"
                "    log_p = (teacher.detach() / temperature).log_softmax(1)\n"
                "    return temperature**2 * F.kl_div(log_p, q, reduction='batchmean')"
            ),
            "divided by the classes too": (
                "def distillation(student, teacher, temperature):\n"
                "    p = (teacher.detach() / temperature).softmax(1)\n"
                "    return temperature**2 * F.kl_div((student / temperature).log_softmax(1), p,"
                " reduction='none').mean()"
            ),
            "cross entropy": (
                "def distillation(student, teacher, temperature):\n"
                "    p = (teacher.detach() / temperature).softmax(1)\n"
                "    return temperature**2 * F.cross_entropy(student / temperature, p)"
            ),
            "teacher in the graph": (
                "def distillation(student, teacher, temperature):\n    log_p = (teacher / temperature).log_softmax(1)\n"
                "    log_q = (student / temperature).log_softmax(1)\n"
                "    return temperature**2 * F.kl_div(log_q, log_p, log_target=True, reduction='batchmean')"
            ),
            "logarithm of a softmax": (
                "def distillation(student, teacher, temperature):\n"
                "    p = (teacher.detach() / temperature).softmax(1)\n"
                "    return temperature**2 * F.kl_div((student / temperature).softmax(1).log(), p,"
                " reduction='batchmean')"
            ),
            "probabilities as input": (
                "def distillation(student, teacher, temperature):\n"
                "    p = (teacher.detach() / temperature).softmax(1)\n"
                "    return temperature**2 * F.kl_div((student / temperature).softmax(1), p, reduction='batchmean')"
            ),
        },
    ),
    "padded": Exercise(
        title="The mean over real words",
        stub="def per_word_kl(log_q, log_p, mask):\n    return ...",
        nudge="What has to go before the product, so that no NaN reaches value or gradient, and what is counted?",
        sketch="Select the real positions of both tensors; what is left has two axes, and batchmean counts the first.",
        solution=(
            "def per_word_kl(log_q, log_p, mask):\n"
            "    return F.kl_div(log_q[mask], log_p[mask], log_target=True, reduction='batchmean')"
        ),
        reason=(
            "A product with 0 keeps a NaN, and masking afterwards keeps it in the gradient; selecting first does "
            "neither, and makes each word one row, so that batchmean counts words and not sentences."
        ),
        checks={"finite padding": _padded_finite, "NaN in the padding": _padded_nan},
        wrong={
            "batchmean of everything": (
                "def per_word_kl(log_q, log_p, mask):\n"
                "    return F.kl_div(log_q, log_p, log_target=True, reduction='batchmean')"
            ),
            "divided by the sentences": (
                "def per_word_kl(log_q, log_p, mask):\n"
                "    terms = F.kl_div(log_q[mask], log_p[mask], log_target=True, reduction='sum')\n"
                "    return terms / len(mask)"
            ),
            "mean over the classes": (
                "def per_word_kl(log_q, log_p, mask):\n"
                "    return F.kl_div(log_q[mask], log_p[mask], log_target=True, reduction='none').mean()"
            ),
            "padding counted": (
                "def per_word_kl(log_q, log_p, mask):\n"
                "    terms = F.kl_div(log_q, log_p, log_target=True, reduction='none').sum(-1)\n"
                "    return terms.where(mask, 0).mean()"
            ),
            "multiplied by the mask": (
                "def per_word_kl(log_q, log_p, mask):\n"
                "    terms = F.kl_div(log_q, log_p, log_target=True, reduction='none').sum(-1)\n"
                "    return (terms * mask).sum() / mask.sum()"
            ),
            "replaced afterwards": (
                "def per_word_kl(log_q, log_p, mask):\n"
                "    terms = F.kl_div(log_q, log_p, log_target=True, reduction='none').sum(-1)\n"
                "    return terms.masked_fill(~mask, 0).sum() / mask.sum()"
            ),
        },
    ),
}
