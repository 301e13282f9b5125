"""Grades that end at 1.

Grades go from 1 to 5, and this script predicts them by a sigmoid.
It raises nothing, its loss falls and stops, and the prediction is 1 for everybody.
Repair it.
The judge trains it on grades of its own, and asks for predictions that were held out.
Their squared error has to be less than a fifth of the variance.

Nudge: What is the largest number that the head can return, and what is the smallest target?

Sketch: Stretch and shift the sigmoid so that its ends are 1 and 5, in training and at prediction alike; or do without
a head.

Why: A sigmoid ends at 1, so the nearest it gets to any grade is 1: the logits of all walk off to where the slope of
the sigmoid is 0, and the squared error that is left is that of the constant 1. Grades divided by 5 train well, and then
the predictions have to be multiplied by 5 again.
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
        x = torch.randn(500, 3)
        y = 1 + 4 * torch.sigmoid(x @ torch.tensor([1.0, -0.6, 0.4])) + 0.15 * torch.randn(500)
        yield Case(
            "grades held out",
            [x[:300], y[:300].clamp(1, 5), x[300:]],
            ["inputs", "grades", "new_inputs"],
            hidden={"truth": y[300:].clamp(1, 5)},
        )


def broken(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.mse_loss(model(inputs), grades)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs)


def train(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.mse_loss(1 + 4 * model(inputs), grades)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return 1 + 4 * model(new_inputs)


def check_error(came, inputs, grades, new_inputs, *, truth):
    part = ((came - truth).square().mean() / truth.var()).item()
    assert part < 0.2, f"the squared error is {part:.2g} of the variance; asked for is less than 0.2"


def right_targets_scaled(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.binary_cross_entropy(model(inputs), (grades - 1) / 4).backward()
        optimiser.step()
    return 1 + 4 * model(new_inputs)


def right_no_head(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs), grades).backward()
        optimiser.step()
    return model(new_inputs)


def wrong_stretched_at_prediction_only(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs), grades).backward()
        optimiser.step()
    return 1 + 4 * model(new_inputs)


def wrong_not_scaled_back(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs), grades / 5).backward()
        optimiser.step()
    return model(new_inputs)


def wrong_larger_steps(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.SGD(model.parameters(), lr=20.0)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs), grades).backward()
        optimiser.step()
    return model(new_inputs)


def wrong_targets_clamped(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs), grades.clamp(0, 1)).backward()
        optimiser.step()
    return 5 * model(new_inputs)


def wrong_sigmoid_twice(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Sigmoid(), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(1 + 4 * torch.sigmoid(model(inputs)), grades).backward()
        optimiser.step()
    return 1 + 4 * torch.sigmoid(model(new_inputs))


def wrong_loss_of_logits(inputs, grades, new_inputs):
    model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(model(inputs), grades).backward()
        optimiser.step()
    return torch.sigmoid(model(new_inputs))
