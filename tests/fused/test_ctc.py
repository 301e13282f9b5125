"""What only the fused CTC loss has: blocks of states and symbols, rescaled scores, both directions side by side."""

import sys

import pytest
import torch
from torch.nn import functional as torch_functional

from lossbook import functional, fused
from lossbook._core import check
from lossbook.fused._triton import INTERPRETED

kernels = sys.modules["lossbook.fused.ctc"]


def batch(device, frames, symbols, labels, scale=1.0, dtype=torch.float64, samples=3, alphabet=None):
    """Draw samples of every length; a small alphabet repeats labels."""
    rng = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(frames, samples, symbols, generator=rng, dtype=torch.double)
    targets = torch.randint(1, alphabet or symbols, (samples, labels), generator=rng)
    share = torch.arange(samples) / max(samples - 1, 1)
    input_length, target_length = (frames - share * (frames // 4)).long(), (labels * (1 - share)).long()
    log_probs = logits.log_softmax(-1).to(dtype)
    return tuple(t.to(device) for t in (log_probs, targets, input_length, target_length))


def value_and_gradient(function, log_probs, *rest, **settings):
    log_probs = log_probs.detach().requires_grad_()
    value = function(log_probs, *rest, reduction="none", **settings)
    upstream = torch.arange(1.0, 1 + len(value), dtype=value.dtype, device=value.device)
    return value.detach(), torch.autograd.grad(value, log_probs, upstream)[0]


def agree(args, tolerance=1e-11, **settings):
    found = value_and_gradient(fused.ctc_loss, *args, **settings)
    expected = value_and_gradient(functional.ctc_loss, *args, **settings)
    for f, e in zip(found, expected, strict=True):
        torch.testing.assert_close(f, e, rtol=tolerance, atol=tolerance)


# With fewer symbols than labels the gradient is made for each symbol, else for each label.
@pytest.mark.parametrize(
    ("labels", "symbols"), [(0, 3), (1, 5), (3, 4), (4, 4), (4, 9), (5, 3), (5, 17), (8, 4), (9, 9)]
)
def test_sizes_on_both_sides_of_a_block(labels, symbols, device, monkeypatch):
    monkeypatch.setattr(kernels, "LABELS_AT_ONCE", 4)
    monkeypatch.setattr(kernels, "SYMBOLS_AT_ONCE", 4)
    monkeypatch.setattr(kernels, "SCORES_AT_ONCE", 12)
    agree(batch(device, 2 * labels + 1, symbols, labels, samples=2, alphabet=3))


@pytest.mark.parametrize("labels", [31, 32])
def test_both_sides_of_a_power_of_two_states(labels, device):
    agree(batch(device, 40, 5, labels, samples=1))


@pytest.mark.parametrize("frames", [1, 3, 4, 7])
def test_frames_on_both_sides_of_a_rescaling(frames, device, monkeypatch):
    monkeypatch.setattr(kernels, "RESCALE", 3)
    agree(batch(device, frames, 4, 1, scale=10.0))


@pytest.mark.skipif(INTERPRETED, reason="the kernels have no such blocks")
def test_blocks_of_samples_and_of_frames_on_the_cpu_change_nothing(monkeypatch):
    args = batch("cpu", 9, 5, 3, samples=5)
    whole = value_and_gradient(fused.ctc_loss, *args)
    monkeypatch.setattr(kernels, "blocks", lambda size, each=1, block=1: (slice(i, i + 1) for i in range(size)))
    for one_by_one, at_once in zip(value_and_gradient(fused.ctc_loss, *args), whole, strict=True):
        torch.testing.assert_close(one_by_one, at_once)


def error(log_probs, *rest):
    """Return the largest error of the gradient in float32, after checks that hold at any length."""
    value, gradient = value_and_gradient(fused.ctc_loss, log_probs, *rest)
    true_value, true_gradient = value_and_gradient(functional.ctc_loss, log_probs.double(), *rest)
    torch.testing.assert_close(value.double(), true_value, rtol=3e-7, atol=0)
    torch.testing.assert_close(gradient.sum(-1), torch.full_like(gradient[..., 0], -1), rtol=0, atol=1e-5)
    return (gradient - true_gradient).abs().max().item()


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_scores_are_rescaled_so_that_float32_keeps_its_digits(scale, device, monkeypatch):
    args = batch(device, 64, 6, 8, scale=scale, dtype=torch.float32, samples=1)
    rescaled = error(*args)
    monkeypatch.setattr(kernels, "RESCALE", 1000)
    assert rescaled < 5e-6
    assert rescaled < error(*args) / 3


@pytest.mark.skipif(INTERPRETED, reason="takes long in the interpreter")
def test_gradient_of_a_long_input_is_far_closer_than_that_of_torch(device):
    log_probs, *rest = batch(device, 1000, 32, 100, samples=1)

    def gradient(function, dtype):
        leaf = log_probs.to(dtype).requires_grad_()
        return torch.autograd.grad(function(leaf.log_softmax(-1), *rest, reduction="sum"), leaf)[0]

    truth = gradient(functional.ctc_loss, torch.float64)
    ours, theirs = (gradient(f, torch.float32) - truth for f in (fused.ctc_loss, torch_functional.ctc_loss))
    assert ours.norm() < theirs.norm() / 10


def test_the_same_bits_every_time(device):
    args = batch(device, 17, 40, 8, dtype=torch.float32, samples=2, alphabet=3)
    first, second = (value_and_gradient(fused.ctc_loss, *args) for _ in range(2))
    for f, s in zip(first, second, strict=True):
        assert torch.equal(f, s)


def test_padding_of_the_targets_does_not_change_a_bit(device):
    log_probs, targets, *lengths = batch(device, 40, 6, 5, dtype=torch.float32, samples=2)
    padded = torch.cat([targets, torch.full((2, 20), -1, device=device)], dim=1)
    expected = fused.ctc_loss(log_probs, targets, *lengths, reduction="none")
    assert torch.equal(fused.ctc_loss(log_probs, padded, *lengths, reduction="none"), expected)


def test_value_is_the_same_without_a_gradient(device):
    args = batch(device, 12, 5, 4)
    assert torch.equal(fused.ctc_loss(*args, reduction="none"), value_and_gradient(fused.ctc_loss, *args)[0])


FAR = 10**12
ILLEGAL = {
    "label": (1, 0, [FAR, 1]),
    "negative label": (1, 0, [-FAR, 1]),
    "blank label": (1, 0, [0, 1]),
    "frames": (2, 0, FAR),
    "negative frames": (2, 0, -FAR),
    "labels": (3, 0, FAR),
    "negative labels": (3, 0, -FAR),
}


@pytest.mark.parametrize(("place", "sample", "value"), ILLEGAL.values(), ids=ILLEGAL)
def test_illegal_values_give_nan_and_no_gradient_where_values_are_not_checked(
    place, sample, value, device, monkeypatch
):
    args = [
        torch.full((3, 2, 4), 0.25, device=device).log(),
        torch.tensor([[1, 2], [1, 2]], device=device),
        torch.tensor([3, 3], device=device),
        torch.tensor([2, 1], device=device),
    ]
    expected, slope = value_and_gradient(functional.ctc_loss, *args)
    args[place][sample] = torch.tensor(value, device=device)
    monkeypatch.setattr(check, "values_are_checked", lambda tensor: False)
    found, gradient = value_and_gradient(fused.ctc_loss, *args, zero_infinity=True)
    assert found[0].isnan()
    assert (gradient[:, 0] == 0).all()
    torch.testing.assert_close(found[1], expected[1])
    torch.testing.assert_close(gradient[:, 1], slope[:, 1])


def test_joined_targets_with_wild_lengths_are_not_read_out_of_bounds(device, monkeypatch):
    monkeypatch.setattr(check, "values_are_checked", lambda tensor: False)
    log_probs = torch.full((5, 3, 4), 0.25, device=device).log()
    lengths = torch.tensor([5, 5, 5], device=device), torch.tensor([FAR, 1, 1], device=device)
    found, gradient = value_and_gradient(fused.ctc_loss, log_probs, torch.tensor([1, 2, 3], device=device), *lengths)
    assert found.isnan().all()  # nobody knows where the later ones begin
    assert (gradient == 0).all()


def test_nan_in_a_sample_stays_there(device):
    log_probs, *rest = batch(device, 12, 5, 3)
    log_probs[4, 1, rest[0][1, 0]] = torch.nan
    value, gradient = value_and_gradient(fused.ctc_loss, log_probs, *rest)
    assert value.isnan().tolist() == [False, True, False]
    assert gradient[:, 1].isnan().any()
    assert gradient[:, ::2].isfinite().all()


def test_nan_past_the_frames_of_a_sample_is_not_read(device):
    log_probs, *rest = batch(device, 12, 5, 3)
    clean = value_and_gradient(fused.ctc_loss, log_probs, *rest)
    log_probs[rest[1][2] :, 2] = torch.nan
    for found, expected in zip(value_and_gradient(fused.ctc_loss, log_probs, *rest), clean, strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_forbidden_symbols_and_samples_without_a_path_have_no_gradient(zero_infinity, device):
    log_probs, targets, input_length, target_length = batch(device, 10, 5, 4)
    logits = log_probs.clone()
    logits[3:, 0, 4] = -torch.inf
    logits[2, 1] = torch.tensor([-torch.inf, 0, -torch.inf, 0, 0], device=device)
    targets[1, :2] = 2  # two equal labels in two frames
    args = logits.log_softmax(-1), targets, torch.stack([input_length[0], target_length[1], input_length[2]])
    value, gradient = value_and_gradient(fused.ctc_loss, *args, target_length, zero_infinity=zero_infinity)
    assert value[1].item() == (0.0 if zero_infinity else torch.inf)
    assert (gradient[:, 1] == 0).all()
    assert (gradient[3:, 0, 4] == 0).all()
    agree((*args, target_length), zero_infinity=zero_infinity)
