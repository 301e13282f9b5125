"""A model that only says yes.

A shop predicts who will come back; `target` is 1 for those who did and 0 for the others.
The loss of this script falls nicely, and it says of nearly everybody that they will.
Repair it.
The judge trains it on a task of its own, asks for the probability that each of some new customers comes back, and knows
the true one: on average yours may be off by 0.03.

Nudge: Which customers have any influence on the weights?

Sketch: The loss multiplies score and label, so a label has to be -1 or 1; or take the loss that is made for 0 and 1.
Which function turns the score of either into a probability?

Why: A label of 0 makes the product 0: the customer costs log 2 and pulls at nothing. With 2 * target - 1 it is binary
cross entropy, and the sigmoid of the score is the probability. Hinge and squared error find about the same decisions,
but the sigmoid of *their* scores means nothing; the exponential loss of boosting ends at half the logit.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import stepped

KIND = "repair"
LEVEL = 2
MINUTES = 10


def cases():
    for _ in range(2):
        x = torch.randn(4500, 2)
        truth = (x @ torch.tensor([0.9, -1.2]) - 2.2).sigmoid()
        yield Case(
            "new customers",
            [x[:4000], torch.bernoulli(truth[:4000]), x[4000:]],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": truth[4000:]},
        )


def broken(inputs, target, new_inputs):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.soft_margin_loss(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).sigmoid()


def train(inputs, target, new_inputs):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.soft_margin_loss(model(inputs), 2 * target - 1)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).sigmoid()


def check_error(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.03, f"the probabilities are off by {off:.2g} on average; asked for is less than 0.03"


def _scores(loss, inputs, target, new_inputs):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    stepped(model, lambda: loss(model(inputs), target), lr=0.3, steps=60)
    return model(new_inputs).detach()


def right_loss_of_0_and_1(inputs, target, new_inputs):
    return _scores(F.binary_cross_entropy_with_logits, inputs, target, new_inputs).sigmoid()


def right_both_labels_by_hand(inputs, target, new_inputs):
    def loss(scores, target):
        return torch.where(target == 1, F.softplus(-scores), F.softplus(scores)).mean()

    return _scores(loss, inputs, target, new_inputs).sigmoid()


def right_two_classes(inputs, target, new_inputs):
    def loss(scores, target):
        return F.cross_entropy(torch.stack([-scores / 2, scores / 2], 1), target.long())

    return _scores(loss, inputs, target, new_inputs).sigmoid()


def wrong_only_the_yes(inputs, target, new_inputs):
    def loss(scores, target):
        return F.soft_margin_loss(scores[target == 1], target[target == 1])

    return _scores(loss, inputs, target, new_inputs).sigmoid()


def wrong_labels_turned_round(inputs, target, new_inputs):
    return _scores(lambda s, t: F.soft_margin_loss(s, 1 - 2 * t), inputs, target, new_inputs).sigmoid()


def wrong_share_taken_off(inputs, target, new_inputs):
    scores = _scores(F.soft_margin_loss, inputs, target, new_inputs)
    return (scores - scores.mean() + target.mean().logit()).sigmoid()


def wrong_hinge(inputs, target, new_inputs):
    return _scores(lambda s, t: (1 - (2 * t - 1) * s).relu().mean(), inputs, target, new_inputs).sigmoid()


def wrong_squared_error(inputs, target, new_inputs):
    return _scores(lambda s, t: F.mse_loss(s, 2 * t - 1), inputs, target, new_inputs).sigmoid()


def wrong_exponential_loss_read_as_a_logit(inputs, target, new_inputs):
    return _scores(lambda s, t: (-(2 * t - 1) * s).exp().mean(), inputs, target, new_inputs).sigmoid()


def wrong_decisions(inputs, target, new_inputs):
    scores = _scores(lambda s, t: F.soft_margin_loss(s, 2 * t - 1), inputs, target, new_inputs)
    return (scores > 0).float()
