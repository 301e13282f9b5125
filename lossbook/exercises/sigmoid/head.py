"""A head for grades.

Write a head for targets from `low` to `high` that returns `start` for an input of 0, so that an untrained model begins
at the mean of the data, and whose slope is positive everywhere between.

Nudge: Which probability p makes low + (high - low) * p equal to start, and which logit has that probability?

Sketch: Add the logit of (start - low) / (high - low) to the input; then stretch the sigmoid and shift it.

Why: The odds of (start - low) / (high - low) are (start - low) / (high - start). Shifting the logit moves the start and
leaves both ends reachable; shifting the output would move the range, and a clamp kills slopes.
"""

import math

import torch

from .._draw import above, inside, number, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {"x": real("..."), "low": number(-10, 10), "high": above("low"), "start": inside("low", "high")}
GRADIENTS = ["x"]
AT = {
    "the start": {"x": [0.0, 0.0], "low": 1.0, "high": 5.0, "start": 2.0},
    "both ends": {"x": [-1000.0, 1000.0], "low": 1.0, "high": 5.0, "start": 2.0},
    "a wide range": {"x": [0.0, 1.0, -1.0], "low": 0.0, "high": 300.0, "start": 150.0},
}


def size(x, low, high, start):
    return abs(low) + abs(high)


def slope_size(x, low, high, start):
    return high - low


def grade_head(x, low, high, start):
    odds = torch.tensor((start - low) / (high - start), dtype=x.dtype)
    return low + (high - low) * torch.sigmoid(x + odds.log())


def exact(x, low, high, start):
    return low + (high - low) * torch.sigmoid(x + math.log((start - low) / (high - start)))


def right_math_log(x, low, high, start):
    shift = math.log(start - low) - math.log(high - start)
    return low + (high - low) * torch.sigmoid(x + shift)


def right_logit(x, low, high, start):
    share = torch.as_tensor((start - low) / (high - low), dtype=x.dtype)
    return torch.lerp(torch.full_like(x, low), torch.full_like(x, high), torch.sigmoid(x + share.logit()))


def right_from_above(x, low, high, start):
    return high - (high - low) * torch.sigmoid(math.log((high - start) / (start - low)) - x)


def wrong_starts_in_the_middle(x, low, high, start):
    return low + (high - low) * torch.sigmoid(x)


def wrong_shifts_the_output(x, low, high, start):
    return start + (high - low) * (torch.sigmoid(x) - 0.5)


def wrong_clamp(x, low, high, start):
    return (x + start).clamp(low, high)


def wrong_stretched_to_high(x, low, high, start):
    shift = math.log((start - low) / (high - start))
    return low + high * torch.sigmoid(x + shift)


def wrong_log_odds_of_the_share(x, low, high, start):
    shift = math.log((start - low) / (high - low))
    return low + (high - low) * torch.sigmoid(x + shift)
