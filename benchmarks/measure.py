"""One row of the table: a form of a loss at one size beside its rivals. What the figures mean is said in bench.py."""

from __future__ import annotations

import gc
import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from work import FEW, Args, Loss, Size, Targets, Work
from work._peers import PACKAGES, there

from lossbook import functional, fused

FORMS = {"readable": functional, "fused": fused}
OURS = {"readable": ("readable", "compiled"), "fused": ("fused",)}  # of the candidates; the others are the rivals
AT_LEAST = ("of copy", "repeatable")  # the other figures are to be at most their target
SCALES = {"readable": (1.0,), "fused": (1.0, 10.0)}
ROUNDS, FEWEST, PATIENCE = 15, 3, 20.0  # rounds, unless they take more than so many seconds; but never fewer
ENOUGH = 0.02  # seconds that a timing on the CPU takes at least
DRAWS = 4  # for the errors
COPIED = {"cpu": 1 << 28, "cuda": 1 << 30}  # bytes of the tensor whose copy gives the bandwidth


def clear(args: Args) -> None:
    for argument in args:
        argument.grad = None


def bytes_of(args: Args) -> int:
    return sum(argument.nbytes for argument in args)


def peak_bytes(run: Callable[[], None], args: Args) -> int:
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

    def __call__(self, run: Callable[[], Any]) -> float:
        if not self.cuda:
            start = time.perf_counter()
            run()
            return time.perf_counter() - start
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        for _ in range(4):
            self.source.sum()
        before.record()
        run()
        after.record()
        torch.cuda.synchronize()
        return before.elapsed_time(after) / 1000


@dataclass
class Candidate:
    """One way to compute a loss, and what was measured of it; or the error that it ended with."""

    build: Callable[[Args], Loss]
    original: Args = ()
    args: Args = ()  # the same, or a copy
    loss: Loss | None = None
    repeats: int = 1  # of the step, in one timing
    figures: dict[str, Any] = field(default_factory=dict)

    def attempt(self, run: Callable[..., Any], *more: Any) -> Any:
        """Run, unless it failed before; an error takes the place of all figures.

        Before it, a copy of the arguments is made good again: some peers write the gradient over them.
        """
        if "error" in self.figures:
            return None
        try:
            if self.args is not self.original:
                with torch.no_grad():
                    for theirs, original in zip(self.args, self.original, strict=True):
                        theirs.copy_(original)
            return run(*more)
        except Exception as error:  # whatever a peer raises
            self.figures = {"error": type(error).__name__}
            return None
        finally:
            clear(self.args)

    def get_ready(self) -> None:
        self.loss = self.build(self.args)
        self.run()

    def run(self) -> None:
        for _ in range(self.repeats):
            clear(self.args)
            self.loss(*self.args).backward()

    def measure_memory(self, gradients: tuple[int, ...]) -> None:
        peak = peak_bytes(self.run, self.args)
        self.figures |= {"peak_bytes": peak, "gradient_bytes": sum(self.args[p].grad.nbytes for p in gradients)}

    def measure_time(self, clock: Clock) -> float:
        return clock(self.run) / self.repeats

    def choose_repeats(self, clock: Clock) -> None:
        """As many as take long enough; one where a second found its arguments in a GPU's cache, or written over."""
        if not clock.cuda and self.args is self.original:
            self.repeats = max(1, round(ENOUGH / self.measure_time(clock)))

    def same_twice(self, gradients: tuple[int, ...]) -> bool:
        """Whether two runs give the same gradients, bit by bit."""
        runs = []
        for _ in range(2):
            self.run()
            runs.append([self.args[p].grad for p in gradients])
        return all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


