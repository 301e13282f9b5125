"""Twice as many claims as there are.

An insurer estimates how likely a customer is to make a claim, and sets money aside for the sum of these probabilities.
Claims are rare, and this script finds most of them.
But the sum of its probabilities is about twice the number of claims.
Repair it.
The judge asks for the probability of a claim for customers that were held out; on average it may be off by 0.03, and
the script as it is is off by about 0.13.

Nudge: Of 100 customers that look alike, 10 make a claim, and a claim has the weight 9. Which probability costs least?

Sketch: Train without the weight, or take it out of the odds before you give probabilities back.

Why: With a weight w on the yes, the loss is lowest at odds that are w times too large: a true 0.1 is told as 0.5.
Dividing the probabilities by w, or scaling them until the sum is right, is not what happened to them: it was the odds
that were multiplied, so p / (p + w (1 - p)) undoes it, or a logit minus log w. A smaller weight does less of the same
harm.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case

KIND = "repair"
LEVEL = 1
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.randn(2100, 2)
        truth = (x @ torch.tensor([3.0, -1.5]) - 4).sigmoid()
        yield Case(
            "held-out customers",
            [x[:2000], torch.bernoulli(truth[:2000]), x[2000:]],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": truth[2000:]},
        )


def broken(inputs, target, new_inputs):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    weight = (1 - target).sum() / target.sum()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        scores = model(inputs)
        loss = F.binary_cross_entropy_with_logits(scores, target, pos_weight=weight)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).sigmoid()


def train(inputs, target, new_inputs):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).sigmoid()


def check_error(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.03, f"the probabilities are off by {off:.2g} on average; asked for is less than 0.03"


def _weighted(inputs, target, new_inputs):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    weight = (1 - target).sum() / target.sum()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(model(inputs), target, pos_weight=weight).backward()
        optimiser.step()
    return model(new_inputs).detach(), weight


def right_taken_off_the_logit(inputs, target, new_inputs):
    logits, weight = _weighted(inputs, target, new_inputs)
    return (logits - weight.log()).sigmoid()


def right_odds_mended(inputs, target, new_inputs):
    logits, weight = _weighted(inputs, target, new_inputs)
    p = logits.sigmoid()
    return p / (p + weight * (1 - p))


def wrong_scaled_to_the_right_sum(inputs, target, new_inputs):
    p = _weighted(inputs, target, new_inputs)[0].sigmoid()
    return p * target.mean() / p.mean()


def wrong_divided_by_the_weight(inputs, target, new_inputs):
    logits, weight = _weighted(inputs, target, new_inputs)
    return logits.sigmoid() / weight


def wrong_corrected_the_wrong_way(inputs, target, new_inputs):
    logits, weight = _weighted(inputs, target, new_inputs)
    return (logits + weight.log()).sigmoid()


def wrong_decisions(inputs, target, new_inputs):
    logits, weight = _weighted(inputs, target, new_inputs)
    return (logits > weight.log()).float()


def wrong_the_rate_for_everybody(inputs, target, new_inputs):
    return target.mean().expand(len(new_inputs)).clone()
