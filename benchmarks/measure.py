"""What the tables of this folder share: one step, its time, the memory it needs, and the machine."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile


def step(loss: Callable[..., Tensor], args: tuple[Any, ...]) -> None:
    """Forward and backward, from no gradient."""
    clear(args)
    loss(*args).backward()


def clear(args: tuple[Any, ...]) -> None:
    for argument in args:
        if isinstance(argument, Tensor):
            argument.grad = None


def seconds(run: Callable[[], None], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def bytes_of(args: tuple[Any, ...]) -> int:
    return sum(a.nbytes for a in args if isinstance(a, Tensor))


def peak_bytes(run: Callable[[], None], args: tuple[Any, ...]) -> int:
    """The most that the allocator holds during ``run``, above what it holds before."""
    clear(args)  # here, or the gradients of the last run were counted as given back
    gc.collect()
    device = args[0].device
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        start = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - start
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or the profiler writes of its start and end
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    held = most = 0
    moments = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    for event in sorted(moments, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def processor() -> str:
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": date.today().isoformat(),
    }
