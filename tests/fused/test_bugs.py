"""The bugs that loss kernels of other libraries had, one named test each: none of them is here."""

import importlib
import itertools

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused
from lossbook._core import check
from lossbook.fused import _op, _triton
from lossbook.fused._blocks import blocks
from lossbook.fused._triton import INTERPRETED

INF = torch.inf


def module(name):
    """A module of lossbook.fused; its function has the same name and hides it as an attribute."""
    return importlib.import_module(f"lossbook.fused.{name}")


def draw(*shape, dtype=torch.float32, seed=0, scale=1.0, device="cpu"):
    rng = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(*shape, generator=rng, dtype=torch.double)).to(device, dtype).requires_grad_()


def classes(count, rows, device, seed=1):
    return torch.randint(count, (rows,), generator=torch.Generator().manual_seed(seed)).to(device)


def truth(function, *args, wide=torch.float64, **settings):
    """Value and gradients of the readable function in float64, of the very numbers given."""
    widen = lambda a: a.detach().to(wide) if isinstance(a, torch.Tensor) and a.is_floating_point() else a  # noqa: E731
    leaves = [widen(a) for a in args]
    wanted = [leaf.requires_grad_() for leaf, a in zip(leaves, args, strict=True) if getattr(a, "requires_grad", False)]
    value = function(*leaves, **{name: widen(s) for name, s in settings.items()})
    return [value.detach(), *torch.autograd.grad(value.sum(), wanted)]


def found(function, *args, upstream=None, **settings):
    leaves = [a for a in args if isinstance(a, torch.Tensor) and a.requires_grad]
    value = function(*args, **settings)
    return [
        value.detach(),
        *torch.autograd.grad(value, leaves, torch.ones_like(value) if upstream is None else upstream),
    ]


