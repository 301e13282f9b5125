"""Weights for words that are not there.

A sentence is rated by a weighted mean over its words.
The first number of a word is its own rating, and the other two decide on its weight, through a score that is learned.
Sentences are padded to one length, `real` is true where a word is real, and anything may stand in the padding.
The script raises nothing, learns, and is worst for the shortest sentences.
Repair it.
The judge trains it on sentences of its own, and asks for the ratings of others.
Their squared error has to be less than a twentieth of the variance.

Nudge: The weights of one sentence should add up to 1. What do they add up to once the padding is taken out?

Sketch: The padding has to leave before the softmax, so that it is not in the denominator: which score has an
exponential of 0?

Why: Behind the softmax the mask takes away weights that the denominator has counted, so a sentence with half its places
filled keeps about half of its mean. A score of 0 removes nothing, since exp(0) is 1; a score of minus infinity does.
Dividing by what is left of the weights gives the same.
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
        words = torch.randn(200, 6, 3) * torch.tensor([2.0, 1.0, 1.0]) + torch.tensor([1.0, 0.0, 0.0])
        real = torch.arange(6) < torch.randint(1, 7, (200, 1))
        weights = (words @ torch.tensor([0.0, 1.5, -0.5])).masked_fill(~real, -torch.inf).softmax(1)
        target = (weights * words[..., 0]).sum(1) + 0.05 * torch.randn(200)
        words[~real] = 2 * torch.randn(int((~real).sum()), 3)
        yield Case(
            "held-out sentences",
            [words[:100], real[:100], target[:100], words[100:], real[100:]],
            ["words", "real", "target", "new_words", "new_real"],
            hidden={"truth": target[100:]},
        )


def broken(words, real, target, new_words, new_real):
    score = nn.Linear(2, 1, bias=False)
    optimiser = torch.optim.Adam(score.parameters(), lr=0.1)

    def predicted(words, real):
        weights = score(words[..., 1:]).squeeze(-1).softmax(dim=1) * real
        return (weights * words[..., 0]).sum(dim=1)

    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(predicted(words, real), target).backward()
        optimiser.step()
    with torch.no_grad():
        return predicted(new_words, new_real)


def train(words, real, target, new_words, new_real):
    score = nn.Linear(2, 1, bias=False)
    optimiser = torch.optim.Adam(score.parameters(), lr=0.1)

    def predicted(words, real):
        scores = score(words[..., 1:]).squeeze(-1).masked_fill(~real, -torch.inf)
        return (scores.softmax(dim=1) * words[..., 0]).sum(dim=1)

    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(predicted(words, real), target).backward()
        optimiser.step()
    with torch.no_grad():
        return predicted(new_words, new_real)


def check_error(came, words, real, target, new_words, new_real, *, truth):
    part = ((came - truth).square().mean() / truth.var()).item()
    assert part < 0.05, f"the squared error is {part:.2g} of the variance; asked for is less than 0.05"


def _trained(weigh, words, real, target, new_words, new_real, lr=0.1):
    score = nn.Linear(2, 1, bias=False)
    optimiser = torch.optim.Adam(score.parameters(), lr=lr)

    def predicted(words, real):
        return (weigh(score(words[..., 1:]).squeeze(-1), real) * words[..., 0]).sum(1)

    for _ in range(50):
        optimiser.zero_grad()
        F.mse_loss(predicted(words, real), target).backward()
        optimiser.step()
    return predicted(new_words, new_real)


def right_divided_by_what_is_left(*args):
    def weigh(scores, real):
        weights = scores.softmax(1) * real
        return weights / weights.sum(1, keepdim=True)

    return _trained(weigh, *args)


def right_logarithm_of_the_mask(*args):
    return _trained(lambda scores, real: (scores + real.log()).softmax(1), *args)


def wrong_scores_of_0(*args):
    return _trained(lambda scores, real: (scores * real).softmax(1), *args)


def wrong_a_small_score(*args):
    return _trained(lambda scores, real: scores.masked_fill(~real, 1e-9).softmax(1), *args)


def wrong_mask_the_other_way(*args):
    return _trained(lambda scores, real: scores.masked_fill(real, -1e9).softmax(1), *args)


def wrong_over_the_sentences(*args):
    return _trained(lambda scores, real: scores.masked_fill(~real, -1e9).softmax(0), *args)


def wrong_a_mean_of_all_words(words, real, target, new_words, new_real):
    return (new_words[..., 0] * new_real).sum(1) / new_real.sum(1)


def wrong_divided_by_the_words(*args):
    return _trained(lambda scores, real: scores.softmax(1) * real / real.sum(1, keepdim=True), *args)


def wrong_larger_steps(*args):
    return _trained(lambda scores, real: scores.softmax(1) * real, *args, lr=1.0)
