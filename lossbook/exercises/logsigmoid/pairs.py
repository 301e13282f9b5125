"""Pairs in points.

A linear model with weights `weight` has scored patients in points for years.
Now it goes on learning from pairs: in each row, the patient of `worse` came out worse than that of `better` and should
have the higher score.
The script ends in NaN.
Repair it.
The judge trains it on pairs of its own, and asks for the scores of new patients.
Of all pairs of them, more than 90 % have to be in the right order.

Nudge: What is the sigmoid of a difference of -200 in float32, and what is the logarithm of that?

Sketch: The logarithm and the sigmoid belong into one function, which is the difference itself far to the left.

Why: In float32 the sigmoid of -200 is 0; its logarithm is -inf, and the gradient 0 times infinity, NaN. A small number
in the logarithm, or a clamp, ends the NaN and the learning: the pairs that are furthest off pull with 0. logsigmoid
gives -200 and a slope of 1.
"""

import torch
import torch.nn.functional as F

from .._cases import Case

KIND = "repair"
LEVEL = 1
MINUTES = 6


def cases():
    for _ in range(2):
        true = torch.tensor([3.0, -2.0, 1.0])
        old = 60 * torch.tensor([-0.5, 0.2, 1.0])
        patients = 3 * torch.randn(2, 150, 3)
        first = (patients[0] @ true > patients[1] @ true)[:, None]
        worse, better = torch.where(first, patients[0], patients[1]), torch.where(first, patients[1], patients[0])
        new = 3 * torch.randn(100, 3)
        names = ["weight", "worse", "better", "new_patients"]
        yield Case("pairs of new patients", [old, worse, better, new], names, hidden={"truth": new @ true})


def broken(weight, worse, better, new_patients):
    weight = weight.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=5.0)
    for _ in range(80):
        optimiser.zero_grad()
        difference = worse @ weight - better @ weight
        loss = -torch.sigmoid(difference).log().mean()
        loss.backward()
        optimiser.step()
    return new_patients @ weight.detach()


def train(weight, worse, better, new_patients):
    weight = weight.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=5.0)
    for _ in range(80):
        optimiser.zero_grad()
        difference = worse @ weight - better @ weight
        loss = -F.logsigmoid(difference).mean()
        loss.backward()
        optimiser.step()
    return new_patients @ weight.detach()


def check_order(came, weight, worse, better, new_patients, *, truth):
    first, second = torch.triu_indices(len(truth), len(truth), 1)
    right = 100 * ((came[first] - came[second]) * (truth[first] - truth[second]) > 0).double().mean().item()
    assert right > 90, f"{right:.3g} % of the pairs are in the right order; asked for are more than 90 %"


def _trained(loss, weight, worse, better, new_patients, lr=5.0, steps=80, clip=None):
    weight = weight.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        loss((worse - better) @ weight).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_([weight], clip)
        optimiser.step()
    return new_patients @ weight


def right_softplus(*args):
    return _trained(lambda difference: F.softplus(-difference).mean(), *args)


def right_binary_cross_entropy(*args):
    return _trained(lambda d: F.binary_cross_entropy_with_logits(d, torch.ones_like(d)), *args)


def right_hinge(*args):
    return _trained(lambda difference: (1 - difference).relu().mean(), *args)


def wrong_epsilon(*args):
    return _trained(lambda difference: -(difference.sigmoid() + 1e-8).log().mean(), *args)


def wrong_clamped(*args):
    return _trained(lambda difference: -difference.sigmoid().clamp(min=1e-7).log().mean(), *args)


def wrong_without_infinities(*args):
    return _trained(lambda difference: -difference.sigmoid().log().nan_to_num(neginf=-100.0).mean(), *args)


def wrong_smaller_steps(*args):
    return _trained(lambda difference: -difference.sigmoid().log().mean(), *args, lr=1e-3)


def wrong_clipped_gradients(*args):
    return _trained(lambda difference: -difference.sigmoid().log().mean(), *args, clip=1.0)


def wrong_the_probability_itself(*args):
    return _trained(lambda difference: -difference.sigmoid().mean(), *args)


def wrong_sign(*args):
    return _trained(lambda difference: -F.logsigmoid(-difference).mean(), *args)


def wrong_binary_cross_entropy_of_probabilities(*args):
    return _trained(lambda d: F.binary_cross_entropy(d.sigmoid(), torch.ones_like(d)), *args)
