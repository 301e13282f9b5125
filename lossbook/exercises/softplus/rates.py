"""Rates beyond 89.

A call centre wants the rate of calls per hour, and has written softplus as it stands in the book.
The script works in the morning, and ends in NaN once the rates are in the hundreds.
Repair it.
The judge trains it on counts of its own, and asks for the rates of new hours.
On average they may be off by 10 % of the true ones.

Nudge: What is exp(100) in float32, and what is log(1 + exp(100)) on paper?

Sketch: To the right softplus is nearly its argument. torch has it in one piece; it also has the logarithm of a sum of
two exponentials.

Why: exp(89) is infinite in float32, and so are its logarithm and the loss; the gradient is infinity over infinity, NaN.
A clamp before the exponential ends the NaN, and no rate gets beyond the clamp: its gradient is 0 there. F.softplus of
100 is 100, with a slope of 1.
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
        hours = torch.rand(300, 2)
        rates = 50 + hours @ torch.tensor([200.0, 100.0])
        args = [hours[:200], torch.poisson(rates[:200]), hours[200:]]
        yield Case("rates of new hours", args, ["hours", "calls", "new_hours"], hidden={"truth": rates[200:]})


def broken(hours, calls, new_hours):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=20.0)
    for _ in range(80):
        optimiser.zero_grad()
        rate = (1 + model(hours).squeeze(-1).exp()).log()
        loss = F.mse_loss(rate, calls)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return (1 + model(new_hours).squeeze(-1).exp()).log()


def train(hours, calls, new_hours):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=20.0)
    for _ in range(80):
        optimiser.zero_grad()
        rate = F.softplus(model(hours).squeeze(-1))
        loss = F.mse_loss(rate, calls)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return F.softplus(model(new_hours).squeeze(-1))


def check_rates(came, hours, calls, new_hours, *, truth):
    off = 100 * ((came - truth).abs() / truth).mean().item()
    assert off < 10, f"the rates are off by {off:.3g} % on average; asked for is less than 10 %"


def _trained(head, hours, calls, new_hours, lr=20.0, clip=None):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(80):
        optimiser.zero_grad()
        F.mse_loss(head(model(hours).squeeze(-1)), calls).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
    return head(model(new_hours).squeeze(-1))


def _formula(x):
    return (1 + x.exp()).log()


def right_logaddexp(*args):
    return _trained(lambda x: torch.logaddexp(x, torch.zeros_like(x)), *args)


def right_log_sigmoid(*args):
    return _trained(lambda x: -F.logsigmoid(-x), *args)


def wrong_log1p(*args):
    return _trained(lambda x: x.exp().log1p(), *args)


def wrong_clamped(*args):
    return _trained(lambda x: _formula(x.clamp(max=80)), *args)


def wrong_smaller_steps(*args):
    return _trained(_formula, *args, lr=0.1)


def wrong_clipped_gradients(*args):
    return _trained(_formula, *args, clip=1.0)


def wrong_without_infinities(*args):
    return _trained(lambda x: _formula(x).nan_to_num(posinf=1e3), *args)


def wrong_chosen_afterwards(*args):
    return _trained(lambda x: torch.where(x > 20, x, _formula(x)), *args)


def wrong_a_high_threshold(*args):
    return _trained(lambda x: F.softplus(x, threshold=1000), *args)


def wrong_beta_for_the_scale(*args):
    return _trained(lambda x: (1 + (x / 10).exp()).log(), *args)
