"""Exposure that may be 0.

Write the loss of each element for a model that gives the log rate *per month*: it equals `poisson_nll_loss(input +
exposure.log(), target)`.
Where the exposure and the count are both 0, value and gradient must be 0, without a mask and without `lossbook`.

Nudge: The loss is rate minus count times log rate. Which term needs the logarithm of the exposure?

Sketch: Multiply the rate by the exposure; count * log(exposure) for the other term is one torch.xlogy.

Why: input + log(exposure) is -inf at an exposure of 0, and 0 * -inf is NaN. A small number in the logarithm hides that
and leaves a loss and a gradient for a record that says nothing.
"""

import torch

from .._draw import counts, positive, real

KIND = "build"
LEVEL = 2
MINUTES = 12
AFTER = ["poisson_nll.exact"]
TAKES = {"input": real("..."), "target": counts("..."), "exposure": positive("...", zero=True)}
GRADIENTS = ["input"]
WITHOUT = ["a mask", "lossbook"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1e-3, 0.1, 1.0, 10.0)
AT = {
    "nobody watched": {"input": [-1.0, 0.0, 3.0], "target": [0.0, 0.0, 0.0], "exposure": [0.0, 0.0, 0.0]},
    "counted though nobody watched": {"input": [0.5], "target": [3.0], "exposure": [0.0]},
}


def exposed_poisson(input, target, exposure):
    return exposure * input.exp() - target * input - torch.xlogy(target, exposure)


def size(input, target, exposure):
    return torch.xlogy(target, exposure).abs().nan_to_num(posinf=0.0)


def exact(input, target, exposure):
    return exposure * input.exp() - target * input - torch.special.xlogy(target, exposure)


def right_special(input, target, exposure):
    return torch.exp(input) * exposure - (target * input + torch.special.xlogy(target, exposure))


def right_terms_apart(input, target, exposure):
    log_rates = torch.xlogy(target, exposure) + target * input
    return input.exp().mul(exposure).sub(log_rates)


def wrong_offset(input, target, exposure):
    log_rate = input + exposure.log()
    return log_rate.exp() - target * log_rate


def wrong_offset_with_a_small_number(input, target, exposure):
    log_rate = input + (exposure + 1e-8).log()
    return log_rate.exp() - target * log_rate


def wrong_count_divided(input, target, exposure):
    return input.exp() - target / exposure.clamp(min=1e-8) * input


def wrong_logarithm_forgotten(input, target, exposure):
    return exposure * input.exp() - target * input


def wrong_exposure_as_a_weight(input, target, exposure):
    return exposure * (input.exp() - target * input)


def wrong_masked(input, target, exposure):
    """Refused by: rules."""
    log_rate = input + torch.where(exposure > 0, exposure, 1.0).log()
    return torch.where(exposure > 0, log_rate.exp() - target * log_rate, 0.0)
