r"""Least squares that trusts outliers less.

Any solver of weighted least squares can minimise Huber loss, if each record gets the weight $w(e)$ for which $w(e)\,e$
is the Huber gradient.
Write $w$; it must be right at $e = 0$ too.

Nudge: You want weight * error to be the Huber gradient. What does that make the weight for a large error?

Sketch: 1 within delta, delta / |error| beyond it; mind the division where the error is 0.

Why: Gradient divided by error is 0/0 at an exact hit, and a mask applied afterwards does not remove the NaN. Limiting
|error| from below by delta makes the division safe and gives 1 there by itself.
"""

import torch

from .._draw import number, real

KIND = "derive"
LEVEL = 2
MINUTES = 10
AFTER = ["huber.gradient"]
TAKES = {"error": real("..."), "delta": number(0.05, 20)}
AT = {"exact hits": {"error": [0.0, 0.0, 0.0]}}


def huber_weight(error, delta):
    return delta / error.abs().clamp(min=delta)


def exact(error, delta):
    inside = error.abs() <= delta
    return torch.where(inside, 1.0, delta / torch.where(inside, 1.0, error.abs()))


def right_capped(error, delta):
    return (delta / error.abs()).clamp(max=1)


def right_chosen(error, delta):
    size = error.abs()
    return torch.where(size > delta, delta / size.where(size > delta, 1.0), torch.ones_like(size))


def wrong_divides_by_0(error, delta):
    return error.clamp(-delta, delta) / error


def wrong_hard_cut(error, delta):
    return (error.abs() <= delta).double()


def wrong_squared(error, delta):
    return (delta / error.abs().clamp(min=delta)) ** 2


def wrong_in_place(error, delta):
    """Refused by: nothing changed."""
    error.zero_()
    return torch.ones_like(error)


def wrong_inverse(error, delta):
    return error.abs().clamp(min=delta) / delta
