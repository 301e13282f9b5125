"""Chunks of the fused linear cross entropy: how many there are, what they hold and what they cost."""

import importlib
import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused

linear = importlib.import_module("lossbook.fused._linear")
operator = importlib.import_module("lossbook.fused.linear_cross_entropy")._linear_cross_entropy

TORCH_HAS_IT = torch.__version__ >= (2, 13)


def draw(rows, in_features, classes, *, dtype=torch.float32, device="cpu", bias=False):
    rng = torch.Generator().manual_seed(rows + classes)
    sizes = [(rows, in_features), (classes, in_features), *([(classes,)] if bias else [])]
    leaves = [torch.randn(size, generator=rng).to(device, dtype).requires_grad_() for size in sizes]
    return leaves, torch.randint(classes, (rows,), generator=rng).to(device)


def gradients(loss, leaves):
    return torch.autograd.grad(loss, leaves, retain_graph=True)


def call(function, leaves, target, **settings):
    input, weight, bias = (*leaves, None)[:3]
    return function(input, weight, target, linear_bias=bias, **settings)


def exact(leaves, target, **settings):
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    loss = call(functional.linear_cross_entropy, wide, target, **settings)
    return loss.detach(), gradients(loss, wide)


def error(found, truth):
    return ((found.double() - truth).norm() / truth.norm()).item()


