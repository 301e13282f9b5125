"""Choose the loss for a rate.

A shop counts its customers by the minute, mostly none or one, and wants the rate at which they come.
A linear model gives `output`, its prediction of the rate is `output.exp()`, and `target` has the counts.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further.
Then it compares predictions with the rates that counts are drawn from: on average they may be off by half.

Nudge: What number is the best constant prediction for the counts 0, 0, 0, 1, 1, 4, by each loss you know?

Sketch: It has to be the mean. Counts have a likelihood of their own, with a variance that grows with the mean: minus
its logarithm is a loss of torch that takes the logarithm of the rate.

Why: The best answer to absolute errors is the median, which is 0 where a customer comes less than every other minute.
Squares of log(count + 1) aim at a logarithm that is never below 0: the predictions end at nearly 20 times the
rate. Squares of the rate do aim at the mean, and use the counts less well than the likelihood does, because they weigh
a busy minute like a quiet one.
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
        x = torch.cat([torch.rand(3300, 2) * 2 - 1, torch.ones(3300, 1)], 1)
        rates = (x @ torch.tensor([1.5, -1.0, -2.5])).exp()
        args = [x[:3000], torch.poisson(rates[:3000]), x[3000:]]
        yield Case("rates that were held out", args, ["inputs", "target", "new_inputs"], hidden={"truth": rates[3000:]})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(model.weight)
    fitted(nn.Sequential(model, nn.Flatten(0)), loss, inputs, target)
    return model(new_inputs).squeeze(-1).exp()


def loss(output, target):
    return F.poisson_nll_loss(output, target)


def check_rates(came, inputs, target, new_inputs, *, truth):
    off = ((came - truth).abs() / truth).mean().item()
    assert off < 0.5, f"the predictions are off by {100 * off:.3g} % on average; asked for is less than 50 %"


def right_by_hand(output, target):
    return (output.exp() - target * output).mean()


def right_deviance(output, target):
    return 2 * (torch.xlogy(target, target) - target * output - target + output.exp()).sum()


def right_squares_of_the_rate(output, target):
    return F.mse_loss(output.exp(), target)


def wrong_squares_of_logarithms(output, target):
    return F.mse_loss(output, (target + 1).log())


def wrong_absolute_errors(output, target):
    return F.l1_loss(output.exp(), target)


def wrong_log_input_forgotten(output, target):
    return F.poisson_nll_loss(output.exp(), target)


def wrong_squares_of_the_output(output, target):
    return F.mse_loss(output, target)
