"""The module that owns its linear map: sizes, parameters, torch's checkpoints, and dropped samples."""

import pickle

import pytest
import torch
from torch import nn

import lossbook
from lossbook.classification.linear_cross_entropy import LinearCrossEntropyLoss, linear_cross_entropy

WEIGHT = torch.tensor([0.5, 2.0, 1.0])
SETTINGS = [
    {},
    {"bias": True},
    {"bias": True, "out_features": (2,), "weight": WEIGHT, "label_smoothing": 0.1, "ignore_index": 1},
    {"out_features": (2, 3), "reduction": "sum"},
]


def batch(module):
    rng = torch.Generator().manual_seed(0)
    target = torch.randint(module.num_classes, (5, *module.out_features), generator=rng)
    return torch.randn(5, module.linear.in_features, generator=rng), target


@pytest.mark.skipif(torch.__version__ < (2, 13), reason="torch has it since 2.13")
@pytest.mark.parametrize("settings", SETTINGS)
def test_state_dict_and_value_interchange_with_torch(settings):
    ours, theirs = LinearCrossEntropyLoss(4, 3, **settings), nn.LinearCrossEntropyLoss(4, 3, **settings)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    value, expected = ours(*batch(ours)), theirs(*batch(ours))
    torch.testing.assert_close(value, expected)
    value.backward()
    expected.backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("settings", [*SETTINGS, {"softcap": 2.0, "z_loss": 0.5}])
def test_module_is_the_function_with_its_own_map(settings):
    module = LinearCrossEntropyLoss(4, 3, **settings)
    out_features = module.out_features
    bias = module.linear.bias
    expected = linear_cross_entropy(
        batch(module)[0],
        module.linear.weight.reshape(3, *out_features, 4),
        batch(module)[1],
        linear_bias=None if bias is None else bias.reshape(3, *out_features),
        **{name: value for name, value in settings.items() if name not in ("bias", "out_features")},
    )
    torch.testing.assert_close(module(*batch(module)), expected, rtol=0, atol=0)
    torch.testing.assert_close(pickle.loads(pickle.dumps(module))(*batch(module)), expected, rtol=0, atol=0)
    for name in ("num_classes=3", f"out_features={out_features}", f"reduction='{module.reduction}'"):
        assert name in repr(module)


@pytest.mark.parametrize(
    ("error", "match", "args", "settings"),
    [
        (TypeError, "in_features must be an int; got 4.0", (4.0, 3), {}),
        (ValueError, "num_classes must be greater than 0; got 0", (4, 0), {}),
        (ValueError, "out_features must be greater than 0; got -1", (4, 3), {"out_features": (-1,)}),
        (TypeError, "out_features must be a tuple of ints; got 2", (4, 3), {"out_features": 2}),
        (TypeError, "bias must be True or False; got None", (4, 3), {"bias": None}),
        (ValueError, r"weight must have shape \(3,\), one for each class; got \(2,\)", (4, 3), {"weight": WEIGHT[:2]}),
        (ValueError, "label_smoothing must be between 0 and 1; got 2", (4, 3), {"label_smoothing": 2}),
        (ValueError, "softcap must be greater than 0; got 0", (4, 3), {"softcap": 0}),
        (ValueError, "z_loss must be at least 0; got -1", (4, 3), {"z_loss": -1}),
        (TypeError, "ignore_index must be an int; got 'pad'", (4, 3), {"ignore_index": "pad"}),
        (ValueError, "reduction must be one of", (4, 3), {"reduction": "avg"}),
    ],
)
def test_wrong_sizes_and_settings_are_refused(error, match, args, settings):
    with pytest.raises(error, match=match):
        LinearCrossEntropyLoss(*args, **settings)


def test_a_sequence_is_its_samples():
    rng = torch.Generator().manual_seed(0)
    features, linear_weight = torch.randn(2, 3, 4, generator=rng), torch.randn(5, 4, generator=rng)
    target = torch.randint(5, (2, 3), generator=rng)
    target[0, 1] = -100
    loss = linear_cross_entropy(features, linear_weight, target, reduction="none")
    flat = linear_cross_entropy(features.flatten(0, 1), linear_weight, target.flatten(), reduction="none")
    torch.testing.assert_close(loss.flatten(), flat)
    by_sequence = linear_cross_entropy(features, linear_weight, target, sample_weight=torch.tensor([1.0, 3.0]))
    weights = torch.tensor([1.0, 1.0, 1.0, 3.0, 3.0, 3.0])
    torch.testing.assert_close(
        by_sequence,
        linear_cross_entropy(features.flatten(0, 1), linear_weight, target.flatten(), sample_weight=weights),
    )
    soft = torch.randn(2, 3, 5, generator=rng).softmax(-1)
    torch.testing.assert_close(
        linear_cross_entropy(features, linear_weight, soft),
        linear_cross_entropy(features.flatten(0, 1), linear_weight, soft.flatten(0, 1)),
    )


def test_nan_in_dropped_features_does_not_reach_the_map():
    features = torch.tensor([[torch.nan, 1.0], [1.0, 2.0]])
    linear_weight = torch.eye(2, requires_grad=True)
    keep = torch.tensor([False, True])
    linear_cross_entropy(features, linear_weight, torch.tensor([0, 1]), sample_weight=keep).backward()
    assert linear_weight.grad.isfinite().all()
    both = torch.eye(2)[:, None].repeat(1, 2, 1).requires_grad_()  # two losses of each sample, one of them kept
    keep = torch.tensor([[False, False], [False, True]])
    target = torch.tensor([[0, 0], [1, 1]])
    value = linear_cross_entropy(features, both, target, sample_weight=keep)
    value.backward()
    assert value.isfinite()
    assert both.grad.isfinite().all()


def test_bfloat16_keeps_the_product_narrow_and_the_loss_wide():
    rng = torch.Generator().manual_seed(0)
    features, linear_weight = torch.randn(256, 16, generator=rng), torch.randn(500, 16, generator=rng)
    target = torch.randint(500, (256,), generator=rng)
    narrow = linear_cross_entropy(features.bfloat16(), linear_weight.bfloat16(), target)
    exact = linear_cross_entropy(features.bfloat16().double(), linear_weight.bfloat16().double(), target)
    assert narrow.dtype == torch.bfloat16
    assert narrow.double() == pytest.approx(exact.item(), rel=0.004)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = linear_cross_entropy(features.bfloat16(), linear_weight, target)
    assert mixed.dtype == torch.float32
    assert mixed.item() == pytest.approx(exact.item(), rel=0.004)


def test_the_module_trains():
    torch.manual_seed(0)
    features = torch.randn(60, 4)
    target = features[:, :3].argmax(1)
    loss = lossbook.LinearCrossEntropyLoss(4, 3, bias=True)
    optimizer = torch.optim.SGD(loss.parameters(), lr=1.0)
    for _ in range(200):
        optimizer.zero_grad()
        value = loss(features, target)
        value.backward()
        optimizer.step()
    assert value < 0.2
