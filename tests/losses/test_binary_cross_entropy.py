"""What the binary losses promise beyond the contract: gradients where a probability is 0 or 1 or a logit infinite."""

import pytest
import torch

import lossbook
from lossbook.classification.binary_cross_entropy import binary_cross_entropy
from lossbook.classification.binary_cross_entropy_with_logits import binary_cross_entropy_with_logits
from lossbook.classification.multilabel_soft_margin import multilabel_soft_margin_loss


def gradient(loss, input, target, **settings):
    input = torch.tensor(input, dtype=torch.double, requires_grad=True)
    return torch.autograd.grad(loss(input, torch.tensor(target).double(), reduction="sum", **settings), input)[0]


@pytest.mark.parametrize(
    ("p", "t", "expected"),
    [
        (0.0, 1.0, -1e12),
        (1.0, 0.0, 1e12),
        (0.0, 0.0, 1.0),  # torch gives 0
        (1.0, 1.0, -1.0),  # torch gives 0
        (1e-20, 1.0, -1e20),  # torch gives -1e12
        (1e-43, 1.0, -1e43),
        (1e-44, 1.0, -1e12),
        (0.25, 1.0, -4.0),
    ],
)
def test_no_floor_stops_the_gradient_of_a_probability(p, t, expected):
    assert gradient(binary_cross_entropy, p, t).item() == pytest.approx(expected, rel=1e-12)


def test_a_small_probability_keeps_its_digits():
    p = torch.tensor([1e-20, 1e-10], dtype=torch.double)
    loss = binary_cross_entropy(p, torch.zeros(2, dtype=torch.double), reduction="none")
    assert loss.tolist() == pytest.approx(
        [1e-20, 1e-10], rel=1e-9, abs=0
    )  # log(1 - p) without log1p is 0 and 1.00000008e-10


def test_a_sigmoid_that_underflows_has_a_finite_gradient():
    logits = torch.tensor([-120.0, -104.0, -95.0, -89.0, 120.0], requires_grad=True)
    binary_cross_entropy(logits.sigmoid(), torch.ones(5), reduction="sum").backward()
    assert logits.grad.isfinite().all()


@pytest.mark.compiles
def test_probabilities_out_of_range_are_nan_where_values_are_not_checked():
    torch._dynamo.reset()
    p = torch.tensor([-0.5, -1e-30, 1.5, torch.nan, 0.5])
    for unchecked in (torch.vmap(binary_cross_entropy), torch.compile(binary_cross_entropy, backend="aot_eager")):
        assert unchecked(p, torch.ones(5) / 2, reduction="none").isnan().tolist() == [True, True, True, True, False]
    with lossbook.check_values(), pytest.raises(ValueError, match=r"input must be a probability in \[0, 1\]; got -0.5"):
        torch.vmap(binary_cross_entropy)(p, torch.ones(5))


@pytest.mark.parametrize("loss", [binary_cross_entropy_with_logits, multilabel_soft_margin_loss])
@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_derivatives_at_logit_0(loss, t):
    logit = torch.zeros(1, dtype=torch.double, requires_grad=True)
    (first,) = torch.autograd.grad(loss(logit, torch.tensor([t]).double()), logit, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), logit)
    assert (first.item(), second.item()) == (0.5 - t, 0.25)


def test_gradients_of_infinite_logits():
    inf, five = torch.inf, torch.tensor(5.0)
    for settings, scale in (({}, 1.0), ({"pos_weight": five}, 5.0)):
        grad = gradient(binary_cross_entropy_with_logits, [inf, -inf, -inf, inf], [1.0, 0.0, 1.0, 0.0], **settings)
        assert grad.tolist() == [0.0, 0.0, -scale, 1.0]
    wrong = binary_cross_entropy_with_logits(torch.tensor([-inf, inf]), torch.tensor([1.0, 0.0]), reduction="none")
    assert wrong.tolist() == [inf, inf]


def test_a_nan_logit_is_not_hidden():
    for loss in (binary_cross_entropy_with_logits, multilabel_soft_margin_loss):
        assert loss(torch.full((2, 2), torch.nan), torch.eye(2)).isnan()


def test_pos_weight_is_broadcast_from_the_last_axis():
    logits, target = torch.zeros(2, 3, 4, 5), torch.ones(2, 3, 4, 5)
    weight = torch.tensor([1.0, 2.0, 3.0])
    loss = binary_cross_entropy_with_logits(logits, target, pos_weight=weight[:, None, None], reduction="none")
    torch.testing.assert_close(loss[:, 2], 3 * loss[:, 0])
    with pytest.raises(ValueError, match=r"use shape \(classes, 1, 1\); got \(3,\)"):
        binary_cross_entropy_with_logits(logits, target, pos_weight=weight)


def test_mean_over_classes_is_mean_over_entries():
    rng = torch.Generator().manual_seed(0)
    logits, target = torch.randn(4, 5, generator=rng), torch.randint(2, (4, 5), generator=rng).float()
    weight = torch.rand(5, generator=rng)
    torch.testing.assert_close(
        multilabel_soft_margin_loss(logits, target, weight=weight),
        binary_cross_entropy_with_logits(logits, target, weight=weight),
    )
