"""Every kernel compiles for a GPU, on a machine that has none: the interpreter forgives what the compiler does not."""

import importlib
import pkgutil

import pytest
import torch
from kernels import FUSED, backward, kernel, leaves_of
from subjects import cast, draw

from lossbook import fused
from lossbook.fused import _op
from lossbook.fused._triton import INTERPRETED

triton = pytest.importorskip("triton")
pytestmark = [pytest.mark.compiles, pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")]

SHARED_BYTES = 227 * 1024  # that a program may use on compute capability 9.0
MODULES = [importlib.import_module(f"lossbook.fused.{m.name}") for m in pkgutil.iter_modules(fused.__path__)]


class Hopper:
    """Stands in for the driver of a GPU of compute capability 9.0."""

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0

    def get_current_target(self):
        return triton.backends.compiler.GPUTarget("cuda", 90, 32)


@pytest.fixture
def compiled(monkeypatch):
    """Compile what would be launched; the results stay as they were allocated."""
    kernels = []

    def launch(kernel, programs, near, *arguments, **constants):
        made = kernel.warmup(*arguments, grid=(1,), **constants)
        assert made.metadata.shared <= SHARED_BYTES, (kernel, made.metadata.shared)
        kernels.append(made)

    monkeypatch.setattr(triton.runtime.driver, "_active", Hopper())
    for module in MODULES:
        for name, value in {"launch": launch, "run_kernels": lambda tensor: True}.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    return kernels


@pytest.mark.parametrize("subject", FUSED, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_every_kernel_compiles_for_a_gpu(subject, dtype, compiled):
    for case, reduction in ((subject.cases[0], "mean"), (subject.cases[-1], "none")):
        args, settings = cast(draw(case), case.settings, dtype)
        leaves, args = leaves_of(subject, args)
        value = kernel(subject)(*args, **settings, reduction=reduction)
        backward(value, leaves, torch.full_like(value, 2.0))
    assert compiled
    assert all(len(made.asm["cubin"]) > 0 for made in compiled)


def test_scaling_by_the_upstream_gradient_compiles_for_a_gpu(compiled):
    _op.times_upstream(torch.zeros(5), torch.tensor(2.0))
    assert compiled
