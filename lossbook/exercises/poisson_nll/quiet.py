"""Quiet hours that are promised visitors.

A museum predicts its visitors by the hour with a softplus, which gives a rate and never a negative one.
The loss falls and nothing is raised; yet quiet hours are promised several times too many, and busy ones too few.
Repair it.
The judge trains it on counts of its own, and compares predictions for new hours with the rates that counts are drawn
from: on average they may be off by 30 %.

Nudge: Which number does F.poisson_nll_loss expect to be given, a rate or something made of it?

Sketch: Tell the loss that its input is a rate; or give it the logarithm of that same rate.

Why: By default the loss takes its input for the logarithm of the rate, and a softplus head fits that as well as a
positive number can: its output settles near the logarithm of the rate, and near 0 where the rate is below 1, since
the logarithm of that is negative. A rate of 10 is then reported as log 10 = 2.3.
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
        x = 3 * torch.rand(600, 2) - 1.5
        rates = F.softplus(x @ torch.tensor([3.0, -2.0]) + 3)
        args = [x[:400], torch.poisson(rates[:400]), x[400:]]
        yield Case("rates of new hours", args, ["inputs", "target", "new_inputs"], hidden={"truth": rates[400:]})


def broken(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        rate = F.softplus(model(inputs).squeeze(-1))
        loss = F.poisson_nll_loss(rate, target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return F.softplus(model(new_inputs).squeeze(-1))


def train(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        rate = F.softplus(model(inputs).squeeze(-1))
        loss = F.poisson_nll_loss(rate, target, log_input=False)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return F.softplus(model(new_inputs).squeeze(-1))


def check_rates(came, inputs, target, new_inputs, *, truth):
    off = 100 * ((came - truth).abs() / truth).mean().item()
    assert off < 30, f"the predictions are off by {off:.3g} % on average; asked for is less than 30 %"


def right_logarithm_of_the_rate(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(F.softplus(model(inputs).squeeze(-1)).log(), target).backward()
        optimiser.step()
    return F.softplus(model(new_inputs).squeeze(-1))


def right_likelihood(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        rate = F.softplus(model(inputs).squeeze(-1))
        (-torch.distributions.Poisson(rate).log_prob(target)).mean().backward()
        optimiser.step()
    return F.softplus(model(new_inputs).squeeze(-1))


def wrong_exp_at_prediction(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(F.softplus(model(inputs).squeeze(-1)), target).backward()
        optimiser.step()
    return F.softplus(model(new_inputs).squeeze(-1)).exp()


def wrong_full(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(F.softplus(model(inputs).squeeze(-1)), target, full=True, eps=1e-3).backward()
        optimiser.step()
    return F.softplus(model(new_inputs).squeeze(-1))


def wrong_scaled_to_the_mean(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(F.softplus(model(inputs).squeeze(-1)), target).backward()
        optimiser.step()
    rate = F.softplus(model(new_inputs).squeeze(-1))
    return rate * target.mean() / F.softplus(model(inputs).squeeze(-1)).mean()


def wrong_logarithm_of_the_counts(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(F.softplus(model(inputs).squeeze(-1)), (target + 1).log()).backward()
        optimiser.step()
    return F.softplus(model(new_inputs).squeeze(-1))


def wrong_softplus_only_at_prediction(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(model(inputs).squeeze(-1), target).backward()
        optimiser.step()
    return F.softplus(model(new_inputs).squeeze(-1))


def wrong_rates_by_relu(inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        F.poisson_nll_loss(F.relu(model(inputs).squeeze(-1)), target).backward()
        optimiser.step()
    return F.relu(model(new_inputs).squeeze(-1))