@pytest.fixture
def rows_each(monkeypatch):
    """Set the number of rows of a chunk."""

    def set_rows(rows):
        monkeypatch.setattr(linear, "_for_gpu", lambda *sizes: (rows, False))
        monkeypatch.setattr(linear, "_for_cpu", lambda *sizes: rows)

    return set_rows


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1, "softcap": 5.0, "z_loss": 0.1, "reduction": "none"}])
def test_any_chunks_give_the_same(settings, rows_each, device):
    leaves, target = draw(13, 5, 23, dtype=torch.float64, device=device, bias=True)
    target[::7] = -100
    weight = torch.linspace(0, 2, 13, device=device)
    settings = {**settings, "sample_weight": weight}
    upstream = torch.linspace(-1, 1, 13, device=device, dtype=torch.float64)
    factor = upstream if settings.get("reduction") == "none" else 1.0
    expected = call(functional.linear_cross_entropy, leaves, target, **settings)
    truth = gradients((expected * factor).sum(), leaves)
    for rows in (1, 4, 12, 13, 20):
        rows_each(rows)
        loss = call(fused.linear_cross_entropy, leaves, target, **settings)
        torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(gradients((loss * factor).sum(), leaves), truth, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_the_error_does_not_grow_with_the_number_of_chunks(dtype, rows_each, device):
    leaves, target = draw(128, 16, 48, dtype=dtype, device=device, bias=True)
    value, truth = exact(leaves, target)
    unfused = F.cross_entropy(F.linear(*leaves), target)
    allowed = [2 * error(g, t) for g, t in zip(gradients(unfused, leaves), truth, strict=True)]
    first = None
    for rows in (128, 32, 2):
        rows_each(rows)
        loss = call(fused.linear_cross_entropy, leaves, target)
        assert abs(loss.double() - value) <= torch.finfo(dtype).eps * value
        errors = [error(found, t) for found, t in zip(gradients(loss, leaves), truth, strict=True)]
        first = first or errors
        for mine, most, alone in zip(errors, allowed, first, strict=True):
            assert mine <= min(most, 1.5 * alone)


def test_torch_loses_a_third_of_a_bfloat16_loss_where_ours_is_exact(device):
    (features, weight), target = draw(1024, 2, 64, dtype=torch.bfloat16, device=device)
    value, _ = exact([features, weight], target)
    if TORCH_HAS_IT:
        options = nn.LinearCrossEntropyOptions(batch_chunk_size=1)
        theirs = F.linear_cross_entropy(features, weight, target, options=options)
        assert abs(theirs.double() / value - 1) > 0.3  # not ours: it shows that the next line can fail
    assert abs(fused.linear_cross_entropy(features, weight, target).double() / value - 1) < 2**-8


class Record(TorchDispatchMode):
    """Record the calls of operators and the largest tensor that one made, by the memory behind it."""

    def __init__(self, *given):
        super().__init__()
        self.calls, self.largest = [], 0
        self.given = {t.untyped_storage().data_ptr() for t in given if isinstance(t, torch.Tensor)}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.calls.append((function, args))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().data_ptr() not in self.given:
                self.largest = max(self.largest, tensor.untyped_storage().nbytes())
        return result

    def of(self, *names):
        return [args for function, args in self.calls if str(function).split(".")[-2] in names]


def recorded(leaves, target, **settings):
    """Record a call of the fused loss, and what its operator does inside."""
    with Record(target, *leaves) as outside:
        call(fused.linear_cross_entropy, leaves, target, **settings)
    (arguments,) = outside.of("linear_cross_entropy")
    with torch.no_grad(), Record(*arguments) as inside:
        operator._init_fn(*arguments)
    return outside, inside


@pytest.mark.parametrize("soft", [False, True])
def test_no_tensor_of_all_logits_is_ever_made(soft, monkeypatch, device):
    monkeypatch.setattr(linear, "LEAST_BYTES", 0)
    monkeypatch.setattr(linear, "LEAST_ROWS", 1)
    monkeypatch.setattr(linear, "MOST_ROWS", 4)
    rows, classes = 16, 128
    leaves, target = draw(rows, 4, classes, device=device, bias=True)
    if soft:
        monkeypatch.setattr(importlib.import_module("lossbook._core.check"), "values_are_checked", lambda tensor: False)
        target = torch.full((rows, classes), 1 / classes, device=device)
    for wanted in (True, False):
        for leaf in leaves:
            leaf.requires_grad_(wanted)
        outside, inside = recorded(leaves, target)
        assert len(inside.of("addmm")) >= 2  # chunks
        assert outside.largest <= classes * 4 * 4
        assert inside.largest <= rows * classes * 4 // 2


@pytest.mark.parametrize("wanted", list(itertools.product((False, True), repeat=3)), ids=str)
def test_only_the_products_that_are_wanted(wanted, rows_each, device):
    leaves, target = draw(12, 3, 5, device=device, bias=True)
    _, truth = exact(leaves, target)
    for leaf, on in zip(leaves, wanted, strict=True):
        leaf.requires_grad_(on)
    rows_each(4)
    _, inside = recorded(leaves, target)
    assert len(inside.of("addmm", "mm")) == 3 * (1 + wanted[0] + wanted[1])
    if any(wanted):
        call(fused.linear_cross_entropy, leaves, target).backward()
    for leaf, on, t in zip(leaves, wanted, truth, strict=True):
        assert (leaf.grad is not None) == on
        if on:
            torch.testing.assert_close(leaf.grad.double(), t, rtol=1e-4, atol=1e-6)


def test_dropped_rows_of_nan_do_not_reach_the_map(rows_each, device):
    leaves, target = draw(9, 4, 6, dtype=torch.float64, device=device, bias=True)
    target[[1, 2]] = -100
    keep = torch.ones(9, device=device)
    keep[7] = 0
    rest = [0, 3, 4, 5, 6, 8]
    with torch.no_grad():
        leaves[0][[1, 2, 7]] = torch.nan
    _, truth = exact([leaves[0][rest], *leaves[1:]], target[rest])
    for rows in (2, 9):
        rows_each(rows)
        for return_lse in (False, True):
            loss = call(fused.linear_cross_entropy, leaves, target, sample_weight=keep, return_lse=return_lse)
            found = gradients(loss[0] if return_lse else loss, leaves)
            torch.testing.assert_close(found[1:], truth[1:])
            torch.testing.assert_close(found[0][rest], truth[0])
            assert (found[0][[1, 2, 7]] == 0).all()


def test_a_masked_class_and_ignored_rows(rows_each, device):
    (features, weight, bias), target = draw(8, 4, 6, device=device, bias=True)
    with torch.no_grad():
        bias[0] = -torch.inf
    target[:] = torch.arange(8, device=device) % 5 + 1
    target[::3] = -100
    leaves = [features, weight, bias]
    value, truth = exact(leaves, target)
    if TORCH_HAS_IT:
        options = nn.LinearCrossEntropyOptions(batch_chunk_size=4)
        assert F.linear_cross_entropy(features, weight, target, linear_bias=bias, options=options).isnan()  # torch's
    for rows in (3, 8):
        rows_each(rows)
        loss = call(fused.linear_cross_entropy, leaves, target)
        assert loss.item() == pytest.approx(value.item(), rel=1e-6)
        for found, t in zip(gradients(loss, leaves), truth, strict=True):
            assert error(found, t) < 1e-6


@pytest.mark.parametrize("out_features", [(), (2,)])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_lse_on_request_is_differentiable(out_features, reduction, rows_each, device):
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(7, 4, generator=rng, dtype=torch.float64).to(device).requires_grad_()
    weight = torch.randn(5, *out_features, 4, generator=rng, dtype=torch.float64).to(device).requires_grad_()
    target = torch.randint(5, (7, *out_features), generator=rng).to(device)
    target[2] = -100
    logits = 3 * torch.tanh(torch.einsum("bf,c...f->bc...", features, weight) / 3)
    expected = torch.logsumexp(logits, 1)
    loss = functional.linear_cross_entropy(features, weight, target, softcap=3.0, reduction=reduction)
    upstream = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64, device=device).view(expected.shape)
    truth = gradients(loss.square().sum() + (expected * upstream).sum(), [features, weight])
    alone = gradients((expected * upstream).sum(), [features, weight])
    rows_each(3)
    value, lse = fused.linear_cross_entropy(features, weight, target, softcap=3.0, reduction=reduction, return_lse=True)
    torch.testing.assert_close((value, lse), (loss, expected))
    both = value.square().sum() + (lse * upstream).sum()
    torch.testing.assert_close(gradients(both, [features, weight]), truth)
    torch.testing.assert_close(gradients((lse * upstream).sum(), [features, weight]), alone)


