"""Time, memory and error of every loss of lossbook.fused, forward and backward, against what else one could take.

    python benchmarks/bench_fused.py                     every kernel on the CPU, float32
    python benchmarks/bench_fused.py focal ctc           some
    python benchmarks/bench_fused.py --device cuda       on a GPU, bfloat16 (CTC float32)
    python benchmarks/bench_fused.py --save              also write benchmarks/results/fused-<device>.json, row by row

Beside the kernel stand torch eager (the natural composition where torch has no such loss), torch.compile of it, torch's
chunked linear_cross_entropy, and Liger-Kernel, Cut Cross Entropy and QuACK where they are installed; one that fails
shows its error in place of figures.

Each round times every candidate once, a copy of a large tensor, and the bare matrix products of the same shapes. The
ratios are taken within the round, and the table shows the median over the rounds. On a GPU the time is that between
two events, with none of the arguments in the cache; on the CPU they do not fit in it.

    time, memory      of the kernel over that of the candidate; memory counts the arguments, the column peak does not
    of the copy       the bytes that the formula must move, over the time, as a share of the bandwidth of the copy
    x the products    time over that of the matrix products alone
    scratch           peak memory above the start, without the gradients
    value, gradient   relative rms error against float64 on a part of the shape, over a few draws
    *                 misses its target
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import math
import platform
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from measure import bytes_of, clear, machine, peak_bytes, step
from torch import Tensor

from lossbook import functional, fused

ROUNDS, FEWEST, PATIENCE = 15, 3, 20.0  # rounds, unless they take more than so many seconds; but never fewer
SCALES = (1.0, 10.0)
DRAWS = 4  # for the errors
COPIED = {"cpu": 1 << 28, "cuda": 1 << 30}  # bytes of the tensor whose copy gives the bandwidth
Args = tuple[Any, ...]
Loss = Callable[..., Tensor]
Size = tuple[int, ...]


# --- the unfused forms of what torch lacks ---------------------------------------------------------------------------


def quantile(input: Tensor, target: Tensor) -> Tensor:
    error = target - input
    return torch.maximum(0.9 * error, (0.9 - 1) * error).mean()


def sigmoid_focal(input: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(input)
    cross_entropy = F.binary_cross_entropy_with_logits(input, target, reduction="none")
    p_target = p * target + (1 - p) * (1 - target)
    alpha = 0.25 * target + 0.75 * (1 - target)
    return (alpha * (1 - p_target) ** 2 * cross_entropy).mean()


def kl_div_with_logits(input: Tensor, target: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(input, 1), F.softmax(target, 1), reduction="batchmean")


def js_div_with_logits(input: Tensor, target: Tensor) -> Tensor:
    log_q, log_p = F.log_softmax(input, 1), F.log_softmax(target, 1)
    log_m = torch.logaddexp(log_q, log_p) - math.log(2)
    halves = (F.kl_div(log_m, log, reduction="batchmean", log_target=True) for log in (log_p, log_q))
    return sum(halves, torch.zeros((), dtype=input.dtype, device=input.device)) / 2


def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(input, linear_weight), target)


def linear_kl_div(input: Tensor, linear_weight: Tensor, target_input: Tensor, target_weight: Tensor) -> Tensor:
    return kl_div_with_logits(F.linear(input, linear_weight), F.linear(target_input, target_weight))


def info_nce(query: Tensor, key: Tensor) -> Tensor:
    return F.cross_entropy(query @ key.T / 0.1, torch.arange(len(query), device=query.device))


def clip(image: Tensor, text: Tensor) -> Tensor:
    logits = image @ text.T / 0.07
    label = torch.arange(len(image), device=image.device)
    return (F.cross_entropy(logits, label) + F.cross_entropy(logits.T, label)) / 2


def siglip(image: Tensor, text: Tensor) -> Tensor:
    logits = 10 * image @ text.T - 10
    sign = 2 * torch.eye(len(image), dtype=image.dtype, device=image.device) - 1
    return -F.logsigmoid(sign * logits).sum() / len(image)


def batch_hard_triplet(embedding: Tensor, label: Tensor) -> Tensor:
    product = embedding @ embedding.T
    square = product.diagonal()
    distance = (square[:, None] - 2 * product + square[None, :]).clamp(min=1e-12).sqrt()
    same = label[:, None] == label[None, :]
    itself = torch.eye(len(label), dtype=torch.bool, device=label.device)
    positive = distance.masked_fill(~same | itself, -torch.inf).amax(1)
    negative = distance.masked_fill(same, torch.inf).amin(1)
    return F.relu(0.2 + positive - negative).mean()


def dice(input: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(input)
    both, p_sum, t_sum = (s.flatten(2).sum(2) for s in (p * target, p, target))
    return (1 - (2 * both + 1) / (p_sum + t_sum + 1)).mean()


def tversky(input: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(input)
    both, false_positive, missed = (s.flatten(2).sum(2) for s in (p * target, p * (1 - target), (1 - p) * target))
    return (1 - (both + 1) / (both + 0.3 * false_positive + 0.7 * missed + 1)).mean()


# --- the arguments ---------------------------------------------------------------------------------------------------


def cells(scale: float, *size: int) -> Args:
    return scale * torch.randn(size), scale * torch.randn(size)


def counts(scale: float, n: int) -> Args:
    return scale * torch.randn(n), torch.randint(5, (n,)).float()


def with_variance(scale: float, n: int) -> Args:
    return *cells(scale, n), torch.rand(n) + 0.1


def shares(scale: float, n: int) -> Args:
    return scale * torch.randn(n), torch.rand(n)


def rare(scale: float, *size: int) -> Args:
    return scale * torch.randn(size), (torch.rand(size) > 0.9).float()


def labelled(scale: float, rows: int, classes: int) -> Args:
    return scale * torch.randn(rows, classes), torch.randint(classes, (rows,))


def hidden(scale: float, rows: int, features: int, classes: int) -> Args:
    """Hidden states and a weight whose logits have the deviation ``scale``."""
    return scale / math.sqrt(features) * torch.randn(rows, features), torch.randn(classes, features)


def hidden_labelled(scale: float, rows: int, features: int, classes: int) -> Args:
    return *hidden(scale, rows, features, classes), torch.randint(classes, (rows,))


def hidden_twice(scale: float, rows: int, features: int, classes: int) -> Args:
    return *hidden(scale, rows, features, classes), *hidden(scale, rows, features, classes)


def pairs(scale: float, batch: int, features: int) -> Args:
    return scale * F.normalize(torch.randn(batch, features)), F.normalize(torch.randn(batch, features))


def fours(scale: float, batch: int, features: int) -> Args:
    """Four samples of each class."""
    return scale * torch.randn(batch, features), torch.randperm(batch) // 4


def utterances(scale: float, frames: int, batch: int, symbols: int, labels: int) -> Args:
    log_probs = (scale * torch.randn(frames, batch, symbols)).log_softmax(2)
    lengths = torch.full((batch,), frames), torch.full((batch,), labels)
    return log_probs, torch.randint(1, symbols, (batch, labels)), *lengths


# --- the peers -------------------------------------------------------------------------------------------------------

# Each is made for given arguments, so that what it needs in another form is ready before the clock runs.
Peers = dict[str, Callable[[Args], Loss]]
PACKAGES = {"liger": ("liger_kernel", "liger-kernel"), "cce": ("cut_cross_entropy", "cut-cross-entropy"),
            "quack": ("quack", "quack-kernels")}  # fmt: skip


def named(module: str, name: str) -> Loss:
    return getattr(importlib.import_module(module), name)


def liger(name: str) -> Loss:
    return named("liger_kernel.transformers.functional", f"liger_{name}")


def torch_chunked(args: Args) -> Loss:
    options = torch.nn.LinearCrossEntropyOptions()
    return lambda input, weight, target: F.linear_cross_entropy(input, weight, target, options=options)


def liger_kl_div(args: Args) -> Loss:
    kl_div = liger("kl_div")
    return lambda x, t: kl_div(F.log_softmax(x, 1), F.softmax(t, 1), reduction="batchmean")


def liger_js_div(args: Args) -> Loss:
    jsd = liger("jsd")
    return lambda x, t: jsd(F.log_softmax(x, 1), F.log_softmax(t, 1))


def liger_linear_kl_div(args: Args) -> Loss:
    jsd = liger("fused_linear_jsd")
    return lambda x, w, tx, tw: jsd(x, w, tx, tw, jsd_beta=0.0)


def cudnn_ctc(args: Args) -> Loss:
    """Torch takes cuDNN when labels and lengths are int32, on the CPU, one label list after the other."""
    labels, frames, lengths = (a.cpu().int().flatten() for a in args[1:])
    if not torch._use_cudnn_ctc_loss(args[0], labels, frames, lengths, 0):
        raise NotImplementedError("cuDNN does not take this")
    return lambda log_probs, *others: F.ctc_loss(log_probs, labels, frames, lengths)


# --- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kernel:
    """A loss of lossbook.fused and its work."""

    draw: Callable[..., Args]  # scale, *size -> arguments
    eager: Loss
    sizes: dict[str, list[Size]]  # of each device
    part: Callable[..., Size]  # of a size, for the errors
    entries: Callable[..., int]  # that the formula reads or writes, each once
    products: Callable[..., list[Size]] = lambda *size: []  # rows, features, columns, how many (3: with gradients)
    gradients: tuple[int, ...] = (0,)  # arguments by position
    settings: dict[str, Any] = field(default_factory=dict)
    peers: Peers = field(default_factory=dict)
    targets: dict[str, dict[str, float]] = field(default_factory=dict)
    dtype: torch.dtype | None = None  # where it is not that of the device
    before: Callable[[Args], Args] = lambda args: args  # for the errors, done to the arguments


LIGHT = {"time/eager": 1.0, "memory/eager": 0.7}  # on the CPU


def elementwise(draw: Callable[..., Args], eager: Loss, accesses: int = 3, **more: Any) -> Kernel:
    targets = {"cpu": LIGHT, "cuda": {"of copy": 0.85, "time/eager": 1 / 1.5}}
    return Kernel(
        draw, eager, {"cpu": [(1 << 24,)], "cuda": [(1 << 28,)]},
        part=lambda n: (min(n, 1 << 18),), entries=lambda n: accesses * n, **{"targets": targets} | more,
    )  # fmt: skip


def over_classes(draw: Callable[..., Args], eager: Loss, cuda: list[Size], accesses: int, **more: Any) -> Kernel:
    return Kernel(
        draw, eager, {"cpu": [(1024, 32000), (16384, 1000)], "cuda": cuda},
        part=lambda rows, classes: (min(rows, 64), classes), entries=lambda rows, classes: accesses * rows * classes,
        **more,
    )  # fmt: skip


def linear(draw: Callable[..., Args], eager: Loss, passes: list[int], cpu: Size, **more: Any) -> Kernel:
    return Kernel(
        draw, eager, {"cpu": [cpu], "cuda": [(8192, 4096, 128256)]},
        part=lambda *size: tuple(-(-s // 4) for s in size),
        entries=lambda n, d, v: sum((2 if count == 3 else 1) * d * (n + v) for count in passes),
        products=lambda n, d, v: [(n, d, v, count) for count in passes], gradients=(0, 1), **more,
    )  # fmt: skip


def contrastive(eager: Loss, **more: Any) -> Kernel:
    return Kernel(
        pairs, eager, {"cpu": [(4096, 256)], "cuda": [(32768, 768)]}, part=lambda b, d: (-(-b // 8), d),
        entries=lambda b, d: 4 * b * d, products=lambda b, d: [(b, d, b, 3)], gradients=(0, 1), **more,
    )  # fmt: skip


def overlap(eager: Loss) -> Kernel:
    return Kernel(
        rare, eager, {"cpu": [(8, 21, 256, 256)], "cuda": [(32, 21, 512, 512)]},
        part=lambda b, c, h, w: (b, c, -(-h // 4), -(-w // 4)), entries=lambda *size: 3 * math.prod(size),
    )  # fmt: skip


KERNELS = {
    "mse_loss": elementwise(cells, F.mse_loss),
    "l1_loss": elementwise(cells, F.l1_loss),
    "huber_loss": elementwise(cells, F.huber_loss),
    "smooth_l1_loss": elementwise(cells, F.smooth_l1_loss),
    "poisson_nll_loss": elementwise(counts, F.poisson_nll_loss),
    "gaussian_nll_loss": elementwise(with_variance, F.gaussian_nll_loss, accesses=5, gradients=(0, 2)),
    "quantile_loss": elementwise(cells, quantile, settings={"quantile": 0.9}),
    "binary_cross_entropy_with_logits": elementwise(shares, F.binary_cross_entropy_with_logits),
    "sigmoid_focal_loss": elementwise(
        rare, sigmoid_focal, targets={"cpu": {"time/eager": 0.5}, "cuda": {"of copy": 0.85, "time/eager": 1 / 1.5}}
    ),
    "cross_entropy": over_classes(
        labelled, F.cross_entropy, [(8192, 128256), (16384, 32000), (4096, 151936)], accesses=2,
        peers={"liger": lambda args: liger("cross_entropy"),
               "quack": lambda args: named("quack.cross_entropy", "cross_entropy")},
        targets={"cpu": LIGHT, "cuda": {"of copy": 0.8, "time/compile": 1 / 1.3, "time/liger": 1.0}},
    ),
    "kl_div_with_logits": over_classes(
        cells, kl_div_with_logits, [(8192, 128256)], accesses=3, peers={"liger": liger_kl_div},
        targets={"cpu": LIGHT, "cuda": {"of copy": 0.8}},
    ),
    "js_div_with_logits": over_classes(
        cells, js_div_with_logits, [(8192, 128256)], accesses=3, peers={"liger": liger_js_div}
    ),
    "linear_cross_entropy": linear(
        hidden_labelled, linear_cross_entropy, [3], cpu=(4096, 512, 32000),
        peers={"chunked": torch_chunked, "liger": lambda args: liger("fused_linear_cross_entropy"),
               "cce": lambda args: named("cut_cross_entropy", "linear_cross_entropy"),
               "quack": lambda args: named("quack.linear_cross_entropy", "chunked_linear_cross_entropy")},
        targets={"cpu": {"time/chunked": 1.0, "memory/chunked": 1.0}, "cuda": {"x products": 1.15, "scratch": 1.2e9}},
    ),
    "linear_kl_div": linear(
        hidden_twice, linear_kl_div, [3, 1], cpu=(2048, 512, 16000), peers={"liger": liger_linear_kl_div}
    ),
    "info_nce_loss": contrastive(info_nce),
    "clip_loss": contrastive(
        clip, targets={"cuda": {"x products": 1.4, "scratch": 4 * 4 * 32768 * 768}}  # four such features in float32
    ),
    "siglip_loss": contrastive(siglip),
    "batch_hard_triplet_loss": Kernel(
        fours, batch_hard_triplet, {"cpu": [(4096, 128)], "cuda": [(8192, 512)]}, part=lambda b, d: (-(-b // 4), d),
        entries=lambda b, d: 2 * b * d, products=lambda b, d: [(b, d, b, 1)],
        targets={"cuda": {"time/eager": 1.0, "memory/eager": 1.0}},
    ),
    "dice_loss": overlap(dice),
    "tversky_loss": overlap(tversky),
    "ctc_loss": Kernel(
        utterances, F.ctc_loss, {"cpu": [(200, 32, 32, 50)], "cuda": [(1000, 64, 32, 200)]},
        part=lambda t, n, c, s: (-(-t // 4), -(-n // 4), c, -(-s // 4)), entries=lambda t, n, c, s: 2 * t * n * c,
        peers={"cudnn": cudnn_ctc}, targets={"cuda": {"time/eager": 0.5, "repeatable": 1.0}}, dtype=torch.float32,
        # Torch's gradient is right only behind a log_softmax, which changes nothing where the arguments are one.
        before=lambda args: (F.log_softmax(args[0], 2), *args[1:]),
    ),
}  # fmt: skip
AT_LEAST = ("of copy", "repeatable")  # the other figures are to be at most their target


# --- measuring -------------------------------------------------------------------------------------------------------


class Clock:
    """Seconds that a run takes, and a copy to compare them with.

    On a GPU the time is that between two events. Before it the GPU reads a large tensor a few times: that leaves none
    of the arguments in its cache, and nothing there to be written back, and the host is well ahead when the run begins.
    """

    def __init__(self, device: str):
        self.cuda = device == "cuda"
        self.source = torch.randint(1 << 62, (COPIED[device] // 8,), device=device)
        self.destination = torch.empty_like(self.source)
        self.copied = 2 * self.source.nbytes

    def copy(self) -> None:
        self.destination.copy_(self.source)

    def __call__(self, run: Callable[..., Any], *args: Any) -> float:
        if not self.cuda:
            start = time.perf_counter()
            run(*args)
            return time.perf_counter() - start
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        for _ in range(4):
            self.source.sum()
        before.record()
        run(*args)
        after.record()
        torch.cuda.synchronize()
        return before.elapsed_time(after) / 1000


@dataclass
class Candidate:
    """One way to compute a loss, and what was measured of it; or the error that it ended with."""

    build: Callable[[Args], Loss]
    args: Args = ()
    loss: Loss | None = None
    figures: dict[str, Any] = field(default_factory=dict)

    def attempt(self, run: Callable[..., Any], *args: Any) -> Any:
        """Run, unless it failed before; an error takes the place of all figures."""
        if "error" in self.figures:
            return None
        try:
            return run(*args)
        except Exception as error:  # whatever a peer raises
            self.figures = {"error": type(error).__name__}
            clear(self.args)
            return None

    def get_ready(self, args: Args) -> None:
        self.loss = self.build(args)
        step(self.loss, self.args)

    def refresh(self, args: Args) -> None:
        """Give it its arguments again: some peers write the gradient over them."""
        clear(self.args)
        if self.args is not args:
            with torch.no_grad():
                for theirs, original in zip(self.args, args, strict=True):
                    theirs.copy_(original)

    def run(self) -> None:
        self.loss(*self.args).backward()

    def measure_memory(self, gradients: tuple[int, ...]) -> None:
        peak = peak_bytes(self.run, self.args)
        self.figures |= {"peak_bytes": peak, "gradient_bytes": sum(self.args[p].grad.nbytes for p in gradients)}

    def repeats(self, gradients: tuple[int, ...]) -> bool:
        """Whether two runs give the same gradients, bit by bit."""
        runs = []
        for _ in range(2):
            step(self.loss, self.args)
            runs.append([self.args[p].grad for p in gradients])
        return all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def there(peer: str, device: str) -> bool:
    if peer in PACKAGES:
        return importlib.util.find_spec(PACKAGES[peer][0]) is not None
    return device == "cuda" if peer == "cudnn" else hasattr(torch.nn, "LinearCrossEntropyOptions")


def candidates(name: str, device: str) -> dict[str, Candidate]:
    kernel = KERNELS[name]

    def ours(args: Args) -> Loss:
        loss = getattr(fused, name)
        return lambda *args: loss(*args, **kernel.settings)

    compiled = torch.compile(kernel.eager, dynamic=False)
    builds = {"fused": ours, "eager": lambda args: kernel.eager, "compile": lambda args: compiled}
    builds |= {peer: build for peer, build in kernel.peers.items() if there(peer, device)}
    return {name: Candidate(build) for name, build in builds.items()}


def drawn(kernel: Kernel, size: Size, scale: float, device: str, dtype: torch.dtype, seed: int) -> Args:
    """Arguments drawn in float32 and rounded to the dtype; those that take a gradient require it."""
    torch.manual_seed(seed)
    with torch.device(device):
        args = kernel.draw(scale, *size)
    args = tuple(a.to(dtype) if a.is_floating_point() else a for a in args)
    for position in kernel.gradients:
        args[position].requires_grad_()
    return args


def copies(args: Args, dtype: torch.dtype | None = None) -> Args:
    return tuple(
        a.detach().to(dtype if a.is_floating_point() else None, copy=True).requires_grad_(a.requires_grad) for a in args
    )


def matrix_products(shapes: list[Size], device: str, dtype: torch.dtype) -> Callable[[], None]:
    """Logits from features, and where there are three, the gradients of both factors."""
    work = []
    for rows, features, columns, count in shapes:
        x = torch.randn(rows, features, device=device).to(dtype)
        w = torch.randn(columns, features, device=device).to(dtype)
        logits = torch.empty(rows, columns, device=device, dtype=dtype)
        every = [(x, w.T, logits), (logits, w, torch.empty_like(x)), (logits.T, x, torch.empty_like(w))]
        work += every[:count]

    def run() -> None:
        for a, b, out in work:
            torch.mm(a, b, out=out)

    run()
    return run


def measure_errors(
    name: str, size: Size, scale: float, device: str, dtype: torch.dtype, everyone: dict[str, Candidate]
) -> None:
    """Relative errors of value and gradients against the readable function in float64, rms over the draws."""
    kernel = KERNELS[name]
    found: dict[str, list[list[float]]] = {candidate: [] for candidate in everyone if candidate != "compile"}
    for seed in range(DRAWS):
        args = drawn(kernel, kernel.part(*size), scale, device, dtype, seed)
        exact = copies(args, torch.float64)
        value = getattr(functional, name)(*kernel.before(exact), **kernel.settings)
        value.backward()
        expected = [value.detach(), *(exact[p].grad for p in kernel.gradients)]
        for candidate, each in found.items():
            each.append(everyone[candidate].attempt(deviations, everyone[candidate], args, kernel, expected))
    for candidate, each in found.items():
        if "error" not in everyone[candidate].figures:
            value_error, gradient_error = (
                math.sqrt(statistics.fmean(e * e for e in c)) for c in zip(*each, strict=True)
            )
            everyone[candidate].figures |= {"value_error": value_error, "gradient_error": gradient_error}


def deviations(one: Candidate, args: Args, kernel: Kernel, expected: list[Tensor]) -> list[float]:
    """The relative error of the value, and the largest of the gradients'."""
    mine = copies(args)
    value = one.build(args)(*kernel.before(mine))
    value.backward()
    actual = [value.detach(), *(mine[p].grad for p in kernel.gradients)]
    off = [((a.double() - e).norm() / e.norm()).item() for a, e in zip(actual, expected, strict=True)]
    return [off[0], max(off[1:])]


