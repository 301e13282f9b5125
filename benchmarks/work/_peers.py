"""The kernels of others. Each is made for given arguments, so that all it needs is ready before the clock runs."""

import importlib
import importlib.util
from collections.abc import Callable

import torch

from work import Args, Loss

PACKAGES = {  # module and distribution
    "liger": ("liger_kernel", "liger-kernel"),
    "cce": ("cut_cross_entropy", "cut-cross-entropy"),
    "quack": ("quack", "quack-kernels"),
}


def there(peer: str, device: str) -> bool:
    if peer in PACKAGES:
        return importlib.util.find_spec(PACKAGES[peer][0]) is not None
    return device == "cuda" if peer == "cudnn" else hasattr(torch.nn, "LinearCrossEntropyOptions")  # chunked


def named(module: str, name: str) -> Callable[[Args], Loss]:
    return lambda args: getattr(importlib.import_module(module), name)


def liger(name: str) -> Callable[[Args], Loss]:
    return named("liger_kernel.transformers.functional", f"liger_{name}")