def near(actual, expected, tolerance=2e-6):
    for a, e in zip(actual, expected, strict=True):
        finite = e[e.isfinite()]
        scale = max(1.0, finite.abs().max().item()) if finite.numel() else 1.0
        torch.testing.assert_close(a.double(), e.double(), rtol=tolerance, atol=tolerance * scale, equal_nan=True)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that a few dozen classes fill several."""
    for name in ("_cross_entropy", "_divergence"):
        monkeypatch.setattr(module(name), "LARGEST_BLOCK", 16)


@pytest.fixture
def values_unseen(monkeypatch):
    """As on CUDA, where looking at values would make the host wait."""
    monkeypatch.setattr(check, "values_are_checked", lambda tensor: False)


def test_01_a_whole_block_of_minus_infinity(small_blocks, device):
    logits = draw(4, 40, device=device)
    target = torch.tensor([39, 20, 17, 38], device=device)
    with torch.no_grad():
        logits[:, :16] = -INF  # the first block
        logits[1, 32:] = -INF  # and the last
    near(found(fused.cross_entropy, logits, target), truth(functional.cross_entropy, logits, target))
    with torch.no_grad():
        logits[:, 0] = -INF  # class 0 is what ignored rows are pointed to
    target[2] = -100
    near(found(fused.cross_entropy, logits, target), truth(functional.cross_entropy, logits, target))
    features, weight = draw(4, 8, device=device), draw(40, 8, seed=2, device=device)
    bias = torch.zeros(40, device=device)
    bias[:16] = -INF
    settings = {"linear_bias": bias}
    near(
        found(fused.linear_cross_entropy, features, weight, target, **settings),
        truth(functional.linear_cross_entropy, features, weight, target, **settings),
    )
    student, teacher = logits.detach().nan_to_num(neginf=-5).requires_grad_(), logits.detach().flip(0)
    near(found(fused.kl_div_with_logits, student, teacher), truth(functional.kl_div_with_logits, student, teacher))


def test_02_every_token_ignored(device):
    for rows in (0, 3):
        logits, target = draw(rows, 5, device=device), torch.full((rows,), -100, device=device)
        value, gradient = found(fused.cross_entropy, logits, target)
        assert value.isnan()
        assert (gradient == 0).all()
        value, gradient = found(fused.cross_entropy, logits, target, normalizer=4)
        assert value == 0
        assert (gradient == 0).all()
        features, weight = draw(rows, 4, device=device), draw(5, 4, device=device)
        value, *gradients = found(fused.linear_cross_entropy, features, weight, target)
        assert value.isnan()
        assert all((g == 0).all() for g in gradients)


def test_03_each_row_has_its_own_upstream_gradient(device):
    upstream = torch.tensor([1.0, -2.0, 0.0, 0.5], device=device)
    logits, target = draw(4, 7, device=device), classes(7, 4, device)
    _, gradient = found(fused.cross_entropy, logits, target, reduction="none", upstream=upstream)
    _, ones = truth(functional.cross_entropy, logits, target, reduction="none")
    near([gradient], [ones * upstream.double()[:, None]])
    features, weight = draw(4, 3, device=device), draw(7, 3, device=device)
    _, *gradients = found(fused.linear_cross_entropy, features, weight, target, reduction="none", upstream=upstream)
    near(gradients, truth(lambda *a, **s: functional.linear_cross_entropy(*a, **s) * upstream, features, weight, target,
                          reduction="none")[1:])  # fmt: skip


def test_04_a_scaled_loss_and_a_second_backward_pass(device):
    logits, target = draw(6, 9, device=device), classes(9, 6, device)
    expected = truth(functional.cross_entropy, logits, target)[1]
    loss = 3 * fused.cross_entropy(logits, target)
    for times in (1, 2, 3):
        loss.backward(retain_graph=True)
        near([logits.grad], [3 * times * expected])


def test_05_the_logits_are_used_elsewhere_too(device):
    logits, target = draw(6, 9, device=device), classes(9, 6, device)
    before = logits.detach().clone()
    (fused.cross_entropy(logits, target) + logits.square().sum() + logits.softmax(1)[:, 0].sum()).backward()
    assert torch.equal(logits.detach(), before)
    other = before.clone().requires_grad_()
    (F.cross_entropy(other, target) + other.square().sum() + other.softmax(1)[:, 0].sum()).backward()
    near([logits.grad], [other.grad])


def test_06_frozen_features_and_a_trained_weight(device):
    target = classes(7, 5, device)
    tensors = {"input": draw(5, 3, device=device), "weight": draw(7, 3, device=device), "bias": draw(7, device=device)}
    expected = dict(
        zip(tensors, truth(lambda x, w, b: functional.linear_cross_entropy(x, w, target, linear_bias=b),
                           *tensors.values())[1:], strict=True)
    )  # fmt: skip
    for trained in itertools.product((False, True), repeat=3):
        leaves = {name: t.detach().requires_grad_(on) for (name, t), on in zip(tensors.items(), trained, strict=True)}
        loss = fused.linear_cross_entropy(leaves["input"], leaves["weight"], target, linear_bias=leaves["bias"])
        assert loss.requires_grad == any(trained)
        if any(trained):
            loss.backward()
        for name, leaf in leaves.items():
            assert (leaf.grad is not None) == leaf.requires_grad
            if leaf.grad is not None:
                near([leaf.grad], [expected[name]])


def test_07_softcap_lifts_no_padded_class(small_blocks, device):
    for size, offset, softcap in ((100, 0.0, 1.0), (100, -60.0, 30.0), (17, -60.0, 5.0)):
        logits = (draw(3, size, device=device).detach() + offset).requires_grad_()
        target = classes(size, 3, device)
        settings = {"softcap": softcap}
        near(
            found(fused.cross_entropy, logits, target, **settings),
            truth(functional.cross_entropy, logits, target, **settings),
        )


def test_08_offsets_beyond_32_bits(device):
    step = 2**31 + 8
    far = torch.empty(step + 8, dtype=torch.bfloat16, device=device)  # its pages are never touched, save two
    rows = far.as_strided((2, 8), (step, 1))
    rows.copy_(draw(2, 8, device=device).detach())
    logits, target = rows.detach().requires_grad_(), torch.tensor([3, 5], device=device)
    near(found(fused.cross_entropy, logits, target), found(fused.cross_entropy, rows.clone().requires_grad_(), target))


@pytest.mark.cuda
def test_08_more_than_2_to_the_31_logits():
    logits = torch.randn(2**16 + 3, 2**15 + 1, device="cuda", dtype=torch.bfloat16).requires_grad_()
    target = classes(2**15, len(logits), "cuda")
    _, gradient = found(fused.cross_entropy, logits, target, reduction="sum")
    last = logits.detach()[-4:].clone().requires_grad_()
    near([gradient[-4:]], truth(functional.cross_entropy, last, target[-4:], reduction="sum")[1:], 1e-2)


@pytest.mark.parametrize("chunk", [8, 32, 2048])
def test_09_the_error_does_not_grow_with_the_number_of_chunks(chunk, device, monkeypatch):
    def chunks(linear):
        linear.start(chunk, narrow_sum=False)
        yield from blocks(len(linear.input), block=chunk)

    monkeypatch.setattr(module("linear_cross_entropy"), "chunks", chunks)
    features, weight = (
        draw(512, 16, dtype=torch.bfloat16, device=device),
        draw(64, 16, dtype=torch.bfloat16, seed=3, device=device),
    )
    target = classes(64, 512, device)
    got = found(fused.linear_cross_entropy, features, weight, target)
    expected = truth(functional.linear_cross_entropy, features, weight, target)
    assert (got[0].double() - expected[0]).abs() <= 2**-8 * expected[0]
    for mine, exact in zip(got[1:], expected[1:], strict=True):
        assert (mine.double() - exact).norm() <= 6e-3 * exact.norm()


def test_10_micro_batches_of_unequal_counts_are_one_batch(device):
    logits, target = draw(9, 7, device=device), classes(7, 9, device)
    target[[0, 4, 5, 6]] = -100
    expected = found(fused.cross_entropy, logits, target)
    parts = [slice(0, 2), slice(2, 7), slice(7, 9)]
    counted = (target != -100).sum()
    value = sum(fused.cross_entropy(logits[p], target[p], normalizer=counted) for p in parts)
    near([value.detach(), *torch.autograd.grad(value, logits)], expected)


def test_11_smoothing_weight_ignore_and_z_loss_together(small_blocks, device):
    logits, target = draw(8, 21, device=device), classes(21, 8, device)
    target[[1, 5]] = 3
    weight = torch.linspace(0, 2, 21, device=device)
    settings = {"weight": weight, "ignore_index": 3, "label_smoothing": 0.2, "z_loss": 0.1}
    got = found(fused.cross_entropy, logits, target, **settings)
    near(got, truth(functional.cross_entropy, logits, target, **settings))
    log_p, lse, w = logits.double().log_softmax(1), logits.double().logsumexp(1), weight.double()
    total = divisor = 0.0
    for n, y in enumerate(target.tolist()):
        if y != 3:
            total += -0.8 * w[y] * log_p[n, y] - 0.2 / 21 * (w * log_p[n]).sum() + 0.1 * lse[n] ** 2
            divisor += w[y]
    near([got[0]], [(total / divisor).detach()])


def test_12_a_label_out_of_range_is_nan_never_a_stray_read(values_unseen, device):
    for wrong in (7, -1, 2**40):
        logits, target = draw(3, 7, device=device), torch.tensor([0, wrong, 3], device=device)
        value, gradient = found(fused.cross_entropy, logits, target, reduction="none")
        assert value.isnan().tolist() == [False, True, False]
        assert gradient.isfinite()[[0, 2]].all()
        assert fused.cross_entropy(logits, target).isnan()
        features, weight = draw(3, 2, device=device), draw(7, 2, device=device)
        value = fused.linear_cross_entropy(features, weight, target, reduction="none")
        assert value.isnan().tolist() == [False, True, False]


def test_12_a_label_out_of_range_is_refused_on_cpu():
    with pytest.raises(ValueError, match=r"class index in 0\.\.6 or ignore_index=-100; got 7 at index \(1,\)"):
        fused.cross_entropy(draw(2, 7), torch.tensor([0, 7]))


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1}])
def test_13_a_large_common_offset_cancels(settings, device):
    logits = (draw(5, 33, device=device).detach() + 1e4).requires_grad_()
    target = classes(33, 5, device)
    near(found(fused.cross_entropy, logits, target, **settings),
         truth(functional.cross_entropy, logits, target, **settings))  # fmt: skip
    probabilities = draw(5, 33, seed=4, device=device).detach().softmax(1)
    near(found(fused.cross_entropy, logits, probabilities), truth(functional.cross_entropy, logits, probabilities))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_14_the_gradient_at_the_target_where_p_is_nearly_1(dtype, device):
    logits = torch.zeros(1, 8, dtype=dtype, device=device)
    logits[0, 2] = 6.0
    logits.requires_grad_()
    gradient = found(fused.cross_entropy, logits, torch.tensor([2], device=device))[1]
    exact = truth(functional.cross_entropy, logits, torch.tensor([2], device=device))[1]
    rounding = torch.finfo(dtype).eps * (1 if INTERPRETED else 0.5)
    assert ((gradient.double() - exact).abs() <= rounding * exact.abs() * 1.01).all()


class Waits(TorchDispatchMode):
    """Count what would make the host wait for the device: numbers taken out of tensors, shapes that depend on them."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero):
            self.seen.append(function)
        return function(*args, **(kwargs or {}))


