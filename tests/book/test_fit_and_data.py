"""The training loop and the data sets of the book."""

import pytest
import torch
from torch import nn

from lossbook.functional import mse_loss
from lossbook.notebook import data, fit


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [("diabetes", 442, 10), ("digits", 1797, 64), ("breast_cancer", 569, 30), ("wine", 178, 13)],
)
def test_data_is_whole_split_and_repeatable(name, rows, columns):
    split, again = getattr(data, name)(), getattr(data, name)()
    assert len(split.train_inputs) + len(split.test_inputs) == rows
    assert len(split.test_inputs) == -(-rows // 4)
    assert split.train_inputs.shape == (len(split.train_targets), columns)
    for one, other in zip(split, again, strict=True):
        assert torch.equal(one, other)
    if name == "digits":
        assert 0 <= split.train_inputs.min() < split.train_inputs.max() <= 1
    else:
        torch.testing.assert_close(split.train_inputs.std(0), torch.ones(columns))


def line():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 21).unsqueeze(1)
    return nn.Linear(1, 1), x, 3 * x + 1


@pytest.mark.parametrize("batch", [None, 5])
def test_fit_finds_the_line(batch):
    model, x, y = line()
    history = fit(model, mse_loss, x, y, steps=600, batch=batch)
    assert len(history) == 600
    assert history[-1] < 1e-4 < history[0]
    assert model.weight.item() == pytest.approx(3, abs=0.02)


def test_batches_use_every_row_once_in_an_epoch():
    seen = []

    def watch(output, target):
        seen.extend(target.flatten().tolist())
        return mse_loss(output, target)

    model, x, y = line()
    fit(model, watch, x, y, steps=5, batch=5)
    assert sorted(seen[:21]) == pytest.approx(sorted(y.flatten().tolist()))


def test_fit_refuses_a_loss_that_is_not_one_number_or_not_finite():
    model, x, y = line()
    with pytest.raises(ValueError, match=r"one number.*got \(21, 1\)"):
        fit(model, lambda a, b: (a - b) ** 2, x, y)
    with pytest.raises(ValueError, match="the loss is nan at step 0"):
        fit(model, lambda a, b: (a - b).mean() * torch.nan, x, y)