def measure(
    name: str, size: Size, scale: float, device: str, clock: Clock, rounds: int, everyone: dict[str, Candidate]
) -> dict[str, Any]:
    """Measure one row."""
    kernel = KERNELS[name]
    dtype = kernel.dtype or (torch.bfloat16 if device == "cuda" else torch.float32)
    args = drawn(kernel, size, scale, device, dtype, seed=0)
    shapes = kernel.products(*size)
    floors = {"copy": clock.copy} | ({"products": matrix_products(shapes, device, dtype)} if shapes else {})
    for peer, one in everyone.items():
        one.figures, one.args = {}, copies(args) if peer in PACKAGES else args
        one.attempt(one.get_ready, args)
        one.refresh(args)
        one.attempt(one.measure_memory, kernel.gradients)
        clear(one.args)

    started, times = time.perf_counter(), []
    while len(times) < rounds and (len(times) < FEWEST or time.perf_counter() - started < PATIENCE):
        this = {floor: clock(run) for floor, run in floors.items()}
        for candidate, one in everyone.items():
            one.refresh(args)
            this[candidate] = one.attempt(clock, one.run)
            clear(one.args)
        times.append(this)
    del floors
    same = everyone["fused"].attempt(everyone["fused"].repeats, kernel.gradients)
    clear(args)
    measure_errors(name, size, scale, device, dtype, everyone)
    for candidate, one in everyone.items():
        if "error" not in one.figures:
            one.figures["ms"] = statistics.median(1000 * t[candidate] for t in times)
        one.args = ()

    row = {
        "kernel": name,
        "shape": "x".join(map(str, size)),
        "dtype": str(dtype).removeprefix("torch."),
        "scale": scale,
        "rounds": len(times),
        "argument_bytes": bytes_of(args),
        "counted_bytes": kernel.entries(*size) * args[0].element_size(),
        "counted_flops": sum(2 * math.prod(shape) for shape in shapes),
        "copy_bytes_per_second": statistics.median(clock.copied / t["copy"] for t in times),
        "products_ms": statistics.median(1000 * t["products"] for t in times) if shapes else None,
        "candidates": {candidate: one.figures for candidate, one in everyone.items()},
    }
    return row | judged(row, times, clock.copied, same, kernel.targets.get(device, {}))


