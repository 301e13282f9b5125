"""Kullback and Leibler (1951), equation 2.4, for discrete distributions; 0 log 0 = 0."""

import torch
from mpmath import exp, log, mpf

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, *, log_target=False):
    losses = []
    for log_q, p in zip(flat(input), flat(target), strict=True):
        if log_target:
            p = exp(p)
        losses.append(p * (log(p) - log_q) if p > 0 else mpf(0))
    return losses


def distributions(*shape, log_target=False):
    def draw(rng, scale):
        log_q, log_p = (torch.randn(*shape, generator=rng, dtype=torch.double) for _ in range(2))
        log_q, log_p = (scale * log_q).log_softmax(-1), log_p.log_softmax(-1)
        return log_q, log_p if log_target else log_p.exp()

    return draw


CASES = [
    Case("probabilities", distributions(5, 3)),
    Case("log-probabilities", distributions(5, 3, log_target=True), {"log_target": True}),
    Case("sequence", distributions(2, 4, 3)),
    Case("sequence of log-probabilities", distributions(2, 4, 3, log_target=True), {"log_target": True}),
    Case("one distribution", distributions(3)),
]
GRADIENTS = (0, 1)
INF = torch.inf


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


LOG = {"log_target": True}
EXTREMES = [
    Case("zeros", constant([-1.0, -INF, 0.0], [0.0, 0.0, 0.0])),
    Case("far", constant([-1e4, -1e30], [1.0, 0.5])),
    Case("small", constant([-1.0, -80.0, -1e4], [1e-38, 1e-30, 1e-10])),
    Case("equal", constant([0.0, -1.0], [1.0, 0.36787944])),
    Case("rounding", constant([1e-6, -1.0], [1.0, 0.0])),
    Case("log zeros", constant([-1.0, -INF, 0.0], [-INF, -INF, -INF]), LOG),
    Case("log far", constant([-1e4, -1e4, -1.0], [0.0, -1e4, -1e30]), LOG),
]
P, Q = torch.tensor([[0.36, 0.48, 0.16]]), torch.tensor([[1 / 3, 1 / 3, 1 / 3]])
TABLE = [
    Known((Q.log(), P), [0.0852996], "Wikipedia, Kullback-Leibler divergence: KL(P||Q)", {"reduction": "batchmean"}),
    Known((P.log(), Q), [0.0974554], "Wikipedia, Kullback-Leibler divergence: KL(Q||P)", {"reduction": "batchmean"}),
    Known((P.log(), Q), [0.0324851], "mean divides by classes too: KL / 3", {"reduction": "mean"}),
    Known(
        (Q.log(), P.log()),
        [0.0852996],
        "Wikipedia, KL(P||Q) from log P",
        {"reduction": "batchmean", "log_target": True},
    ),
    Known((torch.tensor([-INF]), torch.tensor([0.0])), [0.0], "0 log 0 - 0 log 0; torch 2.13 gives NaN"),
    Known((torch.tensor([-1.0]), torch.tensor([-INF])), [0.0], "log of target 0; torch 2.13 gives NaN", LOG),
    Known(
        (torch.tensor(0.25).log()[None], torch.tensor([0.125])),
        [-0.0866434],
        "single terms may be negative: -log(2) / 8",
    ),
]
LAWS = ("class permutation", "convex", "minimised by the log shares")
BAD = [
    Bad("column", ValueError, r"shapes must match: input \(5, 1\), target \(5,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("probabilities", ValueError, "input must be log-prob.*, at most 0: .*; got", lambda a: (a[0].exp(), a[1])),
    Bad("negative target", ValueError, "target must be at least 0; got -", lambda a: (a[0], a[0])),
    Bad("integer target", TypeError, "for instance target.float", lambda a: (a[0], a[1].long())),
    Bad(
        "probabilities as log target",
        ValueError,
        "target must be log-probabilities, at most 0: .*; got",
        lambda a: a,
        {"log_target": True},
        constructor=False,
    ),
    Bad("log_target 1", TypeError, "log_target must be True or False; got 1", settings={"log_target": 1}),
    Bad("batch_mean", ValueError, "one of 'none', 'mean', 'sum', 'batchmean'", settings={"reduction": "batch_mean"}),
]
