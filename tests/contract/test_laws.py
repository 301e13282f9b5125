"""Laws that hold for whole families of losses, tried on random inputs at many scales."""

import inspect
import math
import statistics

import pytest
import torch
from hypothesis import given, settings, strategies as st
from mpmath import exp, inf, log, mpf
from oracles import flat
from oracles.binary_cross_entropy import spread
from oracles.kl_div_with_logits import softmax
from subjects import LOSS_CASES, LOSSES, draw, exact, take
from torch import Tensor


def entries(subject, case, args):
    return subject.function(*args, **case.settings, reduction="none")


def same(actual: Tensor, expected: Tensor, scale: float) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9 * max(1.0, scale) ** 2)


def nonnegative(subject, case, scale, seed):
    assert (entries(subject, case, draw(case, scale, seed)) >= -1e-12).all()


def zero_at_target(subject, case, scale, seed):
    _, target, *rest = draw(case, scale, seed)
    assert (entries(subject, case, (target, target, *rest)) == 0).all()


def symmetric(subject, case, scale, seed):
    one, other = draw(case, scale, seed)
    same(entries(subject, case, (one, other)), entries(subject, case, (other, one)), scale)


def even(subject, case, scale, seed):
    error, target = draw(case, scale, seed)
    above, below = (entries(subject, case, (target + e, target)) for e in (error, -error))
    same(above, below, scale)


def translation_invariant(subject, case, scale, seed):
    input, target = draw(case, scale, seed)
    moved = entries(subject, case, (input + 3 * scale, target + 3 * scale))
    same(moved, entries(subject, case, (input, target)), scale)


def convex(subject, case, scale, seed):
    one, *rest = draw(case, scale, seed)
    other = draw(case, scale, seed + 1)[0]
    middle, left, right = (entries(subject, case, (x, *rest)) for x in ((one + other) / 2, one, other))
    assert (middle <= (left + right) / 2 + 1e-9 * max(1.0, scale) ** 2).all()


def class_dim(input: Tensor) -> int:
    return min(input.dim() - 1, 1)


def shift_invariant(subject, case, scale, seed):
    input, *rest = draw(case, scale, seed)
    shift = 10 * scale * draw(case, 1.0, seed + 1)[0].mean(class_dim(input), keepdim=True)
    same(entries(subject, case, (input + shift, *rest)), entries(subject, case, (input, *rest)), scale)


def gradient_rows_sum_to_zero(subject, case, scale, seed):
    input, *rest = draw(case, scale, seed)
    input.requires_grad_()
    (gradient,) = torch.autograd.grad(entries(subject, case, (input, *rest)).sum(), input)
    same(gradient.sum(class_dim(input)), torch.zeros_like(gradient.sum(class_dim(input))), 1.0)


def class_permutation(subject, case, scale, seed):
    if "ignore_index" in case.settings:
        return  # the index itself has a meaning
    input, target, *rest = draw(case, scale, seed)
    dim = class_dim(input)
    order = torch.randperm(input.shape[dim], generator=torch.Generator().manual_seed(seed))
    renamed = target.index_select(dim, order) if target.is_floating_point() else order.argsort()[target]
    options = {name: v[order] if name == "weight" else v for name, v in case.settings.items()}
    permuted = subject.function(input.index_select(dim, order), renamed, *rest, **options, reduction="sum")
    same(permuted, entries(subject, case, (input, target, *rest)).sum(), scale)


# --- minimisers: the one prediction for a whole sample that costs least, from the definition -------------------------


def known(subject, case):
    """The settings of a case, and the defaults of the others."""
    parameters = inspect.signature(subject.oracle.oracle).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} | case.settings


def everywhere(subject, case, target, *rest):
    """The mean loss of a constant, which is one number or broadcasts to the shape of the target."""
    return lambda constant: subject.function(constant.expand(target.shape), target, *rest, **case.settings)


def flat_at(loss, best, step=1.0):
    """Assert that a point has slope 0 and that no point within a step of it is cheaper."""
    best = torch.as_tensor(best, dtype=torch.double).requires_grad_()
    value = loss(best)
    (slope,) = torch.autograd.grad(value, best)
    same(slope * step, torch.zeros_like(slope), value.abs().item() ** 0.5)
    rng = torch.Generator().manual_seed(0)
    for size in (1e-3, 0.1, 1.0, 1.0):
        cheapest(loss, best, [best + size * step * (2 * torch.rand(best.shape, generator=rng) - 1)])