def judged(
    row: dict[str, Any], times: list[dict[str, float]], copied: int, same: bool, targets: dict[str, float]
) -> dict[str, Any]:
    """The figures that have targets, and which miss theirs."""
    measured = {name: one for name, one in row["candidates"].items() if "error" not in one}
    ours = measured.pop("fused", None)
    figures: dict[str, float] = {}
    if ours:
        figures["of copy"] = statistics.median(row["counted_bytes"] / t["fused"] / (copied / t["copy"]) for t in times)
        figures["scratch"] = ours["peak_bytes"] - ours["gradient_bytes"]
        figures["repeatable"] = float(same)
        if "products" in times[0]:
            figures["x products"] = statistics.median(t["fused"] / t["products"] for t in times)
        for name, one in measured.items():
            figures[f"time/{name}"] = statistics.median(t["fused"] / t[name] for t in times)
            mine, theirs = (row["argument_bytes"] + o["peak_bytes"] for o in (ours, one))
            figures[f"memory/{name}"] = mine / theirs
    missed = [k for k, v in figures.items() if k in targets and (v < targets[k] if k in AT_LEAST else v > targets[k])]
    return {"figures": figures, "targets": targets, "missed": missed}


# --- the page --------------------------------------------------------------------------------------------------------


def bytes_shown(count: float) -> str:
    unit = max(0, min(4, int(math.log10(max(count, 1)) / 3)))
    return f"{count / 1000**unit:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[unit]}"


