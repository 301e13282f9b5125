r"""A smooth relative that survives small errors.

**Pseudo-Huber** is $\delta^2\bigl(\sqrt{1 + (e/\delta)^2} - 1\bigr)$: the same two ends, but with all derivatives.
Written like that it returns 0 for an error of $10^{-4}$ in float32.
Find a form that does not.

Nudge: In float32, what is sqrt(1 + 1e-10) - 1?

Sketch: Multiply and divide by sqrt(1 + (error / delta)**2) + 1: the difference in the numerator disappears. And
torch.hypot is a root of two squares that does not overflow.

Why: The textbook form subtracts 1 from a number that rounds to 1, so an error below about 3e-4 * delta costs exactly 0
in float32, and its gradient is lost with it in a sum. The product form has no subtraction; dividing before multiplying,
and hypot for the root, keep an error of 1e20 from overflowing when it is squared.
"""

import torch

from .._draw import number, real

KIND = "build"
LEVEL = 2
MINUTES = 12
AFTER = ["huber.gradient"]
TAKES = {"error": real("..."), "delta": number(0.05, 20)}
GRADIENTS = ["error"]
ORDER = 2
AT = {
    "small errors": {"error": [1e-3, -1e-4, 1e-5, 0.0]},
    "large errors": {"error": [1e15, -1e15], "order": 1},
}


def pseudo_huber(error, delta):
    root = torch.hypot(error / delta, torch.ones_like(error))
    return error * (error / (root + 1))


def exact(error, delta):
    return delta**2 * torch.expm1(0.5 * torch.log1p((error / delta) ** 2))


def right_two_squares(error, delta):
    z = error / delta
    return delta**2 * z**2 / (1 + (1 + z**2).sqrt())


def right_root_of_both_squares(error, delta):
    return delta * error * (error / ((delta**2 + error**2).sqrt() + delta))


def wrong_textbook(error, delta):
    return delta**2 * ((1 + (error / delta) ** 2).sqrt() - 1)


def wrong_huber(error, delta):
    clipped = error.clamp(-delta, delta)
    return clipped * (error - 0.5 * clipped)


def wrong_detached(error, delta):
    """Refused by: gradient."""
    root = torch.hypot(error.detach() / delta, torch.ones_like(error))
    return error * (error / (root + 1))


def wrong_slope_without_a_slope(error, delta):
    """Refused by: second derivative."""
    e = error.detach()
    root = torch.hypot(e / delta, torch.ones_like(e))
    return e * (e / (root + 1)) + e / root * (error - e)


def wrong_divided_by_delta(error, delta):
    z = error / delta
    return z * z / (torch.hypot(z, torch.ones_like(z)) + 1)
