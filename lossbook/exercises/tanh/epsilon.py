r"""What an epsilon keeps.

The log-density of a squashed action needs $\log(1 - \tanh^2 u)$, and a common form of it adds a small number.
For a `u` between 12 and 300, and an `eps` between $10^{-8}$ and $10^{-3}$:

```python
x = torch.tensor(u, dtype=torch.float32, requires_grad=True)
value = torch.log(1 - torch.tanh(x) ** 2 + eps)
value.backward()
print(value.item(), x.grad.item())
better = 2 * (math.log(2) - u - math.log1p(math.exp(-2 * u)))
print(better)
```

Return the three numbers, without torch; six digits are enough.

Nudge: What is tanh(12) in float32, and what is left of 1 minus its square?

Sketch: Once tanh has rounded to 1, only eps is left in the logarithm, and the slope of tanh as torch computes it is a
factor of the gradient.

Why: tanh is 1 from 9.5 on in float32, so the value is log(eps) whatever the action, -13.8 for 1e-6, and the gradient is
0: a policy that has walked out there is not told how far, nor which way is back. The right value is 2 (log 2 - u) up to
exp(-2u), which is -38.6 at 20, with a slope of -2.
"""

import math

import torch

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 6
TAKES = {"u": number(12, 300, 12.0, 20.0), "eps": number(1e-8, 1e-3, 1e-6)}
WITHOUT = ["torch"]
PRECISION = torch.float32
ANY_DTYPE = True


def printed(u, eps):
    return math.log(eps), 0.0, 2 * (math.log(2) - u)


def exact(u, eps):
    return math.log(eps), 0.0, 2 * math.log(2) - 2 * u - 2 * math.log1p(math.exp(-2 * u))


def right_as_written(u, eps):
    return [math.log(eps), 0, 2 * (math.log(2) - u - math.log1p(math.exp(-2 * u)))]


def right_log_cosh(u, eps):
    log_cosh = u + math.log1p(math.exp(-2 * u)) - math.log(2)
    return math.log(eps), -0.0, -2 * log_cosh


def wrong_right_slope(u, eps):
    return math.log(eps), -2.0, 2 * (math.log(2) - u)


def wrong_eps_is_lost(u, eps):
    better = 2 * (math.log(2) - u)
    return math.log(math.exp(better) + eps) if u < 9 else better, -2.0, better


def wrong_minus_infinity(u, eps):
    return -math.inf, 0.0, 2 * (math.log(2) - u)


def wrong_nothing_lost(u, eps):
    return 0.0, 0.0, 0.0


def wrong_nan_slope(u, eps):
    return math.log(eps), math.nan, 2 * (math.log(2) - u)
