"""Exercises of the chapter on logits, probabilities and numbers that overflow."""

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same

INF = float("inf")


def _rows(scale: float) -> Tensor:
    return scale * torch.randn(4, int(torch.randint(3, 9, ())), dtype=torch.double)


def _log_sum_exp_value(answer: Answer) -> None:
    for scale in (1.0, 100.0, 1e4):
        rows = _rows(scale)
        for dim in (0, 1, -1):
            same(answer(rows, dim), rows.logsumexp(dim), f"logits of size {scale:g}, dim {dim}")


def _log_sum_exp_apart(answer: Answer) -> None:
    rows = torch.tensor([[1000.0, 999.0], [-1000.0, -1001.0]], dtype=torch.double)
    same(answer(rows, 1), rows.logsumexp(1), "one row at 1000, the other at -1000")


def _log_sum_exp_infinite(answer: Answer) -> None:
    rows = torch.tensor([[0.0, -INF, 0.0], [-INF, -INF, -INF]], dtype=torch.double)
    value = answer(rows, 1)
    same(value[:1], rows[:1].logsumexp(1), "a row with one -inf")
    assert value[1] == -INF, f"a row of nothing but -inf: expected -inf, got {value[1].item()}"


def _log_sum_exp_gradient(answer: Answer) -> None:
    rows = _rows(50.0).requires_grad_()
    (gradient,) = torch.autograd.grad(answer(rows, 1).sum(), rows)
    same(gradient, rows.detach().softmax(1), "gradient, which is softmax")


LOG_P = [-1.2e-7, -1e-5, -1e-2, -0.5, -0.7, -3.0, -30.0, -69.0]  # p from 1 - 1.2e-7 down to 1e-30


def _complement_value(answer: Answer) -> None:
    exact = torch.tensor(LOG_P).double().expm1().neg().log()
    exact = torch.where(exact > -1e-3, torch.log1p(-torch.tensor(LOG_P).double().exp()), exact)
    value = answer(torch.tensor(LOG_P)).double()
    for log_p, right, got in zip(LOG_P, exact.tolist(), value.tolist(), strict=True):
        assert abs(got / right - 1) < 1e-5, f"log p = {log_p:g}: expected {right:.6g}, got {got:.6g}"


def _complement_gradient(answer: Answer) -> None:
    log_p = torch.tensor([*LOG_P, -1e-10], requires_grad=True)
    (gradient,) = torch.autograd.grad(answer(log_p).sum(), log_p)
    exact = -1 / torch.expm1(-log_p.detach().double())
    for at, right, got in zip(log_p.tolist(), exact.tolist(), gradient.tolist(), strict=True):
        assert abs(got / right - 1) < 1e-4, f"gradient at log p = {at:g}: expected {right:.6g}, got {got:.6g}"


def _allowed() -> tuple[Tensor, Tensor]:
    """Draw logits and which classes are allowed: at least one in each row, and not all."""
    logits = 5 * torch.randn(6, 5, dtype=torch.double)
    allowed = torch.rand(6, 5) < 0.5
    allowed[:, 0], allowed[:, 1] = True, False
    return logits, allowed


def _allowed_value(answer: Answer) -> None:
    logits, allowed = _allowed()
    value = answer(logits, allowed)
    assert (value[~allowed] == -INF).all(), "a class ruled out: expected -inf"
    for row, (scores, keep) in enumerate(zip(logits, allowed, strict=True)):
        same(value[row][keep], scores[keep].log_softmax(0), f"allowed classes of row {row}")


def _allowed_gradient(answer: Answer) -> None:
    logits, allowed = _allowed()
    inside = logits.clone().requires_grad_()
    whole = logits.masked_fill(~allowed, -INF).requires_grad_()
    for given, where in ((inside, "finite logits"), (whole, "-inf in the ruled-out logits")):
        (gradient,) = torch.autograd.grad(answer(given, allowed)[:, 0].sum(), given)
        p = logits.masked_fill(~allowed, -INF).softmax(1)
        expected = -p
        expected[:, 0] += 1
        same(gradient, expected, f"gradient, {where}")


def _allowed_none(answer: Answer) -> None:
    logits, allowed = _allowed()
    allowed[2] = False
    logits.requires_grad_()
    value = answer(logits, allowed)
    assert (value[2] == -INF).all(), f"a row without allowed classes: expected -inf, got {value[2].tolist()}"
    (gradient,) = torch.autograd.grad(value[allowed].sum(), logits)
    assert gradient.isfinite().all(), "a row without allowed classes: the gradient is not finite"
    assert (gradient[2] == 0).all(), "a row without allowed classes: expected a gradient of 0 there"


