"""Choose the loss for a sum.

A carrier plans its day by adding up how long each delivery takes: most are short, and a few take for ever.
There are three routes, `inputs` says which one (a row with one 1), and a linear model gives `output`, in minutes.
The day is planned with the sum of the predictions of each route.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further.
Then the sum over each route may be off by a quarter from the sum that is to be expected.

Nudge: What does the best constant for 1, 1, 1, 1 and 16 add up to for the five of them, by each loss you know?

Sketch: Only the mean, times the number of deliveries, is their sum. Which loss has the mean as its best constant?

Why: Medians do not add up: here the median is less than half of the mean, so absolute errors plan for half of the day,
and Huber in minutes is near them. Squares of logarithms aim at the geometric mean and plan for less still. Squared
errors have the mean as their best constant, however skewed the minutes are, and come within a few per cent.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 1
MINUTES = 6


def cases():
    for _ in range(2):
        route = torch.arange(6000) % 3
        expected = torch.tensor([10.0, 25.0, 60.0])[torch.randperm(3)] * (0.8 + 0.4 * torch.rand(3))
        taken = expected[route] * torch.randn(6000).square().clamp(min=1e-4)
        x = F.one_hot(route, 3).float()
        truth = expected[route[:300]]
        yield Case("routes", [x, taken, x[:300]], ["inputs", "target", "new_inputs"], hidden={"truth": truth})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(3, 1, bias=False)
    nn.init.ones_(model.weight)
    fitted(nn.Sequential(model, nn.Flatten(0)), loss, inputs, target)
    return model(new_inputs).squeeze(-1)


def loss(output, target):
    return F.mse_loss(output, target)


def check_sums(came, inputs, target, new_inputs, *, truth):
    off = 100 * ((came @ new_inputs.double()) / (truth.double() @ new_inputs.double()) - 1).abs().max().item()
    assert off < 25, f"the sum over a route is off by {off:.3g} %; asked for is less than 25 %"


def right_sum_of_squares(output, target):
    return (output - target).square().sum()


def right_gaussian(output, target):
    return F.gaussian_nll_loss(output, target, torch.full_like(target, 900.0))


def right_wide_huber(output, target):
    return F.huber_loss(output, target, delta=1e5)


def wrong_absolute_errors(output, target):
    return F.l1_loss(output, target)


def wrong_huber(output, target):
    return F.huber_loss(output, target)


def wrong_squares_of_logarithms(output, target):
    return F.mse_loss(output.clamp(min=1e-3).log(), target.log())


def wrong_relative_errors(output, target):
    return ((output - target).abs() / target).mean()


def wrong_promise_of_nine_in_ten(output, target):
    error = target - output
    return torch.maximum(0.9 * error, -0.1 * error).mean()
