"""Choose the loss for slipped points.

A nurse types readings between 50 and 150, and in one of eight the decimal point slips: it is ten times too large.
A linear model gives `output`, which is its prediction, and `target` has the readings as typed.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further, and compares predictions with readings that were
held out and typed right: the mean absolute error has to be less than 10.

Nudge: How hard may a single record pull, however wrong it is?

Sketch: The pull of an error has to stop growing at some size, and it must not stop altogether, since at the start all
the errors are large.

Why: With squared error the pull is the error: a slip of 900 pulls like a hundred honest errors, and all predictions end
about 110 too high. Huber loss and L1 limit it, and one record in eight on one side then moves the middle by a fraction
of the honest noise. A clamp before the square limits it too, to nothing: untrained predictions are near 0, so every
record is outside of the clamp and none has a gradient. Logarithms make a slip smaller, and leave 30 %.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 1
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.cat([2 * torch.rand(800, 2) - 1, torch.ones(800, 1)], 1)
        y = x @ torch.tensor([20.0, -20.0, 100.0]) + 4 * torch.randn(800)
        typed = torch.where(torch.randperm(600) < 75, 10 * y[:600], y[:600])
        args = [x[:600], typed, x[600:]]
        yield Case("readings typed right", args, ["inputs", "target", "new_inputs"], hidden={"truth": y[600:]})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(model.weight)
    fitted(nn.Sequential(model, nn.Flatten(0)), loss, inputs, target)
    return model(new_inputs).squeeze(-1)


def loss(output, target):
    return F.huber_loss(output, target, delta=5.0)


def check_error(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 10, f"the mean absolute error is {off:.3g}; asked for is less than 10"


def right_absolute_errors(output, target):
    return F.l1_loss(output, target)


def right_smooth_l1(output, target):
    return F.smooth_l1_loss(output, target, beta=3.0)


def right_pseudo_huber(output, target):
    return torch.hypot((output - target) / 5, torch.ones_like(output)).sum()


def right_largest_left_out(output, target):
    each = (output - target).abs()
    return each[each < each.quantile(0.8)].mean() + 0 * output.sum()


def wrong_squared_errors(output, target):
    return F.mse_loss(output, target)


def wrong_root_of_the_mean(output, target):
    return F.mse_loss(output, target).sqrt()


def wrong_delta_beyond_the_slips(output, target):
    return F.huber_loss(output, target, delta=1000.0)


def wrong_clamped_before_the_square(output, target):
    return (output - target).clamp(-20, 20).square().mean()


def wrong_squared_logarithms(output, target):
    return F.mse_loss(output.clamp(min=1).log() + (output - output.clamp(min=1)), target.log())


def wrong_targets_by_their_standard_deviation(output, target):
    return F.huber_loss(output / target.std(), target / target.std())
