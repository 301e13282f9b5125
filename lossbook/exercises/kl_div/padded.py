"""The mean over real words.

From log-probabilities of model and target, (B, T, C), and a Boolean mask (B, T), return the divergence of an average
position where the mask is true.
What stands in the padding may be NaN, and may not reach value or gradient.

Nudge: What has to go before the product, so that no NaN reaches value or gradient, and what is counted?

Sketch: Select the real positions of both tensors; what is left has two axes, and batchmean counts the first.

Why: A product with 0 keeps a NaN, and masking afterwards keeps it in the gradient; selecting first does neither, and
makes each word one row, so that batchmean counts words and not sentences.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import left_out, log_shares, mask
from .._exact import largest

KIND = "build"
LEVEL = 1
MINUTES = 8
AFTER = ["reductions_weights_masks.masked"]
TAKES = {
    "log_q": left_out(log_shares("B", "T", "C", along="C"), "mask", -7.0, math.nan),
    "log_p": left_out(log_shares("B", "T", "C", along="C"), "mask", -7.0, math.nan),
    "mask": mask("B", "T"),
}
LEAST = {"B": 0, "T": 0}
GRADIENTS = ["log_q"]
SCALES = (1e-3, 0.1, 1.0, 30.0)


def size(log_q, log_p, mask):
    return 1 + largest(log_q[mask])


SLOPE_SIZE = 1.0


def per_word_kl(log_q, log_p, mask):
    return F.kl_div(log_q[mask], log_p[mask], log_target=True, reduction="batchmean")


def exact(log_q, log_p, mask):
    q, p = log_q[mask], log_p[mask]
    return torch.where(p > -torch.inf, p.exp() * (p - q), p.exp()).sum() / mask.sum()


def right_filled_first(log_q, log_p, mask):
    out = ~mask.unsqueeze(-1)
    q, p = log_q.masked_fill(out, 0.0), log_p.masked_fill(out, 0.0)
    return (p.exp() * (p - q)).sum() / mask.sum()


def right_mean_of_words(log_q, log_p, mask):
    terms = F.kl_div(log_q[mask], log_p[mask], reduction="none", log_target=True)
    return terms.sum(-1).mean()


def wrong_batchmean_of_everything(log_q, log_p, mask):
    return F.kl_div(log_q, log_p, log_target=True, reduction="batchmean")


def wrong_divided_by_the_sentences(log_q, log_p, mask):
    terms = F.kl_div(log_q[mask], log_p[mask], log_target=True, reduction="sum")
    return terms / len(mask)


def wrong_mean_over_the_classes(log_q, log_p, mask):
    return F.kl_div(log_q[mask], log_p[mask], log_target=True, reduction="none").mean()


def wrong_padding_counted(log_q, log_p, mask):
    terms = F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)
    return terms.where(mask, 0).mean()


def wrong_multiplied_by_the_mask(log_q, log_p, mask):
    terms = F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)
    return (terms * mask).sum() / mask.sum()


def wrong_replaced_afterwards(log_q, log_p, mask):
    """Refused by: gradient."""
    terms = F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)
    return terms.masked_fill(~mask, 0).sum() / mask.sum()


def wrong_zero_in_infinity_hidden(log_q, log_p, mask):
    """Refused by: NaN and infinity."""
    terms = F.kl_div(log_q, log_p, log_target=True, reduction="none").nan_to_num(0.0)
    return terms.sum(-1)[mask].mean()
