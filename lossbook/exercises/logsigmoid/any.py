r"""At least one.

Ten smoke detectors give a logit each, and they err independently.
Write the log-probability that at least one of them is right, $\log\bigl(1 - \prod_k (1 - \sigma(x_k))\bigr)$, over the
last dimension.
It must hold where all logits are -50 and where all are 50.

Nudge: The log-probability that all are wrong is a sum. What is log(1 - exp(s)) for s near 0, and for s of -500?

Sketch: Sum the log sigmoids of -x; call it s. For s near 0 take log(-expm1(s)), far below it log1p(-exp(s)). Half way,
at about -0.7, is a good border; give each branch a harmless s where the other one is taken.

Why: The product of ten factors that have rounded to 1 is 1, and log(1 - 1) is infinite. expm1 keeps what is left of 1
when s is near 0, log1p when exp(s) is. Where the branch is not taken its s is replaced before the function and not
after it, because autograd differentiates both branches.
"""

import torch
import torch.nn.functional as F

from .._draw import real
from .._exact import log1mexp

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["logits_and_overflow.complement", "logsigmoid.soft"]
TAKES = {"x": real("...", "K")}
GRADIENTS = ["x"]
PRECISION = torch.float32
SCALES = (1e-3, 0.1, 1.0, 10.0)
AT = {
    "ten unlikely detectors": {"x": [[-50.0] * 10, [-30.0] * 10]},
    "sure detectors": {"x": [[15.0, 15.0], [50.0, 50.0]]},
}


def log_any(x):
    s = F.logsigmoid(-x).sum(-1)
    near = s > -0.7
    unlikely = (-torch.expm1(torch.where(near, s, -1.0))).log()
    likely = torch.log1p(-torch.exp(torch.where(near, -1.0, s)))
    return torch.where(near, unlikely, likely)


def exact(x):
    return log1mexp(F.logsigmoid(-x).sum(-1))


def right_other_border(x):
    s = -F.softplus(x).sum(dim=-1)
    near = s > -1
    first = torch.log(-torch.expm1(s.where(near, -0.5)))
    second = torch.log1p(-torch.exp(s.where(~near, -2.0)))
    return torch.where(near, first, second)


def right_clamped_branches(x):
    s = F.logsigmoid(-x).sum(-1)
    unlikely = (-torch.expm1(s.clamp(min=-0.7))).log()
    likely = torch.log1p(-s.clamp(max=-0.7).exp())
    return torch.where(s > -0.7, unlikely, likely)


def wrong_as_written(x):
    """Refused by: ten unlikely detectors."""
    return (1 - (1 - torch.sigmoid(x)).prod(-1)).log()


def wrong_sum_of_logarithms(x):
    return F.logsigmoid(x).sum(-1)


def wrong_the_surest_one(x):
    return F.logsigmoid(x.amax(-1))


def wrong_only_log1p(x):
    """Refused by: ten unlikely detectors."""
    return torch.log1p(-F.logsigmoid(-x).sum(-1).exp())


def wrong_only_expm1(x):
    """Refused by: sure detectors."""
    return (-torch.expm1(F.logsigmoid(-x).sum(-1))).log()


def wrong_one_inner_where(x):
    """Refused by: gradient."""
    s = F.logsigmoid(-x).sum(-1)
    near = s > -0.7
    unlikely = (-torch.expm1(torch.where(near, s, -1.0))).log()
    return torch.where(near, unlikely, torch.log1p(-torch.exp(s)))
