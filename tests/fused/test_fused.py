"""What every fused loss promises: the readable function's meaning, and safety.

Without a GPU the closed forms for the CPU are tested; with TRITON_INTERPRET=1 the kernels are, in Triton's interpreter;
with a GPU the kernels on it.
"""

import inspect

import pytest
import torch
from compiling import Call, compiled_is_eager
from kernels import FUSED, backward, close, kernel, leaves_of, to
from oracles import flat
from subjects import cast, convert, draw, has_batch, public, take
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused
from lossbook.fused._triton import INTERPRETED

CASES = [(subject, case) for subject in FUSED for case in subject.cases]
every_loss = pytest.mark.parametrize("subject", FUSED, ids=str)
# The interpreter takes a thousand times as long as a GPU: there, each test sees two cases of each loss, and one draw.
FIRST_AND_LAST = [(s, c) for s, c in CASES if not INTERPRETED or c in (s.cases[0], s.cases[-1])]
enough_cases = pytest.mark.parametrize(("subject", "case"), FIRST_AND_LAST, ids=str)
EXTRA = {"cross_entropy": {"return_lse"}, "linear_cross_entropy": {"return_lse"}}  # what only the fused form can give


# --- meaning ---------------------------------------------------------------------------------------------------------


@every_loss
def test_signature_is_that_of_the_readable_function(subject):
    mine = dict(inspect.signature(kernel(subject)).parameters)
    extra = {name: mine.pop(name) for name in EXTRA.get(subject.function.__name__, set())}
    readable = inspect.signature(subject.function).parameters
    assert [(n, p.kind, p.default) for n, p in mine.items()] == [(n, p.kind, p.default) for n, p in readable.items()]
    assert all(p.default is False for p in extra.values())
    text = inspect.getdoc(kernel(subject))
    assert text.splitlines()[0] == inspect.getdoc(subject.function).splitlines()[0]
    assert "Fused: " in text
    assert all(f"    {name}: " in text for name in readable)
    assert "There is a gradient for " in text
    assert "from lossbook.functional import" not in text


def weightings(shape, device):
    weight = torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=torch.double).to(device) + 0.1
    yield "alone", None
    yield "floats", weight
    yield "zeros", weight > 0.5
    if len(shape) > 1:
        yield "leading", weight[(..., *[0] * (len(shape) - 1))]


@enough_cases
@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "normalized"])
def test_value_and_gradients_are_the_readable_functions(subject, case, reduction, device):
    args, settings = to(device, draw(case), case.settings)
    shape = subject.function(*args, **settings, reduction="none").shape
    settings |= {"normalizer": 7.0} if reduction == "normalized" else {"reduction": reduction}
    for _, weight in weightings(shape, device):
        leaves, args = leaves_of(subject, args)
        found = []
        for function in (subject.function, kernel(subject)):
            value = function(*args, **settings, sample_weight=weight)
            upstream = torch.randn(value.shape, generator=torch.Generator().manual_seed(3), dtype=value.dtype)
            found.append([value, *backward(value, leaves, upstream.to(device))])
        close(found[1], found[0], 1e-11)


@enough_cases
@pytest.mark.parametrize("scale", [0.1, 10.0, 100.0])
def test_every_scale(subject, case, scale, device):
    args, settings = to(device, draw(case, scale), case.settings)
    leaves, args = leaves_of(subject, args)
    expected = subject.function(*args, **settings)
    value = kernel(subject)(*args, **settings)
    close([value, *backward(value, leaves)], [expected, *backward(expected, leaves)], 1e-11)


EXTREMES = [(subject, case) for subject in FUSED for case in getattr(subject.oracle, "EXTREMES", [])]


@pytest.mark.parametrize(("subject", "case"), EXTREMES, ids=str)
def test_extremes_are_right_in_float32_with_finite_gradients(subject, case, device):
    original, original_settings = cast(draw(case), case.settings, torch.float32)
    args, settings = to(device, original, original_settings)
    leaves, args = leaves_of(subject, args)
    value = kernel(subject)(*args, **settings, reduction="none")
    expected = torch.tensor([float(e) for e in flat(subject.entries(original, original_settings))], dtype=torch.double)
    close([value.cpu().double().flatten()], [expected], 2e-6)
    for gradient in backward(value, leaves):
        assert gradient.isfinite().all(), gradient


