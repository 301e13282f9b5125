"""What only the Gaussian likelihood promises: a floor under the variance that lets the gradient through."""

import pytest
import torch
from torch.nn import functional as F

import lossbook
from lossbook.regression.gaussian_nll import gaussian_nll_loss


@pytest.mark.parametrize("var", [0.0, 5e-7, 1e-6, 2e-6, 1.0])
@pytest.mark.parametrize("error", [0.0, 0.1])
def test_gradient_passes_the_floor_as_in_torch(var, error):
    gradients = []
    for loss in (gaussian_nll_loss, F.gaussian_nll_loss):
        args = [torch.tensor([value], dtype=torch.double, requires_grad=True) for value in (error, 0.0, var)]
        first = torch.autograd.grad(loss(*args), args, create_graph=True)
        gradients.append((*first, *torch.autograd.grad(sum(first), args)))
    torch.testing.assert_close(*gradients)


def test_gradient_below_the_floor_explodes():
    var = torch.zeros(1, requires_grad=True)
    gaussian_nll_loss(torch.tensor([0.1]), torch.zeros(1), var).backward()
    assert var.grad.item() == pytest.approx(-5.0e9, rel=1e-3)


def test_tangent_passes_the_floor():
    loss = lambda var: gaussian_nll_loss(torch.tensor([0.1]), torch.zeros(1), var)  # noqa: E731
    _, tangent = torch.func.jvp(loss, (torch.zeros(1),), (torch.ones(1),))
    assert tangent.item() == pytest.approx(-5.0e9, rel=1e-3)


@pytest.mark.compiles
def test_negative_variance_is_nan_where_values_are_not_checked():
    args = torch.ones(2), torch.zeros(2), torch.tensor([-1e-9, 1.0])
    for unchecked in (torch.vmap(gaussian_nll_loss), torch.compile(gaussian_nll_loss, backend="aot_eager")):
        assert unchecked(*args, reduction="none").isnan().tolist() == [True, False]
    with lossbook.check_values(), pytest.raises(ValueError, match="var must be at least 0; got"):
        torch.vmap(gaussian_nll_loss)(*args)


def test_variance_may_be_any_number():
    input, target = torch.ones(2), torch.zeros(2)
    assert gaussian_nll_loss(input, target, 1) == gaussian_nll_loss(input, target, torch.ones(2)) == 0.5
    assert gaussian_nll_loss(input, target, 0.0).item() == pytest.approx(499993.09)
