"""Where kernels run: on CUDA, or on CPU tensors in Triton's interpreter when TRITON_INTERPRET=1, else nowhere.

Triton reads TRITON_INTERPRET when a kernel is defined, so it must be set before ``lossbook.fused`` is imported.

Importing Triton takes longer than importing the rest of lossbook, so where no kernel can run, none is defined; but
who imports Triton first, to compile kernels for a GPU that is elsewhere, has them.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

INTERPRETED = os.environ.get("TRITON_INTERPRET", "0") == "1"

try:
    if not (INTERPRETED or torch.cuda.device_count() or "triton" in sys.modules):
        raise ImportError("there is nothing to run a kernel on")
    import triton
    import triton.language as tl
except ImportError:  # or no Triton for this platform: the closed forms in tensor operations serve every device

    class _NoTriton:
        def jit(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
            return kernel

        def __getattr__(self, name: str) -> None:
            return None

    triton = tl = _NoTriton()

__all__ = [
    "INTERPRETED",
    "accumulator",
    "cdiv",
    "dense",
    "kernel_dtype",
    "launch",
    "power_of_2",
    "run_kernels",
    "sum_dtype",
    "tl",
    "triton",
]


def run_kernels(tensor: Tensor) -> bool:
    """Say whether the kernels take this tensor, or the closed forms in tensor operations do."""
    return triton.cdiv is not None and (tensor.is_cuda or INTERPRETED)


def launch(kernel: Any, programs: int | tuple[int, ...], near: Tensor, *arguments: Any, **constants: Any) -> None:
    """Run a kernel on the device of ``near`` and its current stream; no programs run nothing."""
    grid = (programs,) if isinstance(programs, int) else programs
    if not all(grid):
        return
    with torch.cuda.device_of(near), _quiet_interpreter():
        kernel[grid](*arguments, **constants)


def _quiet_interpreter() -> AbstractContextManager[Any]:
    return _quiet_numpy() if INTERPRETED else nullcontext()


@contextmanager
def _quiet_numpy() -> Iterator[None]:
    """In the interpreter NumPy computes, and it warns of each infinity and each row of NaN; a GPU does not."""
    import numpy as np

    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        yield


def accumulator(dtype: torch.dtype) -> torch.dtype:
    """Give the dtype in which values of ``dtype`` are computed: float32, or float64 for float64."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def sum_dtype(near: Tensor) -> torch.dtype:
    """Give the dtype in which sums over all entries are added up: float64, where the device has it."""
    return torch.float32 if near.device.type == "mps" else torch.float64


def kernel_dtype(dtype: torch.dtype) -> Any:
    """Give Triton's name of the dtype in which a kernel computes."""
    return tl.float64 if accumulator(dtype) == torch.float64 else tl.float32


def dense(*tensors: Tensor | None) -> list[Tensor | None]:
    """Lay out the small arguments of a kernel one entry after the other."""
    return [None if tensor is None else tensor.contiguous() for tensor in tensors]


def cdiv(size: int, block: int) -> int:
    """Divide and round up."""
    return -(-size // block)


def power_of_2(size: int) -> int:
    """Round a size up to a power of two."""
    return 1 << max(size - 1, 0).bit_length()