def page(row: dict[str, Any]) -> list[str]:
    """The lines of one row: the limits first, then a line for each candidate."""
    figures, missed = row["figures"], row["missed"]

    def shown(key: str) -> str:
        return f"{figures[key]:.2f}{'*' if key in missed else ' '}" if key in figures else "- "

    if row["products_ms"] is None:
        limits = [f"{shown('of copy')}of the copy's {bytes_shown(row['copy_bytes_per_second'])}/s, "
                  f"{bytes_shown(row['counted_bytes'])} to move"]  # fmt: skip
    else:
        rate = row["counted_flops"] / row["products_ms"] / 1e9
        limits = [f"{shown('x products')}x the products' {row['products_ms']:.3g} ms, {rate:.3g} TFLOP/s"]
    if "scratch" in figures:
        limits += [f"scratch {bytes_shown(figures['scratch'])}{'*' if 'scratch' in missed else ''}"]
    if figures.get("repeatable") == 0:
        limits += ["two runs differ" + ("*" if "repeatable" in missed else "")]
    lines = ["    " + "; ".join(limits)]
    for name, one in row["candidates"].items():
        if "error" in one:
            lines.append(f"    {name:10} {one['error']}")
            continue
        error = "".join(f" {one[k]:10.1e}" if k in one else f" {'-':>10}" for k in ("value_error", "gradient_error"))
        ratios = ("", "") if name == "fused" else (shown(f"time/{name}"), shown(f"memory/{name}"))
        memory = bytes_shown(one["peak_bytes"])
        lines.append(f"    {name:10} {one['ms']:10.3f} ms {ratios[0]:>7} {memory:>10} {ratios[1]:>7}{error}")
    return lines


