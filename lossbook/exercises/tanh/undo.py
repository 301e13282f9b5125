"""Back from the action.

A head maps $x$ to `low + (high - low) * (1 + tanh(x)) / 2`.
Return the $x$ of an action, also of one that is $10^{-20}$ above `low` = 0; at the ends it is infinite.

Nudge: atanh(y) is half the logarithm of (1 + y) / (1 - y). What are 1 + y and 1 - y in terms of the action?

Sketch: The distances to both ends, action - low and high - action, are exact near the end; divide them.

Why: Scaling to (-1, 1) first adds 1 to a small distance, and an action of 1e-20 becomes the end itself. The distance to
an end keeps its digits. At the end the answer is infinite, and should be.
"""

import torch

from .._draw import above, inside, number

KIND = "build"
LEVEL = 1
MINUTES = 8
TAKES = {"action": inside("low", "high", "..."), "low": number(-10, 10), "high": above("low")}
DTYPES = (torch.float64, torch.float32)
SCALES = (1.0,)
FILLED = ["action"]
AT = {
    "close to an end": {"action": [1e-20, 1e-10, 0.999999940395355], "low": 0.0, "high": 1.0},
    "one step from the end": {
        "action": [0.9999999999999999, -1.9999999999999998],
        "low": -2.0,
        "high": 1.0,
        "dtypes": [torch.float64],
    },
    "at both ends": {"action": [-2.0, 3.0], "low": -2.0, "high": 3.0},
}


def undo(action, low, high):
    return 0.5 * torch.log((action - low) / (high - action))


def exact(action, low, high):
    return 0.5 * ((action - low) / (high - action)).log()


def right_difference_of_logs(action, low, high):
    return (torch.log(action - low) - torch.log(high - action)) / 2


def right_two_halves(action, low, high):
    below, above = action - low, high - action
    return 0.5 * below.log() - 0.5 * above.log()


def wrong_atanh_of_the_scaled(action, low, high):
    """Refused by: close to an end."""
    return torch.atanh(2 * (action - low) / (high - low) - 1)


def wrong_logit(action, low, high):
    return torch.log((action - low) / (high - action))


def wrong_clamp(action, low, high):
    """Refused by: close to an end."""
    y = 2 * (action - low) / (high - low) - 1
    return torch.atanh(y.clamp(-1 + 1e-6, 1 - 1e-6))


def wrong_range_forgotten(action, low, high):
    return torch.atanh(action)


def wrong_ends_swapped(action, low, high):
    return 0.5 * torch.log((high - action) / (action - low))


def wrong_logit_of_the_share(action, low, high):
    """Refused by: one step from the end."""
    return 0.5 * torch.logit((action - low) / (high - low))


def wrong_in_place(action, low, high):
    """Refused by: nothing changed."""
    return 0.5 * torch.log(action.sub_(low) / (high - low - action))