def cheapest(loss, best, others):
    """Assert that no other point is cheaper: where the loss is made of lines, the corners are all that can be."""
    value = loss(torch.as_tensor(best, dtype=torch.double))
    for other in others:
        dearer = loss(torch.as_tensor(other, dtype=torch.double))
        assert value <= dearer + 1e-9 * max(1.0, value.abs().item()), (best, other)


def weighted(weights, values):
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)


def minimised_by_the_mean(subject, case, scale, seed):
    _, target = draw(case, max(scale, 1.0), seed)
    options = known(subject, case)
    weights = map(float, flat(spread(exact(options.get("weight")), exact(target))))
    mean = weighted(list(weights), flat(target.tolist()))
    best = mean - options.get("eps", 0)  # which the logarithm of a rate adds
    bounds = {"binary_cross_entropy": min(mean, 1 - mean), "poisson_nll": best}
    flat_at(everywhere(subject, case, target), best, bounds.get(subject.stem, scale))


def minimised_by_the_log_of_the_mean(subject, case, scale, seed):
    _, target = draw(case, max(scale, 1.0), seed)
    flat_at(everywhere(subject, case, target), math.log(statistics.fmean(flat(target.tolist()))))


def minimised_by_the_mean_weighted_by_precision(subject, case, scale, seed):
    _, target, var = draw(case, scale, seed)
    precisions = [1 / float(v) for v in subject.oracle.spread(exact(var), exact(target))]
    flat_at(everywhere(subject, case, target, var), weighted(precisions, flat(target.tolist())), scale)


def minimised_by_the_mean_and_its_squared_errors(subject, case, scale, seed):
    _, target, *_ = draw(case, max(scale, 10.0), seed)  # a variance beyond every eps
    values = flat(target.tolist())

    def loss(constant):
        mean, log_variance = (each.expand(target.shape) for each in constant)
        return subject.function(mean, target, log_variance.exp(), **case.settings)

    best = [statistics.fmean(values), math.log(statistics.pvariance(values))]
    flat_at(loss, best, torch.tensor([scale, 1.0]))


def minimised_by_the_logit_of_the_share(subject, case, scale, seed):
    _, target = draw(case, scale, seed)
    options = known(subject, case)
    labels = (target + 1) / 2 if subject.stem == "soft_margin" else target
    classes = labels.shape[-1] if subject.stem == "multilabel_soft_margin" else 1
    weights, positive = (flat(spread(exact(options.get(n)), exact(labels))) for n in ("weight", "pos_weight"))
    entries = list(zip(weights, positive, flat(exact(labels)), strict=True))
    best = []
    for c in range(classes):
        ones = sum(w * p * t for w, p, t in entries[c::classes])
        zeros = sum(w * (1 - t) for w, p, t in entries[c::classes])
        best.append(float(inf if not zeros else -inf if not ones else log(ones / zeros)))
    flat_at(everywhere(subject, case, target), best if classes > 1 else best[0])


def minimised_by_the_log_shares(subject, case, scale, seed):
    input, target = draw(case, scale, seed)
    options = known(subject, case)
    dim = -1 if subject.stem == "kl_div" else class_dim(input)
    classes = input.shape[dim]
    if target.is_floating_point():
        rows = exact(target.movedim(dim, -1).reshape(-1, classes))
    else:
        rows = [[int(c == y) for c in range(classes)] for y in target.flatten() if y != options["ignore_index"]]
    if options.get("log_target"):
        rows = [[exp(log_p) for log_p in row] for row in rows]
    temperature = options.get("temperature")
    if temperature is not None:
        rows = [softmax(row, temperature) for row in rows]
    smoothing, weights = options.get("label_smoothing", 0), flat(spread(exact(options.get("weight")), [0] * classes))
    totals = [
        w * sum((1 - smoothing) * row[c] + mpf(smoothing) / classes for row in rows) for c, w in enumerate(weights)
    ]

    def loss(logits):
        logits = (temperature or 1) * logits.log_softmax(0)  # nll and kl_div take nothing else
        sizes = [1] * input.dim()
        sizes[dim] = classes
        return subject.function(logits.reshape(sizes).expand(input.shape), target, **case.settings)

    flat_at(loss, [float(log(total)) if total else -math.inf for total in totals])


def minimised_by_the_median(subject, case, scale, seed):
    _, target = draw(case, scale, seed)
    values = flat(target.tolist())
    cheapest(everywhere(subject, case, target), statistics.median(values), values)