EXERCISES = {
    "log_sum_exp": Exercise(
        title="Log-sum-exp along a dimension",
        stub="def log_sum_exp(input, dim):\n    return ...",
        nudge="Which number may you subtract from all logits of a row, and what if that number is -inf?",
        sketch="Subtract the maximum of each row, with a finite lower limit, and add it back at the end.",
        solution=(
            "def log_sum_exp(input, dim):\n"
            "    largest = input.detach().amax(dim, keepdim=True).clamp(min=torch.finfo(input.dtype).min)\n"
            "    return (input - largest).exp().sum(dim).log() + largest.squeeze(dim)"
        ),
        reason=(
            "exp overflows at 709 in float64 and at 88 in float32. One maximum for the whole tensor makes the rows far "
            "below it vanish, and a maximum of -inf gives -inf - -inf = NaN, so it is limited to a finite number."
        ),
        checks={
            "sizes and dimensions": _log_sum_exp_value,
            "rows far apart": _log_sum_exp_apart,
            "-inf": _log_sum_exp_infinite,
            "its gradient": _log_sum_exp_gradient,
        },
        wrong={
            "textbook": "def log_sum_exp(input, dim):\n    return input.exp().sum(dim).log()",
            "one maximum for all": (
                "def log_sum_exp(input, dim):\n    return (input - input.max()).exp().sum(dim).log() + input.max()"
            ),
            "not added back": (
                "def log_sum_exp(input, dim):\n    return (input - input.amax(dim, keepdim=True)).exp().sum(dim).log()"
            ),
            "-inf - -inf": (
                "def log_sum_exp(input, dim):\n"
                "    largest = input.amax(dim, keepdim=True)\n"
                "    return (input - largest).exp().sum(dim).log() + largest.squeeze(dim)"
            ),
            "clamped": "def log_sum_exp(input, dim):\n    return input.clamp(max=700).exp().sum(dim).log()",
            "epsilon": "def log_sum_exp(input, dim):\n    return (input.exp().sum(dim) + 1e-9).log()",
        },
    ),
    "complement": Exercise(
        title="The probability of the opposite",
        stub="def log_complement(log_p):\n    return ...",
        nudge="Near p = 1, which of exp(log_p) and expm1(log_p) keeps its digits? And near p = 0?",
        sketch=(
            "Two forms, log of minus expm1 and log1p of minus exp, the first above log p = -log 2. Choose with where "
            "outside, and with where inside, or the other branch makes the gradient NaN."
        ),
        solution=(
            "def log_complement(log_p):\n"
            "    near_one = log_p > -math.log(2)\n"
            "    of_large = (-torch.expm1(log_p.where(near_one, -0.5))).log()\n"
            "    of_small = torch.log1p(-log_p.where(~near_one, -1.0).exp())\n"
            "    return torch.where(near_one, of_large, of_small)"
        ),
        reason=(
            "log(1 - exp(log_p)) subtracts from 1 twice. expm1 keeps the digits of p near 1, log1p those of p near 0. "
            "At log p = -1e-10 the other branch has slope inf, which the outer where multiplies by 0: hence the inner."
        ),
        checks={"relative error below 1e-5": _complement_value, "its gradient": _complement_gradient},
        wrong={
            "textbook": "def log_complement(log_p):\n    return (1 - log_p.exp()).log()",
            "log1p alone": "def log_complement(log_p):\n    return torch.log1p(-log_p.exp())",
            "expm1 alone": "def log_complement(log_p):\n    return (-torch.expm1(log_p)).log()",
            "one where": (
                "def log_complement(log_p):\n"
                "    of_large, of_small = (-torch.expm1(log_p)).log(), torch.log1p(-log_p.exp())\n"
                "    return torch.where(log_p > -math.log(2), of_large, of_small)"
            ),
            "epsilon": "def log_complement(log_p):\n    return (1 - log_p.exp() + 1e-7).log()",
        },
    ),
    "allowed": Exercise(
        title="Ruled-out classes",
        stub="def allowed_log_softmax(logits, allowed):\n    return ...",
        nudge="What does log_softmax return for a row of nothing but -inf, and how do you keep it from seeing one?",
        sketch=(
            "Fill with -inf before log_softmax, but only in rows with an allowed class; rule the classes out again "
            "afterwards."
        ),
        solution=(
            "def allowed_log_softmax(logits, allowed):\n"
            "    some = allowed.any(1, keepdim=True)\n"
            "    filled = logits.masked_fill(~allowed, -torch.inf).masked_fill(~some, 0.0)\n"
            "    return torch.log_softmax(filled, 1).masked_fill(~allowed, -torch.inf)"
        ),
        reason=(
            "masked_fill passes no gradient where it fills, so neither -inf nor NaN under the mask comes back. A logit "
            "times 0 still counts as e^0 in the sum, and a large negative number in an empty row gives an even one."
        ),
        checks={
            "its values": _allowed_value,
            "its gradient": _allowed_gradient,
            "a row without classes": _allowed_none,
        },
        wrong={
            "times the mask": (
                "def allowed_log_softmax(logits, allowed):\n"
                "    return torch.log_softmax(logits * allowed, 1).masked_fill(~allowed, -torch.inf)"
            ),
            "empty rows forgotten": (
                "def allowed_log_softmax(logits, allowed):\n"
                "    return torch.log_softmax(logits.masked_fill(~allowed, -torch.inf), 1)"
            ),
            "not ruled out": (
                "def allowed_log_softmax(logits, allowed):\n"
                "    return torch.log_softmax(logits.masked_fill(~allowed, -1e9), 1)"
            ),
            "not normalised": (
                "def allowed_log_softmax(logits, allowed):\n"
                "    return torch.log_softmax(logits, 1).masked_fill(~allowed, -torch.inf)"
            ),
            "log of masked softmax": (
                "def allowed_log_softmax(logits, allowed):\n"
                "    p = torch.softmax(logits, 1) * allowed\n"
                "    return (p / p.sum(1, keepdim=True)).log()"
            ),
        },
    ),
}
