"""Beyond the threshold.

With a sharp bend torch's softplus is not what the formula says:

```python
x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
value = F.softplus(x, beta=beta)
(slope,) = torch.autograd.grad(value, x, create_graph=True)
(curvature,) = torch.autograd.grad(slope, x)
print(value, slope, curvature)
```

The threshold is the default, 20.
What does it print for a positive `x` and that `beta`, if their product is not exactly 20?
Return the three numbers, without torch.

Nudge: Is the threshold compared with x, or with beta times x? What function does torch take beyond it?

Sketch: As long as beta times x is 20 at most, it is the formula, its slope the sigmoid and its curvature beta times
sigmoid times 1 minus sigmoid. Beyond it softplus is the identity; what are the derivatives of that?

Why: The threshold is one for beta * x, so with beta = 10 the identity begins at x = 2: value x, slope 1, curvature
exactly 0. The value is off by 2e-9 / beta at most. The curvature was beta * 2e-9 and becomes 0, where a step of
Newton's method divides by it.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 8
TAKES = {"x": number(0.5, 8), "beta": number(1, 8, 10.0)}
WITHOUT = ["torch"]
ABSOLUTE = 1e-14
AT = {
    "a little beyond": {"x": 2.5, "beta": 10.0},
    "a little before": {"x": 1.9, "beta": 10.0},
    "large x": {"x": 19.0, "beta": 1.0},
    "large x, beyond": {"x": 21.0, "beta": 1.0},
}


def printed(x, beta):
    if beta * x > 20:
        return x, 1.0, 0.0
    q = 1 / (1 + math.exp(-beta * x))
    return math.log1p(math.exp(beta * x)) / beta, q, beta * q * (1 - q)


def exact(x, beta):
    if beta * x > 20:
        return x, 1.0, 0.0
    small = math.exp(-beta * x)
    return x + math.log1p(small) / beta, 1 / (1 + small), beta * small / (1 + small) ** 2


def right_the_other_side(x, beta):
    e = math.exp(min(beta * x, 30))
    q = e / (1 + e)
    inside = math.log(1 + e) / beta, q, beta * q / (1 + e)
    return inside if beta * x <= 20 else (x, 1.0, 0.0)


def right_hyperbolic(x, beta):
    z = beta * x
    if z > 20:
        return x, 1.0, 0.0
    q = (1 + math.tanh(z / 2)) / 2
    return (z + math.log1p(math.exp(-z))) / beta, q, beta / (2 * math.cosh(z / 2)) ** 2


def wrong_no_threshold(x, beta):
    """Refused by: a little beyond."""
    q = 1 / (1 + math.exp(-beta * x))
    return math.log1p(math.exp(beta * x)) / beta, q, beta * q * (1 - q)


def wrong_threshold_for_x(x, beta):
    """Refused by: a little beyond."""
    q = 1 / (1 + math.exp(-beta * x))
    inside = math.log1p(math.exp(beta * x)) / beta, q, beta * q * (1 - q)
    return (x, 1.0, 0.0) if x > 20 else inside


def wrong_only_the_value_beyond(x, beta):
    """Refused by: a little beyond."""
    q = 1 / (1 + math.exp(-beta * x))
    value = x if beta * x > 20 else math.log1p(math.exp(beta * x)) / beta
    return value, q, beta * q * (1 - q)


def wrong_constant_beyond(x, beta):
    q = 1 / (1 + math.exp(-beta * x))
    inside = math.log1p(math.exp(beta * x)) / beta, q, beta * q * (1 - q)
    return (20.0, 0.0, 0.0) if beta * x > 20 else inside


def wrong_not_divided(x, beta):
    q = 1 / (1 + math.exp(-beta * x))
    inside = math.log1p(math.exp(beta * x)), q, q * (1 - q)
    return (x, 1.0, 0.0) if beta * x > 20 else inside


def wrong_the_identity_everywhere(x, beta):
    return x, 1.0, 0.0
