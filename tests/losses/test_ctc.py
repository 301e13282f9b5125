"""What the CTC loss promises beyond the contract: long inputs, forbidden symbols, samples without a path."""

import pytest
import torch
from torch.autograd import forward_ad

import lossbook
from lossbook.sequence.ctc import ctc_loss

# Long, short, without a path (as many frames as labels, all equal), no frames, no labels.
INPUT_LENGTHS, TARGET_LENGTHS = torch.tensor([150, 90, 9, 0, 150]), torch.tensor([20, 10, 9, 0, 0])


def batch(scale):
    """Draw 150 frames of 6 symbols; symbol 3 is forbidden in the first sample."""
    rng = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(150, 5, 6, generator=rng)
    logits[:, 0, 3] = -torch.inf
    targets = torch.randint(1, 3, (5, 20), generator=rng)
    targets[2] = 1
    return logits.log_softmax(-1), targets, INPUT_LENGTHS, TARGET_LENGTHS


@pytest.mark.parametrize("scale", [0.0, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_derivatives_of_every_order_stay_finite_in_float32(scale, zero_infinity):
    log_probs, *rest = batch(scale)
    log_probs.requires_grad_()
    direction = torch.randn(log_probs.shape, generator=torch.Generator().manual_seed(1))

    def loss(log_probs):
        return ctc_loss(log_probs, *rest, zero_infinity=zero_infinity, reduction="none")

    value = loss(log_probs)
    assert value[2].item() == (0.0 if zero_infinity else torch.inf)
    assert value[3].item() == 0
    assert value[[0, 1, 4]].isfinite().all()
    (grad,) = torch.autograd.grad(value.sum(), log_probs, create_graph=True)
    passed = torch.arange(150)[:, None] < INPUT_LENGTHS
    passed[:, 2] = False
    torch.testing.assert_close(-grad.sum(-1), passed.float(), rtol=0, atol=1e-5)  # a path passes each frame once
    assert (grad[:, 0, 3] == 0).all()
    (second,) = torch.autograd.grad((grad * direction).sum(), log_probs)
    assert second.isfinite().all()
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(loss(forward_ad.make_dual(log_probs.detach(), direction))).tangent
    torch.testing.assert_close(tangent, (grad * direction).sum((0, 2)).detach(), rtol=1e-4, atol=1e-4)


def test_second_derivative_beside_forbidden_symbols_and_samples_without_a_path():
    targets = torch.tensor([[1, 2], [1, 1], [2, 0], [0, 0]])
    lengths = torch.tensor([5, 2, 4, 5]), torch.tensor([2, 2, 1, 0])
    free = torch.randn(5, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double, requires_grad=True)
    forbidden = torch.zeros(5, 4, 4, dtype=torch.bool)
    forbidden[:2, 0, 2] = True

    def loss(free, zero_infinity=True):
        log_probs = free.masked_fill(forbidden, -torch.inf).log_softmax(-1)
        return ctc_loss(log_probs, targets, *lengths, zero_infinity=zero_infinity, reduction="none")

    assert loss(free, zero_infinity=False).isinf().tolist() == [False, True, False, False]
    assert torch.autograd.gradcheck(loss, free, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(loss, free)


def test_vmap_gives_each_sample_its_own_gradient():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 3, 4, generator=rng, dtype=torch.double)
    targets, lengths = torch.randint(1, 4, (3, 3), generator=rng), (torch.tensor([8, 7, 5]), torch.tensor([3, 2, 0]))

    def loss(logits, targets, input_length, target_length):
        return ctc_loss(logits.log_softmax(-1), targets, input_length, target_length)

    each = torch.vmap(torch.func.grad(loss), in_dims=(1, 0, 0, 0), out_dims=1)(logits, targets, *lengths)
    torch.testing.assert_close(each, torch.func.grad(lambda x: 3 * loss(x, targets, *lengths))(logits))


ILLEGAL = {
    "label too large": (1, [[1, 4], [1, 2]]),
    "label negative": (1, [[1, -1], [1, 2]]),
    "label blank": (1, [[0, 1], [1, 2]]),
    "too many frames": (2, [6, 5]),
    "negative frames": (2, [-1, 5]),
    "too many labels": (3, [3, 2]),
    "negative labels": (3, [-1, 2]),
}


@pytest.mark.parametrize(("place", "value"), ILLEGAL.values(), ids=ILLEGAL)
def test_illegal_values_give_nan_where_values_are_not_checked(place, value):
    log_probs = torch.full((5, 2, 4), 0.25).log()
    args = [log_probs, torch.tensor([[1, 2], [1, 2]]), torch.tensor([5, 5]), torch.tensor([2, 2])]
    right = ctc_loss(*args, reduction="none")
    args[place] = torch.tensor(value)
    unchecked = torch.func.vmap(lambda p: ctc_loss(p, *args[1:], zero_infinity=True, reduction="none"))
    losses = unchecked(log_probs[None])[0]
    assert losses[0].isnan()
    torch.testing.assert_close(losses[1], right[1])
    with lossbook.check_values(), pytest.raises(ValueError, match=r"must be .*; got .* at index \(0"):
        unchecked(log_probs[None])


def test_zero_weight_removes_a_sample_of_joined_targets():
    log_probs = torch.full((5, 3, 4), 0.25).log()
    joined, lengths = torch.tensor([1, 9, 9, 2, 2]), ([5, 5, 5], [1, 2, 2])
    poisoned = log_probs.clone()
    poisoned[:, 1] = torch.nan
    losses = ctc_loss(poisoned, joined, *lengths, sample_weight=torch.tensor([1.0, 0.0, 1.0]), reduction="none")
    rest = ctc_loss(log_probs[:, ::2], torch.tensor([1, 2, 2]), [5, 5], [1, 2], reduction="none")
    torch.testing.assert_close(losses, torch.stack([rest[0], torch.tensor(0.0), rest[1]]))


def test_nan_in_a_sample_stays_there():
    log_probs = torch.full((5, 2, 4), 0.25).log()
    log_probs[2, 0] = torch.nan
    log_probs.requires_grad_()
    losses = ctc_loss(log_probs, torch.tensor([[1, 2], [1, 2]]), [5, 5], [2, 2], reduction="none")
    assert losses.isnan().tolist() == [True, False]
    (grad,) = torch.autograd.grad(losses[1], log_probs)
    assert grad[:, 1].isfinite().all()
