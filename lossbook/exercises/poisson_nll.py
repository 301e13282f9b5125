"""Exercises of the Poisson NLL chapter."""

import math

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _drawn(scale: float = 1.0, most: int = 8) -> tuple[Tensor, Tensor]:
    """Draw log rates and counts of a fresh number; the first three counts are 0, 1 and 2."""
    size = int(torch.randint(5, 40, ()))
    counts = torch.randint(0, most + 1, (size,)).double()
    counts[:3] = torch.tensor([0.0, 1.0, 2.0])
    return scale * torch.randn(size, dtype=torch.double), counts


def _gradient(answer: Answer, expected: Tensor, input: Tensor, *rest: Tensor, where: str) -> None:
    input = input.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(answer(input, *rest).sum(), input)
    same(gradient, expected, where)


def _exact_small(answer: Answer) -> None:
    for scale in (0.1, 1.0, 3.0):
        input, target = _drawn(scale)
        factorial = torch.tensor([math.log(math.factorial(int(k))) for k in target], dtype=torch.double)
        same(answer(input, target), input.exp() - target * input + factorial, f"log rates of size {scale:g}")


def _exact_large(answer: Answer) -> None:
    target = torch.tensor([200.0, 1000.0, 3000.0], dtype=torch.double)
    factorial = torch.tensor([math.lgamma(k + 1) for k in target.tolist()], dtype=torch.double)
    same(answer(target.log(), target), target - target * target.log() + factorial, "counts of 200 to 3000")


def _exact_gradient(answer: Answer) -> None:
    input, target = _drawn()
    _gradient(answer, input.exp() - target, input, target, where="gradient")


def _deviance_by_definition(input: Tensor, target: Tensor) -> Tensor:
    logs = torch.tensor([k * math.log(k) if k else 0.0 for k in target.tolist()], dtype=torch.double)
    return 2 * (logs - target * input - target + input.exp())


def _deviance_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 3.0):
        input, target = _drawn(scale)
        same(answer(input, target), _deviance_by_definition(input, target), f"log rates of size {scale:g}")


def _deviance_of_never(answer: Answer) -> None:
    input = torch.tensor([-800.0, -800.0], dtype=torch.double)
    target = torch.tensor([0.0, 3.0], dtype=torch.double)
    same(answer(input, target), _deviance_by_definition(input, target), "log rate -800, counts 0 and 3")


def _deviance_gradient(answer: Answer) -> None:
    input, target = _drawn()
    _gradient(answer, 2 * (input.exp() - target), input, target, where="gradient")


def _watched_for(target: Tensor) -> Tensor:
    return 10 * torch.rand_like(target) + 0.1


def _exposure_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 3.0):
        input, target = _drawn(scale)
        exposure = _watched_for(target)
        shifted = input + exposure.log()
        same(answer(input, target, exposure), shifted.exp() - target * shifted, f"log rates of size {scale:g}")


def _exposure_gradient(answer: Answer) -> None:
    input, target = _drawn()
    exposure = _watched_for(target)
    _gradient(answer, exposure * input.exp() - target, input, target, exposure, where="gradient")


def _exposure_none(answer: Answer) -> None:
    input = torch.tensor([-1.0, 0.0, 3.0], dtype=torch.double)
    nothing = torch.zeros_like(input)
    same(answer(input, nothing, nothing), nothing, "exposure 0, count 0")
    _gradient(answer, nothing, input, nothing, nothing, where="gradient at exposure 0, count 0")


