"""A weight that does nothing.

Each batch holds the records of one patient, ten of them, and one patient in ten has a rare illness, class 1.
So that it is not overlooked, the script gives class 1 the weight 9.
It finds about a fifth of the ill, as it does without any weight.
Repair it; the weight of 9 is right.
The judge asks for the class of records that were held out, as many healthy as ill: of each, at least 45 % have to
be found, and of all 60 %.

Nudge: What is the weighted mean of ten losses that all have the same weight?

Sketch: The mean divides by the sum of the weights of the batch. Divide by something that does not know of them: by the
number of records, for instance.

Why: "mean" divides by the sum of the weights of the targets that it met. In a batch of one class that is ten times the
weight, and the weight is gone from every single step; in mixed batches it would work. Sum the weighted losses and
divide by 10, and an ill patient pulls nine times as hard. A larger weight is divided by itself as well, and larger
steps help both classes alike.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case

KIND = "repair"
LEVEL = 2
MINUTES = 10


def cases():
    for _ in range(2):
        sick = (torch.arange(80) % 10 == torch.randint(1, 9, ())).long()
        x = _records(sick[:, None].expand(80, 10))
        new = torch.randperm(600) % 2
        yield Case(
            "held-out records",
            [x, sick[:, None].expand(80, 10).clone(), _records(new)],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": new},
        )


def _records(sick):
    return torch.tensor([1.0, -1.0]) * (sick[..., None] - 0.5) + torch.randn(*sick.shape, 2)


def broken(inputs, target, new_inputs):
    model = nn.Linear(2, 2)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    weight = torch.tensor([1.0, 9.0])
    for n in range(len(inputs)):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(inputs[n]), target[n], weight=weight)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).argmax(dim=1)


def train(inputs, target, new_inputs):
    model = nn.Linear(2, 2)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    weight = torch.tensor([1.0, 9.0])
    for n in range(len(inputs)):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(inputs[n]), target[n], weight=weight, reduction="sum") / 10
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).argmax(dim=1)


def check_found(came, inputs, target, new_inputs, *, truth):
    found = min((came[truth == c] == c).double().mean().item() for c in (0, 1))
    assert found > 0.45, f"of one class {100 * found:.3g} % are found; asked for is at least 45 % of each"
    right = (came == truth).double().mean().item()
    assert right > 0.6, f"{100 * right:.3g} % are right; asked for is at least 60 %, and a coin has 50 %"


def _trained(inputs, target, new_inputs, loss, lr=0.05):
    model = nn.Linear(2, 2)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr)
    for x, y in zip(inputs, target, strict=True):
        optimiser.zero_grad()
        loss(model(x), y).backward()
        optimiser.step()
    return model(new_inputs).argmax(1)


def right_mean_of_weighted_losses(inputs, target, new_inputs):
    def loss(output, y):
        return (torch.tensor([1.0, 9.0])[y] * F.cross_entropy(output, y, reduction="none")).mean()

    return _trained(inputs, target, new_inputs, loss)


def right_weighed_after_the_mean(inputs, target, new_inputs):
    def loss(output, y):
        return F.cross_entropy(output, y) * (1 + 8 * y[0])

    return _trained(inputs, target, new_inputs, loss)


def right_batches_mixed(inputs, target, new_inputs):
    def loss(output, y):
        return F.cross_entropy(output, y, weight=torch.tensor([1.0, 9.0]))

    order = torch.randperm(target.numel())
    x, y = inputs.flatten(0, 1)[order], target.flatten()[order]
    return _trained(x.reshape(-1, 10, 2), y.reshape(-1, 10), new_inputs, loss)


def wrong_a_larger_weight(inputs, target, new_inputs):
    def loss(output, y):
        return F.cross_entropy(output, y, weight=torch.tensor([1.0, 1000.0]))

    return _trained(inputs, target, new_inputs, loss)


def wrong_larger_steps(inputs, target, new_inputs):
    def loss(output, y):
        return F.cross_entropy(output, y, weight=torch.tensor([1.0, 9.0]))

    return _trained(inputs, target, new_inputs, loss, lr=0.2)


def wrong_divided_by_the_weights_by_hand(inputs, target, new_inputs):
    def loss(output, y):
        weight = torch.tensor([1.0, 9.0])[y]
        return (weight * F.cross_entropy(output, y, reduction="none")).sum() / weight.sum()

    return _trained(inputs, target, new_inputs, loss)


def wrong_the_weight_on_the_healthy(inputs, target, new_inputs):
    def loss(output, y):
        return F.cross_entropy(output, y, weight=torch.tensor([9.0, 1.0]), reduction="sum") / 10

    return _trained(inputs, target, new_inputs, loss, lr=0.02)


def wrong_weights_that_add_up_to_one(inputs, target, new_inputs):
    def loss(output, y):
        return F.cross_entropy(output, y, weight=torch.tensor([0.1, 0.9]))

    return _trained(inputs, target, new_inputs, loss)