@pytest.mark.skipif(not INTERPRETED and not torch.cuda.is_available(), reason="on the CPU nothing waits")
def test_15_no_wait_for_the_device(values_unseen, device):
    logits, target = draw(4, 7, device=device), classes(7, 4, device)
    features, weight = draw(4, 3, device=device), draw(7, 3, device=device)
    with Waits() as waits:
        (3 * fused.cross_entropy(logits, target, sample_weight=torch.ones(4, device=device))).backward()
        (3 * fused.linear_cross_entropy(features, weight, target)).backward()
        (3 * fused.huber_loss(logits, logits.detach() + 1)).backward()
        (3 * fused.kl_div_with_logits(logits, logits.detach() + 1)).backward()
        (3 * fused.clip_loss(features, features.detach())).backward()
        (3 * fused.batch_hard_triplet_loss(features, target)).backward()
    assert waits.seen == []


@pytest.mark.compiles
def test_15_no_break_in_the_graph(device):
    torch._dynamo.reset()
    logits, target = draw(4, 7, device=device), classes(7, 4, device)
    compiled = torch.compile(fused.cross_entropy, fullgraph=True, backend="aot_eager")
    near(found(compiled, logits, target), found(fused.cross_entropy, logits, target))


def test_16_mixed_precision(device):
    features, weight = draw(257, 8, device=device), draw(11, 8, seed=5, device=device)
    target = classes(11, 257, device)
    with torch.autocast(device, dtype=torch.bfloat16):
        value = fused.linear_cross_entropy(features, weight, target)
        assert value.dtype == torch.float32
        expected = functional.linear_cross_entropy(features, weight, target)
    torch.testing.assert_close(value, expected, rtol=2e-5, atol=0)
    for leaf, gradient in zip((features, weight), torch.autograd.grad(value, (features, weight)), strict=True):
        assert gradient.dtype == leaf.dtype == torch.float32
    # 257 counted entries: a bfloat16 count would be 256.
    logits = draw(257, 11, dtype=torch.bfloat16, device=device)
    value, expected = fused.cross_entropy(logits, target), truth(functional.cross_entropy, logits, target)[0]
    assert (value.double() - expected).abs() <= 2**-8 * expected
    # 300 x 300 pixels: a float16 sum would be infinite.
    mask = torch.ones(1, 1, 300, 300, dtype=torch.float16, device=device)
    logits = (2 * mask).requires_grad_()
    value, gradient = found(fused.dice_loss, logits, mask)
    near([value], [truth(functional.dice_loss, logits, mask)[0]], 2e-3)
    assert gradient.isfinite().all()


