"""Pairs: learned scales get their gradient, logits stay wide under autocast, a removed pair is seen by nobody."""

import pytest
import torch
from torch import nn

import lossbook
from lossbook import functional

SETTINGS = {
    "info_nce_loss": {"temperature": 0.3},
    "clip_loss": {"logit_scale": 3.0},
    "siglip_loss": {"logit_scale": 3.0, "logit_bias": -1.0},
}
LEARNED = [(function, name) for function, settings in SETTINGS.items() for name in settings]
CLASSES = {"info_nce_loss": "InfoNCELoss", "clip_loss": "CLIPLoss", "siglip_loss": "SigLIPLoss"}
every_loss = pytest.mark.parametrize("function", SETTINGS)


def features(dtype=torch.double, rows=5):
    rng = torch.Generator().manual_seed(0)
    return tuple(
        nn.functional.normalize(torch.randn(rows, 4, generator=rng, dtype=torch.double)).to(dtype) for _ in "ab"
    )


@every_loss
@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 0.0, 0.5, 2.0, 1.0])], ids=["alone", "weighted"])
def test_scalar_tensors_get_their_gradient(function, weight):
    def loss(*scalars):
        settings = dict(zip(SETTINGS[function], scalars, strict=True))
        return getattr(functional, function)(*features(), **settings, sample_weight=weight)

    scalars = tuple(torch.tensor(v, dtype=torch.double, requires_grad=True) for v in SETTINGS[function].values())
    assert torch.autograd.gradcheck(loss, scalars, check_forward_ad=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(loss, scalars)


@pytest.mark.parametrize(("function", "name"), LEARNED)
def test_a_module_takes_a_parameter_and_shows_it_to_the_optimizer(function, name):
    parameter = nn.Parameter(torch.tensor(SETTINGS[function][name]))
    module = getattr(lossbook, CLASSES[function])(**{**SETTINGS[function], name: parameter})
    assert dict(module.named_parameters()) == {name: parameter}
    module(*features(torch.float)).backward()
    assert parameter.grad != 0


@every_loss
def test_a_scalar_of_another_dtype_does_not_change_that_of_the_loss(function):
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        scalars = {name: torch.tensor(v, dtype=dtype) for name, v in SETTINGS[function].items()}
        assert getattr(functional, function)(*features(torch.float), **scalars).dtype == torch.float32


@every_loss
def test_features_of_two_dtypes_are_promoted(function):
    one, other = features()
    assert getattr(functional, function)(one.float(), other).dtype == torch.float64


@every_loss
def test_autocast_does_not_round_the_logits(function):
    one, other = features(torch.float)
    settings = {name: 50 * value for name, value in SETTINGS[function].items() if name != "temperature"}
    settings |= {"temperature": 0.01} if function == "info_nce_loss" else {}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = getattr(functional, function)(one, other, **settings)
    torch.testing.assert_close(inside, getattr(functional, function)(one, other, **settings))


@every_loss
def test_no_nan_is_made_on_the_way_where_pairs_are_removed(function):
    """Anomaly mode raises at a NaN in any step of the backward pass, though a later step would hide it."""
    args = tuple(f.requires_grad_() for f in features())
    for weight in ([1.0, 0.0, 1.0, 0.0, 1.0], [0.0] * 5):
        with torch.autograd.set_detect_anomaly(True):
            loss = getattr(functional, function)(*args, sample_weight=torch.tensor(weight), reduction="sum")
            assert all(g.isfinite().all() for g in torch.autograd.grad(loss, args))


def test_a_key_without_a_query_is_a_negative_and_gets_a_gradient():
    query, key = features(rows=6)
    key = key.requires_grad_()
    more = functional.info_nce_loss(query[:4], key)
    assert more > functional.info_nce_loss(query[:4], key[:4])
    (gradient,) = torch.autograd.grad(more, key)
    assert (gradient[4:] != 0).all()


def test_info_nce_is_the_cross_entropy_of_the_similarities():
    query, key = features()
    expected = functional.cross_entropy(query @ key.T / 0.2, torch.arange(5), reduction="none")
    torch.testing.assert_close(functional.info_nce_loss(query, key, temperature=0.2, reduction="none"), expected)


def test_clip_is_info_nce_both_ways():
    one, other = features()
    both = functional.info_nce_loss(one, other, temperature=0.2) + functional.info_nce_loss(other, one, temperature=0.2)
    torch.testing.assert_close(functional.clip_loss(one, other, logit_scale=5.0), both / 2)


def test_siglip_is_binary_cross_entropy_of_every_pair():
    one, other = features()
    logits = 3 * one @ other.T - 1
    each = functional.binary_cross_entropy_with_logits(logits, torch.eye(5, dtype=torch.double), reduction="none")
    loss = functional.siglip_loss(one, other, logit_scale=3.0, logit_bias=-1.0, reduction="none")
    torch.testing.assert_close(loss, each.sum(1))


def test_batch_hard_derivatives_are_zero_between_equal_vectors_in_every_order():
    embedding = torch.ones(4, 3, dtype=torch.double, requires_grad=True)

    def loss(x):
        return functional.batch_hard_triplet_loss(x, torch.tensor([0, 0, 1, 1]), reduction="sum")

    (gradient,) = torch.autograd.grad(loss(embedding), embedding, create_graph=True)
    assert (gradient == 0).all()
    (second,) = torch.autograd.grad(gradient.sum(), embedding)
    assert (second == 0).all()
    tangent = torch.func.jvp(loss, (embedding.detach(),), (torch.ones_like(embedding),))[1]
    assert tangent == 0


def test_batch_hard_of_ties_pulls_at_the_first():
    embedding = torch.tensor([[0.0], [1.0], [-1.0], [2.0], [-2.0]], requires_grad=True)
    label = torch.tensor([0, 0, 0, 1, 1])
    weight = torch.tensor([1.0, 1e-30, 1e-30, 1e-30, 1e-30])  # the anchor at 0, all others as candidates
    functional.batch_hard_triplet_loss(embedding, label, margin=2.0, sample_weight=weight, reduction="sum").backward()
    torch.testing.assert_close(embedding.grad.flatten(), torch.tensor([0.0, 1.0, 0.0, -1.0, 0.0]))


def test_batch_hard_without_a_complete_anchor_is_the_mean_of_nothing():
    embedding = torch.randn(3, 2, requires_grad=True)
    label = torch.tensor([0, 1, 2])
    assert functional.batch_hard_triplet_loss(embedding, label).isnan()
    loss = functional.batch_hard_triplet_loss(embedding, label, normalizer=3)
    (gradient,) = torch.autograd.grad(loss, embedding)
    assert loss == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize(
    ("cls", "name"), [("InfoNCELoss", "temperature"), ("CLIPLoss", "logit_scale"), ("SigLIPLoss", "logit_bias")]
)
def test_a_module_keeps_a_tensor_setting_and_refuses_one_that_lasts_a_step(cls, name):
    cls = getattr(lossbook, cls)
    module = cls(**{name: torch.tensor(2.0)})
    assert list(module.state_dict()) == [name]
    assert getattr(module.double(), name).dtype == torch.float64
    learned = torch.nn.Parameter(torch.tensor(2.0))
    assert list(dict(cls(**{name: learned}).named_parameters())) == [name]
    with pytest.raises(ValueError, match=f"{name} is the result of a computation, .* an nn.Parameter, or call"):
        cls(**{name: learned.exp()})
