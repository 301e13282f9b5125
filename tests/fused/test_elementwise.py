"""What the losses of one entry each share: blocks, layouts, dtypes, sums, and infinite entries."""

import pytest
import torch

from lossbook import functional, fused
from lossbook.fused import _blocks, _elementwise

NAMES = [
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "quantile_loss",
    "sigmoid_focal_loss",
    "smooth_l1_loss",
]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(_elementwise, "ENTRIES", 16)
    monkeypatch.setattr(_blocks, "BLOCK", 16)


def draw(*shape, device, dtype=torch.double):
    rng = torch.Generator().manual_seed(5)
    return [0.9 * torch.rand(shape, generator=rng, dtype=dtype).to(device) for _ in range(2)]


def assert_same(name, *args, upstream=None, tolerance=1e-12, **settings):
    found = []
    for module in (functional, fused):
        value = getattr(module, name)(*args, **settings)
        leaves = [a for a in args if a.requires_grad]
        arrived = torch.ones_like(value) if upstream is None else upstream
        found.append([value, *torch.autograd.grad(value, leaves, arrived)])
    for mine, readable in zip(found[1], found[0], strict=True):
        torch.testing.assert_close(mine, readable, rtol=tolerance, atol=tolerance)


def leaves(*tensors):
    return [t.detach().requires_grad_() for t in tensors]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("size", [1, 15, 16, 17, 47, 48, 49])
def test_sizes_on_both_sides_of_a_block(size, steps, monkeypatch, device):
    monkeypatch.setattr(_elementwise, "MANY", 0)
    monkeypatch.setattr(_elementwise, "STEPS", steps)
    x, t = leaves(*draw(size, device=device))
    assert_same("huber_loss", x, t, delta=0.1)
    assert_same("gaussian_nll_loss", x, t, x.detach() + 1, full=True)
    assert_same("mse_loss", x, t, reduction="none", upstream=torch.arange(size, device=device, dtype=torch.double))


def layouts(device):
    x, t = draw(3, 4, 5, device=device)
    yield x, t
    yield x.permute(2, 0, 1), t.permute(2, 0, 1)  # the same in memory, in another order
    yield x.permute(2, 0, 1), t.reshape(5, 3, 4)
    yield x[:, ::2], t[:, 1::2]
    yield x[:1].expand(3, 4, 5), t
    yield x[0, 0], t[:, :, 0].reshape(-1)[:5]
    yield x[..., :1], t[..., 1:2]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("layout", range(7))
@pytest.mark.parametrize("largest", [0, 2**31 - 1], ids=["int64", "int32"])
def test_layouts(layout, largest, monkeypatch, device):
    monkeypatch.setattr(_elementwise, "LARGEST_INT32", largest)
    x, t = leaves(*list(layouts(device))[layout])
    leading = torch.arange(len(x), device=device, dtype=torch.double)
    last = torch.linspace(0.1, 0.9, x.shape[-1], device=device, dtype=torch.double)
    assert_same("quantile_loss", x, t, quantile=last, sample_weight=leading)
    assert_same("poisson_nll_loss", x, t, full=True, reduction="none", upstream=x.detach().flip(0))


def test_few_dimensions_are_left():
    x = torch.empty(2, 3, 4, 5)
    rows = torch.empty(2, 1, 1, 1).expand_as(x)
    assert _elementwise._collapse(x.shape, [x, x, None]) == ([120], [[1], [1], None])
    assert _elementwise._collapse(x.shape, [x, rows]) == ([2, 60], [[60, 1], [1, 0]])
    assert _elementwise._collapse(x.permute(3, 1, 0, 2).shape, [x.permute(3, 1, 0, 2)]) == ([120], [[1]])
    assert _elementwise._collapse((2, 3, 4, 3), [x[..., :3], x[..., 2:]]) == ([24, 3], [[5, 1], [5, 1]])
    assert _elementwise._collapse((), [torch.empty(())]) == ([1], [[1]])


