"""Chunks of the fused linear divergence: a narrow student, a teacher that costs one product, dropped rows."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused

linear = importlib.import_module("lossbook.fused._linear")
operator = importlib.import_module("lossbook.fused.linear_kl_div")._linear_kl_div


def draw(rows, classes, device, dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    sizes = [(rows, 6), (classes, 6), (rows, 3), (classes, 3), (classes,), (classes,)]
    x, w, t, u, b, c = (torch.randn(size, generator=rng).to(device, dtype) for size in sizes)
    return [x.requires_grad_(), w.requires_grad_(), b.requires_grad_()], (t, u, c)


def call(function, student, teacher, **settings):
    input, weight, bias = student
    features, map_, target_bias = teacher
    return function(input, weight, features, map_, linear_bias=bias, target_bias=target_bias, **settings)


def gradients(loss, leaves):
    return torch.autograd.grad(loss, leaves)


@pytest.fixture
def rows_each(monkeypatch):
    """Set the number of rows of a chunk."""

    def set_rows(rows):
        monkeypatch.setattr(linear, "_for_gpu", lambda *sizes: (rows, False))
        monkeypatch.setattr(linear, "_for_cpu", lambda *sizes: rows)

    return set_rows


@pytest.mark.parametrize("settings", [{}, {"temperature": 3.0, "reduction": "none"}, {"normalizer": 7.0}])
def test_any_chunks_give_the_same_and_dropped_rows_may_be_nan(settings, rows_each, device):
    student, teacher = draw(9, 11, device)
    keep = torch.linspace(0, 2, 9, device=device)
    settings = {**settings, "sample_weight": keep}
    expected = call(functional.linear_kl_div, student, teacher, **settings)
    upstream = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64, device=device).view(expected.shape)
    truth = gradients((expected * upstream).sum(), student)
    with torch.no_grad():
        student[0][0] = teacher[0][0] = torch.nan
    for rows in (1, 4, 9, 30):
        rows_each(rows)
        loss = call(fused.linear_kl_div, student, teacher, **settings)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(gradients((loss * upstream).sum(), student), truth, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_the_error_does_not_grow_with_the_number_of_chunks(dtype, rows_each, device):
    student, teacher = draw(128, 48, device, dtype)
    wide = [t.detach().double().requires_grad_() for t in student], [t.double() for t in teacher]
    truth = gradients(call(functional.linear_kl_div, *wide), wide[0])
    log_q = F.linear(*student).log_softmax(1)
    p = F.linear(*teacher).softmax(1)
    unfused = gradients(F.kl_div(log_q, p, reduction="batchmean"), student)
    for rows in (128, 32, 4):
        rows_each(rows)
        found = gradients(call(fused.linear_kl_div, student, teacher), student)
        for mine, theirs, t in zip(found, unfused, truth, strict=True):
            assert (mine.double() - t).norm() <= 2 * (theirs.double() - t).norm()


class Products(TorchDispatchMode):
    """Count products, and keep the largest memory behind a tensor that one returned."""

    def __init__(self):
        super().__init__()
        self.count, self.largest, self.calls = 0, 0, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function.namespace == "lossbook":
            self.calls.append(args)
        if function.name() in ("aten::mm", "aten::mm.out", "aten::addmm", "aten::addmm.out"):
            self.count += 1
            self.largest = max(self.largest, result.untyped_storage().nbytes())
        return result


@pytest.mark.parametrize(("trained", "products"), [((True, True, True), 4), ((False, True, False), 3), ((), 2)])
def test_the_teacher_costs_one_product_of_a_chunk(trained, products, rows_each, device):
    student, teacher = draw(64, 96, device)
    for leaf, on in zip(student, trained or (False,) * 3, strict=True):
        leaf.requires_grad_(on)
    rows_each(8)
    with Products() as outside:
        call(fused.linear_kl_div, student, teacher)
    with torch.no_grad(), Products() as inside:
        operator._init_fn(*outside.calls[0])
    assert inside.count == 8 * products
    assert inside.largest < 64 * 96 * 8  # all logits


def test_student_and_teacher_of_different_dtypes_and_autocast(device):
    student, teacher = draw(32, 20, device, torch.float32)
    expected = call(functional.linear_kl_div, student, teacher)
    narrow = [t.detach().bfloat16().requires_grad_() for t in student]
    loss = call(fused.linear_kl_div, narrow, teacher)
    assert loss.dtype == torch.float32
    assert [g.dtype for g in gradients(loss, narrow)] == [torch.bfloat16] * 3
    torch.testing.assert_close(loss, expected, rtol=2e-2, atol=0)
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = call(fused.linear_kl_div, student, teacher)
    assert loss.dtype == torch.float32
    assert [g.dtype for g in gradients(loss, student)] == [torch.float32] * 3
    torch.testing.assert_close(loss, expected, rtol=2e-2, atol=0)


def test_a_teacher_that_asks_for_a_gradient_is_refused(device):
    student, (features, weight, bias) = draw(4, 5, device)
    with pytest.raises(ValueError, match=r"no gradient for target_weight: give target_weight\.detach\(\)"):
        call(fused.linear_kl_div, student, (features, weight.requires_grad_(), bias))
