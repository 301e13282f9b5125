r"""A hinge with a round corner.

The hinge $\max(0, 1 - ys)$ is satisfied from a margin of 1 on, the soft margin loss never.
Between them lies $\tau \log\bigl(1 + e^{(1 - ys)/\tau}\bigr)$: the hinge as $\tau$ goes to 0, and shifted by 1 the soft
margin loss at $\tau = 1$.
Write it for scores `input`, labels `target` of −1 or 1 and a number `tau`, one loss for each score; value and gradient
hold for $\tau = 0.01$ and scores of $\pm 1000$ too.

Nudge: The exponent is 100 100 there. Which function of torch is log(1 + exp(x)) for any x?

Sketch: Softplus of (1 - y s) / tau, times tau. `F.softplus` has a `beta` that does both.

Why: The factor in front keeps the slope at -y far on the wrong side, for every tau; without it a small tau makes the
loss steep. `F.softplus(1 - y * s, beta=1 / tau)` is the same in one call, since beta divides by what it multiplied.
"""

import torch
import torch.nn.functional as F

from .._draw import number, one_of, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {"input": real("..."), "target": one_of(-1.0, 1.0, axes=("...",)), "tau": number(0.01, 10, 1.0)}
GRADIENTS = ["input"]
AT = {
    "scores of 1000": {"input": [-1000.0, 1000.0, 1000.0], "target": [1.0, -1.0, 1.0], "tau": 0.01},
    "the corner": {"input": [1.0, -1.0], "target": [1.0, -1.0], "tau": 0.01},
}


ABSOLUTE = 3e-8  # F.softplus is the identity from 20 on, and tau is at most 10
SLOPE_SIZE = 1.0


def round_hinge(input, target, tau):
    return tau * F.softplus((1 - target * input) / tau)


def size(input, target, tau):
    return 1 + input.abs() + tau


def exact(input, target, tau):
    x = (1 - target * input) / tau
    return tau * torch.logaddexp(x, torch.zeros_like(x))


def right_beta(input, target, tau):
    return F.softplus(1 - target * input, beta=1 / tau)


def right_of_two_exponentials(input, target, tau):
    x = (1 - target * input) / tau
    return tau * torch.logaddexp(x, torch.zeros_like(x))


def right_log_sigmoid(input, target, tau):
    return -tau * F.logsigmoid((target * input - 1) / tau)


def right_ramp_and_correction(input, target, tau):
    x = (1 - target * input) / tau
    return tau * (torch.maximum(x, torch.zeros_like(x)) + torch.log1p(torch.exp(-x.abs())))


def wrong_formula(input, target, tau):
    """Refused by: scores of 1000."""
    return tau * torch.log1p(torch.exp((1 - target * input) / tau))


def wrong_formula_clamped(input, target, tau):
    """Refused by: scores of 1000."""
    return tau * torch.log1p(torch.exp(((1 - target * input) / tau).clamp(max=80)))


def wrong_no_factor(input, target, tau):
    return F.softplus((1 - target * input) / tau)


def wrong_no_margin(input, target, tau):
    return tau * F.softplus(-target * input / tau)


def wrong_hinge(input, target, tau):
    return torch.relu(1 - target * input)


def wrong_score_alone_divided(input, target, tau):
    return tau * F.softplus(1 - target * input / tau)


def wrong_tau_upside_down(input, target, tau):
    return F.softplus((1 - target * input) * tau) / tau


def wrong_detached(input, target, tau):
    """Refused by: gradient."""
    x = (1 - target * input) / tau
    return tau * F.softplus(x.detach()) + torch.relu(1 - target * input) * 0
