"""Laws that hold for whole families of losses, tried on random inputs at many scales."""

import pytest
import torch
from hypothesis import given, settings, strategies as st
from subjects import LOSS_CASES, LOSSES, draw, take
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