@dataclass(frozen=True)
class Job:
    """What is measured: a form of a loss, at one size, on a device."""

    name: str  # of the function
    work: Work
    form: str
    device: str
    size: Size
    scale: float = 1.0
    few: bool = False  # entries: a row about the call

    @property
    def dtype(self) -> torch.dtype:
        return self.work.dtype or (torch.bfloat16 if self.device == "cuda" else torch.float32)

    @property
    def head(self) -> dict[str, Any]:
        """What names the row."""
        shape, dtype = "x".join(map(str, self.size)), str(self.dtype).removeprefix("torch.")
        return {"loss": self.name, "form": self.form, "shape": shape, "dtype": dtype, "scale": self.scale}

    def ours(self, namespace: Any) -> Loss:
        loss = getattr(namespace, self.name)
        return lambda *args: loss(*args, **self.work.settings)

    def candidates(self) -> dict[str, Candidate]:
        """Ours first."""
        ours, eager = self.ours(FORMS[self.form]), self.work.eager
        if self.few:
            return {self.form: Candidate(lambda args: ours), "eager": Candidate(lambda args: eager)}
        losses, peers = {self.form: ours, "eager": eager}, {}
        if self.form == "readable":
            losses = {"readable": ours, "compiled": torch.compile(ours, fullgraph=True, dynamic=False), "eager": eager}
        else:
            losses["compile"] = torch.compile(eager, dynamic=False)
            peers = {peer: build for peer, build in self.work.peers.items() if there(peer, self.device)}
        builds = {name: (lambda args, loss=loss: loss) for name, loss in losses.items()} | peers
        return {name: Candidate(build) for name, build in builds.items()}

    @property
    def targets(self) -> Targets:
        return FEW[self.form] if self.few else self.work.targets(self.form, self.device)

    def draw(self, size: Size, seed: int = 0, dtype: torch.dtype | None = None) -> Args:
        """Arguments drawn in float32 and rounded to the dtype; those that take a gradient require it."""
        torch.manual_seed(seed)
        with torch.device(self.device):
            args = self.work.draw(self.scale, *size)
        args = tuple(a.to(dtype or self.dtype) if a.is_floating_point() else a for a in args)
        for position in self.work.gradients:
            args[position].requires_grad_()
        return args


def copies(args: Args, dtype: torch.dtype | None = None) -> Args:
    return tuple(
        a.detach().to(dtype if a.is_floating_point() else None, copy=True).requires_grad_(a.requires_grad) for a in args
    )


def matrix_products(job: Job) -> Callable[[], None]:
    """Logits from features, and where there are three, the gradients of both factors."""
    work = []
    for rows, features, columns, count in job.work.products(*job.size):
        x, w = (torch.randn(n, features, device=job.device).to(job.dtype) for n in (rows, columns))
        logits = torch.empty(rows, columns, device=job.device, dtype=job.dtype)
        every = [(x, w.T, logits), (logits, w, torch.empty_like(x)), (logits.T, x, torch.empty_like(w))]
        work += every[:count]

    def run() -> None:
        for a, b, out in work:
            torch.mm(a, b, out=out)

    run()
    return run


def measure_errors(job: Job, everyone: dict[str, Candidate]) -> None:
    """Relative errors of value and gradients against the readable form in float64, rms over the draws.

    What torch compiled has none: it would be compiled once more, for the smaller size.
    """
    found: dict[str, list[list[float]]] = {name: [] for name in everyone if name not in ("compiled", "compile")}
    for seed in range(DRAWS):
        args = job.draw(job.size if job.few else job.work.part(*job.size), seed)
        expected = outcome(job.ours(functional), copies(args, torch.float64), job.work)
        for name, each in found.items():
            each.append(everyone[name].attempt(deviations, everyone[name], args, job.work, expected))
    for name, each in found.items():
        if "error" not in everyone[name].figures:
            value, gradient = (math.sqrt(statistics.fmean(e * e for e in c)) for c in zip(*each, strict=True))
            everyone[name].figures |= {"value_error": value, "gradient_error": gradient}


def outcome(loss: Loss, args: Args, work: Work) -> list[Tensor]:
    """The value, and the gradients."""
    value = loss(*work.before(args))
    value.backward()
    return [value.detach(), *(args[p].grad for p in work.gradients)]


def deviations(one: Candidate, args: Args, work: Work, expected: list[Tensor]) -> list[float]:
    """The relative error of the value, and the largest of the gradients'."""
    actual = outcome(one.build(args), copies(args), work)
    value, *gradients = (((a.double() - e).norm() / e.norm()).item() for a, e in zip(actual, expected, strict=True))
    return [value, max(gradients)]


