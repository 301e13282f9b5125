"""A delta that lost its unit.

Fifteen records in a hundred are too large by 1000, which is a clerk's mistake; honest errors stay within 30.
So somebody trains with `delta=30`, and the predictions for honest records that were held out are off by 150, as if
there were no Huber loss.
Repair the script.
The judge trains it on a task of its own; the mean absolute error has to be less than 25.

Nudge: In what unit is the error that the loss sees, and in what unit is delta?

Sketch: Divide delta by whatever the targets were divided by, or leave the targets in their own unit.

Why: After the division by the standard deviation no error is larger than 3, so a delta of 30 clips nothing: that is
half the squared error, and its answer to one record in seven that is too large by 1000 is to add 150 to all. The
default of 1 is no cure, because the mistakes themselves make the standard deviation five times that of the honest
records: 1 is then worth 365.
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
        x = torch.randn(500, 2)
        y = 200 + x @ torch.tensor([60.0, -45.0]) + 10 * torch.randn(500)
        noted = y[:300] + 1000 * (torch.randperm(300) < 45)
        yield Case(
            "honest records", [x[:300], noted, x[300:]], ["inputs", "target", "new_inputs"], hidden={"truth": y[300:]}
        )


def broken(inputs, target, new_inputs):
    centre, scale = target.median(), target.std()
    scaled = (target - centre) / scale
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.huber_loss(model(inputs).squeeze(-1), scaled, delta=30.0)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return centre + scale * model(new_inputs).squeeze(-1)


def train(inputs, target, new_inputs):
    centre, scale = target.median(), target.std()
    scaled = (target - centre) / scale
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.huber_loss(model(inputs).squeeze(-1), scaled, delta=30.0 / scale.item())
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return centre + scale * model(new_inputs).squeeze(-1)


def check_error(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 25, f"the mean absolute error is {off:.3g}; asked for is less than 25"


def right_unit_of_the_targets(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    nn.init.constant_(model.bias, target.median().item())
    optimiser = torch.optim.Adam(model.parameters(), lr=5.0)
    for _ in range(50):
        optimiser.zero_grad()
        F.huber_loss(model(inputs).squeeze(-1), target, delta=30.0).backward()
        optimiser.step()
    return model(new_inputs).squeeze(-1)


def right_scaled_by_the_median_deviation(inputs, target, new_inputs):
    centre = target.median()
    scale = 1.4826 * (target - centre).abs().median()
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.huber_loss(model(inputs).squeeze(-1), (target - centre) / scale, delta=30.0 / scale.item()).backward()
        optimiser.step()
    return centre + scale * model(new_inputs).squeeze(-1)


def right_scaled_by_delta(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.smooth_l1_loss(model(inputs).squeeze(-1), (target - target.median()) / 30).backward()
        optimiser.step()
    return target.median() + 30 * model(new_inputs).squeeze(-1)


def wrong_delta_of_1(inputs, target, new_inputs):
    centre, scale = target.median(), target.std()
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(50):
        optimiser.zero_grad()
        F.huber_loss(model(inputs).squeeze(-1), (target - centre) / scale, delta=1.0).backward()
        optimiser.step()
    return centre + scale * model(new_inputs).squeeze(-1)


def wrong_delta_times_the_scale(inputs, target, new_inputs):
    centre, scale = target.median(), target.std()
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(50):
        optimiser.zero_grad()
        F.huber_loss(model(inputs).squeeze(-1), (target - centre) / scale, delta=30.0 * scale.item()).backward()
        optimiser.step()
    return centre + scale * model(new_inputs).squeeze(-1)


def wrong_clipped_gradients(inputs, target, new_inputs):
    centre, scale = target.median(), target.std()
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(50):
        optimiser.zero_grad()
        F.huber_loss(model(inputs).squeeze(-1), (target - centre) / scale, delta=30.0).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimiser.step()
    return centre + scale * model(new_inputs).squeeze(-1)


def wrong_scale_forgotten_on_the_way_back(inputs, target, new_inputs):
    centre, scale = target.median(), target.std()
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(50):
        optimiser.zero_grad()
        F.huber_loss(model(inputs).squeeze(-1), (target - centre) / scale, delta=30.0 / scale.item()).backward()
        optimiser.step()
    return centre + model(new_inputs).squeeze(-1)
