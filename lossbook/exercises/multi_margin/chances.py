"""Chances from a margin.

A clinic wants the chances of three diagnoses, and this script finds the likeliest one well enough.
But what it calls 87 % likely comes true in two cases of three.
Repair it.
The judge trains it on records of its own, and compares the chances for new records with those by which their diagnoses
were drawn: they may be off by 0.05 on average.

Nudge: Which loss is smallest where softmax of the scores is the truth?

Sketch: Replace the loss by cross entropy of the same scores; the softmax at the end is then what was trained.

Why: A margin loss asks for a lead, and its scores are in units of the margin, so softmax of them says what the margin
says. Another margin is another unit, and a temperature mends the size of all chances at once, not their shape: here one
class is likeliest nearly everywhere, and its scores lead by one margin, whatever the chances. Cross entropy is proper,
and so is squared error of the probabilities.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import stepped

KIND = "repair"
LEVEL = 1
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.randn(1800, 2)
        scores = x @ torch.tensor([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]) + torch.tensor([2.0, 0.5, -0.5])
        drawn = torch.multinomial(scores.softmax(1), 1).squeeze(1)
        args = [x[:1500], drawn[:1500], x[1500:]]
        truth = scores[1500:].softmax(1)
        yield Case("chances of new records", args, ["inputs", "target", "new_inputs"], hidden={"truth": truth})


def broken(inputs, target, new_inputs):
    model = nn.Linear(2, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(80):
        optimiser.zero_grad()
        loss = F.multi_margin_loss(model(inputs), target, margin=3.0)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).softmax(dim=1)


def train(inputs, target, new_inputs):
    model = nn.Linear(2, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(80):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).softmax(dim=1)


def check_chances(came, inputs, target, new_inputs, *, truth):
    assert came.shape == truth.shape, f"chances have shape {tuple(truth.shape)}, one row for each record"
    off = (came - truth).abs().mean().item()
    assert off < 0.05, f"the chances are off by {off:.2g} on average; asked for is less than 0.05"


def _trained(loss, inputs, target, new_inputs, heads=torch.softmax):
    model = nn.Linear(2, 3)
    stepped(model, lambda: loss(model(inputs), target), lr=0.1, steps=80)
    with torch.no_grad():
        return heads(model(new_inputs), 1)


def right_likelihood(*args):
    return _trained(lambda scores, y: F.nll_loss(scores.log_softmax(1), y), *args)


def right_squared_error_of_the_chances(*args):
    return _trained(lambda scores, y: (scores.softmax(1) - F.one_hot(y, 3)).square().sum(1).mean(), *args)


def wrong_squared_hinge(*args):
    return _trained(lambda scores, y: F.multi_margin_loss(scores, y, p=2), *args)


def wrong_margin_of_10(*args):
    return _trained(lambda scores, y: F.multi_margin_loss(scores, y, margin=10.0), *args)


def wrong_margin_of_1(*args):
    return _trained(F.multi_margin_loss, *args)


def wrong_worst_rival(*args):
    def loss(scores, y):
        lacks = 1 + scores - scores.gather(1, y[:, None])
        return lacks.scatter(1, y[:, None], 0.0).amax(1).mean()

    return _trained(loss, *args)


def wrong_sigmoid_of_the_scores(*args):
    def shares(scores, dim):
        return scores.sigmoid() / scores.sigmoid().sum(dim, keepdim=True)

    return _trained(F.multi_margin_loss, *args, heads=shares)


def wrong_certain(*args):
    return _trained(F.cross_entropy, *args, heads=lambda scores, dim: F.one_hot(scores.argmax(dim), 3).float())


def wrong_shares_of_the_classes(inputs, target, new_inputs):
    shares = F.one_hot(target, 3).float().mean(0)
    return shares.expand(len(new_inputs), 3).clone()


def wrong_softmax_before_the_loss(*args):
    return _trained(lambda scores, y: F.cross_entropy(scores.softmax(1), y), *args)
