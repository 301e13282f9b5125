"""Bishop (2006), equation 4.108: minus the sum over classes of target times log softmax.

Logits capped as in Gemma 2 (2024), section 2; z_loss times the squared log of the partition sum, PaLM, section 5.
"""

import torch
from mpmath import exp, log, mpf, tanh

from oracles import Bad, Case, Known, fixed
from oracles.nll import WEIGHT, labels, samples


def oracle(input, target, *, weight=None, ignore_index=-100, label_smoothing=0, softcap=None, z_loss=0):
    losses = []
    for logits, wanted in rows(input, target):
        classes = len(logits)
        if softcap is not None:
            logits = [softcap * tanh(logit / softcap) for logit in logits]
        if not isinstance(wanted, list):
            if wanted == ignore_index:
                losses.append(mpf(0))
                continue
            wanted = [mpf(label == wanted) for label in range(classes)]
        partition = sum(exp(logit) for logit in logits)
        loss = z_loss * log(partition) ** 2
        for label in range(classes):
            share = (1 - label_smoothing) * wanted[label] + label_smoothing / classes
            share *= 1 if weight is None else weight[label]
            if share != 0:
                loss -= share * log(exp(logits[label]) / partition)
        losses.append(loss)
    return losses


def count(input, target, *, weight=None, ignore_index=-100, **_):
    return [
        1 if isinstance(wanted, list) else 0 if wanted == ignore_index else 1 if weight is None else weight[wanted]
        for _, wanted in rows(input, target)
    ]


def rows(input, target):
    """Pair the logits of each entry with its class index or its class probabilities."""
    if depth(input) > depth(target):
        return samples(input, target)
    if depth(input) == 1:
        return [(input, target)]
    places = zip(each_place(input), each_place(target), strict=True)
    return list(places)


def depth(nested):
    return 1 + depth(nested[0]) if isinstance(nested, list) else 0


def each_place(batch):
    for sample in batch:
        yield from columns(sample)


def columns(sample):
    if not isinstance(sample[0], list):
        yield sample
    else:
        for place in zip(*sample, strict=True):
            yield from columns(list(place))


def logits(*shape):
    def draw(rng, scale):
        sizes = (shape[0], *shape[2:]) if len(shape) > 1 else ()
        return scale * torch.randn(*shape, generator=rng, dtype=torch.double), labels(rng, *sizes)

    return draw


def probabilities(*shape):
    def draw(rng, scale):
        wanted = torch.randn(*shape, generator=rng, dtype=torch.double).softmax(min(len(shape) - 1, 1))
        return scale * torch.randn(*shape, generator=rng, dtype=torch.double), wanted

    return draw


EVERYTHING = {"weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.2}
CASES = [
    Case("index", logits(5, 3)),
    Case("weight", logits(5, 3), {"weight": WEIGHT}),
    Case("ignore", logits(5, 3), {"ignore_index": 1}),
    Case("smoothing", logits(5, 3), {"label_smoothing": 0.1}),
    Case("all smoothing", logits(5, 3), {"label_smoothing": 1.0}),
    Case("everything", logits(6, 3), EVERYTHING),
    Case("one sample", logits(3), {"label_smoothing": 0.1, "weight": WEIGHT}),
    Case("sequence", logits(2, 3, 4), EVERYTHING),
    Case("image", logits(2, 3, 2, 4), EVERYTHING),
    Case("probabilities", probabilities(5, 3)),
    Case("probabilities, weight and smoothing", probabilities(5, 3), {"weight": WEIGHT, "label_smoothing": 0.1}),
    Case("one sample of probabilities", probabilities(3)),
    Case("image of probabilities", probabilities(2, 3, 2, 4), {"weight": WEIGHT, "label_smoothing": 0.1}),
    Case("softcap", logits(5, 3), {"softcap": 2.0}),
    Case("z", logits(5, 3), {"z_loss": 0.5}),
    Case("z, weight, ignore and smoothing", logits(6, 3), {**EVERYTHING, "z_loss": 0.5}),
    Case("softcap and z of an image", logits(2, 3, 2, 4), {**EVERYTHING, "softcap": 2.0, "z_loss": 0.5}),
    Case("softcap and z of one sample", logits(3), {"softcap": 2.0, "z_loss": 0.5}),
    Case("softcap and z of probabilities", probabilities(5, 3), {"softcap": 2.0, "z_loss": 0.5, "weight": WEIGHT}),
]
GRADIENTS = (0, 1)


def TWIN_DIFFERS(case, reduction):  # noqa: N802
    return "softcap" in case.settings or "z_loss" in case.settings  # torch has neither


INF = torch.inf
EXTREMES = [
    Case("confident", fixed(torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]]), torch.tensor([0, 1]))),
    Case("smoothed", fixed(torch.tensor([[1e4, -1e4, 0.0]]), torch.tensor([0])), {"label_smoothing": 0.1}),
    Case("offset", fixed(torch.tensor([[1e4, 1e4 + 1, 1e4]]), torch.tensor([1]))),
    Case("huge", fixed(torch.tensor([[1e8, 1e8]]), torch.tensor([0]))),
    Case("masked class", fixed(torch.tensor([[-INF, 1.0, 2.0]]), torch.tensor([1]))),
    Case("masked class and row", fixed(torch.tensor([[-INF, 1.0], [-INF, 0.0]]), torch.tensor([1, -100]))),
    Case("masked class, probability 0", fixed(torch.tensor([[-INF, 1.0, 2.0]]), torch.tensor([[0.0, 0.25, 0.75]]))),
    Case(
        "masked class, weight 0",
        fixed(torch.tensor([[-INF, 1.0, 2.0]]), torch.tensor([1])),
        {"weight": torch.tensor([0.0, 1.0, 1.0]), "label_smoothing": 0.1},
    ),
    Case(
        "far and capped",
        fixed(torch.tensor([[1e4, -1e4, 40.0], [-INF, 0.0, INF]]), torch.tensor([1, 0])),
        {"softcap": 30.0},
    ),
    Case(
        "z of far and masked logits",
        fixed(torch.tensor([[1e4, -1e4, 0.0], [-INF, 1.0, 2.0], [-INF, -INF, -4e2]]), torch.tensor([0, 1, 2])),
        {"z_loss": 1e-4},
    ),
    Case(
        "z without class weight",
        fixed(torch.tensor([[-INF, 1.0, 2.0]]), torch.tensor([1])),
        {"weight": torch.tensor([1.0, 0.0, 1.0]), "z_loss": 0.5},
    ),
]


