r"""From the log variance.

Networks often give $s = \log v$.
Write the loss of each element from it, without the constant, so that an exact hit works at $s = -800$ and $s = 800$ in
float64, in value and gradient.

Nudge: The formula needs log v and 1 / v. Which of the two do you have to compute, and from what?

Sketch: The first term is log_var itself; for the second, scale the error by exp(-log_var / 2), then square.

Why: exp(log_var).log() is -inf once the variance underflows and inf once it overflows, though the answer is the number
you began with. exp(-log_var) overflows too, and 0 times inf is NaN; its root, applied to the error before squaring,
stays finite twice as long.
"""

import torch
import torch.nn.functional as F

from .._draw import near, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {"input": real("..."), "target": near("input", "..."), "log_var": real("...")}
GRADIENTS = ["input", "log_var"]
SCALES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
AT = {
    "log variances of -800 and 800": {
        "input": [1.0, 1.0],
        "target": [1.0, 1.0],
        "log_var": [-800.0, 800.0],
        "dtypes": [torch.float64],
    }
}


def gaussian_from_log_var(input, target, log_var):
    error = input - target
    return 0.5 * (log_var + (error * (-0.5 * log_var).exp()) ** 2)


def size(input, target, log_var):
    return log_var.abs()


def exact(input, target, log_var):
    scaled = (input - target) * (-0.5 * log_var).exp()
    return 0.5 * log_var + 0.5 * scaled**2


def right_two_factors(input, target, log_var):
    precision = torch.exp(-log_var / 2)
    return (log_var + ((target - input) * precision).square()) / 2


def right_divided(input, target, log_var):
    return 0.5 * (log_var + ((input - target) / (0.5 * log_var).exp()) ** 2)


def wrong_through_the_variance(input, target, log_var):
    """Refused by: log variances of -800 and 800."""
    var = log_var.exp()
    return 0.5 * (var.log() + (input - target) ** 2 / var)


def wrong_square_first(input, target, log_var):
    """Refused by: log variances of -800 and 800."""
    return 0.5 * (log_var + (input - target) ** 2 * (-log_var).exp())


def wrong_torch_with_its_floor(input, target, log_var):
    """Refused by: log variances of -800 and 800."""
    return F.gaussian_nll_loss(input, target, log_var.exp(), reduction="none")


def wrong_log_deviation(input, target, log_var):
    return log_var + 0.5 * ((input - target) * (-log_var).exp()) ** 2


def wrong_weight_detached(input, target, log_var):
    """Refused by: gradient."""
    error = input - target
    return 0.5 * (log_var + (error * (-0.5 * log_var.detach()).exp()) ** 2)
