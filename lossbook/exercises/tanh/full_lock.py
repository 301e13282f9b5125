"""A driver at full lock.

A car's log has the steering, from -1 to 1 and rounded to two digits, so full lock is exactly -1 or 1.
The script regresses the input of a tanh, and its loss is infinite at the first step.
Repair it.
The judge trains it on a log of its own, and compares the steering that it predicts for new inputs with the driver's: on
average it may be off by 0.12.

Nudge: Which input of a tanh has an output of 1?

Sketch: Let the model's output go through the tanh, and compare steering with steering; the loss then sees numbers of
which all are finite.

Why: atanh(1) is infinite, and one such record makes the loss infinite and every weight NaN. A clamp by 1e-8 is none,
because 1 - 1e-8 is 1 in float32; nan_to_num makes 3e38 of the infinity, and its square is infinite again. Where the
prediction goes through the tanh, full lock asks for a large input, and pulls less the nearer the prediction is.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case

KIND = "repair"
LEVEL = 2
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.randn(500, 3)
        y = torch.tanh(x @ torch.tensor([2.0, -1.5, 0.5]) + 0.1 * torch.randn(500))
        y = (100 * y).round() / 100
        y[:2] = torch.tensor([1.0, -1.0])
        x[:2] = torch.tensor([[2.5, -1.0, 0.0], [-2.5, 1.0, 0.0]])
        yield Case(
            "steering for new inputs",
            [x[:300], y[:300], x[300:]],
            ["inputs", "steering", "new"],
            hidden={"truth": y[300:]},
        )


def broken(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=2.0)
    target = torch.atanh(steering)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.mse_loss(model(inputs).squeeze(-1), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return torch.tanh(model(new).squeeze(-1))


def train(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=2.0)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.mse_loss(torch.tanh(model(inputs).squeeze(-1)), steering)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return torch.tanh(model(new).squeeze(-1))


def check_error(came, inputs, steering, new, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.12, f"the steering is off by {off:.2g} on average; asked for is less than 0.12"


def right_absolute_error_of_the_steering(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.smooth_l1_loss(torch.tanh(model(inputs).squeeze(-1)), steering, beta=0.1).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def right_share_of_the_way(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(2 * model(inputs).squeeze(-1), (steering + 1) / 2).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def wrong_clamped_too_close(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    target = torch.atanh(steering.clamp(-1 + 1e-8, 1 - 1e-8))
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs).squeeze(-1), target).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def wrong_nan_to_num(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    target = torch.atanh(steering).nan_to_num()
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs).squeeze(-1), target).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def wrong_full_lock_as_straight_on(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    target = torch.atanh(steering).nan_to_num(0.0, 0.0, 0.0)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs).squeeze(-1), target).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def wrong_clipped_gradients(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs).squeeze(-1), torch.atanh(steering)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def wrong_smaller_steps(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001)
    for _ in range(50):
        optimiser.zero_grad()
        F.l1_loss(model(inputs).squeeze(-1), torch.atanh(steering)).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))


def wrong_tanh_at_prediction_only(inputs, steering, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(inputs).squeeze(-1), steering).backward()
        optimiser.step()
    return torch.tanh(model(new).squeeze(-1))
