"""Time, memory and error of every loss, forward and backward, beside what else one could take.

    python benchmarks/bench.py                  every loss on the CPU, float32: its readable form, and the fused one
    python benchmarks/bench.py huber ctc        some: a stem, or a part of some stems (margin)
    python benchmarks/bench.py --form fused     one form only
    python benchmarks/bench.py --device cuda    on a GPU, bfloat16 (CTC float32)
    python benchmarks/bench.py --save           also write the figures under benchmarks/results/, row by row

The readable form runs as it is and compiled whole, beside eager: torch's own function, or the composition of torch's
that one would write where it has none. Beside the fused form stand eager, torch.compile of it, torch's chunked
linear_cross_entropy, cuDNN's CTC, and Liger-Kernel, Cut Cross Entropy and QuACK where they are installed; one that
fails shows its error in place of figures.

Each round times every candidate once, and for a fused form a copy of a large tensor and the bare matrix products of
the same shapes, too. Ratios are taken within the round, and the table shows the median over the rounds, so a machine
that slows down in between does not matter. On a GPU the time is that between two events, with none of the arguments
in the cache; on the CPU those of a fused form do not fit in it.

A last row on the CPU has so few entries that its time is that of the call, beside eager alone.

    median, peak      of time and of memory, which counts the arguments, and on the CPU not the few MB of the blocks of
                      other threads; x eager: over those of eager
    value, gradient   relative rms error against float64 on a part of the shape, over a few draws
    of the copy       the bytes that the formula must move, over the time, as a share of the bandwidth of the copy
    x the products    time over that of the matrix products alone
    scratch           peak memory without the arguments and the gradients
    targets           time/liger is the time of ours over that of liger; * misses its target
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch
import work
from measure import AT_LEAST, FORMS, OURS, ROUNDS, SCALES, Clock, Job, measure
from work._peers import PACKAGES

from lossbook import functional

IMPORT_TARGET = 0.03  # seconds
RESULTS = Path(__file__).parent / "results"
FILES = {"readable": "losses", "fused": "fused"}  # how the results of a form are called


def function(stem: str) -> str:
    return stem if hasattr(functional, stem) else f"{stem}_loss"


def choose(asked: Sequence[str], forms: Sequence[str]) -> list[str]:
    """The stems that are asked for, all unless any is: one that is called so, or else those with that part."""
    stems = work.stems()
    there = [stem for stem in stems if any(hasattr(FORMS[form], function(stem)) for form in forms)]
    chosen: set[str] = set()
    for name in asked:
        found = {s for s in stems if name in (s, function(s))} or {s for s in stems if name in s}
        if found.isdisjoint(there):
            form = f" with a {forms[0]} form" if len(forms) == 1 else ""
            raise LookupError(f"no loss{form} is called {name}; there are {', '.join(there)}")
        chosen |= found
    return [stem for stem in there if stem in chosen or not asked]


def jobs(stems: Sequence[str], forms: Sequence[str], device: str) -> Iterator[list[Job]]:
    """For each loss, form and size, the jobs of every scale; on the CPU last a few entries."""
    for stem in stems:
        name, what = function(stem), work.of(stem)
        for form in (form for form in forms if hasattr(FORMS[form], name)):
            for size in what.sizes(form, device):
                yield [Job(name, what, form, device, size, scale) for scale in SCALES[form]]
            if device == "cpu":
                yield [Job(name, what, form, device, what.few_entries(), few=True)]


def bytes_shown(count: float) -> str:
    unit = max(0, min(4, int(math.log10(max(count, 1)) / 3)))
    return f"{count / 1000**unit:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[unit]}"


def wanted(key: str, target: float) -> str:
    least, number = key in AT_LEAST, bytes_shown(target) if key == "scratch" else f"{target:.3g}"
    return f"{'at least' if least else 'at most'} {number}"


def shown(row: dict[str, Any], key: str) -> str:
    """A figure, and whether it misses its target."""
    figure = row["figures"].get(key)
    if figure is None:
        return "-"
    return (bytes_shown(figure) if key == "scratch" else f"{figure:.2f}") + "*" * (key in row["missed"])


def title(row: dict[str, Any]) -> str:
    return f"{row['loss']}, {row['form']}, {row['shape']} {row['dtype']}, scale {row['scale']:g}"


COLUMNS = f"    {'':10} {'median':>13} {'x eager':>7} {'peak':>10} {'x eager':>7} {'value':>10} {'gradient':>10}"


def page(row: dict[str, Any]) -> list[str]:
    """The lines below the title of a row: one for each candidate, then the notes and the targets."""
    lines = []
    for name, one in row["candidates"].items():
        if "error" in one:
            lines.append(f"    {name:10} {one['error']}")
            continue
        peak = bytes_shown(row["argument_bytes"] + one["peak_bytes"])
        time, memory = (f"{one[k]:7.2f}" if k in one else f"{'-':>7}" for k in ("time", "memory"))
        errors = [f"{one[k]:10.1e}" if k in one else f"{'-':>10}" for k in ("value_error", "gradient_error")]
        lines.append(f"    {name:10} {one['ms']:10.3f} ms {time} {peak:>10} {memory} {' '.join(errors)}")
    notes = []
    if "products_ms" in row:
        rate = row["counted_flops"] / row["products_ms"] / 1e9
        notes.append(f"{shown(row, 'x products')} x the products' {row['products_ms']:.3g} ms, {rate:.3g} TFLOP/s")
    elif "copy_bytes_per_second" in row:
        notes.append(f"{shown(row, 'of copy')} of the copy's {bytes_shown(row['copy_bytes_per_second'])}/s, "
                      f"{bytes_shown(row['counted_bytes'])} to move")  # fmt: skip
    if row["form"] == "fused":
        notes.append(f"scratch {shown(row, 'scratch')}")
    if row["figures"].get("repeatable") == 0:
        notes.append("two runs differ")
    targets = [f"{key} {shown(row, key)} ({wanted(key, target)})" for key, target in row["targets"].items()]
    extra = {"notes": notes, "targets": targets}
    return lines + [f"    {name:10} {'; '.join(said)}" for name, said in extra.items() if said]


def closing(rows: list[dict[str, Any]]) -> list[str]:
    """What failed, what misses its target, and which targets nothing was measured for."""
    lines = []
    for row in rows:
        failed = failures(row)
        lines += [f"{title(row)}: {name} failed, {error}" for name, error in failed.items()]
        if row["form"] in failed:
            continue
        for key, target in row["targets"].items():
            if key not in row["figures"]:
                lines.append(f"{title(row)}: {key} {wanted(key, target)}: not measured")
            elif key in row["missed"]:
                lines.append(f"{title(row)}: {key} {shown(row, key)}, {wanted(key, target)}{least_memory(row, key)}")
    return lines or ["no target missed"]


def failures(row: dict[str, Any]) -> dict[str, str]:
    """The errors of ours."""
    ours = {name: row["candidates"][name] for name in OURS[row["form"]] if name in row["candidates"]}
    return {name: one["error"] for name, one in ours.items() if "error" in one}


def least_memory(row: dict[str, Any], key: str) -> str:
    """What the ratio of memory is when there is nothing but the arguments and the gradients."""
    kind, _, other = key.partition("/")
    if not kind.endswith("memory"):
        return ""
    least = row["argument_bytes"] + row["candidates"]["eager"]["gradient_bytes"]
    theirs = row["argument_bytes"] + row["candidates"][other]["peak_bytes"]
    return f" (arguments and gradients alone: {least / theirs:.3g})"


def processor() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.is_file() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def here(device: str) -> dict[str, Any]:
    """The machine, and the version of everything that is measured."""
    versions: dict[str, Any] = {}
    for package in ("triton", *(distribution for _, distribution in PACKAGES.values())):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    gpu = {"device": torch.cuda.get_device_name(0), "cuda": torch.version.cuda} if device == "cuda" else {}
    return {
        **gpu,
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": date.today().isoformat(),
        **versions,
    }


def import_seconds(runs: int = 7) -> float:
    """What ``import lossbook`` adds to ``import torch``, the median of fresh processes."""
    code = "import torch, time; t = time.perf_counter(); import lossbook; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    told = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(runs)]
    return statistics.median(map(float, told))


def save(folder: Path, place: dict[str, Any], form: str, rows: list[dict[str, Any]], **more: Any) -> Path:
    """Write the rows of a form; those of an earlier run, same machine, day and versions, stay unless measured anew."""
    slug = place["device"].lower() if "device" in place else f"{platform.machine()}-{place['cores']}cores"
    path = folder / f"{FILES[form]}-{re.sub('[^a-z0-9_]+', '-', slug)}.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    old = old if old.get("machine") == place else {}
    rows = [row for row in rows if row["form"] == form]
    new = [identity(row) for row in rows]
    kept = [row for row in old.get("rows", []) if identity(row) not in new]
    folder.mkdir(parents=True, exist_ok=True)
    written = {**old, "machine": place, **more, "rows": kept + rows}
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return path


def identity(row: dict[str, Any]) -> list[Any]:
    return [row.get(key) for key in ("loss", "shape", "dtype", "scale")]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("losses", nargs="*", help="stems or parts of stems; all unless given")
    parser.add_argument("--form", choices=FORMS, help="only this form (default: both)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"at most so many (default: {ROUNDS})")
    parser.add_argument("--save", action="store_true", help="write the figures under benchmarks/results/")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="or under this folder")
    options = parser.parse_args(arguments)
    forms = [options.form] if options.form else list(FORMS)
    try:
        chosen = choose(options.losses, forms)
    except LookupError as error:
        parser.error(str(error))
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1; got {options.rounds}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device")
    warnings.filterwarnings("ignore", category=FutureWarning)  # torch.compile's, of torch itself
    place, clock = here(options.device), Clock(options.device)
    print(", ".join(f"{key} {value}" for key, value in place.items() if value is not None))
    print("forward and backward: time and peak memory, both also over those of eager, and the relative errors")
    print("readable, compiled, fused: ours; eager: torch's own, or a composition of torch's; compile: that compiled")
    print(COLUMNS)
    rows: list[dict[str, Any]] = []
    for alike in jobs(chosen, forms, options.device):
        torch._dynamo.reset()
        everyone = alike[0].candidates()  # compiled once for all scales
        for job in alike:
            print(title(job.head), flush=True)
            rows.append(measure(job, clock, options.rounds, everyone))
            print("\n".join(page(rows[-1])), flush=True)
            if options.save:
                save(options.folder, place, job.form, rows)
    print("\n".join(["", *closing(rows)]))
    if "readable" in forms:
        added = import_seconds()
        star = "*" if added > IMPORT_TARGET else ""
        print(f"import lossbook adds {1000 * added:.0f}{star} ms to import torch (at most {1000 * IMPORT_TARGET:.0f})")
        if options.save:
            save(options.folder, place, "readable", rows, import_seconds=added)
    if options.save:
        print(f"saved under {options.folder}")
    return int(any(map(failures, rows)))


if __name__ == "__main__":
    sys.exit(main())