def row(*values):
    return torch.tensor([values])


TABLE = [
    Known((row(1.0, 0.0), torch.tensor([0])), [0.313262], "floor of a double softmax, C=2: log(1 + 1/e)"),
    Known((row(1.0, *[0.0] * 9), torch.tensor([0])), [1.4612], "floor of a double softmax, C=10: log(1 + 9/e)"),
    Known((row(1.0, *[0.0] * 999), torch.tensor([0])), [5.9095], "floor of a double softmax, C=1000: log(1 + 999/e)"),
    Known((row(*[0.0] * 1000), torch.tensor([7])), [6.907755], "chance level: log 1000"),
    Known((row(3.0), torch.tensor([0])), [0.0], "one class is no choice"),
    Known((row(3.0), torch.tensor([0])), [0.9], "z alone: 0.1 times 3 squared", {"z_loss": 0.1}),
    Known((row(3.0), torch.tensor([-100])), [0.0], "an ignored entry has no z", {"z_loss": 0.1}),
    Known((row(1e4, -1e4), torch.tensor([1])), [2.126928], "capped at 1 and -1: log(1 + e^2)", {"softcap": 1.0}),
]
LAWS = (
    "nonnegative",
    "shift invariant",
    "gradient rows sum to zero",
    "class permutation",
    "convex",
    "minimised by the log shares",
)


def LAW_FAILS(case, law):  # noqa: N802
    return law not in ("nonnegative", "class permutation") and TWIN_DIFFERS(case, "none")


PROBABILITIES = torch.full((5, 3), 1 / 3, dtype=torch.double)
BAD = [
    Bad("float index", ValueError, "for class indices of shape .* use target.long", lambda a: (a[0], a[1].float())),
    Bad(
        "one-hot integers",
        TypeError,
        "for instance target.float",
        lambda a: (a[0], torch.zeros(5, 3, dtype=torch.long)),
    ),
    Bad("int32 target", TypeError, "got torch.int32", lambda a: (a[0], a[1].int())),
    Bad("column target", ValueError, r"target must have shape \(5,\)", lambda a: (a[0], a[1][:, None])),
    Bad(
        "class last", ValueError, r"target must have shape \(5, 7\)", lambda a: (a[0][:, :, None].expand(5, 3, 7), a[1])
    ),
    Bad("class 3", ValueError, r"class index in 0..2 or ignore_index=-100; got 3", lambda a: (a[0], a[1] * 0 + 3)),
    Bad("negative", ValueError, r"probabilities in \[0, 1\]; got -1", lambda a: (a[0], PROBABILITIES * -3)),
    Bad("sum 2", ValueError, "the sum of target over classes must be 1; got 2", lambda a: (a[0], PROBABILITIES * 2)),
    Bad("ignore", ValueError, "ignore_index goes with", lambda a: (a[0], PROBABILITIES), {"ignore_index": 1}),
    Bad("softcap 0", ValueError, "softcap must be greater than 0; got 0", settings={"softcap": 0}),
    Bad("softcap text", TypeError, "softcap must be a number; got '30'", settings={"softcap": "30"}),
    Bad("z_loss -1", ValueError, "z_loss must be at least 0; got -1", settings={"z_loss": -1}),
    Bad("z_loss True", TypeError, "z_loss must be a number; got True", settings={"z_loss": True}),
    Bad("smoothing 1.5", ValueError, "must be between 0 and 1; got 1.5", settings={"label_smoothing": 1.5}),
    Bad(
        "weight length",
        ValueError,
        r"weight must have shape \(3,\)",
        settings={"weight": WEIGHT[:2]},
        constructor=False,
    ),
    Bad("weight integers", TypeError, "weight must be a fl", settings={"weight": WEIGHT.long()}, constructor=False),
]
