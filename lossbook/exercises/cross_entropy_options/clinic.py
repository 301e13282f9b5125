"""Choose the loss for another clinic.

For a study, as many records were collected of each of three illnesses: a third of the `target` is 0, a third 1, a third
2.
In the clinic where the model will be used, 80 % have illness 0, 15 % illness 1, and 5 % illness 2; within an illness,
records look as in the study.
A linear model gives `output`, a score for each illness, and its predictions are `output.softmax(dim=1)`.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further, and compares the predictions with the true
probabilities for patients of the clinic: on average over the illnesses they may be off by 0.04.

Nudge: How many records of the clinic does one record of each class of the study stand for?

Sketch: Weigh each class by its share in the clinic over its share in the study, or add the logarithm of that ratio in
the right place with the right sign.

Why: A weighted cross entropy asks for probabilities in which each class has w times its odds. As a third of the study
stands for 0.8, 0.15 and 0.05 of the clinic, these shares are the weights. Without weights the rare illnesses are told
far too often; weights of 1 / share, the usual ones, make it worse. They answer what a *decision* should be that finds
as much of each class, which was not asked.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 2
MINUTES = 12
SHARES = (0.8, 0.15, 0.05)


def cases():
    centres = torch.tensor([[0.0, 0.0], [1.5, 0.0], [0.5, 1.5]])
    shares = torch.tensor(SHARES)
    for _ in range(2):
        y = torch.arange(900) % 3
        x = centres[y] + torch.randn(900, 2)
        new = centres[torch.multinomial(shares, 500, replacement=True)] + torch.randn(500, 2)
        truth = (shares.log() - torch.cdist(new, centres).square() / 2).softmax(1)
        yield Case("patients of the clinic", [x, y, new], ["inputs", "target", "new_inputs"], hidden={"truth": truth})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(2, 3)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    fitted(model, loss, inputs, target, steps=20)
    return model(new_inputs).softmax(1)


def loss(output, target):
    return F.cross_entropy(output, target, weight=torch.tensor([0.8, 0.15, 0.05]))


def check_error(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.04, f"the probabilities are off by {off:.2g} on average; asked for is less than 0.04"


def right_shares_taken_off_the_scores(output, target):
    return F.cross_entropy(output - torch.tensor([0.8, 0.15, 0.05]).log(), target)


def right_weights_by_hand(output, target):
    each = F.cross_entropy(output, target, reduction="none")
    return (each * torch.tensor([2.4, 0.45, 0.15])[target]).mean()


def wrong_no_weights(output, target):
    return F.cross_entropy(output, target)


def wrong_one_over_the_share(output, target):
    return F.cross_entropy(output, target, weight=1 / torch.tensor([0.8, 0.15, 0.05]))


def wrong_weights_of_the_study(output, target):
    return F.cross_entropy(output, target, weight=len(target) / target.bincount())


def wrong_shares_added_to_the_scores(output, target):
    return F.cross_entropy(output + torch.tensor([0.8, 0.15, 0.05]).log(), target)


def wrong_label_smoothing(output, target):
    return F.cross_entropy(output, target, label_smoothing=0.2)


def wrong_the_root_of_the_shares(output, target):
    return F.cross_entropy(output, target, weight=torch.tensor([0.8, 0.15, 0.05]).sqrt())
