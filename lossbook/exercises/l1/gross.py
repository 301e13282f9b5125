"""Choose the loss for a log with typing errors.

A scale is calibrated on a log kept by hand: in a quarter of the lines somebody has put the decimal point one place too
far to the right.
The others are right to about 0.02 kg, and a linear model gives `output`, in kg.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further.
Then it compares predictions with what the scale should have said: on average they may be off by 0.1 kg.

Nudge: How hard does a line that is 10 kg too high pull, and how hard one that is 0.02 kg too low?

Sketch: Every line should have the same pull, however wrong it is: then those that are right outvote the others. A loss
that is quadratic up to an error of 1 is quadratic for all lines that are right.

Why: Squared errors give a mistyped line the pull of its error, and the predictions end about 6 kg off. Huber at its
default delta of 1 bounds the pull at 1 kg, which is 50 times the noise: a right line pulls with its error only, so the
fit gives way until the errors hold against a quarter of the lines, at 0.35 kg. Absolute errors let every
line pull by 1, and three against one decide: 0.02 kg. Huber does so too, with delta at the size of the noise.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 2
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.cat([torch.rand(500, 2), torch.ones(500, 1)], 1)
        clean = x @ torch.tensor([1.0, 2.0, 1.0])
        target = clean + 0.02 * torch.randn(500)
        target = torch.where(torch.rand(500) < 0.25, 10 * target, target)
        args = [x[:400], target[:400], x[400:]]
        yield Case("held-out weights", args, ["inputs", "target", "new_inputs"], hidden={"truth": clean[400:]})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(model.weight)
    fitted(nn.Sequential(model, nn.Flatten(0)), loss, inputs, target)
    return model(new_inputs).squeeze(-1)


def loss(output, target):
    return F.l1_loss(output, target)


def check_weights(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.1, f"the predictions are off by {off:.2g} kg on average; asked for is less than 0.1 kg"


def right_narrow_huber(output, target):
    return F.huber_loss(output, target, delta=0.02)


def right_narrow_smooth_l1(output, target):
    return F.smooth_l1_loss(output, target, beta=0.05)


def right_sum(output, target):
    return (output - target).abs().sum()


def wrong_squared_errors(output, target):
    return F.mse_loss(output, target)


def wrong_huber_at_its_default(output, target):
    return F.huber_loss(output, target)


def wrong_smooth_l1_at_its_default(output, target):
    return F.smooth_l1_loss(output, target)


def wrong_squares_of_logarithms(output, target):
    return F.mse_loss(output.clamp(min=0.01).log(), target.log())


def wrong_fourth_powers(output, target):
    return (output - target).pow(4).mean()


def wrong_root_of_the_mean_square(output, target):
    return F.mse_loss(output, target).sqrt()
