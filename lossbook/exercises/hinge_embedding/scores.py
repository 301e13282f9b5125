"""A classifier whose loss is minus a thousand.

A linear model scores letters, and a score above 0 is to mean spam (1), below 0 honest (-1).
"It is a hinge", says the author, "so it makes a support vector machine."
The loss falls without end, far below 0, and on new letters the model is wrong more often than right.
Repair the script.
The judge trains it on letters of its own; of the new ones, at least 90 % have to be on the right side of 0.

Nudge: What does a score of +50 cost, if the label is 1? And a score of -50?

Sketch: The loss takes a distance, which is to be small for label 1. The hinge of a classifier is
max(0, 1 - label * score), which is margin_ranking_loss with a second score of 0.

Why: With label 1 the loss is the score itself: the lower, the better, without end. Turning the sign of the scores makes
the loss the right way round for one class and leaves it without a floor, so the bias runs off and all letters end on
one side. A clamp or an absolute value makes it a distance, and then a score of 0, the edge, is what label 1 asks for.
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
        x = torch.randn(700, 3) + torch.tensor([2.0, 0.0, -1.0])
        side = x @ torch.tensor([1.5, -2.0, 1.0]) - 1.0
        label = torch.where(side + 0.3 * torch.randn(700) > 0, 1.0, -1.0)
        args = [x[:400], label[:400], x[400:]]
        yield Case("new letters", args, ["inputs", "label", "new_inputs"], hidden={"truth": label[400:]})


def broken(inputs, label, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(80):
        optimiser.zero_grad()
        score = model(inputs).squeeze(-1)
        loss = F.hinge_embedding_loss(score, label)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).squeeze(-1)


def train(inputs, label, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(80):
        optimiser.zero_grad()
        score = model(inputs).squeeze(-1)
        loss = F.margin_ranking_loss(score, torch.zeros_like(score), label, margin=1.0)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).squeeze(-1)


def check_sides(came, inputs, label, new_inputs, *, truth):
    right = 100 * (came * truth > 0).double().mean().item()
    assert right >= 90, f"{right:.3g} % of the new letters are on the right side; asked for are at least 90 %"


def _scores(loss, inputs, label, new_inputs):
    model = nn.Linear(3, 1)
    stepped(model, lambda: loss(model(inputs).squeeze(-1), label), lr=0.1, steps=80)
    return model(new_inputs).squeeze(-1)


def right_hinge_by_hand(*args):
    return _scores(lambda score, label: torch.relu(1 - label * score).mean(), *args)


def right_soft_margin(*args):
    return _scores(F.soft_margin_loss, *args)


def right_distance_to_the_label(*args):
    def loss(score, label):
        return F.hinge_embedding_loss(torch.relu(1 - label * score), torch.ones_like(label))

    return _scores(loss, *args)


def wrong_turned_at_the_end(inputs, label, new_inputs):
    return -broken(inputs, label, new_inputs)


def wrong_label_turned(inputs, label, new_inputs):
    return broken(inputs, -label, new_inputs)


def wrong_absolute_score(*args):
    return _scores(lambda score, label: F.hinge_embedding_loss(score.abs(), label), *args)


def wrong_clamped_loss(*args):
    def loss(score, label):
        return F.hinge_embedding_loss(score, label, reduction="none").clamp(min=0).mean()

    return _scores(loss, *args)


def wrong_larger_margin(*args):
    return _scores(lambda score, label: F.hinge_embedding_loss(score, label, margin=10.0), *args)