def test_autocast_multiplies_narrow_and_keeps_gradients_wide(device):
    (features, weight, bias), target = draw(64, 8, 24, device=device, bias=True)
    narrow = features.detach().bfloat16().requires_grad_()
    leaves = [narrow, weight, bias]
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = call(fused.linear_cross_entropy, leaves, target)
        _, inside = recorded(leaves, target)
        theirs = F.cross_entropy(F.linear(*leaves), target)
    assert {factor.dtype for _, factor, _ in inside.of("addmm")[:1]} == {torch.bfloat16}
    assert loss.dtype == torch.float32
    found, unfused = gradients(loss, leaves), gradients(theirs, leaves)
    assert [g.dtype for g in found] == [torch.bfloat16, torch.float32, torch.float32]
    _, truth = exact([t.detach().bfloat16() for t in leaves], target)
    for mine, other, t in zip(found, unfused, truth, strict=True):
        assert error(mine, t) <= 2 * error(other, t)
    assert error(found[1], truth[1]) < 4e-3  # not rounded to bfloat16 once more


def test_float16_with_weights_and_counts_beyond_its_range(device):
    leaves, target = draw(32, 8, 24, dtype=torch.float16, device=device, bias=True)
    heavy = torch.linspace(1e5, 2e5, 32, device=device)
    for settings in ({"sample_weight": heavy}, {"normalizer": 1e6}, {"sample_weight": heavy, "normalizer": 1e9}):
        loss = call(fused.linear_cross_entropy, leaves, target, **settings)
        _, truth = exact(leaves, target, **settings)
        for found, t in zip(gradients(loss.float() * 2.0**12, leaves), truth, strict=True):
            assert error(found, t * 2.0**12) < 2e-3


def test_chunks_on_a_gpu_fit_a_gigabyte_and_hide_the_sum():
    vocabulary, in_features = 128256, 4096
    row_bytes, sum_bytes = 2 * vocabulary, 4 * vocabulary * in_features
    for rows, expected in ((8192, (4096, True)), (100, (1024, True)), (10**6, (2048, False))):
        assert linear._for_gpu(rows, row_bytes, sum_bytes) == expected
    assert 4096 * row_bytes < 1.2e9
    each, narrow = linear._for_gpu(8192, row_bytes, 0)  # a frozen or a float32 weight needs no sum of its own
    assert (each, narrow) == (2048, False)
    assert linear._for_gpu(8192, 4 * 10**6, 0)[0] * 4 * 10**6 <= 1 << 30


@pytest.mark.cuda
def test_two_chunks_added_up_in_bfloat16_are_as_good(monkeypatch):
    leaves, target = draw(4096, 256, 4096, dtype=torch.bfloat16, device="cuda", bias=True)
    _, truth = exact(leaves, target)
    unfused = gradients(F.cross_entropy(F.linear(*leaves), target), leaves)
    for rows, narrow in ((2048, True), (2048, False), (512, False)):
        monkeypatch.setattr(linear, "_for_gpu", lambda *sizes, plan=(rows, narrow): plan)
        found = gradients(call(fused.linear_cross_entropy, leaves, target), leaves)
        for mine, other, t in zip(found, unfused, truth, strict=True):
            assert error(mine, t) <= 2 * error(other, t)


@pytest.mark.cuda
def test_scratch_memory_on_a_gpu():
    (features, weight), target = draw(8192, 512, 32768, dtype=torch.bfloat16, device="cuda")
    logits = 2 * 8192 * 32768
    gradients(fused.linear_cross_entropy(features, weight, target), [features, weight])  # warm up
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    found = gradients(fused.linear_cross_entropy(features, weight, target), [features, weight])
    scratch = torch.cuda.max_memory_allocated() - before - sum(g.numel() * 2 for g in found)
    assert scratch <= logits / 2 + 2**26