EXERCISES = {
    "exact": Exercise(
        title="The exact likelihood",
        stub="def exact_poisson(input, target):\n    return ...",
        nudge="Which function gives the logarithm of a factorial without the factorial?",
        sketch="The short loss, rate minus count times log rate, plus torch.lgamma, whose argument is shifted by 1.",
        solution=(
            "def exact_poisson(input, target):\n    return input.exp() - target * input + torch.lgamma(target + 1)"
        ),
        reason=(
            "full=True adds Stirling's approximation, which is off by 0.04 at a count of 2. The factorial itself "
            "overflows float64 at 171. lgamma(k + 1) is log k! at every count, and does not touch the gradient."
        ),
        checks={
            "small counts": _exact_small,
            "large counts": _exact_large,
            "gradient": _exact_gradient,
        },
        wrong={
            "Stirling": (
                "def exact_poisson(input, target):\n    return F.poisson_nll_loss(input, target, full=True, "
                'reduction="none")'
            ),
            "no factorial": "def exact_poisson(input, target):\n    return input.exp() - target * input",
            "lgamma of the count": (
                "def exact_poisson(input, target):\n    return input.exp() - target * input + torch.lgamma(target)"
            ),
            "factorial first": (
                "def exact_poisson(input, target):\n    factorial = torch.lgamma(target + 1).exp()\n"
                "    return input.exp() - target * input + factorial.log()"
            ),
            "a rate taken for its logarithm": (
                "def exact_poisson(input, target):\n"
                "    return input - target * (input.abs() + 1e-8).log() + torch.lgamma(target + 1)"
            ),
        },
    ),
    "deviance": Exercise(
        title="Deviance",
        stub="def poisson_deviance(input, target):\n    return ...",
        nudge="What is k log k at k = 0, and what does torch give for 0 * log(0)?",
        sketch="torch.xlogy(k, k) is 0 at 0. The input is the logarithm of the rate; do not rebuild it from the rate.",
        solution=(
            "def poisson_deviance(input, target):\n"
            "    return 2 * (torch.xlogy(target, target) - target * input - target + input.exp())"
        ),
        reason=(
            "The textbook writes k log(k / rate): NaN at a count of 0, and infinite where the rate underflows. With "
            "xlogy for the count and the log rate as it came, nothing is ever divided."
        ),
        checks={
            "counts, 0 among them": _deviance_value,
            "a log rate of -800": _deviance_of_never,
            "gradient": _deviance_gradient,
        },
        wrong={
            "textbook": (
                "def poisson_deviance(input, target):\n    rate = input.exp()\n"
                "    return 2 * (target * (target / rate).log() - (target - rate))"
            ),
            "through the rate": (
                "def poisson_deviance(input, target):\n    rate = input.exp()\n"
                "    return 2 * (torch.xlogy(target, target / rate) - (target - rate))"
            ),
            "without the means": (
                "def poisson_deviance(input, target):\n    return 2 * (torch.xlogy(target, target) - target * input)"
            ),
            "without the 2": (
                "def poisson_deviance(input, target):\n"
                "    return torch.xlogy(target, target) - target * input - target + input.exp()"
            ),
        },
    ),
    "exposure": Exercise(
        title="Exposure that may be 0",
        stub="def exposed_poisson(input, target, exposure):\n    return ...",
        nudge="The loss is rate minus count times log rate. Which term needs the logarithm of the exposure?",
        sketch="Multiply the rate by the exposure; count * log(exposure) for the other term is one torch.xlogy.",
        solution=(
            "def exposed_poisson(input, target, exposure):\n"
            "    return exposure * input.exp() - target * input - torch.xlogy(target, exposure)"
        ),
        reason=(
            "input + log(exposure) is -inf at an exposure of 0, and 0 * -inf is NaN. A small number in the logarithm "
            "hides that and leaves a loss and a gradient for a record that says nothing."
        ),
        checks={
            "equal to the offset": _exposure_value,
            "gradient": _exposure_gradient,
            "nobody watched": _exposure_none,
        },
        wrong={
            "offset": (
                "def exposed_poisson(input, target, exposure):\n    log_rate = input + exposure.log()\n"
                "    return log_rate.exp() - target * log_rate"
            ),
            "offset with a small number": (
                "def exposed_poisson(input, target, exposure):\n    log_rate = input + (exposure + 1e-8).log()\n"
                "    return log_rate.exp() - target * log_rate"
            ),
            "count divided": (
                "def exposed_poisson(input, target, exposure):\n"
                "    return input.exp() - target / exposure.clamp(min=1e-8) * input"
            ),
            "logarithm forgotten": (
                "def exposed_poisson(input, target, exposure):\n    return exposure * input.exp() - target * input"
            ),
            "exposure as a weight": (
                "def exposed_poisson(input, target, exposure):\n    return exposure * (input.exp() - target * input)"
            ),
        },
    ),
}
