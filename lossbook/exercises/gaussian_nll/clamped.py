r"""Below eps.

A head promises variances close to 0, and torch keeps them at `eps`, which is $10^{-6}$ by default.
For one `error` and one `variance`:

```python
mean = torch.tensor([error], dtype=torch.float64)
var = torch.tensor([variance], dtype=torch.float64, requires_grad=True)
loss = F.gaussian_nll_loss(mean, torch.zeros_like(mean), var)
print(loss.item(), torch.autograd.grad(loss, var)[0].item())
```

Return both numbers, without torch.

Nudge: A clamp usually ends the gradient of what lies outside of it. Is this one part of the graph?

Sketch: Replace the variance by the larger of itself and eps, in the formula of the value and in that of the derivative.

Why: torch raises the variance to eps outside of the graph: the value is the one at eps, and so is the gradient, which
does not stop there. An error of 0.1 at a variance of 1e-9 costs 4993, moves nothing if the variance falls further, and
pulls with -5e9 all the same. With an exact hit the loss is -6.9, the smallest it can be: a negative loss is no mistake,
since it is minus the logarithm of a density.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 8
TAKES = {"error": number(-0.5, 0.5, 0.0, 0.1), "variance": number(1e-9, 1.0, 0.0)}
WITHOUT = ["torch"]
AT = {
    "below eps": {"error": 0.1, "variance": 1e-9},
    "no variance": {"error": 0.0, "variance": 0.0},
    "above eps": {"error": 0.3, "variance": 0.02},
}


def printed(error, variance):
    v = max(variance, 1e-6)
    return 0.5 * (math.log(v) + error**2 / v), 0.5 * (1 - error**2 / v) / v


def size(error, variance):
    return 0.5 / max(variance, 1e-6)


def exact(error, variance):
    v = variance if variance > 1e-6 else 1e-6
    return 0.5 * math.log(v) + 0.5 * error * error / v, 0.5 / v - 0.5 * error * error / v / v


def right_branches(error, variance):
    v = 1e-6 if variance < 1e-6 else variance
    z = error / math.sqrt(v)
    return math.log(math.sqrt(v)) + z * z / 2, (1 - z * z) / (2 * v)


def right_one_fraction(error, variance):
    v = max(1e-6, variance)
    return (math.log(v) + error**2 / v) / 2, (v - error**2) / (2 * v**2)


def wrong_no_gradient_below(error, variance):
    v = max(variance, 1e-6)
    return 0.5 * (math.log(v) + error**2 / v), 0.5 * (1 - error**2 / v) / v if variance > 1e-6 else 0.0


def wrong_eps_added(error, variance):
    v = variance + 1e-6
    return 0.5 * (math.log(v) + error**2 / v), 0.5 * (1 - error**2 / v) / v


def wrong_never_negative(error, variance):
    v = max(variance, 1e-6)
    return max(0.0, 0.5 * (math.log(v) + error**2 / v)), 0.5 * (1 - error**2 / v) / v


def wrong_constant_included(error, variance):
    v = max(variance, 1e-6)
    return 0.5 * (math.log(2 * math.pi * v) + error**2 / v), 0.5 * (1 - error**2 / v) / v


def wrong_by_the_log_variance(error, variance):
    v = max(variance, 1e-6)
    return 0.5 * (math.log(v) + error**2 / v), 0.5 * (1 - error**2 / v)


def wrong_no_clamp(error, variance):
    """Refused by: below eps."""
    v = variance or 1e-300
    return 0.5 * (math.log(v) + error**2 / v), 0.5 * (1 - error**2 / v) / v
