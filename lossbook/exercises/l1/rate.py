"""Steps that never settle.

A sensor is calibrated on pairs in which one in twenty readings is rubbish, hence absolute errors.
The loss falls, and then it stays where it is, up and down.
Repair the script.
The judge trains it on readings of its own, and compares predictions with held-out readings that are not rubbish.
On average they have to be within 0.2 of them.

Nudge: How long is the last step of this script, compared with the first?

Sketch: A slope of -1 or 1 does not shrink on the way to the target, so the step has to. Lower the rate as the steps go
on.

Why: Under absolute errors the gradient says in which direction, and hardly how far: with a rate of 8 the weights jump
across their place by several units for ever. A small constant rate arrives too, after thousands of steps, since each of
them is as short as the last. A rate that falls by a tenth with each step does both. Squared errors would slow down by
themselves, and be led astray by the rubbish.
"""

import torch
import torch.nn.functional as F

from .._cases import Case

KIND = "repair"
LEVEL = 1
MINUTES = 8


def cases():
    for _ in range(2):
        x = torch.randn(300, 3)
        clean = x @ (5 * torch.randn(3).sign()) + 30
        rubbish = 200 * (torch.rand(200) < 0.05)
        args = [x[:200], clean[:200] + rubbish, x[200:]]
        yield Case("held-out readings", args, ["inputs", "target", "new_inputs"], hidden={"truth": clean[200:]})


def broken(inputs, target, new_inputs):
    model = torch.nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=8.0)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.l1_loss(model(inputs).squeeze(-1), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).squeeze(-1)


def train(inputs, target, new_inputs):
    model = torch.nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=8.0)
    for step in range(60):
        optimiser.param_groups[0]["lr"] = 8.0 * 0.9**step
        optimiser.zero_grad()
        loss = F.l1_loss(model(inputs).squeeze(-1), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).squeeze(-1)


def check_error(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.2, f"the predictions are off by {off:.2g} on average; asked for is less than 0.2"


def _walk(inputs, target, new_inputs, loss, rates, optimiser=torch.optim.SGD):
    model = torch.nn.Linear(3, 1)
    moves = optimiser(model.parameters(), lr=rates[0])
    for rate in rates:
        moves.param_groups[0]["lr"] = rate
        moves.zero_grad()
        loss(model(inputs).squeeze(-1), target).backward()
        moves.step()
    return model(new_inputs).squeeze(-1).detach()


def right_four_rates(inputs, target, new_inputs):
    rates = [8.0] * 10 + [1.0] * 15 + [0.3] * 15 + [0.05] * 20
    return _walk(inputs, target, new_inputs, F.l1_loss, rates)


def right_a_last_stretch_that_is_smooth(inputs, target, new_inputs):
    rates = [8.0 * 0.85**step for step in range(60)]
    return _walk(inputs, target, new_inputs, F.smooth_l1_loss, rates)


def wrong_smaller_steps(inputs, target, new_inputs):
    return _walk(inputs, target, new_inputs, F.l1_loss, [0.1] * 80)


def wrong_more_steps(inputs, target, new_inputs):
    return _walk(inputs, target, new_inputs, F.l1_loss, [8.0] * 80)


def wrong_squared_errors(inputs, target, new_inputs):
    return _walk(inputs, target, new_inputs, F.mse_loss, [0.1] * 60)


def wrong_squared_errors_that_slow_down(inputs, target, new_inputs):
    rates = [0.3 * 0.95**step for step in range(60)]
    return _walk(inputs, target, new_inputs, F.mse_loss, rates)


def wrong_adam(inputs, target, new_inputs):
    return _walk(inputs, target, new_inputs, F.l1_loss, [8.0] * 60, torch.optim.Adam)
