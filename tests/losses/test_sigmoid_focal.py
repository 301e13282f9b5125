"""What only the focal loss promises: small losses keep their digits, and gradients below gamma 1 are finite."""

import pytest
import torch
from mpmath import exp, log, mpf

from lossbook.functional import binary_cross_entropy_with_logits, sigmoid_focal_loss

SETTINGS = {"alpha": None, "reduction": "none"}


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_small_losses_keep_their_digits_in_float32(gamma):
    """1 - p_t as a difference would be 0 from a logit of 17 on."""
    logits = torch.tensor([5.0, 10.0, 17.0, 20.0, 25.0])
    exact = [float((1 / (1 + exp(mpf(x)))) ** gamma * log(1 + exp(-mpf(x)))) for x in logits.tolist()]
    for sign, label in ((1, 1.0), (-1, 0.0)):
        value = sigmoid_focal_loss(sign * logits, torch.full((5,), label), gamma=gamma, **SETTINGS)
        torch.testing.assert_close(value.double(), torch.tensor(exact, dtype=torch.double), rtol=2e-5, atol=0)


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_derivatives_are_finite_where_everything_is_right(gamma, dtype):
    input = torch.tensor([17.0, 40.0, 60.0, 87.0, 88.0, 100.0, 745.0, 1e4], dtype=dtype, requires_grad=True)
    target = torch.ones(8, dtype=dtype, requires_grad=True)
    loss = sigmoid_focal_loss(input, target, gamma=gamma)
    first = torch.autograd.grad(loss, (input, target), create_graph=True)
    second = torch.autograd.grad(first[0].sum(), input)
    for derivative in (*first, *second):
        assert derivative.isfinite().all()
    assert (first[0] <= 0).all()
    assert first[0][0] < 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gamma_zero_is_binary_cross_entropy_with_its_gradient(dtype):
    rng = torch.Generator().manual_seed(0)
    input = (30 * torch.randn(100, generator=rng)).to(dtype).requires_grad_()
    for target in (torch.rand(100, generator=rng).to(dtype), torch.rand(100, generator=rng).round().to(dtype)):
        losses = (
            sigmoid_focal_loss(input, target, gamma=0, alpha=None),
            binary_cross_entropy_with_logits(input, target),
        )
        torch.testing.assert_close(*losses)
        torch.testing.assert_close(*(torch.autograd.grad(loss, input)[0] for loss in losses))


def test_the_paper_divides_by_the_number_of_positives():
    logits, target = torch.tensor([[0.0, -4.0, -4.0], [-4.0, -4.0, 1.0]]), torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])
    each = sigmoid_focal_loss(logits, target, reduction="none")
    torch.testing.assert_close(sigmoid_focal_loss(logits, target, normalizer=target.sum().clamp(min=1)), each.sum() / 2)
