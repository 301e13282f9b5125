"""The table of times: every loss, the same loss in every line, and no figure that was not measured."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import bench
import measure
import pytest
import torch
import torch.nn.functional as F
import work
from subjects import LOSSES, SUBJECTS, public
from work._peers import PACKAGES, there

from lossbook import functional, fused

FORMS = [(s, form) for s in work.stems() for form, names in measure.FORMS.items() if hasattr(names, bench.function(s))]
# torch 2.11's profiler says once what it does by default.
pytestmark = pytest.mark.filterwarnings("ignore:Warning. Profiler clears events:UserWarning:torch.profiler")
every_form = pytest.mark.parametrize(("stem", "form"), FORMS)


def small(size):
    return tuple(min(entries, 12 - 2 * axis) for axis, entries in enumerate(size))


def job(stem, form, device, scale=1.0):
    row = work.of(stem)
    return measure.Job(bench.function(stem), row, form, device, small(row.small), scale)


@pytest.fixture
def table(monkeypatch):
    """No compiler, and small tensors where large ones are timed."""
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    monkeypatch.setattr(measure, "COPIED", {"cpu": 1 << 10, "cuda": 1 << 10})
    monkeypatch.setattr(measure, "ENOUGH", 1e-9)


def measured(one, everyone=None):
    return measure.measure(one, measure.Clock(one.device), 2, everyone or one.candidates())


def test_every_loss_has_a_row_and_every_row_a_loss():
    names = {bench.function(stem): stem for stem in work.stems()}
    assert names == {subject.function.__name__: subject.stem for subject in LOSSES}
    assert set(names) == set(public(functional)) - {s.function.__name__ for s in SUBJECTS if not s.is_loss}
    assert set(public(fused)) == {bench.function(stem) for stem, form in FORMS if form == "fused"}


@every_form
def test_the_rival_is_the_same_loss(stem, form, device):
    """In float64; a kernel on a GPU may be narrower inside, and has tests of its own."""
    one = job(stem, form, device if form == "readable" else "cpu", scale=3.0)
    args = one.draw(one.size, dtype=torch.float64)
    losses = (one.work.eager, one.ours(measure.FORMS[form]))
    theirs, ours = (measure.outcome(loss, measure.copies(args), one.work) for loss in losses)
    assert all(found.norm() > 0 for found in theirs)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def linear_cross_entropy(input, weight, target):
    return F.cross_entropy(F.linear(input, weight), target)


def from_features(input, weight, target_input, target_weight, *, jsd_beta):
    assert jsd_beta == 0  # the divergence that is left is Kullback's and Leibler's
    return functional.linear_kl_div(input, weight, target_input, target_weight)


STAND_INS = {  # what the others promise of the names that we call
    "liger_kernel.transformers.functional": {
        "liger_cross_entropy": F.cross_entropy,
        "liger_kl_div": F.kl_div,
        "liger_jsd": functional.js_div_with_logits,  # the softmax of logarithms of shares is the shares
        "liger_fused_linear_cross_entropy": linear_cross_entropy,
        "liger_fused_linear_jsd": from_features,
    },
    "quack.cross_entropy": {"cross_entropy": F.cross_entropy},
    "quack.linear_cross_entropy": {"chunked_linear_cross_entropy": linear_cross_entropy},
    "cut_cross_entropy": {"linear_cross_entropy": linear_cross_entropy},
}
PEERS = [(stem, peer) for stem in work.stems() for peer in work.of(stem).peers if peer != "cudnn"]


@pytest.mark.parametrize(("stem", "peer"), PEERS)
def test_a_peer_is_asked_for_the_same_loss(stem, peer, monkeypatch):
    for module, names in STAND_INS.items():
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(**names))
    if not (peer in PACKAGES or there(peer, "cpu")):
        pytest.skip("this torch has no such function")
    one = job(stem, "fused", "cpu")
    args = one.draw(one.size)
    peer, eager = one.work.peers[peer](args), one.work.eager
    theirs, ours = (measure.outcome(loss, measure.copies(args), one.work) for loss in (peer, eager))
    torch.testing.assert_close(theirs, ours)


@every_form
def test_a_row_has_sizes_on_every_device_and_can_be_drawn(stem, form):
    one = job(stem, form, "cpu")
    sizes = {device: one.work.sizes(form, device) for device in ("cpu", "cuda")}
    assert all(sizes.values())
    for size in (one.size, *sizes["cpu"], *sizes["cuda"]):
        part = one.work.part(*size)
        assert len(part) == len(size)
        assert all(0 < p <= s for p, s in zip(part, size, strict=True))
    args = one.draw(one.work.part(*one.size))
    assert [p for p, a in enumerate(args) if a.requires_grad] == list(one.work.gradients)


@every_form
def test_a_few_entries_are_the_same_loss_beside_eager_alone(stem, form, table):
    *_, (one,) = bench.jobs([stem], [form], "cpu")
    assert one.size == one.work.few_entries()
    theirs, ours = (
        measure.outcome(loss, one.draw(one.size), one.work) for loss in (one.work.eager, one.ours(measure.FORMS[form]))
    )
    assert all(found.isfinite().all() and found.norm() > 0 for found in theirs)
    torch.testing.assert_close(ours, theirs)
    row = measured(one)
    assert list(row["candidates"]) == [form, "eager"]
    assert set(row["targets"]) == {"time/eager"} < set(row["figures"])
    assert not {"of copy", "x products"} & set(row["figures"])
    bench.page(row)
    assert bench.failures(row) == {}


def test_on_a_gpu_there_is_no_row_of_a_few_entries():
    assert not any(one.few for alike in bench.jobs(["mse"], ["readable", "fused"], "cuda") for one in alike)


@every_form
def test_a_target_is_of_a_figure_that_is_measured(stem, form):
    one = job(stem, form, "cpu")
    rivals = ("eager", "compile", *one.work.peers) if form == "fused" else ("eager",)
    ratios = {f"{kind}/{rival}" for kind in ("time", "memory") for rival in rivals}
    figures = ratios | {f"compiled {ratio}" for ratio in ratios} | {"scratch", "repeatable", "of copy"}
    if one.work.products(*one.size):
        figures |= {"x products"}
    for device in ("cpu", "cuda"):
        assert set(one.work.targets(form, device)) <= figures
    assert form == "fused" or one.work.targets(form, "cpu")


@pytest.mark.parametrize(
    ("asked", "forms", "stems"),
    [
        (["huber"], ["readable", "fused"], ["huber"]),
        (["ctc", "clip_loss"], ["fused"], ["clip", "ctc"]),
        (["l1"], ["readable"], ["l1"]),
        (["l1_"], ["readable"], []),
        (["cross_entropy"], ["readable"], ["cross_entropy"]),
        (["_l1", "js_"], ["readable"], ["js_div_with_logits", "smooth_l1"]),
        (["margin"], ["readable"],
         ["margin_ranking", "multi_margin", "multilabel_margin", "multilabel_soft_margin", "soft_margin",
          "triplet_margin", "triplet_margin_with_distance"]),
        (["nll"], ["readable"], ["nll"]),
        (["_nll"], ["fused"], ["gaussian_nll", "poisson_nll"]),
        (["embedding", "siglip"], ["fused"], []),
        ([], ["fused"], [stem for stem, form in FORMS if form == "fused"]),
    ],
)  # fmt: skip
def test_a_name_is_a_stem_or_a_part_of_some(asked, forms, stems):
    if stems:
        assert bench.choose(asked, forms) == stems
    else:
        with pytest.raises(LookupError, match=f"no loss with a {forms[0]} form is called {asked[0]}; there are "):
            bench.choose(asked, forms)


def test_an_unknown_name_is_refused_with_the_list(capsys):
    for arguments, said in {
        ("huber", "hubert"): "no loss is called hubert; there are batch_hard_triplet, ",
        ("nll", "--form", "fused"): "no loss with a fused form is called nll; there are batch_hard_triplet, ",
        ("huber", "--rounds", "0"): "--rounds must be at least 1; got 0",
    }.items():
        with pytest.raises(SystemExit) as stopped:
            bench.main(arguments)
        assert stopped.value.code == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stem", "form"),
    [("huber", "readable"), ("quantile", "readable"), ("cross_entropy", "fused"), ("linear_cross_entropy", "fused")],
)
def test_a_row_has_every_figure(stem, form, device, table):
    row = measured(job(stem, form, device))
    compiled = "compiled" if form == "readable" else "compile"
    for name in (form, "eager", compiled):
        figures = row["candidates"][name]
        assert figures["ms"] > 0
        assert figures["time"] > 0
        assert figures["memory"] > 0
        assert figures["peak_bytes"] >= figures["gradient_bytes"] > 0
    assert row["candidates"]["eager"]["time"] == 1
    tolerance = 0.02 if device == "cuda" else 1e-5  # bfloat16 there
    for error in ("value_error", "gradient_error"):
        assert row["candidates"][form][error] < tolerance
        assert error not in row["candidates"][compiled]
    assert row["rounds"] == 2
    assert row["figures"]["repeatable"] == 1
    assert row["figures"]["time/eager"] == row["candidates"][form]["time"]
    assert ("x products" in row["figures"]) == (stem == "linear_cross_entropy")
    assert ("of copy" in row["figures"]) == (form == "fused")
    assert ("compiled memory/eager" in row["figures"]) == (form == "readable")
    lines = [line.split()[0] for line in bench.page(row)]
    assert [line for line in lines if line not in ("notes", "targets")] == list(row["candidates"])
    json.dumps(row)


def test_bytes_are_those_of_the_arguments_and_of_their_gradients(table):
    row = measured(job("gaussian_nll", "fused", "cpu"))
    assert row["argument_bytes"] == 3 * 12 * 4
    assert row["counted_bytes"] == 5 * 12 * 4
    row = measured(job("linear_kl_div", "fused", "cpu"))
    assert row["counted_flops"] == 2 * (3 + 1) * 12 * 10 * 8


def test_a_short_step_is_repeated_and_its_time_divided(table, monkeypatch):
    """By a clock that counts the steps of the rival, 10 ms each; every timing and every step is without gradients."""
    steps = []

    def eager(input, target):
        assert input.grad is None
        steps.append(input)
        return F.huber_loss(input, target)

    def clock(self, run):
        before = len(steps)
        assert all(argument.grad is None for one in everyone.values() for argument in one.args)
        run()
        return 0.01 * (len(steps) - before) or 1.0

    monkeypatch.setattr(measure, "ENOUGH", 0.05)
    monkeypatch.setattr(measure.Clock, "__call__", clock)
    one = job("huber", "readable", "cpu")
    everyone = one.candidates() | {"eager": measure.Candidate(lambda args: eager)}
    row = measured(one, everyone)
    assert row["candidates"]["eager"]["ms"] == pytest.approx(10)
    assert len(steps) == 1 + 1 + 1 + 2 * 5 + measure.DRAWS  # ready, memory, how long; two rounds; the errors
    steps.clear()
    monkeypatch.setattr(measure, "PACKAGES", {"eager": ()})  # a peer, which might write over its arguments
    assert measured(one, everyone)["candidates"]["eager"]["ms"] == pytest.approx(10)
    assert len(steps) == 1 + 1 + 2 + measure.DRAWS


def broken(*args):
    raise NotImplementedError


def tired(args):
    """Runs twice, and fails in the first round."""
    calls = iter(range(2))
    return lambda *args: broken() if next(calls, None) is None else F.cross_entropy(*args)


@pytest.mark.parametrize("build", [lambda args: broken, broken, tired])
def test_a_candidate_that_fails_shows_its_error_and_no_figure(build, device, table):
    one = job("cross_entropy", "fused", device)
    everyone = one.candidates() | {"liger": measure.Candidate(build)}
    row = measured(one, everyone)
    assert row["candidates"]["liger"] == {"error": "NotImplementedError"}
    assert not {"time/liger", "memory/liger"} & set(row["figures"])
    assert ["liger", "NotImplementedError"] in [line.split() for line in bench.page(row)]
    row["targets"] = {"time/liger": 1.0}
    assert "targets    time/liger - (at most 1)" in bench.page(row)[-1]
    assert bench.closing([row]) == [f"{bench.title(row)}: time/liger at most 1: not measured"]
    assert not bench.failures(row)


def test_without_its_rival_a_form_has_times_and_no_ratio(device, table):
    one = job("huber", "readable", device)
    row = measured(one, one.candidates() | {"eager": measure.Candidate(broken)})
    assert row["candidates"]["readable"]["ms"] > 0
    assert set(row["figures"]) == {"scratch", "repeatable"}
    assert bench.page(row)[0].split()[3] == bench.page(row)[0].split()[6] == "-"
    assert len(bench.closing([row])) == len(row["targets"])
    json.dumps(row, allow_nan=False)


def test_a_form_of_ours_that_fails_is_said_at_the_end(device, table):
    one = job("cross_entropy", "fused", device)
    row = measured(one, one.candidates() | {"fused": measure.Candidate(lambda args: 1 / 0)})
    assert row["figures"] == {}
    assert bench.closing([row]) == [f"{bench.title(row)}: fused failed, ZeroDivisionError"]
    one = job("huber", "readable", device)
    row = measured(one, one.candidates() | {"compiled": measure.Candidate(lambda args: 1 / 0)})
    assert bench.failures(row) == {"compiled": "ZeroDivisionError"}
    assert bench.closing([row])[0] == f"{bench.title(row)}: compiled failed, ZeroDivisionError"
    assert "time/eager" in row["figures"]


def test_a_peer_that_writes_over_its_arguments_gets_them_again(device, table):
    seen = []

    def overwriting(input, target):
        seen.append(input.detach().clone())
        loss = F.cross_entropy(input, target)
        input.data.zero_()
        return loss

    one = job("cross_entropy", "fused", device)
    row = measured(one, one.candidates() | {"liger": measure.Candidate(lambda args: overwriting)})
    first, memory, *timed = seen[:4]
    assert all(torch.equal(args, first) for args in (memory, *timed))
    assert row["candidates"]["eager"]["value_error"] < 0.02


@pytest.mark.parametrize(
    ("missed", "seconds", "peak"), [("of copy", 2.0, 100), ("time/eager", 1.1, 100), ("memory/eager", 1.0, 250)]
)
def test_a_missed_target_is_marked(missed, seconds, peak):
    """Beside torch, which takes 1 s, as a copy of as much does, and 300 bytes; 100 bytes of arguments."""
    row = {"loss": "mse_loss", "form": "fused", "shape": "9", "dtype": "float32", "scale": 1.0, "argument_bytes": 100,
           "counted_bytes": 900, "copy_bytes_per_second": 900.0}  # fmt: skip
    row["candidates"] = {
        "fused": {"ms": 1000 * seconds, "peak_bytes": peak, "gradient_bytes": 50},
        "eager": {"ms": 1000.0, "peak_bytes": 300, "gradient_bytes": 50},
    }
    times = [{"copy": 1.0, "fused": seconds, "eager": 1.0}] * 3
    row |= measure.judged(row, times, 900, True, {"of copy": 0.8, "time/eager": 1.0, "memory/eager": 0.7})
    assert row["figures"] == pytest.approx(
        {"of copy": 1 / seconds, "time/eager": seconds, "memory/eager": (100 + peak) / 400, "scratch": peak - 50,
         "repeatable": 1}
    )  # fmt: skip
    assert missed in row["missed"]
    assert f"{missed} {row['figures'][missed]:.2f}*" in bench.page(row)[-1]
    assert any(f" {missed} " in line for line in bench.closing([row]))
    row |= measure.judged(row, times, 900, True, {})
    assert row["missed"] == []
    assert "*" not in "".join(bench.page(row))
    assert bench.closing([row]) == ["no target missed"]


def test_ratios_are_taken_within_the_round():
    """The machine slows down tenfold in the second of three rounds, and in the third ours is in luck."""
    candidates = {n: {"peak_bytes": 1, "gradient_bytes": 1} for n in ("readable", "compiled", "eager")}
    row = {"form": "readable", "argument_bytes": 1, "candidates": candidates}
    times = [{"readable": 2 * s * luck, "compiled": s / 2, "eager": s} for s, luck in ((1, 1), (10, 1), (10, 0.1))]
    figures = measure.judged(row, times, 1, True, {})["figures"]
    assert (figures["time/eager"], figures["compiled time/eager"]) == (2, 0.5)


def test_saved_rows_stay_unless_measured_anew(tmp_path):
    place = {"device": "NVIDIA H200", "date": "today"}
    rows = [{"loss": n, "form": "fused", "shape": "9", "dtype": "float32", "scale": 1.0, "figures": {}} for n in "ab"]
    path = bench.save(tmp_path, place, "fused", [*rows, rows[0] | {"form": "readable"}])
    assert path == tmp_path / "fused-nvidia-h200.json"
    better = rows[1] | {"figures": {"of copy": 0.9}}
    bench.save(tmp_path, place, "fused", [better], import_seconds=0.01)
    bench.save(tmp_path, place, "fused", [better])
    assert json.loads(path.read_text()) == {"machine": place, "import_seconds": 0.01, "rows": [rows[0], better]}
    bench.save(tmp_path, place | {"date": "tomorrow"}, "fused", [better])
    assert json.loads(path.read_text()) == {"machine": place | {"date": "tomorrow"}, "rows": [better]}


@pytest.mark.parametrize("kept", sorted(bench.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_figures_in_the_form_of_their_day_are_read_and_stay(kept, tmp_path, monkeypatch):
    copy = Path(shutil.copy(kept, tmp_path))
    old = json.loads(copy.read_text())
    form = next(form for form, name in bench.FILES.items() if kept.stem.startswith(name))
    row = {"loss": "huber_loss", "form": form, "shape": "9", "dtype": "float32", "scale": 1.0}
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert bench.save(tmp_path, old["machine"], form, [row]) == copy
    assert json.loads(copy.read_text()) == old | {"rows": [*old.get("rows", []), row]}


def test_the_command_shows_both_forms_and_saves_them(tmp_path, table, monkeypatch, capsys):
    monkeypatch.setattr(work.Work, "sizes", lambda self, form, device: [small(self.small)])
    monkeypatch.setattr(bench, "import_seconds", lambda: 0.04)
    assert bench.main(["huber", "--rounds", "1", "--save", "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    titles = [line for line in said.splitlines() if line.startswith("huber_loss, ") and line.count(":") == 0]
    assert titles == [f"huber_loss, {row}" for row in (
        "readable, 12 float32, scale 1", "readable, 40 float32, scale 1", "fused, 12 float32, scale 1",
        "fused, 12 float32, scale 10", "fused, 40 float32, scale 1",
    )]  # fmt: skip
    assert "import lossbook adds 40* ms to import torch (at most 30)" in said
    readable, made = (json.loads(next(tmp_path.glob(f"{form}-*.json")).read_text()) for form in ("losses", "fused"))
    assert readable["import_seconds"] == 0.04
    assert readable["machine"]["torch"] == torch.__version__
    assert [(row["loss"], row["form"]) for row in readable["rows"]] == [("huber_loss", "readable")] * 2
    assert [(row["shape"], row["scale"]) for row in made["rows"]] == [("12", 1.0), ("12", 10.0), ("40", 1.0)]
    assert bench.main(["soft_margin", "--rounds", "1"]) == 0
    assert "soft_margin_loss, fused" not in capsys.readouterr().out


def test_the_command_runs_from_the_checkout():
    told = subprocess.run([sys.executable, bench.__file__, "--help"], capture_output=True, text=True, check=True)
    assert "--form {readable,fused}" in told.stdout


def test_the_import_is_timed():
    assert 0 < bench.import_seconds(runs=1) < 60


def test_peak_memory_counts_the_gradient_on_every_run(device):
    """The gradient of an earlier run is not counted as given back."""
    args = (torch.randn(1 << 16, device=device, requires_grad=True),)
    twice = measure.Candidate(lambda args: lambda x: (2 * x).sum(), args, args)
    twice.get_ready()
    peaks = [measure.peak_bytes(twice.run, args) for _ in range(3)]
    assert peaks[0] == peaks[1] == peaks[2]
    assert peaks[0] >= args[0].nbytes