BAD = [(subject, bad) for subject in FUSED for bad in getattr(subject.oracle, "BAD", [])]


@pytest.mark.parametrize(("subject", "bad"), BAD, ids=str)
def test_a_wrong_call_is_refused_as_by_the_readable_function(subject, bad):
    case = subject.cases[0]
    with pytest.raises(bad.error, match=bad.match):
        kernel(subject)(*bad.args(draw(case)), **{**case.settings, **bad.settings})


@pytest.mark.parametrize("name", ["cross_entropy", "linear_cross_entropy", "dice_loss", "tversky_loss"])
def test_labels_of_8_bits(name, device):
    labels = torch.tensor([[0, 4, 255, 2], [1, 1, 3, 255]], dtype=torch.uint8, device=device)
    logits = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1)).to(device)
    args, settings = (logits, labels), {"ignore_index": 255}
    if name == "linear_cross_entropy":
        args = (logits[:, 0, :3], logits[0, :, :3], labels[:, 1])
    if name in ("dice_loss", "tversky_loss"):
        settings["activation"] = "softmax"
    torch.testing.assert_close(getattr(fused, name)(*args, **settings), getattr(functional, name)(*args, **settings))


@every_loss
def test_reduction_weight_and_normalizer_are_checked(subject):
    args, settings = draw(subject.cases[0]), subject.cases[0].settings
    call = kernel(subject)
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum'"):
        call(*args, **settings, reduction="avg")
    with pytest.raises(ValueError, match="normalizer must be greater than 0; got 0"):
        call(*args, **settings, normalizer=0)
    with pytest.raises(ValueError, match="sample_weight must have the shape of the unreduced loss"):
        call(*args, **settings, sample_weight=torch.ones(99))
    with pytest.raises(TypeError, match="by position and every setting by its name"):
        call(*args, "mean")
    with pytest.raises(TypeError, match=r"must be a torch\.Tensor; got"):
        call([1.0, 2.0], *args[1:], **settings)


@enough_cases
def test_zero_weight_removes_an_entry_even_where_it_is_nan(subject, case, device):
    args, settings = to(device, draw(case, seed=7), case.settings)
    shape = subject.function(*args, **settings, reduction="none").shape
    if not shape or getattr(case, "unbatched", False):
        pytest.skip("one entry only")
    leaves, args = leaves_of(subject, args)
    with torch.no_grad():
        for a, dim in zip(args, subject.batch_dims(args), strict=True):
            if has_batch(a, dim) and a.is_floating_point():
                a.select(dim, 0).fill_(torch.nan)
    weight = torch.ones(shape[0], dtype=torch.bool, device=device)
    weight[0] = False
    value = kernel(subject)(*args, **settings, sample_weight=weight)
    rest = take(subject, [a.cpu() if isinstance(a, torch.Tensor) else a for a in args], list(range(1, shape[0])))
    _, cpu_settings = to("cpu", (), settings)
    torch.testing.assert_close(value.cpu(), subject.function(*rest, **cpu_settings))
    for gradient in backward(value, leaves):
        assert gradient.isfinite().all()


@every_loss
def test_mean_of_nothing_is_nan_and_zero_with_a_normalizer(subject, device):
    args, settings = to(device, draw(subject.cases[0]), subject.cases[0].settings)
    leaves, args = leaves_of(subject, args)
    call = kernel(subject)
    nothing = torch.zeros(call(*args, **settings, reduction="none").shape, device=device)
    value = call(*args, **settings, sample_weight=nothing)
    assert value.isnan()
    assert all((g == 0).all() for g in backward(value, leaves))
    value = call(*args, **settings, sample_weight=nothing, normalizer=torch.tensor(3.0, device=device))
    assert value == 0
    assert all((g == 0).all() for g in backward(value, leaves))
    empty = to(device, take(subject, draw(subject.cases[0]), []), {})[0]
    assert call(*empty, **settings).isnan()
    assert call(*empty, **settings, reduction="sum") == 0
    leaves, empty = leaves_of(subject, empty)
    assert [g.shape for g in backward(call(*empty, **settings, reduction="sum"), leaves)] == [x.shape for x in leaves]


