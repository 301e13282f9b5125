"""Everything alike.

The loss of this script falls to nearly 0, and then it calls any two customers the same person.
Repair it.
The judge trains it on pairs of its own, with `same` 1 where two records are of one person and 0 where they are not, and
asks for the cosines of new pairs.
They have to be above 0.8 on average for the same person, and below 0.3 for two.

Nudge: Which pairs does the loss see? Print the unreduced loss beside the labels.

Sketch: The targets of this loss are 1 and -1; make them from 1 and 0.

Why: torch compares the target with 1 and with -1, and an entry that is neither costs nothing: pairs of two persons were
never seen, and the best answer to the others is one direction for everybody. A larger margin or a longer training
changes nothing about that. lossbook refuses the 0.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import stepped

KIND = "repair"
LEVEL = 1
MINUTES = 8


def _pairs(people, many):
    which = torch.randint(len(people), (2, many))
    which[1] = torch.where(torch.rand(many) < 0.5, which[0], which[1])
    one, other = (people[rows] + 0.3 * torch.randn(many, 8) for rows in which)
    return one + 2, other + 2, (which[0] == which[1]).long()


def cases():
    for _ in range(2):
        people = torch.eye(6, 8) * 3
        known, new = _pairs(people, 600), _pairs(people, 400)
        names = ["one", "other", "same", "new_one", "new_other"]
        yield Case("new pairs", [*known, *new[:2]], names, hidden={"truth": new[2]})


def broken(one, other, same, new_one, new_other):
    model = nn.Linear(8, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        loss = F.cosine_embedding_loss(model(one), model(other), same)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return F.cosine_similarity(model(new_one), model(new_other))


def train(one, other, same, new_one, new_other):
    model = nn.Linear(8, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        loss = F.cosine_embedding_loss(model(one), model(other), 2 * same - 1)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return F.cosine_similarity(model(new_one), model(new_other))


def check_cosines(came, one, other, same, new_one, new_other, *, truth):
    assert came.abs().max() < 1.001, "a cosine is between -1 and 1"
    alike, unlike = came[truth == 1].mean().item(), came[truth == 0].mean().item()
    assert alike > 0.8, f"the mean cosine for the same person is {alike:.2f}; asked for is above 0.8"
    assert unlike < 0.3, f"the mean cosine for two persons is {unlike:.2f}; asked for is below 0.3"


def _cosines(loss, one, other, same, new_one, new_other, lr=0.02):
    model = nn.Linear(8, 6)
    stepped(model, lambda: loss(model(one), model(other), same), lr=lr, steps=150)
    return F.cosine_similarity(model(new_one), model(new_other))


def right_by_where(*args):
    def loss(a, b, same):
        return F.cosine_embedding_loss(a, b, torch.where(same == 1, 1.0, -1.0), reduction="sum")

    return _cosines(loss, *args, lr=0.03)


def right_squared_errors_of_the_cosine(*args):
    return _cosines(lambda a, b, same: F.mse_loss(F.cosine_similarity(a, b), same.float()), *args, lr=0.03)


def wrong_floats(*args):
    return _cosines(lambda a, b, same: F.cosine_embedding_loss(a, b, same.float()), *args)


def wrong_a_margin(*args):
    return _cosines(lambda a, b, same: F.cosine_embedding_loss(a, b, same, margin=-0.5), *args)


def wrong_labels_exchanged(*args):
    return _cosines(lambda a, b, same: F.cosine_embedding_loss(a, b, 1 - 2 * same), *args)


def wrong_untrained(one, other, same, new_one, new_other):
    return F.cosine_similarity(new_one, new_other)
