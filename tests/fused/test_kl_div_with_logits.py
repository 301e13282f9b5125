"""What only the kernels of the divergences between softmaxes have: several blocks, -inf in whole blocks, chunks."""

import functools
import math

import pytest
import torch
import torch.nn.functional as F

from lossbook import functional, fused
from lossbook.fused import _blocks, _divergence
from lossbook.fused._triton import INTERPRETED

INF = math.inf
every_loss = pytest.mark.parametrize("name", ["kl_div_with_logits", "js_div_with_logits"])


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(_divergence, "LARGEST_BLOCK", 8)
    monkeypatch.setattr(_divergence, "tiles", functools.partial(_blocks.tiles, block=32))


def logits(*shape, device, seed=0, scale=3.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(device, dtype)


def run(function, student, teacher, upstream=None, **settings):
    student = student.detach().requires_grad_()
    value = function(student, teacher, **settings)
    (gradient,) = torch.autograd.grad(value, student, torch.ones_like(value) if upstream is None else upstream)
    return value.detach(), gradient


def same(name, student, teacher, tolerance=1e-11, **settings):
    value, gradient = run(getattr(fused, name), student, teacher, **settings)
    expected, expected_gradient = run(getattr(functional, name), student, teacher, **settings)
    torch.testing.assert_close(value, expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(gradient, expected_gradient, rtol=tolerance, atol=tolerance)
    return value, gradient


@every_loss
@pytest.mark.parametrize("classes", [1, 7, 8, 9, 17])
def test_both_sides_of_each_block_limit(name, classes, small_blocks, device):
    for rows, reduction in ((1, "mean"), (3, "none")) if classes > 1 else ((2047, "mean"), (2049, "mean")):
        student, teacher = logits(rows, classes, device=device), logits(rows, classes, device=device, seed=1)
        same(name, student, teacher, temperature=2.0, reduction=reduction)


@every_loss
def test_rows_of_several_programs_and_places(name, small_blocks, device):
    student, teacher = logits(3, 9, 5, 20, device=device), logits(3, 9, 5, 20, device=device, seed=1)  # 256 rows each
    weight = logits(3, 5, 20, device=device, seed=2).clamp_min(0)
    same(name, student, teacher, temperature=0.5, sample_weight=weight)
    mixed = student.contiguous(memory_format=torch.channels_last), teacher[..., :1].expand_as(teacher)
    same(name, *mixed, sample_weight=weight, reduction="none")


@every_loss
@pytest.mark.parametrize(
    "blocks", [[0], [1], [0, 1], [1, 2]], ids=lambda blocks: "blocks " + " and ".join(map(str, blocks))
)
def test_whole_blocks_of_minus_infinity(name, blocks, small_blocks, device):
    student, teacher = logits(4, 24, device=device), logits(4, 24, device=device, seed=1)
    for b in blocks:
        teacher[:, 8 * b : 8 * b + 8] = -INF
        student[1:3, 8 * b : 8 * b + 8] = -INF
    value, gradient = same(name, student, teacher, temperature=3.0, reduction="none")
    assert value.isfinite().all()
    assert gradient.isfinite().all()
    teacher[3] = 0.0
    student[3, 8 * blocks[0] : 8 * blocks[0] + 8] = -INF  # the student alone rules them out
    value, gradient = same(name, student, teacher, temperature=3.0, reduction="none")
    assert value[3].item() == INF if name == "kl_div_with_logits" else value[3].isfinite()
    assert gradient.isfinite().all()


@every_loss
def test_a_row_without_any_class_is_nan_and_alone(name, small_blocks, device):
    student, teacher = logits(3, 17, device=device), logits(3, 17, device=device, seed=1)
    student[0], teacher[2] = -INF, -INF
    value, gradient = run(getattr(fused, name), student, teacher, reduction="none")
    assert value.isnan().tolist() == [True, False, True]
    assert gradient.isnan().all(1).tolist() == [True, False, True]
    dropped = torch.tensor([False, True, False], device=device)
    value, gradient = run(getattr(fused, name), student, teacher, reduction="none", sample_weight=dropped)
    assert value[::2].tolist() == [0, 0]
    assert (gradient[::2] == 0).all()
    assert gradient[1].isfinite().all()


@pytest.mark.parametrize("k", [1, 2, 9])
def test_a_teacher_of_the_top_k(k, small_blocks, device):
    student, teacher = logits(6, 40, device=device), logits(6, 40, device=device, seed=1)
    top, at = teacher.topk(k)
    given = torch.full_like(teacher, -INF).scatter(1, at, top)
    log_q, log_p = torch.log_softmax(student / 2, 1), torch.log_softmax(top / 2, 1)
    value, gradient = same("kl_div_with_logits", student, given, temperature=2.0, reduction="none")
    torch.testing.assert_close(value, 4 * (log_p.exp() * (log_p - log_q.gather(1, at))).sum(1))
    torch.testing.assert_close(gradient, 2 * log_q.exp().scatter_add(1, at, -log_p.exp()))
    same("js_div_with_logits", student, given, temperature=2.0, beta=0.3, reduction="none")


@every_loss
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_an_offset_of_all_classes_leaves_no_trace(name, temperature, small_blocks, device):
    student, teacher = (
        (64 * logits(5, 33, device=device, seed=seed, scale=scale)).round().float() / 64  # so that adding 1e4 is exact
        for seed, scale in ((0, 1.0), (1, 10.0))
    )
    function = getattr(fused, name)
    expected = run(function, student, teacher, temperature=temperature)
    for student_offset, teacher_offset in ((1e4, 1e4), (1e4, -1e4), (0.0, -1e4)):
        shifted = run(function, student + student_offset, teacher + teacher_offset, temperature=temperature)
        torch.testing.assert_close(shifted, expected, rtol=0, atol=0)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 100.0])
