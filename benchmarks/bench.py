"""Time and peak memory of every loss, forward and backward, against torch.nn.functional in the same run.

    python benchmarks/bench.py                 every loss, float32
    python benchmarks/bench.py huber ctc       some
    python benchmarks/bench.py --save          also write benchmarks/results/losses-<machine>.json

Each round times torch eager, ours eager and ours compiled one after the other, and the ratios are taken within the
round; the table shows the median over the rounds, so a machine that slows down in between does not matter.
Peak memory is what the allocator holds at most during forward and backward, with the arguments; compiled and eager
are measured with the same arguments. The targets: compiled <= 1.0, eager <= 2.5 (CTC 6.0), memory <= 2.0.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from measure import bytes_of, machine, peak_bytes, seconds, step
from torch import Tensor

from lossbook import functional as ours

ROUNDS = 15
ENOUGH = 0.02  # seconds that one timing takes at least
CELLS = 1 << 20  # entries of an elementwise loss: 4 MiB of float32
BATCH, CLASSES = 1024, 1000
PAIRS, FEATURES = 2048, 128
FRAMES, UTTERANCES, SYMBOLS, LABELS = 100, 32, 32, 25
TARGETS = {"compiled": 1.0, "eager": 2.5, "memory": 2.0}
EAGER_TARGETS = {"ctc_loss": 6.0}


def cells() -> Tensor:
    return torch.randn(CELLS)


def scores() -> Tensor:
    return torch.randn(BATCH, CLASSES)


def classes() -> Tensor:
    return torch.randint(CLASSES, (BATCH,))


def signs(size: int) -> Tensor:
    return torch.randint(2, (size,)).float() * 2 - 1


def features() -> Tensor:
    return torch.randn(PAIRS, FEATURES)


def label_lists() -> Tensor:
    """Three classes for each sample, then -1."""
    return torch.cat([torch.rand(BATCH, CLASSES).topk(3).indices, torch.full((BATCH, CLASSES - 3), -1)], 1)


def utterances() -> tuple[Any, ...]:
    lengths = torch.full((UTTERANCES,), FRAMES), torch.full((UTTERANCES,), LABELS)
    labels = torch.randint(1, SYMBOLS, (UTTERANCES, LABELS))
    return torch.randn(FRAMES, UTTERANCES, SYMBOLS).log_softmax(-1), labels, *lengths


def probabilities() -> Tensor:
    return torch.rand(CELLS) * 0.98 + 0.01


# Positional arguments of one step; every loss takes the gradient of its first argument (of all three embeddings).
WORK: dict[str, Callable[[], tuple[Any, ...]]] = {
    "l1_loss": lambda: (cells(), cells()),
    "mse_loss": lambda: (cells(), cells()),
    "huber_loss": lambda: (cells(), cells()),
    "smooth_l1_loss": lambda: (cells(), cells()),
    "poisson_nll_loss": lambda: (cells(), torch.randint(5, (CELLS,)).float()),
    "gaussian_nll_loss": lambda: (cells(), cells(), probabilities()),
    "nll_loss": lambda: (scores().log_softmax(1), classes()),
    "cross_entropy": lambda: (scores(), classes()),
    "linear_cross_entropy": lambda: (features(), torch.randn(1024, FEATURES), torch.randint(1024, (PAIRS,))),
    "binary_cross_entropy": lambda: (probabilities(), probabilities()),
    "binary_cross_entropy_with_logits": lambda: (cells(), probabilities()),
    "kl_div": lambda: (scores().log_softmax(1), scores().softmax(1)),
    "soft_margin_loss": lambda: (cells(), signs(CELLS)),
    "multilabel_soft_margin_loss": lambda: (scores(), torch.randint(2, (BATCH, CLASSES)).float()),
    "multi_margin_loss": lambda: (scores(), classes()),
    "multilabel_margin_loss": lambda: (scores(), label_lists()),
    "margin_ranking_loss": lambda: (cells(), cells(), signs(CELLS)),
    "hinge_embedding_loss": lambda: (cells().abs(), signs(CELLS)),
    "cosine_embedding_loss": lambda: (features(), features(), signs(PAIRS)),
    "triplet_margin_loss": lambda: (features(), features(), features()),
    "triplet_margin_with_distance_loss": lambda: (features(), features(), features()),
    "ctc_loss": utterances,
}
GRADIENTS = {"triplet_margin_loss": 3, "triplet_margin_with_distance_loss": 3, "linear_cross_entropy": 2}


def measure(name: str) -> dict[str, Any]:
    warnings.filterwarnings("ignore", message="reduction: 'mean' divides")  # torch's kl_div, at each call
    torch.manual_seed(0)
    torch._dynamo.reset()
    args = WORK[name]()
    for argument in args[: GRADIENTS.get(name, 1)]:
        argument.requires_grad_()
    mine, theirs = getattr(ours, name), getattr(F, name)
    compiled = torch.compile(mine, fullgraph=True, dynamic=False)
    runs = {"torch": theirs, "eager": mine, "compiled": compiled}
    steps = {kind: (lambda loss=loss: step(loss, args)) for kind, loss in runs.items()}
    repeats = {}
    for kind, run in steps.items():
        run()
        run()
        repeats[kind] = max(1, round(ENOUGH / max(seconds(run, 3), 1e-6)))
    rounds = [{kind: seconds(run, repeats[kind]) for kind, run in steps.items()} for _ in range(ROUNDS)]
    peaks = {kind: bytes_of(args) + peak_bytes(run, args) for kind, run in steps.items()}
    return {
        "loss": name,
        "shape": "x".join(map(str, args[0].shape)),
        "torch_us": statistics.median(r["torch"] for r in rounds) * 1e6,
        "eager": statistics.median(r["eager"] / r["torch"] for r in rounds),
        "compiled": statistics.median(r["compiled"] / r["torch"] for r in rounds),
        "memory": peaks["eager"] / peaks["torch"],
        "memory_compiled": peaks["compiled"] / peaks["torch"],
        "torch_peak_bytes": peaks["torch"],
    }


def import_seconds() -> float:
    """What ``import lossbook`` adds to ``import torch``, median of 7 fresh processes."""
    code = "import torch, time; t = time.perf_counter(); import lossbook; print(time.perf_counter() - t)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(7)]
    return statistics.median(float(run.stdout) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("losses", nargs="*", help="names or parts of names; all unless given")
    parser.add_argument("--save", action="store_true", help="write the figures under benchmarks/results/")
    options = parser.parse_args()
    names = [n for n in WORK if not options.losses or any(part in n for part in options.losses)]
    if not names:
        parser.error(f"no loss is called {' or '.join(options.losses)}; there are {', '.join(WORK)}")
    here = machine()
    print(", ".join(f"{key} {value}" for key, value in here.items()))
    print("float32, forward and backward; ratios to torch.nn.functional eager; * misses its target")
    print(
        f"{'loss':34} {'first argument':>15} {'torch us':>9} {'eager':>7} {'compiled':>9} {'memory':>8} {'(comp.)':>8}"
    )
    rows = []
    for name in names:
        row = measure(name)
        rows.append(row)
        limits = {**TARGETS, "eager": EAGER_TARGETS.get(name, TARGETS["eager"])}
        shown = {key: f"{row[key]:.2f}{'*' if row[key] > limit else ' '}" for key, limit in limits.items()}
        print(
            f"{name:34} {row['shape']:>15} {row['torch_us']:9.0f} {shown['eager']:>7} {shown['compiled']:>9} "
            f"{shown['memory']:>8} {row['memory_compiled']:8.2f}",
            flush=True,
        )
    added = import_seconds()
    print(f"import lossbook adds {1000 * added:.0f} ms to import torch (target: 30)")
    if options.save:
        path = Path(__file__).parent / "results" / f"losses-{platform.machine()}-{here['cores']}cores.json"
        path.write_text(json.dumps({"machine": here, "import_seconds": added, "losses": rows}, indent=1) + "\n")
        print(f"saved {path}")


if __name__ == "__main__":
    main()
