"""Twice the overlap, over the size of the mask plus that of its target; a class in neither costs nothing."""

import torch
from mpmath import exp, mpf

from oracles import Bad, Case, Known, fixed, flat
from oracles.cross_entropy import columns


def oracle(input, target, *, smooth=1, activation="sigmoid", ignore_index=-100):
    losses = []
    for pixels in masks(input, target, activation, ignore_index):
        above = 2 * sum(p * t for p, t in pixels) + smooth
        below = sum(p + t for p, t in pixels) + smooth
        losses.append(1 - above / below if below else mpf(0))
    return losses


def masks(input, target, activation, ignore_index):
    """For each sample and class the pairs (probability, target) of its pixels."""
    found = []
    for sample, wanted in zip(input, target, strict=True):
        pixels = list(columns(sample))
        asked = flat(wanted) if isinstance(flat(wanted)[0], int) else list(columns(wanted))
        kept = [(probabilities(p, activation), t) for p, t in zip(pixels, asked, strict=True) if t != ignore_index]
        for c in range(len(sample)):
            found.append([(p[c], t[c] if isinstance(t, list) else mpf(t == c)) for p, t in kept])
    return found


def probabilities(logits, activation):
    if activation == "sigmoid":
        return [1 / (1 + exp(-logit)) for logit in logits]
    partition = sum(exp(logit) for logit in logits)
    return [exp(logit) / partition for logit in logits]


def shares(*shape):
    """Masks with soft edges: all of them away from 0 and 1."""

    def draw(rng, scale):
        input, target = (torch.randn(*shape, generator=rng, dtype=torch.double) for _ in range(2))
        return scale * input, target.sigmoid()

    return draw


def labels(*shape):
    def draw(rng, scale):
        size = (shape[0], *shape[2:])
        return scale * torch.randn(*shape, generator=rng, dtype=torch.double), torch.randint(3, size, generator=rng)

    return draw


SOFTMAX = {"activation": "softmax"}
CASES = [
    Case("masks", shares(3, 2, 4)),
    Case("not smooth", shares(3, 2, 4), {"smooth": 0}),
    Case("image, smoother", shares(2, 3, 2, 3), {"smooth": 5.0}),
    Case("one class", shares(3, 1, 2, 2), {"smooth": 1e-5}),
    Case("volume", shares(2, 2, 2, 2, 2)),
    Case("softmax", shares(3, 3, 4), SOFTMAX),
    Case("index", labels(3, 3, 4), SOFTMAX),
    Case("index of an image, ignored", labels(2, 3, 2, 4), {**SOFTMAX, "ignore_index": 1, "smooth": 0.5}),
    Case("index, a class too many", labels(3, 4, 5), {**SOFTMAX, "ignore_index": 3}),
]
GRADIENTS = (0, 1)
INF = torch.inf


def constant(logits, target):
    """One sample of one class, or of as many as there are rows."""
    return fixed(torch.tensor([logits]), torch.tensor([target]))