def test_a_factor_that_broadcasts_is_not_expanded(monkeypatch, device):
    seen = []
    collapse = _elementwise._collapse

    def spy(shape, tensors):
        seen.append([None if t is None else t.untyped_storage().size() // t.itemsize for t in tensors])
        return collapse(shape, tensors)

    monkeypatch.setattr(_elementwise, "_collapse", spy)
    x, t = draw(64, 8, device=device)
    weight, pos_weight = (torch.full(shape, 2.0, device=device, dtype=torch.double) for shape in ((64, 1), (8,)))
    rows = torch.ones(64, device=device)
    fused.binary_cross_entropy_with_logits(x, t, weight=weight, pos_weight=pos_weight, sample_weight=rows)
    assert seen == [[512, 512, 64, 8, 64, None, None, None, None, None]]


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_meet_as_in_the_readable_function(name, device):
    x, t = draw(4, 3, device=device)
    more = (x + 1,) if name == "gaussian_nll_loss" else ()
    for one, other in ((torch.float32, torch.float64), (torch.bfloat16, torch.float32), (torch.bfloat16, torch.half)):
        args = [a.to(d) for a, d in zip((x, t, *more), (one, other, other), strict=False)]
        for reduction in ("mean", "none"):
            value = getattr(fused, name)(*args, reduction=reduction)
            readable = getattr(functional, name)(*args, reduction=reduction)
            assert value.dtype == readable.dtype
            torch.testing.assert_close(value, readable, rtol=1e-9 if other == torch.float64 else 1e-6, atol=1e-6)


def test_dtypes_of_factors(device):
    x, t = draw(4, 3, device=device)
    for data, factor in (
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.bfloat16),
        (torch.float32, torch.double),
    ):
        args, column = (x.to(data), t.to(data)), torch.tensor([0.3, 0.5, 0.7], device=device, dtype=factor)
        for name, settings in (
            ("binary_cross_entropy_with_logits", {"pos_weight": column}),
            ("binary_cross_entropy_with_logits", {"weight": column[0]}),
            ("quantile_loss", {"quantile": column}),
        ):
            value, readable = (getattr(module, name)(*args, **settings) for module in (fused, functional))
            assert value.dtype == readable.dtype, (name, data, factor)
            torch.testing.assert_close(value, readable, rtol=1e-6, atol=1e-6)


def test_the_sum_is_added_up_exactly(device):
    for seed, size in enumerate([12] * 10 + [200, 3 * 2**16 + 5]):
        x = torch.rand(size, generator=torch.Generator().manual_seed(seed)).to(device) + 1000
        value = fused.l1_loss(x, torch.zeros_like(x), reduction="sum")
        truth = x.double().sum()
        assert abs(value.double() - truth) <= (2**-24 if size < 256 else 2**-23) * truth  # half a digit, or one


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [0, 1], ids=["input", "target"])
def test_nan_comes_out(name, place, device):
    x, t = draw(4, 3, device=device)
    args = [x, t, x + 1] if name == "gaussian_nll_loss" else [x, t]
    args[place] = args[place].masked_fill(torch.arange(12, device=device).view(4, 3) == 4, torch.nan)
    call = getattr(fused, name)
    (x, t) = leaves(*args[:2])
    value = call(x, t, *args[2:], sample_weight=~args[place].isnan())
    assert value.isfinite()
    assert all(g.isfinite().all() and g[1, 1] == 0 for g in torch.autograd.grad(value, (x, t)))
    refused = place == 1 and name in ("binary_cross_entropy_with_logits", "poisson_nll_loss", "sigmoid_focal_loss")
    if not refused:
        assert call(*args, reduction="none").isnan().nonzero().tolist() == [[1, 1]]
        assert call(*args).isnan()


@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "sigmoid_focal_loss"])
def test_an_infinite_logit_on_the_wrong_side(name, device):
    settings = {"alpha": None} if name == "sigmoid_focal_loss" else {}
    (x,) = leaves(torch.tensor([torch.inf, -torch.inf, 0.5], device=device))
    t = torch.tensor([0.0, 1.0, 1.0], device=device)
    value = getattr(fused, name)(x, t, reduction="none", **settings)
    assert value.tolist()[:2] == [torch.inf, torch.inf]
    (slope,) = torch.autograd.grad(value, x, torch.ones_like(value))
    assert slope.tolist()[:2] == [1.0, -1.0]


def test_a_hard_label_far_off_has_no_pull_on_the_target(device):
    # exp(-1e4 gamma) is nothing; a power that stops at the smallest float would still pull with 4000.
    (x, t) = leaves(torch.tensor([1e4], device=device), torch.tensor([1.0], device=device))
    value = fused.sigmoid_focal_loss(x, t, gamma=0.01)
    assert torch.autograd.grad(value, (x, t)) == (0, 0)


def test_integer_counts(device):
    (x,) = leaves(torch.tensor([0.5, -1.0, 2.0], device=device))
    for dtype in (torch.uint8, torch.int32, torch.int64):
        counts = torch.tensor([0, 3, 200], device=device, dtype=dtype)
        assert_same("poisson_nll_loss", x, counts, full=True, tolerance=1e-6)
