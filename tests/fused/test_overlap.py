"""What only the fused Dice and Tversky losses have: tiles of pixels and classes, sums in parts, two passes."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused
from lossbook.fused import _overlap, _overlap_kernels
from lossbook.fused._blocks import BLOCK
from lossbook.fused._triton import run_kernels

both = pytest.mark.parametrize("name", ["dice_loss", "tversky_loss"])


@pytest.fixture
def small_tiles(monkeypatch):
    """More than one tile for a program, more than one program for a sample, more than one group of classes."""
    monkeypatch.setattr(_overlap_kernels, "TILE", 16)
    monkeypatch.setattr(_overlap_kernels, "LARGEST_CLASSES", 4)
    monkeypatch.setattr(_overlap_kernels, "PROGRAMS", 4)


def scene(batch, classes, pixels, kind, device, dtype=torch.double):
    rng = torch.Generator().manual_seed(0)
    input = 3 * torch.randn(batch, classes, pixels, generator=rng, dtype=torch.double)
    if kind != "index":
        target = torch.rand(batch, classes, pixels, generator=rng, dtype=torch.double).to(device, dtype)
        return input.to(device, dtype), target, {"activation": kind}
    target = torch.randint(-1, classes, (batch, pixels), generator=rng).to(device)
    return input.to(device, dtype), target, {"activation": "softmax", "ignore_index": -1}


def compare(name, input, target, settings, tolerance=1e-11, **options):
    """Value and gradients against the readable form; the gradients of a sum of unlike parts."""
    results = []
    for family in (functional, fused):
        leaves = [input.detach().requires_grad_()]
        if target.is_floating_point():
            leaves.append(target.detach().requires_grad_())
        value = getattr(family, name)(leaves[0], leaves[-1] if len(leaves) == 2 else target, **settings, **options)
        upstream = torch.arange(1, 1 + value.numel(), device=value.device, dtype=value.dtype).view_as(value)
        results.append([value, *torch.autograd.grad(value, leaves, upstream)])
    for actual, expected in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance * expected.abs().max().item())


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "index"])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 1, 16), (1, 3, 17), (1, 4, 33), (1, 5, 8), (2, 9, 5)], ids=str)
def test_sizes_on_both_sides_of_every_block_limit(kind, size, device):
    batch, classes, pixels = size
    least = 1 if kind == "sigmoid" else 2  # the softmax of one class is refused
    input, target, settings = scene(batch, max(classes, least), pixels, kind, device)
    compare("tversky_loss", input, target, settings, reduction="none")


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "index"])
def test_memory_in_any_order(kind, device):
    input, target, settings = scene(2, 3, 10, kind, device)
    for turned in ((0, 2, 1), (2, 1, 0)):
        back = [turned.index(d) for d in range(3)]
        view = input.permute(turned).contiguous().permute(back)
        other = target if kind == "index" else target.permute(turned).contiguous().permute(back)
        compare("dice_loss", view, other, settings)
    compare("dice_loss", input[:1].expand(2, 3, 10), target[..., :1].expand_as(target), settings)


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "index"])
def test_weight_0_removes_a_class_or_a_sample_even_where_it_is_nan(kind, device):
    input, target, settings = scene(3, 5, 9, kind, device)
    weight = torch.tensor([[1.0, 0.0, 2.0, 1.0, 0.0], [0.0] * 5, [0.5] * 5], device=device)
    input[1] = torch.nan
    if target.is_floating_point():
        target[weight == 0] = torch.nan
    else:
        target[1] = 77
    if kind == "sigmoid":
        input[weight == 0] = torch.nan
    for reduction in ("mean", "none"):
        compare("tversky_loss", input, target, settings, sample_weight=weight, reduction=reduction)


@pytest.mark.usefixtures("small_tiles")
def test_logits_of_minus_infinity_over_whole_groups_of_classes(device):
    input, target, settings = scene(1, 11, 6, "index", device)
    input[:, :4] = input[:, 8:] = -torch.inf
    compare("dice_loss", input, target, settings, reduction="none")


def test_blocks_of_full_size(device):
    """Enough pixels for several blocks, and with the settings of the package several tiles."""
    for batch, classes, pixels, kind in ((2, 1, 40_000, "sigmoid"), (1, 3, 25_000, "index"), (1, 3, 25_000, "softmax")):
        input, target, settings = scene(batch, classes, pixels, kind, device, torch.float32)
        compare("dice_loss", input, target, settings, tolerance=2e-6)


def test_many_small_samples_and_many_classes(device):
    compare("dice_loss", *scene(7, 2, 3, "sigmoid", device), reduction="none")
    compare("dice_loss", *scene(1, 300, 4, "softmax", device), reduction="none")
    compare("dice_loss", *scene(1, 300, 20, "index", device))


@both
def test_small_losses_keep_their_digits_in_float32(name, device):
    """With sum p - sum p t for the false positives, they would not."""
    input = torch.full((1, 1, 100, 100), -14.0, device=device)
    target = torch.zeros_like(input)
    input[..., :50], target[..., :50] = 1e4, 1.0
    loss = getattr(fused, name)(input, target).double()
    torch.testing.assert_close(loss, getattr(functional, name)(input.double(), target.double()), rtol=1e-6, atol=0)


def test_small_losses_of_soft_targets_keep_their_digits_too(device):
    """Here p - p t would lose them pixel by pixel, where p (1 - t) does not."""
    input = torch.linspace(1, 3, 1000, device=device)[None, None]
    target = torch.full_like(input, 1 - 2**-20)
    loss = fused.tversky_loss(input, target, alpha=1.0, beta=0.0).double()
    expected = functional.tversky_loss(input.double(), target.double(), alpha=1.0, beta=0.0)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)


@both
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sums_of_half_precision_are_float32(name, dtype, device):
    """In bfloat16 a sum stays at 256, and 90 000 pixels are more than the largest float16."""
    input = torch.full((1, 1, 300, 300), 1.0, dtype=dtype, device=device)
    target = torch.zeros_like(input)
    target[..., ::2] = 1.0
    operator = getattr(torch.ops.lossbook, name)
    settings = (False, -100, 1.0, 0.3, 0.7, 1.0, None, True, [True, False])
    loss, gradient, _ = operator(input.flatten(2), target.flatten(2), None, None, *settings)
    wide, wide_gradient, _ = operator(input.double().flatten(2), target.double().flatten(2), None, None, *settings)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), wide, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient.double(), wide_gradient, rtol=0.01, atol=1e-7)


@pytest.mark.compiles
@both
def test_an_unknown_class_is_nan_for_its_sample_where_values_are_not_checked(name, device):
    input, target, settings = scene(2, 3, 6, "index", device)
    target[1, 2] = 3

    def each(input, target):
        return getattr(fused, name)(input, target, **settings, reduction="none")

    assert torch.compile(each, backend="aot_eager")(input, target).isnan().all(1).tolist() == [False, True]
    assert torch.compile(each, backend="aot_eager")(input, target).isnan().any(1).tolist() == [False, True]


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "index"])
def test_the_same_bits_each_time(kind, device):
    input, target, settings = scene(1, 3, 40, kind, device, torch.float32)
    leaf = input.requires_grad_()
    gradients = [torch.autograd.grad(fused.dice_loss(leaf, target, **settings), leaf)[0] for _ in range(3)]
    assert all(torch.equal(gradients[0], gradient) for gradient in gradients)


class Largest(TorchDispatchMode):
    """The most entries of tensors made inside, the largest first."""

    def __init__(self):
        super().__init__()
        self.entries = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        made = [t.untyped_storage() for t in (out if isinstance(out, tuple | list) else [out]) if hasattr(t, "dtype")]
        given = {t.untyped_storage().data_ptr() for t in [*args, *(kwargs or {}).values()] if hasattr(t, "dtype")}
        self.entries += [s.nbytes() // 4 for s in made if s.data_ptr() not in given]
        return out


@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "index"])
def test_nothing_but_the_gradient_is_as_large_as_the_logits(kind, monkeypatch, device):
    input, target, _ = scene(1, 2, 200_000, kind, device, torch.float32)
    if run_kernels(input):
        pytest.skip("what kernels allocate is their output and a few sums")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)  # a mode sees its own thread
    with Largest() as largest:
        _overlap._forward(
            input, target, None, None, kind != "sigmoid", -1, 2.0, 1.0, 1.0, 1.0, None, True, [True, False]
        )
    first, second = sorted(largest.entries, reverse=True)[:2]
    assert first == input.numel()
    assert second <= BLOCK
