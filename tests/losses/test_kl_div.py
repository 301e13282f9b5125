"""What the divergence promises beyond the contract: gradients where a probability is 0, and NaN that stays NaN."""

import pytest
import torch

import lossbook
from lossbook.classification.kl_div import kl_div


def gradients(input, target, **settings):
    args = [torch.tensor(values, requires_grad=True) for values in (input, target)]
    return torch.autograd.grad(kl_div(*args, reduction="sum", **settings), args)


def test_gradient_for_a_target_of_0_is_finite():
    to_input, to_target = gradients([-1.0, -torch.inf, -1.0], [0.0, 0.0, 0.5])
    assert to_input.tolist() == [0.0, 0.0, -0.5]
    assert to_target.isfinite().all()
    assert to_target[0] < -80  # the true one is -inf: a little probability there would lower the loss
    assert all(
        gradient.isfinite().all() for gradient in gradients([-1.0, -torch.inf], [-torch.inf] * 2, log_target=True)
    )


def test_mixed_second_derivative_at_a_target_of_0():
    input, target = torch.tensor([-1.0, -2.0], requires_grad=True), torch.tensor([0.0, 0.5], requires_grad=True)
    (to_target,) = torch.autograd.grad(kl_div(input, target, reduction="sum"), target, create_graph=True)
    (mixed,) = torch.autograd.grad(to_target.sum(), input)
    assert mixed.tolist() == [-1.0, -1.0]


def test_a_softmax_that_underflows_as_target_has_a_finite_gradient():
    logits = torch.tensor([0.0, -200.0, -90.0], requires_grad=True)
    kl_div(torch.full((3,), 1 / 3).log(), logits.softmax(0), reduction="sum").backward()
    assert logits.grad.isfinite().all()


def test_impossible_for_the_model_is_infinite_and_nan_stays_nan():
    input = torch.tensor([-torch.inf, torch.nan, torch.nan])
    loss = torch.vmap(lambda q, p: kl_div(q, p, reduction="none"))(input, torch.tensor([0.5, 0.5, 0.0]))
    assert loss[0] == torch.inf
    assert loss[1:].isnan().all()


def test_a_negative_probability_is_nan_where_values_are_not_checked():
    args = torch.tensor([-1.0, -1.0]), torch.tensor([-0.5, 0.5])
    assert torch.vmap(lambda q, p: kl_div(q, p, reduction="none"))(*args).isnan().tolist() == [True, False]
    with lossbook.check_values(), pytest.raises(ValueError, match="target must be at least 0"):
        torch.vmap(lambda q, p: kl_div(q, p))(*args)


def test_batchmean_counts_samples_and_their_weights():
    rng = torch.Generator().manual_seed(0)
    log_q, p = torch.randn(4, 3, generator=rng).log_softmax(-1), torch.randn(4, 3, generator=rng).softmax(-1)
    each = (p * (p.log() - log_q)).sum(-1)
    torch.testing.assert_close(kl_div(log_q, p, reduction="batchmean"), each.mean())
    torch.testing.assert_close(kl_div(log_q, p), each.mean() / 3)
    weight = torch.tensor([1.0, 0.0, 2.0, 0.5])
    weighted = kl_div(log_q, p, sample_weight=weight, reduction="batchmean")
    torch.testing.assert_close(weighted, (weight * each).sum() / weight.sum())
    assert kl_div(log_q, p, normalizer=2, reduction="batchmean").item() == pytest.approx(each.sum().item() / 2)
