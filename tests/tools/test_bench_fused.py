"""The table of the fused kernels: the same loss in every line, and no figure that was not measured."""

import json

import bench_fused
import measure
import pytest
import torch
from subjects import public

from lossbook import functional, fused

# torch 2.11's profiler says once what it does by default.
pytestmark = pytest.mark.filterwarnings("ignore:Warning. Profiler clears events:UserWarning:torch.profiler")
every_kernel = pytest.mark.parametrize("name", bench_fused.KERNELS)


def small(name):
    size = bench_fused.KERNELS[name].sizes["cpu"][0]
    return tuple(min(entries, 12 - 2 * axis) for axis, entries in enumerate(size))


@pytest.fixture
def table(monkeypatch):
    """No compiler, and one large tensor less."""
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    monkeypatch.setattr(bench_fused, "COPIED", {"cpu": 1 << 10, "cuda": 1 << 10})


def measured(name, device, everyone=None):
    clock = bench_fused.Clock(device)
    everyone = everyone or bench_fused.candidates(name, device)
    return bench_fused.measure(name, small(name), 1.0, device, clock, 2, everyone)


def test_every_kernel_is_in_the_table():
    assert set(public(fused)) <= set(bench_fused.KERNELS)


@every_kernel
def test_the_unfused_form_is_the_same_loss(name, device):
    kernel = bench_fused.KERNELS[name]
    found = []
    for loss in (kernel.eager, lambda *args: getattr(functional, name)(*args, **kernel.settings)):
        args = bench_fused.drawn(kernel, small(name), 3.0, device, torch.float64, seed=0)
        value = loss(*kernel.before(args))
        value.backward()
        found.append([value.detach(), *(args[p].grad for p in kernel.gradients)])
    assert all(f.norm() > 0 for f in found[0])
    torch.testing.assert_close(found[0], found[1], rtol=1e-10, atol=1e-12)


@every_kernel
def test_the_part_is_not_larger_than_the_shape_and_can_be_drawn(name):
    kernel = bench_fused.KERNELS[name]
    for size in [small(name), *kernel.sizes["cpu"], *kernel.sizes["cuda"]]:
        part = kernel.part(*size)
        assert len(part) == len(size)
        assert all(0 < p <= s for p, s in zip(part, size, strict=True))
        assert kernel.entries(*size) > 0
    args = bench_fused.drawn(kernel, kernel.part(*small(name)), 1.0, "cpu", torch.float32, seed=0)
    assert [p for p, a in enumerate(args) if a.requires_grad] == list(kernel.gradients)


@pytest.mark.parametrize("name", ["cross_entropy", "linear_cross_entropy"])
def test_a_row_has_every_figure(name, device, table):
    row = measured(name, device)
    for candidate in ("fused", "eager", "compile"):
        figures = row["candidates"][candidate]
        assert figures["ms"] > 0
        assert figures["peak_bytes"] >= figures["gradient_bytes"] > 0
    tolerance = 0.02 if device == "cuda" else 1e-5  # bfloat16 there
    for error in ("value_error", "gradient_error"):
        assert row["candidates"]["fused"][error] < tolerance
        assert error not in row["candidates"]["compile"]
    assert row["rounds"] == 2
    assert row["figures"]["repeatable"] == 1
    assert ("x products" in row["figures"]) == (name == "linear_cross_entropy")
    lines = bench_fused.page(row)
    assert [line.split()[0] for line in lines[1:]] == list(row["candidates"])
    json.dumps(row)


def test_a_candidate_that_fails_shows_its_error_and_no_figure(device, table):
    def broken(*args):
        raise NotImplementedError

    everyone = bench_fused.candidates("cross_entropy", device)
    everyone["liger"] = bench_fused.Candidate(lambda args: broken)
    everyone["compile"] = bench_fused.Candidate(lambda args: broken())
    row = measured("cross_entropy", device, everyone)
    assert row["candidates"]["liger"] == row["candidates"]["compile"] == {"error": "NotImplementedError"}
    assert not {"time/liger", "memory/liger", "time/compile"} & set(row["figures"])
    assert [line.split() for line in bench_fused.page(row)[-2:]] == [
        ["compile", "NotImplementedError"], ["liger", "NotImplementedError"]
    ]  # fmt: skip
    row["targets"] = {"time/liger": 1.0}
    assert bench_fused.closing([row]) == ["cross_entropy 12x10 scale 1: time/liger to be at most 1: not measured"]


