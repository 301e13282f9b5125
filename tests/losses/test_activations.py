"""What only activations promise: derivatives of every order, tails, saturation, the dimension of softmax."""

import pytest
import torch
from mpmath import mp, mpf

from lossbook.activations.log_softmax import LogSoftmax, log_softmax
from lossbook.activations.logsigmoid import logsigmoid
from lossbook.activations.sigmoid import sigmoid
from lossbook.activations.softmax import Softmax, softmax
from lossbook.activations.softplus import softplus
from lossbook.activations.tanh import tanh

DEFINITIONS = {
    sigmoid: lambda x: 1 / (1 + mp.exp(-x)),
    tanh: mp.tanh,
    logsigmoid: lambda x: -mp.log(1 + mp.exp(-x)),
    softplus: lambda x: mp.log(1 + mp.exp(x)),
}
every_activation = pytest.mark.parametrize("activation", DEFINITIONS, ids=lambda f: f.__name__)
every_softmax = pytest.mark.parametrize("activation", [softmax, log_softmax], ids=lambda f: f.__name__)


def derivatives(activation, x, orders=3):
    """Value and derivatives of an elementwise function, each of shape of ``x``."""
    x = x.clone().requires_grad_()
    results = [activation(x)]
    for _ in range(orders):
        results.append(torch.autograd.grad(results[-1].sum(), x, create_graph=True)[0])
    return results


@every_activation
@pytest.mark.parametrize("x", [-30.0, -1.0, -1e-3, 0.0, -0.0, 1e-3, 1.0, 15.0])
def test_derivatives_up_to_the_third_are_the_definitions(activation, x):
    with mp.workdps(60):
        expected = mp.taylor(DEFINITIONS[activation], mpf(x), 3)
    expected = torch.tensor([float(c * mp.factorial(order)) for order, c in enumerate(expected)], dtype=torch.double)
    actual = torch.stack(derivatives(activation, torch.tensor(x, dtype=torch.double)))
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-15)


@every_activation
@pytest.mark.parametrize("x", [1e4, -1e4, 3e38, -3e38, torch.inf, -torch.inf])
def test_far_away_every_derivative_is_the_limit(activation, x):
    slope = {softplus: float(x > 0), logsigmoid: float(x < 0)}.get(activation, 0.0)
    _, first, second, third = derivatives(activation, torch.tensor(x))
    assert (first, second, third) == (slope, 0, 0)


@pytest.mark.parametrize("activation", [sigmoid, softplus])
@pytest.mark.parametrize("x", [-700.0, -300.0, -40.0])
def test_small_results_keep_their_digits(activation, x):
    value, slope, *_ = derivatives(activation, torch.tensor(x, dtype=torch.double))
    with mp.workdps(400):
        expected = float(DEFINITIONS[activation](mpf(x)))
    assert value.item() == pytest.approx(expected, rel=1e-13, abs=0)
    assert slope.item() == pytest.approx(expected, rel=1e-13, abs=0)


def test_slope_of_a_saturated_sigmoid_is_not_zero():
    value, slope, *_ = derivatives(sigmoid, torch.tensor(20.0))
    assert value == 1  # so 1 - sigmoid(20) is 0, and torch's slope, sigmoid * (1 - sigmoid), is 0 too
    assert slope.item() == pytest.approx(2.0612e-9, rel=1e-4)
    assert sigmoid(torch.tensor(-20.0)).item() == pytest.approx(2.0612e-9, rel=1e-4)


@pytest.mark.parametrize(
    ("activation", "dtype", "below", "at"),
    [
        (sigmoid, torch.float64, 36.5, 37.0),
        (sigmoid, torch.float32, 16.5, 17.0),
        (sigmoid, torch.float16, 8.0, 8.5),
        (sigmoid, torch.bfloat16, 6.0, 6.5),
        (tanh, torch.float64, 18.0, 18.5),
        (tanh, torch.float32, 8.0, 8.5),
        (tanh, torch.float16, 4.5, 5.0),
        (tanh, torch.bfloat16, 3.0, 3.5),
    ],
)
def test_where_results_reach_one(activation, dtype, below, at):
    assert activation(torch.tensor(below, dtype=dtype)) < 1
    assert activation(torch.tensor(at, dtype=dtype)) == 1


def test_softplus_is_linear_above_its_threshold():
    value, first, second, _ = derivatives(
        lambda x: softplus(x, beta=10.0), torch.tensor([1.9, 3.0], dtype=torch.double)
    )
    assert value[1] == 3
    assert first[1] == 1
    assert second[1] == 0
    assert value[0] > 1.9
    assert second[0] > 0


@every_softmax
@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
def test_every_dimension_is_torchs(activation, dim):
    x = torch.randn(2, 3, 4, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(activation(x, dim), getattr(torch, activation.__name__)(x, dim), rtol=1e-13, atol=1e-13)


@every_softmax
def test_dtype_casts_first(activation):
    twin = getattr(torch, activation.__name__)
    narrow = torch.tensor([[0.1, 3.0, -2.0]]).bfloat16()
    assert activation(narrow, 1, dtype=torch.double).dtype == torch.double
    torch.testing.assert_close(activation(narrow, 1, dtype=torch.double), twin(narrow, 1, dtype=torch.double))
    assert activation(narrow.double(), 1, dtype=torch.half).dtype == torch.half
    integers = torch.tensor([[0, 1]])
    torch.testing.assert_close(activation(integers, 1, dtype=torch.double), twin(integers, 1, dtype=torch.double))
    module = {softmax: Softmax, log_softmax: LogSoftmax}[activation](1, dtype=torch.double)
    assert module(narrow).dtype == torch.double


@every_softmax
def test_nothing_left_and_nothing_there(activation):
    twin = getattr(torch, activation.__name__)
    masked = torch.tensor([[-torch.inf, -torch.inf], [0.0, -torch.inf]])
    torch.testing.assert_close(activation(masked, 1), twin(masked, 1), equal_nan=True)
    for shape, dim in [((3, 0), 1), ((3, 0), 0), ((0, 3), 1), ((), 0), ((), -1)]:
        torch.testing.assert_close(activation(torch.zeros(shape), dim), twin(torch.zeros(shape), dim))


@every_softmax
def test_masked_class_has_no_gradient(activation):
    x = torch.tensor([[-torch.inf, 0.0, 1.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(activation(x, 1)[:, 1:].square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), x)
    assert gradient[0, 0] == 0
    assert second[0, 0] == 0
    assert second.isfinite().all()