def test_17_labels_that_do_not_start_at_a_16_byte_boundary(device):
    logits, target = draw(6, 7, device=device), classes(7, 7, device)
    near(found(fused.cross_entropy, logits, target[1:]), truth(functional.cross_entropy, logits, target[1:]))


@pytest.mark.cuda
def test_17_a_stream_that_is_not_the_default():
    logits, target = draw(512, 1000, device="cuda"), classes(1000, 512, "cuda")
    expected = found(fused.cross_entropy, logits, target)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(10_000_000)
        got = found(fused.cross_entropy, logits, target)
    stream.synchronize()
    near(got, expected)


def test_18_transposed_sliced_and_expanded(device):
    base, target = draw(7, 12, device=device), classes(7, 6, device)
    for logits in (base.mT[::2], base.mT[6:], base[:, :1].mT.expand(6, 7)):
        leaf = logits.detach().requires_grad_()
        upstream = torch.ones((), device=device).expand(6)
        near(
            found(fused.cross_entropy, leaf, target, reduction="none", upstream=upstream),
            truth(functional.cross_entropy, leaf, target, reduction="none"),
        )


@pytest.mark.parametrize("name", ["kl_div_with_logits", "js_div_with_logits"])
def test_19_classes_of_probability_zero(name, small_blocks, device):
    student, teacher = draw(3, 40, device=device), draw(3, 40, seed=6, device=device).detach()
    teacher[:, 5:] = -INF  # top-5 teacher
    readable, kernel = getattr(functional, name), getattr(fused, name)
    near(found(kernel, student, teacher), truth(readable, student, teacher))
    both = student.detach().clone()
    both[:, 20:] = -INF
    both.requires_grad_()
    near(found(kernel, both, teacher), truth(readable, both, teacher))