def closing(rows: list[dict[str, Any]]) -> list[str]:
    """What failed, what misses its target, and which targets nothing was measured for."""
    lines = []
    for row in rows:
        where = f"{row['kernel']} {row['shape']} scale {row['scale']:g}:"
        fused_error = row["candidates"]["fused"].get("error")
        if fused_error:
            lines.append(f"{where} failed, {fused_error}")
            continue
        for key, target in row["targets"].items():
            figure = row["figures"].get(key)
            wanted = f"to be {'at least' if key in AT_LEAST else 'at most'} {target:.3g}"
            if figure is None:
                lines.append(f"{where} {key} {wanted}: not measured")
            elif key in row["missed"]:
                lines.append(f"{where} {key} {figure:.3g}, {wanted}{least_memory(row, key)}")
    return lines or ["no target missed"]


def least_memory(row: dict[str, Any], key: str) -> str:
    """What the ratio of memory is when there is nothing but the arguments and the gradients."""
    kind, _, other = key.partition("/")
    if kind != "memory":
        return ""
    least = row["argument_bytes"] + row["candidates"]["fused"]["gradient_bytes"]
    theirs = row["argument_bytes"] + row["candidates"][other]["peak_bytes"]
    return f" (arguments and gradients alone: {least / theirs:.3g})"


