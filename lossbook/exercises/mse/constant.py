"""A script that learns the mean.

This script raises nothing, its loss falls, and at the end it says nearly the same for everybody.
Repair it.
The judge trains it on a task of its own, and asks for predictions of samples that were held out.
Their squared error has to be less than a tenth of the variance; as it is, the script is left with all of it.

Nudge: What shape has the prediction, what shape has the target, and what shape has their difference?

Sketch: Give both the same shape before they are subtracted, and give the predictions back in the shape of the targets.

Why: (100, 1) minus (100,) is (100, 100): every prediction is compared with every target, and the best answer to that is
the mean. It raises nothing; mse_loss of torch warns, mse_loss of lossbook refuses. Take away the axis by name,
squeeze(-1): a bare squeeze() also takes the batch away when one sample is left.
"""

import torch
from torch import nn

from .._cases import Case

KIND = "repair"
LEVEL = 1
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.randn(300, 3)
        y = x @ torch.tensor([1.0, -2.0, 0.5]) + 3 * torch.rand(()) + 0.1 * torch.randn(300)
        yield Case(
            "held-out samples",
            [x[:100], y[:100], x[100:]],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": y[100:]},
        )


def broken(inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = (model(inputs) - target).square().mean()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).squeeze(-1)


def train(inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = (model(inputs).squeeze(-1) - target).square().mean()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).squeeze(-1)


def check_error(came, inputs, target, new_inputs, *, truth):
    part = ((came - truth).square().mean() / truth.var()).item()
    assert part < 0.1, f"the squared error is {part:.2g} of the variance; asked for is less than 0.1"


def right_column_of_targets(inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(100):
        optimiser.zero_grad()
        nn.functional.mse_loss(model(inputs), target[:, None]).backward()
        optimiser.step()
    return model(new_inputs).flatten()


def right_least_squares(inputs, target, new_inputs):
    def padded(x):
        return torch.cat([x, torch.ones(len(x), 1)], 1)

    return padded(new_inputs) @ torch.linalg.lstsq(padded(inputs), target[:, None]).solution.squeeze(-1)


def wrong_smaller_steps(inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02)
    for _ in range(100):
        optimiser.zero_grad()
        (model(inputs) - target).square().mean().backward()
        optimiser.step()
    return model(new_inputs).squeeze(-1)


def wrong_summed(inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        (model(inputs) - target).square().sum().backward()
        optimiser.step()
    return model(new_inputs).squeeze(-1)


def wrong_row_of_targets(inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        (model(inputs) - target[None, :]).square().mean().backward()
        optimiser.step()
    return model(new_inputs).squeeze(-1)
