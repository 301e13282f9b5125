"""A step that does not overshoot.

Replace the walk's step by one that lands: move each `position` towards its `target` by `step`, and stop *on* the
target where that is closer than `step`.
Autograd will go through it.

Nudge: How far may you go at most, if the target is 0.3 away and the step is 0.5?

Sketch: Limit the way to the target to the interval from -step to step, and go that far.

Why: step * sign(error) goes the full step even when the target is closer, and oscillates for ever. The limited step is
the exact minimiser of the absolute error plus (distance moved)^2 / (2 step), known as soft thresholding: it lands, and
a penalty that is minimised with it gives weights of exactly 0.
"""

import torch

from .._draw import near, number, real

KIND = "build"
LEVEL = 1
MINUTES = 8
SCALES = (1e-6, 1e-3, 0.1, 1.0, 30.0)  # a step is not lost beside the position
TAKES = {"position": real("..."), "target": near("position", "..."), "step": number(0.05, 5)}
GRADIENTS = ["position"]
AT = {
    "far and near": {
        "position": [2.0, -3.0, 0.3, -0.2, 0.0],
        "target": [0.0, 0.0, 0.0, 0.0, 0.0],
        "step": 0.5,
    }
}


def settle(position, target, step):
    return position + (target - position).clamp(-step, step)


def size(position, target, step):
    return torch.maximum(position.abs(), target.abs()) + step


def exact(position, target, step):
    return position + (target - position).clamp(-step, step)


def right_soft_threshold(position, target, step):
    away = position - target
    return target + away.sign() * (away.abs() - step).relu()


def right_nearer(position, target, step):
    away = position - target
    return torch.where(away.abs() <= step, target, position - step * away.sign())


def right_between(position, target, step):
    return torch.minimum(torch.maximum(target, position - step), position + step)


def wrong_the_walk(position, target, step):
    return position - step * (position - target).sign()


def wrong_hard_threshold(position, target, step):
    return torch.where((position - target).abs() > step, position, target)


def wrong_proportional(position, target, step):
    return position - step * (position - target)


def wrong_jumps(position, target, step):
    return target + 0 * position


def wrong_towards_0(position, target, step):
    return position.sign() * (position.abs() - step).clamp(min=0)