def test_equal_logits_cost_nothing(scale, small_blocks, device):
    both = logits(4, 33, device=device, scale=scale, dtype=torch.float32)
    value, gradient = run(fused.kl_div_with_logits, both, both.clone(), temperature=3.0, reduction="none")
    assert (value == 0).all()
    assert (gradient == 0).all()
    value, gradient = run(fused.js_div_with_logits, both, both.clone(), temperature=3.0, beta=0.3, reduction="none")
    assert (value.abs() < 9 * 2e-7).all()
    assert (gradient.abs() < 3 * 2e-7).all()


def kl_unfused(student, teacher, temperature):
    log_q, log_p = F.log_softmax(student / temperature, 1), F.log_softmax(teacher / temperature, 1)
    return F.kl_div(log_q, log_p, log_target=True, reduction="batchmean") * temperature**2


def js_unfused(student, teacher, temperature):
    log_q, log_p = F.log_softmax(student / temperature, 1), F.log_softmax(teacher / temperature, 1)
    log_m = torch.logaddexp(log_q, log_p) - math.log(2)
    both = [F.kl_div(log_m, part, log_target=True, reduction="batchmean") for part in (log_p, log_q)]
    return sum(both) / 2 * temperature**2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("unfused", [kl_unfused, js_unfused])
def test_error_is_at_most_twice_that_of_torch(unfused, scale, dtype, monkeypatch, device):
    monkeypatch.setattr(_divergence, "LARGEST_BLOCK", 128)
    name = "kl_div_with_logits" if unfused is kl_unfused else "js_div_with_logits"
    granted = 1.0 if INTERPRETED and dtype == torch.bfloat16 else 0.5  # the interpreter cuts digits off
    ours, theirs, unit = torch.zeros(2), torch.zeros(2), torch.zeros(2)
    for seed in range(3):
        student, teacher = (logits(8, 500, device=device, seed=s, scale=scale, dtype=dtype) for s in (seed, seed + 9))
        truth = run(getattr(functional, name), student.double(), teacher.double(), temperature=2.0)
        for function, errors in ((getattr(fused, name), ours), (unfused, theirs)):
            found = run(function, student, teacher, temperature=2.0)
            errors += torch.tensor([(f.double() - t).norm() for f, t in zip(found, truth, strict=True)])
        unit += torch.tensor([granted * torch.finfo(dtype).eps * t.norm() for t in truth])
    assert (ours <= torch.maximum(2 * theirs, unit)).all(), (ours, theirs, unit)


@every_loss
def test_student_and_teacher_of_different_dtypes(name, device):
    student = logits(4, 9, device=device, dtype=torch.float16)
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        teacher = logits(4, 9, device=device, seed=1, dtype=dtype)
        value, gradient = run(getattr(fused, name), student, teacher, temperature=2.0)
        assert value.dtype == torch.promote_types(torch.float16, dtype)
        assert gradient.dtype == torch.float16
        truth, slope = run(getattr(functional, name), student.double(), teacher.double(), temperature=2.0)
        torch.testing.assert_close(value.double(), truth, rtol=1e-11 if dtype == torch.float64 else 1e-6, atol=0)
        torch.testing.assert_close(gradient.double(), slope, rtol=torch.finfo(torch.float16).eps, atol=1e-6)


@every_loss
def test_a_teacher_that_asks_for_a_gradient_is_refused(name, device):
    student, teacher = logits(2, 3, device=device), logits(2, 3, device=device, seed=1).requires_grad_()
    with pytest.raises(ValueError, match=r"has no gradient for target: give target\.detach\(\)"):
        getattr(fused, name)(student, teacher)


def test_chunks_of_rows_are_the_whole(small_blocks, device):
    """``kl_rows`` on chunks, with the gradient written over the student's own logits."""
    student, teacher = logits(7, 20, device=device), logits(7, 20, device=device, seed=1)
    weight = torch.tensor([1.0, 0.5, 0.0, 2.0, 1.0, 0.0, 3.0], device=device, dtype=torch.float64)
    student[2], teacher[5] = torch.nan, torch.nan  # weight 0: not looked at
    upstream = logits(7, device=device, seed=2)
    divisor = torch.tensor(4.0, device=device, dtype=torch.float64)
    value, gradient = run(
        fused.kl_div_with_logits, student, teacher, upstream / 4, temperature=2.0, sample_weight=weight,
        reduction="none",
    )  # fmt: skip
    loss, buffer = torch.full((7,), torch.nan, device=device, dtype=torch.float64), student.clone()
    for chunk in (slice(0, 3), slice(3, 6), slice(6, 7)):
        rows = buffer[chunk, :, None]
        _divergence.kl_rows(
            rows, teacher[chunk, :, None], 2.0, weight[chunk], divisor, upstream[chunk], loss[chunk], rows
        )
    torch.testing.assert_close(loss, value, rtol=1e-12, atol=0)  # the divisor goes into the gradient alone
    torch.testing.assert_close(buffer, gradient, rtol=1e-12, atol=1e-15)
    wide = torch.empty(7, 20, 1, device=device, dtype=torch.float64)
    narrow, narrow_teacher = student.bfloat16(), teacher.bfloat16()
    loss = torch.empty(7, device=device)
    _divergence.kl_rows(narrow[..., None], narrow_teacher[..., None], 2.0, weight, None, divisor, loss, wide)
    _, expected = run(
        fused.kl_div_with_logits, narrow.double(), narrow_teacher.double(), torch.full_like(value, 4.0),
        temperature=2.0, sample_weight=weight, reduction="none",
    )  # fmt: skip
    torch.testing.assert_close(wide[..., 0], expected, rtol=1e-5, atol=1e-6)
