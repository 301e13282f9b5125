r"""Through a softplus head.

A model's last layer gives $x$, and its rate is $\lambda = \operatorname{softplus}(x) = \log(1 + e^x)$.
The loss is $\lambda - k \log\lambda$.
Write its derivative with respect to $x$, one number for each element, without autograd.
It must be right at $x = -200$ in float32, and at $-800$ in float64, where the rate has rounded to 0.

Nudge: The derivative of softplus is the sigmoid. What does the sigmoid of x over the softplus of x tend to, far down?

Sketch: It is the sigmoid times (1 - k / rate). Take the quotient of sigmoid and rate as one number, which is 1 where x
is far below 0.

Why: Far down both the rate and its slope are e^x, so their quotient is 1 and the derivative is -k: a count of 3 pulls
with 3, however small the rate. Computed apart it is 0 times infinity. With the rate in the denominator alone, as in
1 - k / rate, the pull would be infinite: the head takes away what the logarithm adds. An eps in the logarithm ends the
pull where the rate has fallen below it.
"""

import torch
import torch.nn.functional as F

from .._draw import counts, real

KIND = "derive"
LEVEL = 2
MINUTES = 12
TAKES = {"x": real("..."), "target": counts("...")}
WITHOUT = ["autograd"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
AT = {
    "rates that vanish": {"x": [-200.0, -120.0, -95.0, -50.0], "target": [3.0, 0.0, 1.0, 7.0]},
    "in float64 too": {"x": [-800.0, -750.0], "target": [3.0, 1.0], "dtypes": [torch.float64]},
    "large rates": {"x": [1000.0, 30.0], "target": [1000.0, 31.0]},
}


def head_gradient(x, target):
    rate = torch.logaddexp(x, torch.zeros_like(x))
    share = torch.sigmoid(x) / rate.where(x > -50, 1.0)
    return torch.sigmoid(x) - target * share.where(x > -50, 1.0)


def size(x, target):
    return 1 + target  # the two terms, before one is taken off the other


def absolute(x, target):
    return 6e-9 * target  # F.softplus is the identity from 20 on


def exact(x, target):
    u = x.clamp(min=-40).exp()
    rate = torch.where(x > 30, x + (-x.clamp(min=0)).exp(), u.log1p())
    share = 1 / ((1 + (-x.clamp(min=-40)).exp()) * rate)
    return 1 / (1 + (-x).exp()) - target * share.where(x > -40, 1.0)


def right_by_logarithms(x, target):
    rate = torch.logaddexp(x, torch.zeros_like(x))
    log_rate = torch.where(x < -30, x, rate.where(x >= -30, 1.0).log())
    return torch.sigmoid(x) - target * (F.logsigmoid(x) - log_rate).exp()


def right_softplus(x, target):
    near = x.clamp(min=-60)
    quotient = torch.sigmoid(near) / F.softplus(near)
    return torch.sigmoid(x) - target * quotient


def wrong_two_factors(x, target):
    """Refused by: rates that vanish."""
    return torch.sigmoid(x) * (1 - target / F.softplus(x))


def wrong_by_the_rate(x, target):
    return 1 - target / F.softplus(x)


def wrong_as_if_the_input_were_the_log_rate(x, target):
    return F.softplus(x) - target


def wrong_epsilon(x, target):
    """Refused by: rates that vanish."""
    return torch.sigmoid(x) * (1 - target / (F.softplus(x) + 1e-8))


def wrong_nothing_left(x, target):
    """Refused by: rates that vanish."""
    return (torch.sigmoid(x) * (1 - target / F.softplus(x))).nan_to_num(0.0, 0.0, 0.0)


def wrong_clamped_too_early(x, target):
    rate = F.softplus(x).clamp(min=1e-3)
    return torch.sigmoid(x) * (1 - target / rate)
