"""What only log-cosh promises: digits and curvature near 0, where the usual form has neither."""

import pytest
import torch

from lossbook.functional import log_cosh_loss


def usual(error):
    return error.abs() + torch.nn.functional.softplus(-2 * error.abs()) - torch.log(torch.tensor(2.0))


def test_a_small_error_keeps_its_digits():
    error = torch.tensor([1e-4, -3e-6])
    expected = error.double().square() / 2
    torch.testing.assert_close(
        log_cosh_loss(error, torch.zeros(2), reduction="none").double(), expected, rtol=1e-6, atol=0
    )
    assert (usual(error) == 0).any()


@pytest.mark.parametrize("at", [0.0, 1e-4, 0.5, 0.999, 1.0, 1.5])
def test_the_second_derivative_is_one_minus_tanh_squared(at):
    error = torch.tensor(at, dtype=torch.double, requires_grad=True)
    (slope,) = torch.autograd.grad(log_cosh_loss(error, torch.zeros_like(error)), error, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, error)
    torch.testing.assert_close(curvature, 1 - torch.tanh(error.detach()) ** 2)
