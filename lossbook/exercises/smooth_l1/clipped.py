"""Surprises that are clipped away.

A paper clips errors to [-1, 1], so that no surprise pulls too hard, and this script does so too.
It raises nothing, and most of its values never move from where they started.
Repair it, so that an error of 50 pulls as hard as one of 1, and no less.
The judge trains it on returns of its own, some of which are off by 50, and asks for values of new states: they have to
be off by less than 1 on average.

Nudge: What is the derivative of the clipped error's square where the error is 5?

Sketch: Clip the gradient, not the error: there is a loss whose derivative is the clipped error.

Why: Beyond 1 the clipped error is a constant, and a constant has no gradient: whatever is off by more than 1 at the
start stays off. Smooth L1 with beta 1 is half the square within 1, and its derivative is the clipped error everywhere.
Without any clip the few returns that are off by 50 move all values by 5.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case

KIND = "repair"
LEVEL = 1
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.randn(500, 3)
        y = 10 + x @ torch.tensor([3.0, -2.0, 1.0])
        seen = y[:300] + 0.3 * torch.randn(300) + 50 * (torch.randperm(300) < 30)
        yield Case(
            "values of new states", [x[:300], seen, x[300:]], ["states", "returns", "new"], hidden={"truth": y[300:]}
        )


def broken(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        error = model(states).squeeze(-1) - returns
        loss = 0.5 * error.clamp(-1, 1).square().mean()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new).squeeze(-1)


def train(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        loss = F.smooth_l1_loss(model(states).squeeze(-1), returns)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new).squeeze(-1)


def check_error(came, states, returns, new, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 1, f"the values are off by {off:.3g} on average; asked for is less than 1"


def right_clipped_gradient(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        value = model(states).squeeze(-1)
        value.backward((value.detach() - returns).clamp(-1, 1) / len(returns))
        optimiser.step()
    return model(new).squeeze(-1)


def right_by_hand(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        error = model(states).squeeze(-1) - returns
        clipped = error.clamp(-1, 1)
        (clipped * (error - 0.5 * clipped)).sum().backward()
        optimiser.step()
    return model(new).flatten()


def wrong_no_clip(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        (0.5 * (model(states).squeeze(-1) - returns).square().mean()).backward()
        optimiser.step()
    return model(new).squeeze(-1)


def wrong_wider_clamp(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        (0.5 * (model(states).squeeze(-1) - returns).clamp(-100, 100).square().mean()).backward()
        optimiser.step()
    return model(new).squeeze(-1)


def wrong_larger_steps(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=3.0)
    for _ in range(50):
        optimiser.zero_grad()
        (0.5 * (model(states).squeeze(-1) - returns).clamp(-1, 1).square().mean()).backward()
        optimiser.step()
    return model(new).squeeze(-1)


def wrong_clipped_error_as_loss(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        (model(states).squeeze(-1) - returns).clamp(-1, 1).abs().mean().backward()
        optimiser.step()
    return model(new).squeeze(-1)


def wrong_returns_clipped(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        F.smooth_l1_loss(model(states).squeeze(-1), returns.clamp(-1, 1)).backward()
        optimiser.step()
    return model(new).squeeze(-1)


def wrong_clipped_norm(states, returns, new):
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(model(states).squeeze(-1), returns).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model(new).squeeze(-1)
