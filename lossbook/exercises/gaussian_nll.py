"""Exercises of the Gaussian NLL chapter."""

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _drawn(scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Draw means, targets and variances of a fresh number."""
    size = int(torch.randint(5, 40, ()))
    mean, target = scale * torch.randn(2, size, dtype=torch.double)
    return mean, target, scale**2 * (torch.rand(size, dtype=torch.double) + 0.1)


def _by_definition(mean: Tensor, target: Tensor, var: Tensor) -> Tensor:
    return 0.5 * (var.log() + (mean - target) ** 2 / var)


def _slopes(answer: Answer, mean: Tensor, target: Tensor, spread: Tensor, *rest: float) -> tuple[Tensor, Tensor]:
    """Give the gradients of the summed answer for the mean and for the variance or its logarithm."""
    mean, spread = mean.clone().requires_grad_(), spread.clone().requires_grad_()
    value = answer(mean, target, spread, *rest).sum()
    by_mean, by_spread = torch.autograd.grad(value, (mean, spread))
    return by_mean, by_spread


def _log_variance_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        mean, target, var = _drawn(scale)
        same(answer(mean, target, var.log()), _by_definition(mean, target, var), f"errors of size {scale:g}")


def _log_variance_gradient(answer: Answer) -> None:
    mean, target, var = _drawn()
    by_mean, by_spread = _slopes(answer, mean, target, var.log())
    same(by_mean, (mean - target) / var, "gradient for the mean")
    same(by_spread, 0.5 * (1 - (mean - target) ** 2 / var), "gradient for the log variance")


def _log_variance_ends(answer: Answer) -> None:
    log_var = torch.tensor([-800.0, 800.0], dtype=torch.double)
    hit = torch.ones_like(log_var)
    same(answer(hit, hit, log_var), 0.5 * log_var, "exact hits, log variance -800 and 800")
    by_mean, by_spread = _slopes(answer, hit, hit, log_var)
    same(by_mean, torch.zeros_like(hit), "gradient for the mean at an exact hit")
    same(by_spread, 0.5 * hit, "gradient for the log variance at an exact hit")


def _beta_value(answer: Answer) -> None:
    for beta in (0.0, 0.5, 1.0):
        mean, target, var = _drawn(2.0)
        same(answer(mean, target, var, beta), var**beta * _by_definition(mean, target, var), f"beta {beta:g}")


def _beta_mean_gradient(answer: Answer) -> None:
    for beta in (0.0, 0.5, 1.0):
        mean, target, var = _drawn(2.0)
        by_mean, _ = _slopes(answer, mean, target, var, beta)
        same(by_mean, (mean - target) * var ** (beta - 1), f"gradient for the mean, beta {beta:g}")


def _beta_variance_gradient(answer: Answer) -> None:
    for beta in (0.0, 0.5, 1.0):
        mean, target, var = _drawn(2.0)
        _, by_spread = _slopes(answer, mean, target, var, beta)
        expected = var**beta * 0.5 * (1 / var - (mean - target) ** 2 / var**2)
        same(by_spread, expected, f"gradient for the variance, beta {beta:g}")


def _targets_at(distances: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Put each target so many standard deviations, fresh for each record, from its mean."""
    mean, _, var = _drawn(3.0)
    mean, var = mean[:1].expand_as(distances), (var[:1] + torch.rand_like(distances)).expand_as(distances)
    return mean, mean + distances * var.sqrt(), var


def _coverage_of(answer: Answer, level: float, expected: float, distances: Tensor) -> None:
    order = torch.randperm(len(distances))
    share = torch.as_tensor(answer(*_targets_at(distances[order]), level), dtype=torch.double)
    same(share, torch.tensor(expected, dtype=torch.double), f"level {level:g}, distances {distances.tolist()}")


def _coverage_edges(answer: Answer) -> None:
    for level, width in {0.5: 0.6745, 0.8: 1.2816, 0.95: 1.9600, 0.99: 2.5758}.items():
        distances = width * torch.tensor([0.1, -0.5, -0.98, 0.98, 1.02, -1.02, 1.5, -3.0], dtype=torch.double)
        _coverage_of(answer, level, 0.5, distances)


def _coverage_sides(answer: Answer) -> None:
    below = torch.tensor([-0.5, -1.0, -2.5, -3.0, -4.0], dtype=torch.double)
    for distances in (below, -below):
        _coverage_of(answer, 0.95, 0.4, distances)


def _coverage_in_float32(answer: Answer) -> None:
    mean, var = torch.zeros(20000), torch.full((20000,), 9.0)
    share = float(answer(mean, 3 * torch.randn(20000), var, 0.9))
    assert abs(share - 0.9) < 0.02, f"20000 Gaussian targets, level 0.9: expected about 0.90, got {share:.3f}"


EXERCISES = {
    "log_variance": Exercise(
        title="From the log variance",
        stub="def gaussian_from_log_var(input, target, log_var):\n    return ...",
        nudge="The formula needs log v and 1 / v. Which of the two do you have to compute, and from what?",
        sketch="The first term is log_var itself; for the second, scale the error by exp(-log_var / 2), then square.",
        solution=(
            "def gaussian_from_log_var(input, target, log_var):\n    error = input - target\n"
            "    return 0.5 * (log_var + (error * (-0.5 * log_var).exp()) ** 2)"
        ),
        reason=(
            "exp(log_var).log() is -inf once the variance underflows and inf once it overflows, though the answer is "
            "the number you began with. exp(-log_var) overflows too, and 0 times inf is NaN; its root, applied to the "
            "error before squaring, stays finite twice as long."
        ),
        checks={
            "the formula": _log_variance_value,
            "both gradients": _log_variance_gradient,
            "log variances of -800 and 800": _log_variance_ends,
        },
        wrong={
            "through the variance": (
                "def gaussian_from_log_var(input, target, log_var):\n    var = log_var.exp()\n"
                "    return 0.5 * (var.log() + (input - target) ** 2 / var)"
            ),
            "square first": (
                "def gaussian_from_log_var(input, target, log_var):\n"
                "    return 0.5 * (log_var + (input - target) ** 2 * (-log_var).exp())"
            ),
            "torch with its floor": (
                "def gaussian_from_log_var(input, target, log_var):\n"
                '    return F.gaussian_nll_loss(input, target, log_var.exp(), reduction="none")'
            ),
            "log deviation": (
                "def gaussian_from_log_var(input, target, log_var):\n"
                "    return log_var + 0.5 * ((input - target) * (-log_var).exp()) ** 2"
            ),
            "weight detached": (
                "def gaussian_from_log_var(input, target, log_var):\n    error = input - target\n"
                "    return 0.5 * (log_var + (error * (-0.5 * log_var.detach()).exp()) ** 2)"
            ),
        },
    ),
    "beta": Exercise(
        title="Beta NLL",
        stub="def beta_gaussian(input, target, var, beta):\n    return ...",
        nudge="If the factor were part of the graph, where would the minimum over the variance be?",
        sketch="var.detach() ** beta times the usual loss of each element.",
        solution=(
            "def beta_gaussian(input, target, var, beta):\n"
            "    each = 0.5 * (var.log() + (input - target) ** 2 / var)\n"
            "    return var.detach() ** beta * each"
        ),
        reason=(
            "The factor decides how loudly a record speaks, not what it says. Left in the graph it has a gradient of "
            "its own, and the variance no longer settles at the squared error."
        ),
        checks={
            "value": _beta_value,
            "gradient for the mean": _beta_mean_gradient,
            "gradient for the variance": _beta_variance_gradient,
        },
        wrong={
            "factor in the graph": (
                "def beta_gaussian(input, target, var, beta):\n"
                "    return var**beta * 0.5 * (var.log() + (input - target) ** 2 / var)"
            ),
            "divided instead": (
                "def beta_gaussian(input, target, var, beta):\n"
                "    each = 0.5 * (var.log() + (input - target) ** 2 / var)\n"
                "    return each / var.detach() ** beta"
            ),
            "second term alone": (
                "def beta_gaussian(input, target, var, beta):\n"
                "    return 0.5 * (var.log() + var.detach() ** beta * (input - target) ** 2 / var)"
            ),
            "deviation to the beta": (
                "def beta_gaussian(input, target, var, beta):\n"
                "    each = 0.5 * (var.log() + (input - target) ** 2 / var)\n"
                "    return var.detach().sqrt() ** beta * each"
            ),
            "no beta": (
                "def beta_gaussian(input, target, var, beta):\n"
                "    return 0.5 * (var.log() + (input - target) ** 2 / var)"
            ),
        },
    ),
    "coverage": Exercise(
        title="Does the interval keep its promise?",
        stub="def interval_coverage(input, target, var, level):\n    return ...",
        nudge="Between which two quantiles of a Gaussian does its central half lie?",
        sketch="Half of what is left out lies each side: |error| / sqrt(var) against the quantile for 0.5 + level / 2.",
        solution=(
            "def interval_coverage(input, target, var, level):\n"
            "    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))\n"
            "    return ((input - target).abs() < width * var.sqrt()).double().mean()"
        ),
        reason=(
            "The quantile at the level itself leaves everything that is left out on one side, so a 95 % interval would "
            "hold 90 %. And 1.96 is the width of one level only."
        ),
        checks={
            "targets at the edge of the interval": _coverage_edges,
            "both sides count": _coverage_sides,
            "Gaussian targets": _coverage_in_float32,
        },
        wrong={
            "one-sided quantile": (
                "def interval_coverage(input, target, var, level):\n"
                "    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(level))\n"
                "    return ((input - target).abs() < width * var.sqrt()).double().mean()"
            ),
            "variance as width": (
                "def interval_coverage(input, target, var, level):\n"
                "    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))\n"
                "    return ((input - target).abs() < width * var).double().mean()"
            ),
            "always 1.96": (
                "def interval_coverage(input, target, var, level):\n"
                "    return ((input - target).abs() < 1.96 * var.sqrt()).double().mean()"
            ),
            "upper end only": (
                "def interval_coverage(input, target, var, level):\n"
                "    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))\n"
                "    return (target < input + width * var.sqrt()).double().mean()"
            ),
        },
    ),
}
