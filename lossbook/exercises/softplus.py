"""Exercises of the softplus chapter."""

import math

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _inputs(scale: float) -> Tensor:
    """Draw inputs of a fresh number; the first is 0."""
    inputs = scale * torch.randn(int(torch.randint(3, 40, ())), dtype=torch.double)
    inputs[0] = 0
    return inputs


def _by_definition(x: Tensor) -> Tensor:
    """Give softplus of each input, one at a time."""
    values = [max(v, 0.0) + math.log1p(math.exp(-abs(v))) for v in x.tolist()]
    return torch.tensor(values, dtype=torch.double)


def _slope(x: Tensor) -> Tensor:
    return (-_by_definition(-x)).exp()


def _derivatives(answer: Answer, x: Tensor, *rest: float, orders: int = 1) -> list[Tensor]:
    """Give as many derivatives as asked for, by autograd."""
    x = x.clone().requires_grad_()
    value = answer(x, *rest)
    found = []
    for _ in range(orders):
        (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        found.append(value.detach())
    return found


_FAR = torch.tensor([-1000.0, 1000.0], dtype=torch.double)


def _inverse_value(answer: Answer) -> None:
    for beta in (0.5, 1.0, 4.0):
        v = _inputs(2.0).exp()
        expected = [u + math.log(-math.expm1(-beta * u)) / beta for u in v.tolist()]
        same(answer(v, beta), torch.tensor(expected, dtype=torch.double), f"float64, beta {beta:g}")


def _inverse_wide(answer: Answer) -> None:
    for v in (1e-6, 1e-3, 1.0, 100.0, 1e4):
        single = torch.tensor([v])
        expected = single.item() + math.log(-math.expm1(-single.item()))
        (found,) = answer(single, 1.0).tolist()
        close = abs(found - expected) <= 1e-5 * (1 + abs(expected))
        assert close, f"float32, v = {v:g}: expected {expected:.6g}, got {found:.6g}"


def _inverse_gradient(answer: Answer) -> None:
    v = torch.tensor([0.01, 1.0, 30.0, 1000.0], dtype=torch.double)
    for beta in (1.0, 4.0):
        (found,) = _derivatives(answer, v, beta)
        same(found, -1 / torch.expm1(-beta * v), f"gradient at 0.01 to 1000, beta {beta:g}")


def _smooth_value(answer: Answer) -> None:
    for beta in (0.5, 1.0, 10.0):
        for scale in (0.1, 1.0, 10.0):
            x = _inputs(scale)
            where = f"inputs of size {scale:g}, beta {beta:g}"
            same(answer(x, beta), _by_definition(beta * x) / beta, where)
            first, second = _derivatives(answer, x, beta, orders=2)
            same(first, _slope(beta * x), f"slope, {where}")
            same(second, beta * _slope(beta * x) * _slope(-beta * x), f"second derivative, {where}")


def _smooth_curvature(answer: Answer) -> None:
    for beta in (1.0, 10.0):
        x = torch.tensor([25.0, 30.0], dtype=torch.double) / beta
        expected = beta * _slope(beta * x) * _slope(-beta * x)
        _, found = _derivatives(answer, x, beta, orders=2)
        worst = (found / expected - 1).abs().max().item()
        assert worst < 0.01, f"second derivative at 25 and 30 over beta, beta {beta:g}: off by {100 * worst:.0f} %"


def _smooth_far(answer: Answer) -> None:
    for beta in (1.0, 10.0):
        where = f"{_FAR.tolist()} over beta, beta {beta:g}"
        same(answer(_FAR / beta, beta), torch.relu(_FAR / beta), where)
        first, second = _derivatives(answer, _FAR / beta, beta, orders=2)
        same(first, (_FAR > 0).double(), f"slope, {where}")
        same(second, torch.zeros_like(_FAR), f"second derivative, {where}")


def _log_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        x = _inputs(scale)
        softplus = _by_definition(x)
        same(answer(x), softplus.log(), f"inputs of size {scale:g}")
        same(_derivatives(answer, x)[0], _slope(x) / softplus, f"gradient, inputs of size {scale:g}")


def _log_small(answer: Answer) -> None:
    x = torch.tensor([-200.0, -50.0])
    for v, found in zip(x.tolist(), answer(x).tolist(), strict=True):
        assert abs(found / v - 1) < 1e-5, f"float32, input {v:g}: expected {v:g}, got {found:.6g}"
    for v, found in zip(x.tolist(), _derivatives(answer, x)[0].tolist(), strict=True):
        assert abs(found - 1) < 1e-5, f"float32, slope at {v:g}: expected 1, got {found:.3g}"


def _log_far(answer: Answer) -> None:
    expected = torch.tensor([-1000.0, math.log(1000.0)], dtype=torch.double)
    same(answer(_FAR), expected, "inputs -1000 and 1000")
    same(
        _derivatives(answer, _FAR)[0],
        torch.tensor([1.0, 1e-3], dtype=torch.double),
        "gradient, inputs -1000 and 1000",
    )


EXERCISES = {
    "inverse": Exercise(
        title="The inverse, with beta",
        stub="def inverse(v, beta):\n    return ...",
        nudge="Solve exp(beta * v) = 1 + exp(beta * x) for x. Which factor can you take out of the logarithm?",
        sketch="x is v plus the logarithm of 1 - exp(-beta * v), over beta; expm1 does the subtraction.",
        solution="def inverse(v, beta):\n    return v + (-torch.expm1(-beta * v)).log() / beta",
        reason=(
            "exp(beta * v) overflows at 89 in float32, and at 710 in float64 whatever comes after it. Choosing v "
            "itself for a large v with torch.where repairs the value, and leaves a gradient of NaN."
        ),
        checks={
            "several betas": _inverse_value,
            "1e-6 to 1e4 in float32": _inverse_wide,
            "gradient": _inverse_gradient,
        },
        wrong={
            "as solved": "def inverse(v, beta):\n    return ((beta * v).exp() - 1).log() / beta",
            "expm1 of the large one": "def inverse(v, beta):\n    return torch.expm1(beta * v).log() / beta",
            "chosen afterwards": (
                "def inverse(v, beta):\n    x = torch.expm1(beta * v).log() / beta\n"
                "    return torch.where(beta * v > 20, v, x)"
            ),
            "beta forgotten": "def inverse(v, beta):\n    return v + (-torch.expm1(-v)).log()",
            "not divided": "def inverse(v, beta):\n    return v + (-torch.expm1(-beta * v)).log()",
            "logarithm": "def inverse(v, beta):\n    return v.log()",
        },
    ),
    "smooth": Exercise(
        title="Smooth all the way",
        stub="def smooth_softplus(x, beta):\n    return ...",
        nudge="Softplus is the logarithm of exp(beta * x) + exp(0), over beta. Does torch have that in one piece?",
        sketch="torch.logaddexp has it, but look at its second derivative far to the left; so has the log sigmoid.",
        solution="def smooth_softplus(x, beta):\n    return -F.logsigmoid(-beta * x) / beta",
        reason=(
            "F.softplus switches to x at beta * x = 20, where its second derivative becomes 0; with a high threshold "
            "it overflows. The ramp plus log1p(exp(-|beta * x|)) has the right value, but autograd takes both relu "
            "and abs to be flat at 0, so its slope there is 0 and not 1/2. logaddexp is right but for its second "
            "derivative, which is NaN where exp(-beta * x) overflows."
        ),
        checks={
            "value, slope and second derivative": _smooth_value,
            "second derivative above 20": _smooth_curvature,
            "inputs of 1000": _smooth_far,
        },
        wrong={
            "torch's": "def smooth_softplus(x, beta):\n    return F.softplus(x, beta=beta)",
            "a high threshold": "def smooth_softplus(x, beta):\n    return F.softplus(x, beta=beta, threshold=1e9)",
            "formula": "def smooth_softplus(x, beta):\n    return torch.log1p((beta * x).exp()) / beta",
            "logaddexp": (
                "def smooth_softplus(x, beta):\n    return torch.logaddexp(beta * x, torch.zeros_like(x)) / beta"
            ),
            "not divided": "def smooth_softplus(x, beta):\n    return -F.logsigmoid(-beta * x)",
            "flat at 0": (
                "def smooth_softplus(x, beta):\n"
                "    return torch.relu(x) + torch.log1p(torch.exp(-(beta * x).abs())) / beta"
            ),
            "beta forgotten": "def smooth_softplus(x, beta):\n    return -F.logsigmoid(-x)",
        },
    ),
    "log": Exercise(
        title="The logarithm of a softplus",
        stub="def log_softplus(x):\n    return ...",
        nudge="For very negative x, softplus is about exp(x). What is its logarithm, and the next term of the series?",
        sketch=(
            "Below -15 use x - exp(x) / 2, above it the logarithm of softplus. Clamp the input of each branch to its "
            "own side, so that the branch that is not taken stays harmless."
        ),
        solution=(
            "def log_softplus(x):\n"
            "    low, high = x.clamp(max=-15), x.clamp(min=-15)\n"
            "    return torch.where(x < -15, low - low.exp() / 2, F.softplus(high).log())"
        ),
        reason=(
            "softplus underflows to 0 at -104 in float32, and no logarithm brings it back. torch.where alone repairs "
            "the value; the slope of the branch it dropped, 1/0, still reaches the gradient as NaN."
        ),
        checks={
            "value and gradient": _log_value,
            "inputs of -200 in float32": _log_small,
            "inputs of 1000": _log_far,
        },
        wrong={
            "two steps": "def log_softplus(x):\n    return F.softplus(x).log()",
            "epsilon": "def log_softplus(x):\n    return (F.softplus(x) + 1e-8).log()",
            "chosen afterwards": (
                "def log_softplus(x):\n    return torch.where(x < -15, x - x.exp() / 2, F.softplus(x).log())"
            ),
            "the ramp": "def log_softplus(x):\n    return torch.where(x < 0, x, F.softplus(x.clamp(min=0)).log())",
            "log sigmoid": "def log_softplus(x):\n    return F.logsigmoid(x)",
        },
    ),
}
