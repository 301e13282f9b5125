"""What the chapters say of trained numbers: over starts, over rates, beside a constant."""

import math

import pytest
import torch
from torch import nn

from lossbook.functional import mse_loss
from lossbook.notebook import fit, of_pairs, ruler, starts, sweep, trials


def train(lr, seed):
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 21).unsqueeze(1)
    model = nn.Linear(1, 1)
    fit(model, mse_loss, x, 3 * x + 1, steps=30, lr=lr)
    return mse_loss(model(x), 3 * x + 1).item()


def test_starts_have_a_median_and_a_range():
    found = starts(lambda seed: train(0.1, seed))
    assert len(found.values) == 5
    assert len(set(found.values)) == 5
    assert found.low < found.median < found.high
    assert f"{found:.1f}" == f"{found.median:.1f} ({found.low:.1f} to {found.high:.1f})"
    assert repr(found).endswith("in 5 starts")


def test_a_sweep_finds_the_best_rate_and_says_where_it_is():
    found = sweep(train, [1e-3, 0.01, 0.3, 3.0, 30.0])
    assert found.rate == 0.3
    assert found.inside
    assert found.best.high < 0.1 < found.results[1e-3].low
    assert repr(found).count("best") == 1
    assert not sweep(train, [1e-3, 0.01]).inside


@pytest.mark.parametrize(("better", "worst"), [(min, math.inf), (max, -math.inf)])
def test_what_diverges_is_the_worst(better, worst):
    def breaks(lr, seed):
        if lr == 1.0:
            fit(nn.Linear(1, 1), lambda *_: torch.tensor(math.nan), torch.ones(2, 1), torch.ones(2, 1))
        return math.nan if lr == 2.0 else lr

    found = sweep(breaks, [0.1, 1.0, 2.0], better=better)
    assert found.rate == 0.1
    assert found.results[1.0].values == found.results[2.0].values == (worst,) * 3


def test_another_error_is_not_taken_for_divergence():
    with pytest.raises(ValueError, match="one number"):
        sweep(lambda lr, seed: fit(nn.Linear(1, 1), lambda a, b: a - b, torch.ones(2, 1), torch.ones(2, 1))[0], [0.1])


def test_the_error_of_a_share_of_pairs_is_that_of_other_samples():
    """The share of pairs in order, of 40 samples drawn again and again: how much it moves, and how much is said."""
    a, b = torch.combinations(torch.arange(40)).T
    rng = torch.Generator().manual_seed(0)
    shares, errors = [], []
    for _ in range(400):
        truth, noise = torch.randn(2, 40, generator=rng)
        wrong = ((truth + noise)[a] > (truth + noise)[b]) != (truth[a] > truth[b])
        values = of_pairs(wrong.double(), a, b)
        assert values.mean().isclose(wrong.double().mean())
        found = ruler({"coin": torch.full((40,), 0.5), "score": values})
        shares.append(wrong.double().mean())
        errors.append(found.difference("score", "coin")[1])
    assert 0.9 < torch.tensor(errors).mean() / torch.stack(shares).std() < 1.15


def test_a_sample_without_a_pair_is_named():
    with pytest.raises(ValueError, match="sample 2 is in no pair"):
        of_pairs(torch.zeros(2), torch.tensor([0, 1]), torch.tensor([1, 3]))
    with pytest.raises(ValueError, match=r"shapes must match; got \[\(2,\), \(1,\), \(1,\)\]"):
        of_pairs(torch.zeros(2), torch.tensor([0]), torch.tensor([1]))


def test_a_ruler_has_the_error_of_the_paired_difference():
    torch.manual_seed(0)
    base = 100 * torch.randn(400) ** 2
    found = ruler({"constant": base, "same but for noise": base + 1 + 0.1 * torch.randn(400)})
    more, error = found.difference("same but for noise")
    assert abs(more - 1) < 4 * error < 0.03
    assert found.difference("constant", "same but for noise")[0] == -more
    assert found.mean("constant") == pytest.approx(base.mean().item())
    assert "(400 held out)" in repr(found)


@pytest.mark.parametrize("losses", [{}, {"a": torch.ones(3), "b": torch.ones(4)}, {"a": torch.ones(3, 1)}])
def test_a_ruler_refuses_other_samples(losses):
    with pytest.raises(ValueError, match="one loss for each held-out sample"):
        ruler(losses)


@pytest.mark.parametrize("quiet", ["", "1"])
def test_long_work_says_how_far_it_is_unless_somebody_stores_it(quiet, monkeypatch, capsys):
    monkeypatch.setattr(trials, "PATIENCE", -1.0)
    monkeypatch.setenv("LOSSBOOK_QUIET", quiet)
    monkeypatch.setattr(trials.sys.stdout, "isatty", lambda: True)
    starts(lambda seed: 0.0, n=3)
    told = capsys.readouterr().out
    assert told == "" if quiet else "2 of 3 starts, about" in told


@pytest.mark.parametrize("rates", [[], [0.0], [0.1, -1.0], [float("nan")]])
def test_rates_are_above_zero(rates):
    with pytest.raises(ValueError, match="rates must be learning rates, each above 0; got"):
        sweep(lambda lr, seed: lr, rates)


@pytest.mark.parametrize("tried", [lambda: starts(float, n=0), lambda: sweep(max, [0.1], n=0)])
def test_at_least_one_start(tried):
    with pytest.raises(ValueError, match="n must be at least 1 start; got 0"):
        tried()