NOT_SMOOTH = {"smooth": 0.0}
NOTHING = constant([[-INF] * 4, [-INF] * 4], [[0.0] * 4, [0.0] * 4])
EXTREMES = [
    Case("right", constant([[1e4, -1e4, 1e4, -1e4]], [[1.0, 0.0, 1.0, 0.0]])),
    Case("right, not smooth", constant([[1e4, -1e4, 1e4, -1e4]], [[1.0, 0.0, 1.0, 0.0]]), NOT_SMOOTH),
    Case("wrong", constant([[-1e4, 1e4]], [[1.0, 0.0]])),
    Case("wrong, not smooth", constant([[-1e4, 1e4]], [[1.0, 0.0]]), NOT_SMOOTH),
    Case("nothing asked", constant([[-1e4, -1e4]], [[0.0, 0.0]])),
    Case("nothing asked, hardly smooth", constant([[-1e4, -1e4]], [[0.0, 0.0]]), {"smooth": 1e-5}),
    Case("nothing asked, something given", constant([[-5.0, 0.0]], [[0.0, 0.0]]), NOT_SMOOTH),
    Case("nothing asked, next to nothing given", constant([[-80.0, -85.0]], [[0.0, 0.0]]), NOT_SMOOTH),
    Case("nothing asked, nothing given", NOTHING, NOT_SMOOTH),
    Case("nothing given", constant([[-1e4, -1e4]], [[1.0, 0.0]]), NOT_SMOOTH),
    Case("softmax, right", constant([[1e4, -1e4], [-1e4, 1e4]], [0, 1]), SOFTMAX),
    Case("softmax, wrong", constant([[1e4, -1e4], [-1e4, 1e4]], [1, 0]), SOFTMAX),
    Case("softmax, a class that is not there", constant([[1.0, 0.0], [0.0, 0.0], [-INF, -INF]], [0, 1]), SOFTMAX),
    Case(
        "softmax, a class that is not there, not smooth",
        constant([[1.0, 0.0], [0.0, 0.0], [-INF, -INF]], [0, 1]),
        {**SOFTMAX, **NOT_SMOOTH},
    ),
    Case("all pixels ignored", constant([[1.0, 0.0], [0.0, 0.0]], [-100, -100]), {**SOFTMAX, **NOT_SMOOTH}),
    Case("a target of 1 everywhere", constant([[0.0, 9.0]], [[1.0, 1.0]]), NOT_SMOOTH),
]


def halves(*target):
    """A mask that is 0.5 everywhere."""
    return torch.zeros(1, 1, len(target)), torch.tensor([[target]])


TABLE = [
    Known(halves(1.0, 1.0, 0.0, 0.0), [1 - 3 / 5], "1 - (2 * 1 + 1) / (2 + 2 + 1)"),
    Known(halves(1.0, 1.0, 0.0, 0.0), [0.5], "1 - 2 / 4", NOT_SMOOTH),
    Known(halves(0.0, 0.0, 0.0, 0.0), [2 / 3], "an empty target: 1 - 1 / (2 + 1)"),
    Known(halves(0.0, 0.0, 0.0, 0.0), [0.999995], "the same, hardly smooth: 1 - 1e-5 / 2", {"smooth": 1e-5}),
]
LAWS = ("nonnegative", "class permutation", "one end is the best constant mask")


def LAW_FAILS(case, law):  # noqa: N802
    return (
        law == "one end is the best constant mask" and "activation" in case.settings
    )  # softmax: a share for each class


BAD = [
    Bad("smooth -1", ValueError, "smooth must be at least 0; got -1", settings={"smooth": -1}),
    Bad(
        "tanh",
        ValueError,
        "activation must be one of 'sigmoid', 'softmax'; got 'tanh'",
        settings={"activation": "tanh"},
    ),
    Bad("ignore 1.5", TypeError, "ignore_index must be an int; got 1.5", settings={"ignore_index": 1.5}),
    Bad("ignore", ValueError, "ignore_index goes with class ind", settings={"ignore_index": 1}, constructor=False),
    Bad(
        "no pixels", ValueError, r"input must have .* at least 1; got \(3, 2\)", lambda a: (a[0][..., 0], a[1][..., 0])
    ),
    Bad(
        "no class dimension",
        ValueError,
        r"shapes must match: input \(3, 1, 4\), target \(3, 4\)",
        lambda a: (a[0][:, :1], a[1][:, 0]),
    ),
    Bad(
        "softmax of one class",
        ValueError,
        "the softmax of one class is always 1: use activation=",
        lambda a: (a[0][:, :1], a[1][:, :1]),
        {"activation": "softmax"},
        constructor=False,
    ),
    Bad("class index", ValueError, 'go with activation="softmax"', lambda a: (a[0], a[1][:, 0].long())),
    Bad("mask of 255", ValueError, r"probability in \[0, 1\]; got 255", lambda a: (a[0], a[1] * 0 + 255)),
    Bad("class 2", ValueError, "class index in 0..1 or", lambda a: (a[0], a[1][:, 0].long() + 2), SOFTMAX),
    Bad("int32", TypeError, "got torch.int32", lambda a: (a[0], a[1][:, 0].int()), SOFTMAX),
    Bad("index of a row", ValueError, r"must have shape \(3, 4\)", lambda a: (a[0], a[1][:, 0, :2].long()), SOFTMAX),
]
