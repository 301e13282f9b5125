"""Tags that are hardly better than guessing.

A sentence has six words, each word one of six tags, and each word comes as four numbers.
The script gives a probability for each tag of each word, shape (N, 6, 6).
It raises nothing and its loss falls, but it knows hardly more of a word than how often each tag occurs.
Repair it.
The judge trains it on sentences of its own and asks for the probabilities of others: on average they may be off by
0.05, and with the script as it is they are off by about 0.19.

Nudge: Over which axis does the loss take its softmax, and what stands along that axis here?

Sketch: The classes belong on axis 1. Move them there, or make one long list of words of both tensors, so that there is
only one axis left that could be meant.

Why: A model of sequences gives (batch, positions, classes), and the loss reads (batch, classes, positions). With as
many positions as classes both are legal, and each word is trained to say at which place some tag stands. A reshape to
the same shape moves nothing; transpose(1, 2), or flatten(0, 1) of logits and flatten() of targets, is what was meant.
With seven words torch would have said so.
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
        words = torch.randn(300, 6, 4)
        p = (words @ (2 * torch.randn(4, 6))).softmax(-1)
        tags = torch.multinomial(p.flatten(0, 1), 1).reshape(300, 6)
        yield Case(
            "held-out sentences",
            [words[:150], tags[:150], words[150:]],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": p[150:]},
        )


def broken(inputs, target, new_inputs):
    model = nn.Linear(4, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).softmax(dim=2)


def train(inputs, target, new_inputs):
    model = nn.Linear(4, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(inputs).transpose(1, 2), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_inputs).softmax(dim=2)


def check_error(came, inputs, target, new_inputs, *, truth):
    apart = (came.sum(2) - 1).abs().max().item()
    assert apart < 1e-3, f"the probabilities of a word add up to 1, but for {apart:.2g}"
    off = (came - truth).abs().mean().item()
    assert off < 0.05, f"the probabilities are off by {off:.2g} on average; asked for is less than 0.05"


def _trained(inputs, target, new_inputs, loss):
    model = nn.Linear(4, 6)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.2)
    for _ in range(60):
        optimiser.zero_grad()
        loss(model(inputs), target).backward()
        optimiser.step()
    return model(new_inputs).detach()


def right_one_long_list(inputs, target, new_inputs):
    def loss(output, target):
        return F.cross_entropy(output.flatten(0, 1), target.flatten())

    return _trained(inputs, target, new_inputs, loss).softmax(-1)


def right_picked(inputs, target, new_inputs):
    def loss(output, target):
        return -output.log_softmax(-1).gather(-1, target[..., None]).mean()

    return _trained(inputs, target, new_inputs, loss).softmax(-1)


def wrong_reshaped(inputs, target, new_inputs):
    def loss(output, target):
        return F.cross_entropy(output.reshape(len(output), 6, -1), target)

    return _trained(inputs, target, new_inputs, loss).softmax(-1)


def wrong_decided_over_the_other_axis(inputs, target, new_inputs):
    return _trained(inputs, target, new_inputs, F.cross_entropy).softmax(1)


def wrong_log_softmax_over_the_tags(inputs, target, new_inputs):
    def loss(output, target):
        return F.nll_loss(output.log_softmax(-1), target)

    return _trained(inputs, target, new_inputs, loss).softmax(-1)


def wrong_mean_over_positions(inputs, target, new_inputs):
    def loss(output, target):
        return F.cross_entropy(output.mean(1), target[:, 0])

    return _trained(inputs, target, new_inputs, loss).softmax(-1)


def wrong_words_and_sentences_swapped(inputs, target, new_inputs):
    def loss(output, target):
        return F.cross_entropy(output.transpose(0, 1).flatten(0, 1), target.flatten())

    return _trained(inputs, target, new_inputs, loss).softmax(-1)
