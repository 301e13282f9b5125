"""A tagger that cannot count.

The model gives each word a score for each of four tags, from what is known of the word, and `nll_loss` wants the tags
in dimension 1.
The script raises nothing, and its loss falls as it should.
Repair it.
The judge trains it on sentences of its own, and asks for the log-probabilities of the tags of new words, in the shape
(sentences, tags, words).
Those of one word have to add up to a probability of 1, and what they give to the right tag has to cost less than 0.45
on average; guessing costs 1.39.

Nudge: Over which dimension do the probabilities add up to 1 here? Over which one should they?

Sketch: Once the tags are in dimension 1, they are no longer last. Normalise there.

Why: After the transpose the last dimension has the words, so each tag is shared out among the words of a sentence. What
is the same for all words cancels: the bias of a tag gets a gradient of 0, and how frequent a tag is is never learned.
Normalising over the tags at the end makes the sums right and leaves the tags wrong; no size of step helps.
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
        words = torch.rand(200, 5, 2) * 4 - 2
        scores = words @ torch.tensor([[-12.0, -4.0, 4.0, 12.0], [1.0, -1.0, 1.0, -1.0]])
        scores = scores + torch.tensor([-12.0, 0.0, 0.0, -12.0])
        tags = (scores - 0.4 * torch.rand(200, 5, 4).log().neg().log()).argmax(2)
        truth = F.one_hot(tags[160:], 4).float().transpose(1, 2)
        args = [words[:160], tags[:160], words[160:]]
        yield Case("words of new sentences", args, ["words", "tags", "new_words"], hidden={"truth": truth})


def broken(words, tags, new_words):
    model = nn.Linear(2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(80):
        optimiser.zero_grad()
        log_q = model(words).transpose(1, 2).log_softmax(dim=-1)
        F.nll_loss(log_q, tags).backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_words).transpose(1, 2).log_softmax(dim=-1)


def train(words, tags, new_words):
    model = nn.Linear(2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(80):
        optimiser.zero_grad()
        log_q = model(words).transpose(1, 2).log_softmax(dim=1)
        F.nll_loss(log_q, tags).backward()
        optimiser.step()
    with torch.no_grad():
        return model(new_words).transpose(1, 2).log_softmax(dim=1)


def check_sums(came, words, tags, new_words, *, truth):
    sums = came.exp().sum(1)
    off = sums.flatten()[(sums - 1).abs().argmax()].item()
    assert abs(off - 1) < 1e-3, f"the probabilities of a word's tags add up to {off:.3g}; asked for is 1"


def check_cost(came, words, tags, new_words, *, truth):
    cost = -(came * truth).sum(1).mean().item()
    assert cost < 0.45, f"the right tags cost {cost:.3g} on average; asked for is less than 0.45"


def _trained(normal, last, words, tags, new_words, lr=0.5, steps=80):
    model = nn.Linear(2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        F.nll_loss(normal(model(words)), tags).backward()
        optimiser.step()
    return last(model(new_words))


def right_normalised_before_the_transpose(words, tags, new_words):
    def normal(scores):
        return scores.log_softmax(-1).transpose(1, 2)

    return _trained(normal, normal, words, tags, new_words)


def right_rows_of_words(words, tags, new_words):
    model = nn.Linear(2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
    for _ in range(80):
        optimiser.zero_grad()
        F.cross_entropy(model(words).flatten(0, 1), tags.flatten()).backward()
        optimiser.step()
    return model(new_words).movedim(-1, 1).log_softmax(1)


def wrong_normalised_at_the_end_only(words, tags, new_words):
    """Refused by: words of new sentences."""
    return _trained(
        lambda scores: scores.transpose(1, 2).log_softmax(-1),
        lambda scores: scores.transpose(1, 2).log_softmax(1),
        *(words, tags, new_words),
    )


def wrong_over_the_sentences(words, tags, new_words):
    def normal(scores):
        return scores.transpose(1, 2).log_softmax(0)

    return _trained(normal, normal, words, tags, new_words)


def wrong_a_second_softmax(words, tags, new_words):
    def last(scores):
        return scores.transpose(1, 2).log_softmax(-1).log_softmax(1)

    return _trained(lambda scores: scores.transpose(1, 2).log_softmax(-1), last, words, tags, new_words)


def wrong_larger_steps(words, tags, new_words):
    return _trained(
        lambda scores: scores.transpose(1, 2).log_softmax(-1),
        lambda scores: scores.transpose(1, 2).log_softmax(1),
        *(words, tags, new_words),
        lr=1.0,
    )


def wrong_reshaped(words, tags, new_words):
    def normal(scores):
        return scores.reshape(len(scores), 4, -1).log_softmax(1)

    return _trained(normal, normal, words, tags, new_words)


def wrong_probabilities(words, tags, new_words):
    def normal(scores):
        return scores.transpose(1, 2).softmax(1)

    return _trained(normal, normal, words, tags, new_words)
