"""β-NLL.

Write β-NLL for each element, in tensor operations.
The judge looks at the value and at both gradients.

Nudge: If the factor were part of the graph, where would the minimum over the variance be?

Sketch: var.detach() ** beta times the usual loss of each element.

Why: The factor decides how loudly a record speaks, not what it says. Left in the graph it has a gradient of its own,
and the variance no longer settles at the squared error.
"""

import torch
import torch.nn.functional as F

from .._draw import near, number, positive, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {
    "input": real("..."),
    "target": near("input", "..."),
    "var": positive("..."),
    "beta": number(0, 1, 0.0, 0.5, 1.0),
}
GRADIENTS = ["input", "var"]


def beta_gaussian(input, target, var, beta):
    each = 0.5 * (var.log() + (input - target) ** 2 / var)
    return var.detach() ** beta * each


def exact(input, target, var, beta):
    each = 0.5 * (var.log() + (input - target).square() / var)
    return var.detach() ** beta * each


def right_torch(input, target, var, beta):
    each = F.gaussian_nll_loss(input, target, var, eps=0.0, reduction="none")
    return var.detach().pow(beta) * each


def right_no_grad(input, target, var, beta):
    with torch.no_grad():
        factor = var**beta
    return 0.5 * factor * (var.log() + (target - input) ** 2 / var)


def wrong_factor_in_the_graph(input, target, var, beta):
    """Refused by: gradient."""
    return var**beta * 0.5 * (var.log() + (input - target) ** 2 / var)


def wrong_divided_instead(input, target, var, beta):
    each = 0.5 * (var.log() + (input - target) ** 2 / var)
    return each / var.detach() ** beta


def wrong_second_term_alone(input, target, var, beta):
    return 0.5 * (var.log() + var.detach() ** beta * (input - target) ** 2 / var)


def wrong_deviation_to_the_beta(input, target, var, beta):
    each = 0.5 * (var.log() + (input - target) ** 2 / var)
    return var.detach().sqrt() ** beta * each


def wrong_no_beta(input, target, var, beta):
    return 0.5 * (var.log() + (input - target) ** 2 / var)