def test_20_a_second_derivative_is_refused_not_wrong(device):
    logits, target = draw(3, 4, device=device), classes(4, 3, device)
    (gradient,) = torch.autograd.grad(fused.cross_entropy(logits, target), logits, create_graph=True)
    with pytest.raises(RuntimeError, match=r"no second derivative of cross_entropy; .* lossbook\.functional"):
        gradient.norm().backward()


def test_21_a_bias_of_realistic_size(device):
    features, weight = draw(20, 6, device=device), draw(50, 6, seed=7, device=device)
    bias, target = draw(50, seed=8, scale=5.0, device=device), classes(50, 20, device)
    call = lambda function: lambda x, w, b, y: function(x, w, y, linear_bias=b)  # noqa: E731
    got = found(call(fused.linear_cross_entropy), features, weight, bias, target)
    near(got, truth(lambda x, w, b, y: functional.cross_entropy(x @ w.mT + b, y), features, weight, bias, target))
    assert got[0] > 0


def test_22_degenerate_embeddings(device):
    zeros = torch.zeros(4, 3, device=device, requires_grad=True)
    for loss in (fused.info_nce_loss, fused.clip_loss, fused.siglip_loss):
        value, gradient = found(loss, zeros, draw(4, 3, device=device).detach())
        assert value.isfinite()
        assert gradient.isfinite().all()
    label = torch.tensor([0, 0, 1, 1], device=device)
    value, gradient = found(fused.batch_hard_triplet_loss, zeros, label, margin=0.5)
    near([value], [torch.tensor(0.5)])
    assert (gradient == 0).all()
    lonely = torch.arange(4, device=device)
    value, gradient = found(fused.batch_hard_triplet_loss, draw(4, 3, device=device), lonely, reduction="sum")
    assert value == 0
    assert (gradient == 0).all()


def test_23_focal_loss_of_a_certain_hit(device):
    logits = torch.tensor([200.0, 30.0, -200.0, 0.0], device=device, requires_grad=True)
    target = torch.tensor([1.0, 1.0, 0.0, 1.0], device=device)
    for gamma in (0.0, 0.5, 1.0, 2.0):
        got = found(fused.sigmoid_focal_loss, logits, target, gamma=gamma, reduction="none")
        expected = truth(functional.sigmoid_focal_loss, logits, target, gamma=gamma, reduction="none")
        for mine, exact in zip(got, expected, strict=True):
            assert mine.isfinite().all()
            torch.testing.assert_close(mine[1::2].double(), exact[1::2], rtol=1e-5, atol=0)  # relative: no cancelling


def test_24_ctc_targets_that_fit_no_path_repeat_or_are_empty(device):
    log_probs = draw(5, 4, 6, device=device).detach().log_softmax(-1).requires_grad_()
    labels = torch.tensor([[1, 1, 1], [2, 3, 4], [1, 2, 2], [5, 5, 5]], device=device)
    frames, lengths = torch.tensor([4, 2, 5, 5], device=device), torch.tensor([3, 3, 3, 0], device=device)
    for settings in ({"zero_infinity": True}, {"zero_infinity": False}):
        settings |= {"reduction": "none"}
        got = found(fused.ctc_loss, log_probs, labels, frames, lengths, **settings)
        assert got[1].isfinite().all()
        near(got, truth(functional.ctc_loss, log_probs, labels, frames, lengths, **settings))


@pytest.mark.parametrize("size", [1, 15, 16, 17, 31, 32, 33, 48])
@pytest.mark.parametrize("scale", [1, 10, 100])
def test_25_both_sides_of_every_block_limit(size, scale, small_blocks, device):
    for rows in (1, 127, 128, 129):
        logits, target = draw(rows, size, scale=scale, device=device), classes(size, rows, device)
        for settings in ({}, {"label_smoothing": 0.1}):
            near(
                found(fused.cross_entropy, logits, target, **settings),
                truth(functional.cross_entropy, logits, target, **settings),
            )


def test_26_without_kernels_the_gradient_is_still_recorded(device, monkeypatch):
    logits, target = draw(6, 9, device=device), classes(9, 6, device)
    expected = found(fused.cross_entropy, logits, target)
    for place in (_op, _triton, module("_cross_entropy")):
        monkeypatch.setattr(place, "run_kernels", lambda tensor: False)
    near(found(fused.cross_entropy, logits, target), expected)
