"""A loss that only falls.

The loss of this script falls from the first step to the last, far below 0, and its probabilities are useless.
Repair it.
The judge trains it on a task of its own, with three classes that overlap, and asks for the probabilities of new
samples, each row adding up to 1.
It knows the true ones: their divergence from yours, KL(true || yours), has to be below 0.05 on average.

Nudge: What does `nll_loss` compute? What keeps a log-probability from rising for ever, and a score not?

Sketch: nll_loss picks one number of a row and negates it. Give it numbers whose exponentials add up to 1.

Why: Minus a score has a gradient of -1 however large the score is, so the scores grow without end and the softmax that
is taken of them later is sure of everything. Probabilities in place of the scores bound the loss at -1, and the best
answer is then to be sure as well. In log_softmax a class can only rise at the cost of the others, and the loss ends
where the shares are right.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case

KIND = "repair"
LEVEL = 1
MINUTES = 6


def cases():
    for _ in range(2):
        x = torch.randn(1000, 2)
        q = (x @ torch.tensor([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]) + torch.tensor([0.5, 0.0, -0.5])).softmax(1)
        args = [x[:900], torch.multinomial(q, 1).squeeze(1)[:900], x[900:]]
        yield Case("new samples", args, ["inputs", "target", "new_inputs"], hidden={"truth": q[900:]})


def broken(inputs, target, new_inputs):
    model = nn.Linear(2, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.nll_loss(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).softmax(dim=1)


def train(inputs, target, new_inputs):
    model = nn.Linear(2, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.nll_loss(model(inputs).log_softmax(dim=1), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).softmax(dim=1)


def check_sums(came, inputs, target, new_inputs, *, truth):
    sums = came.sum(1)
    off = sums[(sums - 1).abs().argmax()].item()
    assert abs(off - 1) < 1e-3, f"a row adds up to {off:.3g}; asked for is 1"
    assert came.min() >= 0, f"there is a probability of {came.min().item():.3g}; asked for is none below 0"


def check_divergence(came, inputs, target, new_inputs, *, truth):
    off = (torch.xlogy(truth, truth) - torch.xlogy(truth, came)).sum(1).mean().item()
    assert off < 0.05, f"the divergence from the true probabilities is {off:.2g}; asked for is less than 0.05"


def _trained(head, inputs, target, new_inputs, lr=0.2):
    model = nn.Linear(2, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(60):
        optimiser.zero_grad()
        F.nll_loss(head(model(inputs)), target).backward()
        optimiser.step()
    return model(new_inputs).softmax(1)


def right_cross_entropy(inputs, target, new_inputs):
    model = nn.Linear(2, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(model(inputs), target).backward()
        optimiser.step()
    return torch.softmax(model(new_inputs), 1)


def right_log_sum_exp(*args):
    return _trained(lambda scores: scores - scores.logsumexp(1, keepdim=True), *args)


def wrong_softmax(*args):
    return _trained(lambda scores: scores.softmax(1), *args)


def wrong_sigmoid(*args):
    return _trained(lambda scores: scores.sigmoid(), *args)


def wrong_smaller_steps(*args):
    return _trained(lambda scores: scores, *args, lr=0.001)


def wrong_log_probabilities_returned(inputs, target, new_inputs):
    return _trained(lambda scores: scores.log_softmax(1), inputs, target, new_inputs).log()