def measure(job: Job, clock: Clock, rounds: int, everyone: dict[str, Candidate]) -> dict[str, Any]:
    """Measure one row. Each round times every candidate once, and what a fused form is held against."""
    args, gradients = job.draw(job.size), job.work.gradients
    products = job.work.products(*job.size)
    floors: dict[str, Callable[[], None]] = {}
    if job.form == "fused" and not job.few:
        floors = {"copy": clock.copy} | ({"products": matrix_products(job)} if products else {})
    for name, one in everyone.items():
        one.figures, one.repeats, one.original = {}, 1, args
        one.args = copies(args) if name in PACKAGES else args
        one.attempt(one.get_ready)
        one.attempt(one.measure_memory, gradients)
        one.attempt(one.choose_repeats, clock)

    started, times = time.perf_counter(), []
    while len(times) < rounds and (len(times) < FEWEST or time.perf_counter() - started < PATIENCE):
        this = {floor: clock(run) for floor, run in floors.items()}
        times.append(this | {name: one.attempt(one.measure_time, clock) for name, one in everyone.items()})
    row: dict[str, Any] = {
        **job.head,
        "rounds": len(times),
        "argument_bytes": bytes_of(args),
        "counted_bytes": bytes_of(args) + sum(args[p].nbytes for p in gradients),  # each has to be moved once
        "counted_flops": sum(2 * math.prod(shape) for shape in products),
    }
    if "copy" in floors:
        row["copy_bytes_per_second"] = statistics.median(clock.copied / t["copy"] for t in times)
    if "products" in floors:
        row["products_ms"] = statistics.median(1000 * t["products"] for t in times)
    floors.clear()
    same = everyone[job.form].attempt(everyone[job.form].same_twice, gradients)
    measure_errors(job, everyone)
    eager = everyone["eager"].figures
    for name, one in everyone.items():
        if "error" not in one.figures:
            one.figures["ms"] = statistics.median(1000 * t[name] for t in times)
            if "error" not in eager:
                peaks = [row["argument_bytes"] + figures["peak_bytes"] for figures in (one.figures, eager)]
                one.figures["time"] = statistics.median(t[name] / t["eager"] for t in times)
                one.figures["memory"] = peaks[0] / peaks[1]
        one.original = one.args = ()
    row["candidates"] = {name: one.figures for name, one in everyone.items()}
    return row | judged(row, times, clock.copied, same, job.targets)


def judged(
    row: dict[str, Any], times: list[dict[str, float]], copied: int, same: bool, targets: Targets
) -> dict[str, Any]:
    """The figures that may have targets, of ours against each rival, and which miss theirs."""

    def median(ratio: Callable[[dict[str, float]], float]) -> float:
        return statistics.median(ratio(t) for t in times)

    measured = {name: one for name, one in row["candidates"].items() if "error" not in one}
    figures: dict[str, float] = {}
    ours = [name for name in OURS[row["form"]] if name in measured]
    first = row["form"]
    if first in measured:
        figures["scratch"] = measured[first]["peak_bytes"] - measured[first]["gradient_bytes"]
        figures["repeatable"] = float(same)
        if "copy" in times[0]:
            figures["of copy"] = median(lambda t: row["counted_bytes"] / t[first] / (copied / t["copy"]))
        if "products" in times[0]:
            figures["x products"] = median(lambda t: t[first] / t["products"])
    for mine in ours:
        prefix = "" if mine == first else f"{mine} "
        for rival in (name for name in measured if name not in ours):
            figures[f"{prefix}time/{rival}"] = median(lambda t, m=mine, r=rival: t[m] / t[r])
            peaks = [row["argument_bytes"] + measured[name]["peak_bytes"] for name in (mine, rival)]
            figures[f"{prefix}memory/{rival}"] = peaks[0] / peaks[1]
    missed = [k for k, v in figures.items() if k in targets and (v < targets[k] if k in AT_LEAST else v > targets[k])]
    return {"figures": figures, "targets": targets, "missed": missed}