# --- safety ----------------------------------------------------------------------------------------------------------


@enough_cases
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_arguments_are_left_alone_and_backward_twice_is_right(subject, case, reduction, device):
    args, settings = to(device, draw(case), case.settings)
    leaves, args = leaves_of(subject, args)
    before = [(a.detach().clone(), a._version) if isinstance(a, torch.Tensor) else (a, 0) for a in args]
    value = 3 * kernel(subject)(*args, **settings, reduction=reduction)
    first = backward(value, leaves, retain_graph=True)
    kept = [g.clone() for g in first]
    second = backward(value, leaves)
    close(second, first, 1e-12)
    close(first, kept, 0.0)
    expected = backward(3 * subject.function(*args, **settings, reduction=reduction), leaves)
    close(first, expected, 1e-11)
    for argument, (copy, version) in zip(args, before, strict=True):
        if isinstance(argument, torch.Tensor):
            assert argument._version == version
            torch.testing.assert_close(argument.detach(), copy, rtol=0, atol=0)


@every_loss
def test_accumulating_gradients_does_not_change_what_was_returned(subject, device):
    args, settings = to(device, draw(subject.cases[0]), subject.cases[0].settings)
    leaves, args = leaves_of(subject, args)
    value = kernel(subject)(*args, **settings)
    (2 * value).backward(retain_graph=True)
    value.backward()
    for leaf, g in zip(leaves, backward(subject.function(*args, **settings), leaves), strict=True):
        torch.testing.assert_close(leaf.grad, 3 * g, rtol=1e-11, atol=1e-12)


@enough_cases
def test_layout_does_not_matter(subject, case, device):
    args, settings = to(device, draw(case), case.settings)

    def every_other(a):
        return torch.stack([a, a], dim=-1)[..., 0]

    def transposed(a):
        return a.mT.contiguous().mT if a.dim() > 1 else a

    leaves, args = leaves_of(subject, args)
    for reduction in ("none", "mean"):
        expected = kernel(subject)(*args, **settings, reduction=reduction)
        gradients = backward(expected, leaves)
        for change in (every_other, transposed):
            changed = tuple(change(a) if isinstance(a, torch.Tensor) and a.dim() else a for a in args)
            value = kernel(subject)(*changed, **settings, reduction=reduction)
            upstream = torch.ones((), device=device, dtype=value.dtype).expand(value.shape)  # stride 0
            close([value, *backward(value, leaves, upstream)], [expected, *gradients], 1e-12)


@enough_cases
def test_only_the_gradients_asked_for(subject, case, device):
    args, settings = to(device, draw(case), case.settings)
    leaves, args = leaves_of(subject, args)
    expected = backward(subject.function(*args, **settings), leaves)
    for wanted in range(len(leaves)):
        for reduction in ("mean", "sum"):
            for n, leaf in enumerate(leaves):
                leaf.requires_grad_(n == wanted)
            value = kernel(subject)(*args, **settings, reduction=reduction)
            (gradient,) = backward(value, [leaves[wanted]])
            if reduction == "mean":
                close([gradient], [expected[wanted]], 1e-11)
    for leaf in leaves:
        leaf.requires_grad_(False)
    assert not kernel(subject)(*args, **settings).requires_grad


@every_loss
def test_second_derivatives_tangents_and_torch_func_are_refused(subject, device):
    args, settings = to(device, draw(subject.cases[0]), subject.cases[0].settings)
    leaves, args = leaves_of(subject, args)
    for reduction in ("mean", "none"):
        value = kernel(subject)(*args, **settings, reduction=reduction).sum()
        (gradient, *_) = torch.autograd.grad(value, leaves, create_graph=True, allow_unused=True)
        with pytest.raises(RuntimeError, match=r"no second derivative of .* lossbook\.functional"):
            gradient.square().sum().backward()
    first, rest = args[0].detach(), [a.detach() if isinstance(a, torch.Tensor) else a for a in args[1:]]
    loss = lambda x: kernel(subject)(x, *rest, **settings)  # noqa: E731
    with pytest.raises(ValueError, match=r"no forward-mode derivative, .* lossbook\.functional"):
        torch.func.jvp(loss, (first,), (first,))
    for transformed in (torch.func.grad(loss), torch.vmap(loss)):
        with pytest.raises(ValueError, match=r"not torch\.func: use lossbook\.functional"):
            transformed(first)