def test_a_kernel_that_fails_is_said_at_the_end(device, table):
    everyone = bench_fused.candidates("cross_entropy", device)
    everyone["fused"] = bench_fused.Candidate(lambda args: 1 / 0)
    row = measured("cross_entropy", device, everyone)
    assert row["figures"] == {}
    assert bench_fused.closing([row]) == ["cross_entropy 12x10 scale 1: failed, ZeroDivisionError"]


def test_a_peer_that_writes_over_its_arguments_gets_them_again(device, table):
    seen = []

    def overwriting(input, target):
        seen.append(input.detach().clone())
        loss = torch.nn.functional.cross_entropy(input, target)
        input.data.zero_()
        return loss

    everyone = bench_fused.candidates("cross_entropy", device)
    everyone["liger"] = bench_fused.Candidate(lambda args: overwriting)
    row = measured("cross_entropy", device, everyone)
    once, memory, *timed = seen[:4]
    assert all(torch.equal(args, once) for args in (memory, *timed))
    assert row["candidates"]["eager"]["value_error"] < 0.02


@pytest.mark.parametrize(
    ("missed", "seconds", "peak"), [("of copy", 2.0, 100), ("time/eager", 1.1, 100), ("memory/eager", 1.0, 250)]
)
def test_a_missed_target_is_marked(missed, seconds, peak):
    """Beside torch, which takes 1 s, as a copy of as much does, and 300 bytes; 100 bytes of arguments."""
    row = {"kernel": "mse_loss", "shape": "9", "scale": 1.0, "argument_bytes": 100, "counted_bytes": 900,
           "products_ms": None, "copy_bytes_per_second": 900.0}  # fmt: skip
    row["candidates"] = {
        "fused": {"ms": 1000 * seconds, "peak_bytes": peak, "gradient_bytes": 50},
        "eager": {"ms": 1000.0, "peak_bytes": 300, "gradient_bytes": 50},
    }
    times = [{"copy": 1.0, "fused": seconds, "eager": 1.0}] * 3
    row |= bench_fused.judged(row, times, 900, True, {"of copy": 0.8, "time/eager": 1.0, "memory/eager": 0.7})
    assert row["figures"] == pytest.approx(
        {"of copy": 1 / seconds, "time/eager": seconds, "memory/eager": (100 + peak) / 400, "scratch": peak - 50,
         "repeatable": 1}
    )  # fmt: skip
    assert missed in row["missed"]
    assert "*" in "".join(bench_fused.page(row))
    assert any(f" {missed} " in line for line in bench_fused.closing([row]))
    row |= bench_fused.judged(row, times, 900, True, {})
    assert row["missed"] == []
    assert "*" not in "".join(bench_fused.page(row))
    assert bench_fused.closing([row]) == ["no target missed"]


def test_saved_rows_stay_unless_measured_anew(tmp_path):
    place = {"device": "NVIDIA H200", "date": "today"}
    rows = [{"kernel": n, "shape": "9", "dtype": "float32", "scale": 1.0, "figures": {"of copy": 0.5}} for n in "ab"]
    path = bench_fused.save(tmp_path, place, rows)
    assert path == tmp_path / "fused-nvidia-h200.json"
    better = rows[1] | {"figures": {"of copy": 0.9}}
    bench_fused.save(tmp_path, place, [better])
    assert json.loads(path.read_text()) == {"machine": place, "rows": [rows[0], better]}
    bench_fused.save(tmp_path, place | {"date": "tomorrow"}, [better])
    assert json.loads(path.read_text())["rows"] == [better]


def test_peak_memory_counts_the_gradient_on_every_run(device):
    """The gradient of an earlier run is not counted as given back."""
    args = (torch.randn(1 << 16, device=device, requires_grad=True),)
    peaks = [measure.peak_bytes(lambda: measure.step(lambda x: (2 * x).sum(), args), args) for _ in range(3)]
    assert peaks[0] == peaks[1] == peaks[2]
    assert peaks[0] >= args[0].nbytes
