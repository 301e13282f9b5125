"""A score that trains nothing.

Somebody wants few wrong decisions and makes their share the loss.
torch complained that it has no gradient, `requires_grad_()` silenced it, and now the script runs and learns nothing.
Repair it.
The judge trains it on a task of its own, and asks for decisions, 0 or 1, about samples that were held out.
At most 15 % of them may be wrong; as it is, about half are.

Nudge: After the backward pass, what is the gradient of the weights?

Sketch: Only the score needs a step at 0. Compare logits and targets by something that has a slope where the decision
is wrong, such as binary cross entropy, and keep the step for the decisions at the end.

Why: A comparison gives True and False, which have no derivative, so the way to the weights ends there. requires_grad_()
makes the share the start of a graph of its own: its gradient is 1, that of the weights is None, and the optimiser skips
what has none. Rounding does not cut the graph, but its slope is 0. A smooth stand-in, the sigmoid or better cross
entropy, gets below 5 %.
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
        x = torch.randn(500, 12)
        z = x @ torch.randn(12).sign()
        y = (z > 0).float()
        args = [x[:300], y[:300], x[300:]]
        yield Case("held-out samples", args, ["inputs", "target", "new_inputs"], hidden={"truth": y[300:]})


def broken(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(40):
        optimiser.zero_grad()
        decided = (model(inputs).squeeze(-1) > 0).float()
        loss = (decided != target).float().mean()
        loss.requires_grad_()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return (model(new_inputs).squeeze(-1) > 0).float()


def train(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(40):
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(inputs).squeeze(-1), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return (model(new_inputs).squeeze(-1) > 0).float()


def check_decisions(came, inputs, target, new_inputs, *, truth):
    wrong = 100 * (came != truth).double().mean().item()
    assert wrong <= 15, f"{wrong:.3g} % of the decisions are wrong; asked for is at most 15 %"


def right_soft_share(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=10.0)
    for _ in range(40):
        optimiser.zero_grad()
        (model(inputs).squeeze(-1).sigmoid() - target).abs().mean().backward()
        optimiser.step()
    return (model(new_inputs).squeeze(-1) > 0).float()


def right_hinge(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(40):
        optimiser.zero_grad()
        (1 - (2 * target - 1) * model(inputs).squeeze(-1)).relu().mean().backward()
        optimiser.step()
    return (model(new_inputs).squeeze(-1) > 0).float()


def wrong_rounded(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(40):
        optimiser.zero_grad()
        (model(inputs).squeeze(-1).sigmoid().round() - target).abs().mean().backward()
        optimiser.step()
    return (model(new_inputs).squeeze(-1) > 0).float()


def wrong_larger_steps(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=10.0)
    for _ in range(40):
        optimiser.zero_grad()
        loss = ((model(inputs).squeeze(-1) > 0).float() != target).float().mean()
        loss.requires_grad_().backward()
        optimiser.step()
    return (model(new_inputs).squeeze(-1) > 0).float()


def wrong_decisions_as_leaves(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(40):
        optimiser.zero_grad()
        decided = (model(inputs).squeeze(-1) > 0).float().requires_grad_()
        F.mse_loss(decided, target).backward()
        optimiser.step()
    return (model(new_inputs).squeeze(-1) > 0).float()


def wrong_the_sign(inputs, target, new_inputs):
    model = nn.Linear(12, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(40):
        optimiser.zero_grad()
        (1 - (2 * target - 1) * model(inputs).squeeze(-1).sign()).mean().backward()
        optimiser.step()
    return (model(new_inputs).squeeze(-1) > 0).float()