def minimised_by_the_quantile(subject, case, scale, seed):
    _, target = draw(case, scale, seed)
    level = torch.as_tensor(known(subject, case)["quantile"], dtype=torch.double)
    place = torch.arange(level.numel()).reshape(level.shape).expand(target.shape)
    best = torch.empty_like(level)
    samples = [sorted(target[place == i].tolist()) for i in range(level.numel())]
    for i, sample in enumerate(samples):
        best.view(-1)[i] = sample[math.ceil(level.flatten()[i].item() * len(sample)) - 1]
    for i, sample in enumerate(samples):
        cheapest(
            everywhere(subject, case, target),
            best,
            [best.flatten().index_fill(0, torch.tensor(i), y).reshape(best.shape) for y in sample],
        )


def minimised_where_the_clipped_errors_cancel(subject, case, scale, seed):
    """The median for a delta of 0, the mean for one beyond every error; with others not always between the two."""
    _, target = draw(case, scale, seed)
    values, options = flat(target.tolist()), known(subject, case)
    limit = float(options["delta"] if "delta" in options else options["beta"])
    low, high = min(values), max(values)
    while low < (best := (low + high) / 2) < high:
        pull = math.fsum(max(-limit, min(limit, value - best)) for value in values)
        low, high = (best, high) if pull > 0 else (low, best)
    flat_at(everywhere(subject, case, target), best, scale)


def minimised_by_a_lead_of_the_margin_for_the_majority(subject, case, scale, seed):
    *_, target = draw(case, scale, seed)
    margin = max(float(known(subject, case)["margin"]), 0.0)
    votes = target.sum().item()

    def loss(lead):
        return subject.function(lead.expand(target.shape), torch.zeros(target.shape), target, **case.settings)

    cheapest(loss, math.copysign(margin, votes), [-margin, 0.0, margin, -2 * margin - 1, 2 * margin + 1])


def one_end_is_the_best_constant_mask(subject, case, scale, seed):
    """A share of a mask everywhere is worth what lies between nothing and all of it; not smooth, all of it is best."""
    input, target = draw(case, scale, seed)
    losses = torch.stack([entries(subject, case, (torch.full_like(input, x), target)) for x in torch.arange(-8.0, 9.0)])
    steps = losses.diff(dim=0)
    falls, rises = (steps <= 1e-12).all(0), (steps >= -1e-12).all(0)
    assert (falls if known(subject, case)["smooth"] == 0 else falls | rises).all()


LAWS = {
    law.__name__.replace("_", " "): law
    for law in (
        nonnegative,
        zero_at_target,
        symmetric,
        even,
        translation_invariant,
        convex,
        shift_invariant,
        gradient_rows_sum_to_zero,
        class_permutation,
        minimised_by_the_mean,
        minimised_by_the_log_of_the_mean,
        minimised_by_the_mean_weighted_by_precision,
        minimised_by_the_mean_and_its_squared_errors,
        minimised_by_the_logit_of_the_share,
        minimised_by_the_log_shares,
        minimised_by_the_median,
        minimised_by_the_quantile,
        minimised_where_the_clipped_errors_cancel,
        minimised_by_a_lead_of_the_margin_for_the_majority,
        one_end_is_the_best_constant_mask,
    )
}
TRIALS = [
    (subject, case, law)
    for subject in LOSSES
    for case in subject.cases
    for law in getattr(subject.oracle, "LAWS", ())
    if not getattr(subject.oracle, "LAW_FAILS", lambda case, law: False)(case, law)
]


@pytest.mark.parametrize(("subject", "case", "law"), TRIALS, ids=str)
@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-3, 1.0, 10.0, 100.0, 1e4]))
def test_law(subject, case, law, seed, scale):
    LAWS[law](subject, case, scale, seed)


@pytest.mark.parametrize(("subject", "case"), LOSS_CASES, ids=str)
def test_the_order_of_samples_means_nothing(subject, case):
    """Permuting the batch permutes the unreduced loss."""
    args = draw(case)
    plain = entries(subject, case, args)
    dims = subject.batch_dims(args)
    if plain.dim() == 0 or any(not isinstance(a, Tensor) for a, dim in zip(args, dims, strict=True) if dim is not None):
        pytest.skip("one sample, or lengths in a list")
    order = torch.randperm(len(plain), generator=torch.Generator().manual_seed(0))
    same(entries(subject, case, take(subject, args, order.tolist())), plain[order], 1.0)
