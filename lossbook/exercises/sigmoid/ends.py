r"""Two ends that differ.

On paper $\sigma(-z) = 1 - \sigma(z)$, and the slope of the sigmoid is the same at $z$ and at $-z$.
For a whole `z` from 17 to 80:

```python
x = torch.tensor([z, -z], dtype=torch.float32, requires_grad=True)
p = torch.sigmoid(x)
p.sum().backward()
print(p.tolist())
print(x.grad.tolist())
```

Return the four numbers in the order in which they are printed, without torch; six digits are enough.

Nudge: Which numbers of float32 lie next to 0, which next to 1, and how does torch get the slope?

Sketch: One of the probabilities has rounded; the other is a small number that float32 holds well. The slope is made of
the probability as it was stored.

Why: From 16.6 on, 1 + exp(-z) is 1 in float32, so the upper probability is 1 and its slope, p (1 - p), is 0. The lower
one is exp(-z), and so is its slope: floats lie dense near 0, and 1 - p is 1 there. A wrong answer given with a logit of
20 gets no gradient through the probability; one given with -20 gets 2e-9.
"""

import math

import torch

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {"z": number(17, 80, 17, 20, 50, whole=True)}
WITHOUT = ["torch"]
PRECISION = torch.float32
ANY_DTYPE = True


def printed(z):
    small = math.exp(-z)
    return 1.0, small, 0.0, small


def exact(z):
    small = 1 / (1 + math.exp(z))
    return 1.0, small, 0.0, small * (1 - small)


def right_sigmoid(z):
    p = math.exp(-z) / (1 + math.exp(-z))
    return 1, p, 0, p * (1 - p)


def right_hyperbolic(z):
    slope = 0.25 / math.cosh(z / 2) ** 2
    return [1.0, 0.5 - 0.5 * math.tanh(z / 2) or math.exp(-z), 0.0, slope] if z < 10 else [1.0, slope, 0.0, slope]


def wrong_on_paper(z):
    small = math.exp(-z)
    return 1.0 - small, small, small, small


def wrong_both_slopes_0(z):
    return 1.0, math.exp(-z), 0.0, 0.0


def wrong_both_rounded(z):
    return 1.0, 0.0, 0.0, 0.0


def wrong_one_minus_the_larger(z):
    p = 1 / (1 + math.exp(-z))
    return 1.0, 1 - p, 0.0, 1 - p


def wrong_the_other_slope(z):
    small = math.exp(-z)
    return 1.0, small, small, 0.0
