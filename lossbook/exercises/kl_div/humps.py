"""Choose the direction.

A robot can pass a pillar on its left or on its right.
The `target` has the probabilities of 61 places as people pass them, with a hump on each side of the pillar and nearly
nothing before it.
A model with one hump is fitted to it: `output` has its log-probabilities of the 61 places, in the shape of a normal
distribution whose mean is learned.
The robot draws its place from the model.
Choose the loss, one number.
The judge trains with it until it falls no further.
Then it looks at the places to which the target gives less than 0.001: the model may give them less than 0.15 together.

Nudge: Which direction charges for places that the model mentions and the target does not? Which for the others?

Sketch: Weigh the logarithm of the ratio by the model's probabilities, not by the target's.

Why: The divergence of the target from the model averages over the target: both humps count, and the best mean for that
is theirs, before the pillar, where nobody passes. The other direction averages over the model. It costs a lot to be
where the target is nearly 0, and nothing to leave a hump out, so the model settles on one of the two: 0.03 of its mass
is where nobody passes, and not half of it or more. Differences of log-probabilities are governed by the places that
nobody takes.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 2
MINUTES = 10


def cases():
    places = torch.linspace(-3, 3, 61)
    for _ in range(2):
        left, right = -2.2 + 0.3 * torch.rand(()), 0.8 + 0.3 * torch.rand(())
        share = 0.4 + 0.2 * torch.rand(())
        log_humps = [-0.5 * ((places - middle) / 0.3).square() for middle in (left, right)]
        target = torch.logaddexp(log_humps[0] + share.log(), log_humps[1] + (1 - share).log()).softmax(0)
        yield Case("the pillar", [places, target, places], ["inputs", "target", "new_inputs"], hidden={"truth": target})


class _Hump(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.tensor(-0.5))

    def forward(self, places):
        return (-0.5 * ((places - self.mean) / 0.4).square()).log_softmax(0)


def run(loss, inputs, target, new_inputs):
    return fitted(_Hump(), loss, inputs, target)(new_inputs).exp()


def loss(output, target):
    return F.kl_div(target.log(), output, log_target=True, reduction="sum")


def check_mass(came, inputs, target, new_inputs, *, truth):
    mass = came[truth < 0.001].sum().item()
    assert abs(came.sum().item() - 1) < 1e-3, "the model's probabilities do not add up to 1"
    assert mass < 0.15, f"the model puts {mass:.2g} where nobody passes; asked for is less than 0.15"


def right_by_hand(output, target):
    return (output.exp() * (output - target.log())).sum()


def right_batchmean(output, target):
    return F.kl_div(target.log(), output.exp(), reduction="batchmean")


def wrong_the_other_direction(output, target):
    return F.kl_div(output, target, reduction="sum")


def wrong_cross_entropy(output, target):
    return -(target * output).sum()


def wrong_squares_of_logarithms(output, target):
    return F.mse_loss(output, target.log())


def wrong_both_directions(output, target):
    return F.kl_div(output, target, reduction="sum") + 0.01 * F.kl_div(target.log(), output.exp(), reduction="sum")


def wrong_absolute_logarithms(output, target):
    return F.l1_loss(output, target.log())