def here(device: str) -> dict[str, Any]:
    """The machine, and the version of everything that is measured."""
    versions: dict[str, Any] = {}
    for package in ("triton", *(distribution for _, distribution in PACKAGES.values())):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    gpu = {"device": torch.cuda.get_device_name(0), "cuda": torch.version.cuda} if device == "cuda" else {}
    return gpu | machine() | versions


def save(folder: Path, place: dict[str, Any], rows: list[dict[str, Any]]) -> Path:
    """Write the rows; those of an earlier run on the same machine, day and versions stay, unless measured anew."""
    slug = place["device"].lower() if "device" in place else f"{platform.machine()}-{place['cores']}cores"
    path = folder / f"fused-{re.sub('[^a-z0-9_]+', '-', slug)}.json"
    kept = []
    if path.is_file():
        old = json.loads(path.read_text(encoding="utf-8"))
        new = [identity(row) for row in rows]
        kept = [row for row in old["rows"] if old["machine"] == place and identity(row) not in new]
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": place, "rows": kept + rows}, indent=1) + "\n", encoding="utf-8")
    return path


def identity(row: dict[str, Any]) -> list[Any]:
    return [row[key] for key in ("kernel", "shape", "dtype", "scale")]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kernels", nargs="*", help="names or parts of names; all unless given")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"at most so many (default: {ROUNDS})")
    parser.add_argument("--save", action="store_true", help="write the figures under benchmarks/results/")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "results", help="or under this folder")
    options = parser.parse_args()
    names = [n for n in KERNELS if not options.kernels or any(part in n for part in options.kernels)]
    if not names:
        parser.error(f"no kernel is called {' or '.join(options.kernels)}; there are {', '.join(KERNELS)}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device")
    warnings.filterwarnings("ignore", category=FutureWarning)  # torch.compile's, of torch itself
    place = here(options.device)
    print(", ".join(f"{key} {value}" for key, value in place.items() if value is not None))
    print("forward and backward; time and memory are the kernel's over the candidate's; * misses its target")
    print(
        f"    {'candidate':10} {'median':>13} {'time':>6}  {'peak':>10} {'memory':>6}  {'value':>10} {'gradient':>10}"
    )
    clock, rows = Clock(options.device), []
    for name in names:
        for size in KERNELS[name].sizes[options.device]:
            torch._dynamo.reset()
            everyone = candidates(name, options.device)  # compiled once for both scales
            for scale in SCALES:
                print(f"{name} {'x'.join(map(str, size))}, scale {scale:g}", flush=True)
                rows.append(measure(name, size, scale, options.device, clock, options.rounds, everyone))
                print("\n".join(page(rows[-1])), flush=True)
                if options.save:
                    path = save(options.folder, place, rows)
    print("\n".join(["", *closing(rows)]))
    if options.save:
        print(f"saved {path}")
    return int(any("error" in row["candidates"]["fused"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