@every_loss
def test_a_gradient_that_there_is_not_is_refused(subject):
    args, settings = draw(subject.cases[0]), subject.cases[0].settings
    weight = torch.ones(subject.function(*args, **settings, reduction="none").shape, requires_grad=True)
    with pytest.raises(ValueError, match=r"has no gradient for sample_weight: give sample_weight\.detach\(\)"):
        kernel(subject)(*args, **settings, sample_weight=weight)
    with torch.no_grad():
        kernel(subject)(*args, **settings, sample_weight=weight)


class Operators(TorchDispatchMode):
    """Record the calls of the package's own operators."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace == "lossbook":
            self.calls.append((function, args, kwargs or {}))
        return function(*args, **(kwargs or {}))


# torch 2.14's opcheck looks at `.grad` of a clone, of any operator: autograd warns.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning:torch._subclasses")
@every_loss
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_operators_are_registered_as_torch_wants(subject, reduction, device):
    args, settings = to(device, draw(subject.cases[-1]), subject.cases[-1].settings)
    _, args = leaves_of(subject, args)
    with Operators() as recorded:
        kernel(subject)(*args, **settings, reduction=reduction)
    assert recorded.calls
    for operator, arguments, keywords in recorded.calls:
        for with_gradient in (False, True):
            fresh = [a.detach().clone() if isinstance(a, torch.Tensor) else a for a in arguments]
            fresh[0].requires_grad_(with_gradient)
            torch.library.opcheck(operator, tuple(fresh), keywords)


def compiled_is_the_fused_loss(subject, cases, reductions, backend, device):
    def calls():
        for case in cases:
            for reduction in reductions:
                args, settings = to(device, *cast(draw(case, seed=5), case.settings, torch.float32))
                leaves, args = leaves_of(subject, args)
                yield Call(f"{case}, {reduction}", args, settings | {"reduction": reduction}, leaves)

    same = lambda found, expected: close(found, expected, 1e-6)  # noqa: E731
    compiled_is_eager(kernel(subject), lambda: list(calls()), same, backend=backend, dynamic=False)


around_the_kernels = pytest.mark.skipif(INTERPRETED, reason="the code around the kernels is the same")


@pytest.mark.compiles
@every_loss
@around_the_kernels
def test_fullgraph_compile(subject, device):
    compiled_is_the_fused_loss(subject, subject.cases, ["none", "mean"], "aot_eager", device)


@pytest.mark.compiles
@every_loss
@around_the_kernels
def test_fullgraph_compile_to_machine_code(subject, device):
    compiled_is_the_fused_loss(subject, subject.cases[:1], ["mean"], "inductor", device)


# --- accuracy --------------------------------------------------------------------------------------------------------


@enough_cases
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_error_is_at_most_twice_that_of_the_unfused_path(subject, case, dtype, device):
    """Root mean squares over draws at four scales; the rounding of the result is always granted."""
    seeds = range(3)
    granted = 1.0 if INTERPRETED and dtype == torch.bfloat16 else 0.5  # the interpreter cuts digits off
    unfused = subject.function if subject.twin is None or differs(subject, case) else subject.twin
    ours, theirs, unit = [], [], []
    for scale in (0.1, 1.0, 10.0, 100.0):
        for seed in seeds:
            args, settings = to(device, *cast(draw(case, scale, seed), case.settings, dtype))
            leaves, args = leaves_of(subject, args)
            exact_args, exact_settings = cast(args, settings, torch.float64)
            exact_leaves = [convert(leaf.detach(), torch.float64).requires_grad_() for leaf in leaves]
            exact_args = tuple(
                next((e for leaf, e in zip(leaves, exact_leaves, strict=True) if leaf is a), b)
                for a, b in zip(args, exact_args, strict=True)
            )
            truth = subject.function(*exact_args, **exact_settings)
            if not truth.isfinite() or truth.abs() > torch.finfo(dtype).max / 16:
                continue
            truth = [truth, *backward(truth, exact_leaves)]
            for function, errors in ((kernel(subject), ours), (unfused, theirs)):
                value = function(*args, **settings)
                found = [value, *backward(value, leaves)]
                errors.append([rms(f.double() - t) for f, t in zip(found, truth, strict=True)])
            unit.append([granted * torch.finfo(dtype).eps * rms(t) for t in truth])
    for mine, other, rounding in zip(*(map(rms, zip(*e, strict=True)) for e in (ours, theirs, unit)), strict=True):
        assert mine <= max(2 * other, rounding)


def rms(values):
    values = values.detach() if isinstance(values, torch.Tensor) else torch.tensor(values, dtype=torch.double)
    return values.square().mean().sqrt().item() if values.numel() else 0.0


def differs(subject, case):
    return getattr(subject.oracle, "TWIN_DIFFERS", lambda case, reduction: False)(case, "mean")


@every_loss
def test_float16_gradients_live_under_a_loss_scaler(subject, device):
    args, settings = to(device, *cast(draw(subject.cases[0]), subject.cases[0].settings, torch.float16))
    leaves, args = leaves_of(subject, args)
    count = 1e7  # so that the gradient of the mean alone is nothing in float16
    gradients = backward(kernel(subject)(*args, **settings, normalizer=count).float() * 2.0**15, leaves)
    wide, wide_settings = cast(args, settings, torch.float64)
    wide_leaves, wide = leaves_of(subject, wide)
    expected = backward(subject.function(*wide, **wide_settings, normalizer=count) * 2.0**15, wide_leaves)
    for gradient, truth in zip(gradients, expected, strict=True):
        assert (gradient.double() - truth).norm() <= 2e-3 * truth.norm()


@every_loss
def test_dtypes_and_autocast(subject, device):
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        args, settings = to(device, *cast(draw(subject.cases[0]), subject.cases[0].settings, dtype))
        leaves, args = leaves_of(subject, args)
        value = kernel(subject)(*args, **settings)
        assert value.dtype == dtype
        assert {g.dtype for g in backward(value, leaves)} == {dtype}
    args, settings = to(device, *cast(draw(subject.cases[0]), subject.cases[0].settings, torch.bfloat16))
    with torch.autocast(device, dtype=torch.bfloat16):
        assert kernel(subject)(*args, **settings).dtype == torch.float32


# --- on a GPU --------------------------------------------------------------------------------------------------------


@pytest.mark.cuda
@every_loss
def test_no_wait_for_the_device_and_capture_as_a_graph(subject):
    args, settings = to("cuda", *cast(draw(subject.cases[0]), subject.cases[0].settings, torch.float32))
    leaves, args = leaves_of(subject, args)

    def step():
        value = kernel(subject)(*args, **settings)
        return [value, *backward(value, leaves)]

    expected = [e.clone() for e in step()]
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        step()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    graph.replay()
    close(captured, expected, 1e-6)


@pytest.mark.cuda
@every_loss
def test_the_same_twice_to_the_last_bit(subject):
    args, settings = to("cuda", *cast(draw(subject.cases[0]), subject.cases[0].settings, torch.float32))
    leaves, args = leaves_of(subject, args)
    runs = []
    for _ in range(2):
        value = kernel(subject)(*args, **settings)
        runs.append([value, *backward(value, leaves)])
    for first, second in zip(*runs, strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.cuda
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two devices")
@every_loss
def test_a_device_that_is_not_the_current_one(subject):
    args, settings = to("cuda:1", *cast(draw(subject.cases[0]), subject.cases[0].settings, torch.float32))
    value = kernel(subject)(*args, **settings)
    assert value.device == torch.device("cuda:1")
    torch.testing.assert_close(value, subject.function(*args, **settings))


def test_everything_fused_is_readable_too():
    assert set(public(fused)) <= set(public(functional))
