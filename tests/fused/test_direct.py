"""A fused loss skips its operator where only autograd looks on, and is the same; where others look, it has it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kernels import FUSED, backward, close, kernel, leaves_of, to
from subjects import draw
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from lossbook import fused
from lossbook.fused import _op
from lossbook.fused._triton import INTERPRETED

every_loss = pytest.mark.parametrize("subject", FUSED, ids=str)
reductions = pytest.mark.parametrize("reduction", ["mean", "none"])


def drawn(subject, device, case=0):
    args, settings = to(device, draw(subject.cases[case]), subject.cases[case].settings)
    leaves, args = leaves_of(subject, args)
    return leaves, args, settings


def nodes(value):
    """The names of all nodes of a graph."""
    found, left = {}, [value.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in found:
            found[node] = node.name()
            left += [before for before, _ in node.next_functions]
    return set(found.values())


def is_direct(value):
    return "DirectBackward" in nodes(value)


@pytest.fixture
def with_operator(monkeypatch):
    def switch():
        monkeypatch.setattr(_op, "_eager", lambda tensors: False)

    return switch


@every_loss
@reductions
@pytest.mark.parametrize("case", [0, -1])
def test_the_same_bits_with_and_without_the_operator(subject, case, reduction, with_operator, device):
    leaves, args, settings = drawn(subject, device, case)
    runs = []
    for direct in (True, False):
        if not direct:
            with_operator()
        value = kernel(subject)(*args, **settings, reduction=reduction)
        assert is_direct(value) == direct
        upstream = torch.linspace(0.5, 2, value.numel(), device=device, dtype=value.dtype).view(value.shape)
        runs.append([value, *backward(value, leaves, upstream, retain_graph=True), *backward(value, leaves)])
        for leaf in leaves:  # one of several: not what was foreseen
            value = kernel(subject)(*args, **settings, reduction=reduction)
            runs[-1] += backward(value, [leaf], upstream)
    close(*runs, 0.0)


class Own(torch.Tensor):
    """A tensor of a kind of its own."""


class Looks(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


@every_loss
def test_who_looks_on_sees_the_operator(subject, device):
    leaves, args, settings = drawn(subject, device)
    call = lambda *args: kernel(subject)(*args, **settings)  # noqa: E731
    with Looks():
        value = call(*args)
    assert value.requires_grad
    assert not is_direct(value)
    own = [a.as_subclass(Own) if any(a is leaf for leaf in leaves) else a for a in args]
    assert not is_direct(call(*own))
    assert is_direct(call(*[torch.nn.Parameter(a) if any(a is leaf for leaf in leaves) else a for a in args]))
    first, rest = args[0].detach(), args[1:]
    graph = make_fx(lambda x: call(x, *rest), tracing_mode="fake", _allow_non_fake_inputs=True)(first).graph
    assert any(getattr(node.target, "namespace", None) == "lossbook" for node in graph.nodes)


@every_loss
@reductions
def test_hooks_of_tensors_and_of_what_is_saved(subject, reduction, device):
    leaves, args, settings = drawn(subject, device)
    expected = backward(kernel(subject)(*args, **settings, reduction=reduction), leaves)
    packed = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t.clone(), lambda t: t):
        value = kernel(subject)(*args, **settings, reduction=reduction)
    assert packed
    value.register_hook(lambda gradient: 4 * gradient)
    leaves[0].register_hook(lambda gradient: gradient / 2)
    close(backward(value, leaves), [2 * expected[0], *(4 * e for e in expected[1:])], 1e-12)
    with torch.autograd.graph.save_on_cpu():
        value = kernel(subject)(*args, **settings, reduction=reduction)
    close(backward(value, leaves)[1:], expected[1:], 1e-12)


@every_loss
def test_checkpoints(subject, device):
    leaves, args, settings = drawn(subject, device)
    expected = backward(kernel(subject)(*args, **settings), leaves)
    value = checkpoint(lambda *args: kernel(subject)(*args, **settings), *args, use_reentrant=False)
    close(backward(value, leaves), expected, 1e-12)


@every_loss
@reductions
def test_an_argument_that_is_changed_is_noticed(subject, reduction, with_operator, device):
    """As with the operator: some losses hand over a copy of their argument, which stays as it was."""
    noticed = []
    for direct in (True, False):
        if not direct:
            with_operator()
        leaves, args, settings = drawn(subject, device)
        copies = [a.clone() if any(a is leaf for leaf in leaves) else a for a in args]
        value = kernel(subject)(*copies, **settings, reduction=reduction)
        with torch.no_grad():
            for copy, argument in zip(copies, args, strict=True):
                if copy is not argument:
                    copy.mul_(2)
        try:
            backward(value, leaves)
            noticed.append(False)
        except RuntimeError as error:
            noticed.append("modified by an inplace operation" in str(error))
    assert noticed[0] == noticed[1]
    assert noticed[0] or subject.stem == "ctc"


@every_loss
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(subject, mode, device):
    _, args, settings = drawn(subject, device)
    expected = kernel(subject)(*args, **settings)
    with mode():
        value = kernel(subject)(*args, **settings)
        mine = [a.clone() if isinstance(a, torch.Tensor) else a for a in args]  # inference tensors, in that mode
        again = kernel(subject)(*mine, **settings)
    assert not value.requires_grad
    close([value, again], [expected.detach()] * 2, 0.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a kernel can run")
@pytest.mark.parametrize("interpreted", ["0", "1"])
def test_triton_is_imported_where_a_kernel_can_run(interpreted, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", interpreted)
    code = "import sys, lossbook.fused; print('triton' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    there = interpreted == "1" and _op.triton.cdiv is not None
    assert told.split() == [str(there)]


@pytest.mark.skipif(INTERPRETED, reason="kernels have no threads")
@pytest.mark.parametrize("name", ["mse_loss", "huber_loss"])
def test_a_small_call_is_not_dispatched(name):
    """Counted, not timed: what torch runs in a call of 8 by 5 numbers, forward and backward."""
    x, t = torch.randn(8, 5, requires_grad=True), torch.randn(8, 5)
    getattr(fused, name)(x, t).backward()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        getattr(fused, name)(x, t).backward()
    ran = [event.name for event in profiler.events()]
    assert not any("lossbook" in name for name in ran)
    assert sum(name.startswith("aten::") for name in ran) <= 40


@every_loss
def test_a_device_without_float64_is_not_asked_for_it(subject, monkeypatch):
    """As on Apple's GPUs: only ``sum_dtype`` knows what a device adds up in, and float32 is enough."""
    machines = [module for module in vars(fused).values() if hasattr(module, "sum_dtype")]
    machines += [sys.modules[f"lossbook.fused.{name}"] for name in ("_elementwise", "_overlap", "_linear")]
    for machine in machines:
        monkeypatch.setattr(machine, "sum_dtype", lambda near: torch.float32)
    _, args, settings = drawn(subject, "cpu")
    single = [a.float() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args]
    expected = kernel(subject)(*args, **settings)
    settings = {n: v.float() if isinstance(v, torch.Tensor) else v for n, v in settings.items()}
    torch.testing.assert_close(kernel(subject)(*single, **settings), expected.float(), rtol=1e-4, atol=1e-5)


def test_nothing_else_asks_for_float64():
    for path in Path(fused.__file__).parent.glob("*.py"):
        assert "dtype=torch.float64" not in path.read_text(), path.name


@every_loss
def test_batched_gradients_are_refused_by_name(subject, device):
    leaves, args, settings = drawn(subject, device)
    value = kernel(subject)(*args, **settings)
    with pytest.raises(RuntimeError, match=r"has no batched gradients of \w+; .* lossbook\.functional"):
        torch.autograd.grad(value, leaves, torch.ones(3, device=device, dtype=value.dtype), is_grads_batched=True)
