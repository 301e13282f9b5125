"""What the page *Support matrix* asks of two libraries: each question can be answered by yes and by no."""

import re
import warnings

import pytest
import torch
from torch.nn import functional as F

from lossbook import functional as ours
from lossbook.notebook.support import (
    VERSIONS_PATTERN,
    Answers,
    Example,
    Found,
    cell,
    differentiated,
    exported,
    graphs,
    left_out,
    nothing,
    precise,
    refused,
    right,
    taken_apart,
)


def x(*shape):
    return torch.randn(*shape, dtype=torch.float64)


LISTS = torch.tensor([[3, 0, -1, 1], [1, -1, -1, -1]])
PAIR = Example(lambda n: (x(n, 3), x(n, 3)), (0, 1))
SIGNS = Example(lambda n: (x(n, 3), torch.where(x(n, 3) > 0, 1.0, -1.0)))
ROWS = Example(lambda n: (x(n, 4), torch.arange(n) % 4))
LISTED = Example(lambda n: (x(n, 4), LISTS[torch.arange(n) % 2]))


def test_the_same_arguments_each_time():
    state = torch.get_rng_state()
    first, again = PAIR.drawn(3), PAIR.drawn(3)
    assert torch.equal(first[0], again[0])
    assert torch.equal(state, torch.get_rng_state())


class Flat(torch.autograd.Function):
    """A gradient that is not that of the value."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.square().sum()

    @staticmethod
    def backward(ctx, upstream):
        return upstream * torch.ones_like(ctx.saved_tensors[0])


@pytest.mark.parametrize(
    ("loss", "example", "what", "words"),
    [
        (F.mse_loss, PAIR, "gradient", "yes"),
        (lambda input, target: Flat.apply(input), PAIR, "gradient", "wrong"),
        (F.multi_margin_loss, ROWS, "second derivative", "`RuntimeError`"),
        (F.multi_margin_loss, ROWS, "forward mode", "`NotImplementedError`"),
        (F.soft_margin_loss, SIGNS, "vmap", "slow path"),
        (ours.soft_margin_loss, SIGNS, "vmap", "yes"),
    ],
)
def test_derivatives(loss, example, what, words):
    assert differentiated(loss, example, what) == Found(words == "yes", words)


def test_precision():
    def rough(input, target):
        return (input.bfloat16() - target.bfloat16()).square().mean().to(input.dtype)

    assert precise(F.mse_loss, PAIR, torch.bfloat16, ours.mse_loss).good
    assert precise(rough, PAIR, torch.float32, ours.mse_loss) == Found(False, "imprecise")
    wide = precise(lambda input, target: F.mse_loss(input, target).double(), PAIR, torch.float16, ours.mse_loss)
    assert wide == Found(False, "gives float64")
    assert precise(F.multi_margin_loss, ROWS, torch.float16, ours.multi_margin_loss).words == "`NotImplementedError`"


@pytest.mark.compiles
def test_graphs_and_exports():
    def sized(input, target):
        return F.mse_loss(input, target) if input.shape[0] != 5 else F.mse_loss(input, target) * 2

    def looks(input, target):
        return F.mse_loss(input, target) if input.sum() > 0 else F.l1_loss(input, target)

    assert graphs(F.mse_loss, PAIR) == Found(True, "1")
    assert graphs(sized, PAIR) == Found(False, "2")
    assert not graphs(looks, PAIR).good
    assert exported(F.mse_loss, PAIR).good
    assert not exported(looks, PAIR).good


@pytest.mark.compiles
def test_an_export_that_fails_prints_nothing(capfd):
    def looks(input, target):
        return F.mse_loss(input, target) if input.sum() > 0 else F.l1_loss(input, target)

    exported(looks, PAIR)
    assert capfd.readouterr() == ("", "")


@pytest.mark.compiles
def test_what_a_compiler_takes_apart():
    assert taken_apart(F.multilabel_margin_loss, LISTED) == Found(False, "wrong")
    assert taken_apart(ours.multilabel_margin_loss, LISTED).good


def test_mistakes():
    column, row = torch.zeros(4, 1), torch.zeros(4)
    assert refused(lambda: F.binary_cross_entropy_with_logits(column, row)) == Found(True, "refused")
    assert refused(lambda: F.mse_loss(column, row)) == Found(False, "a warning")
    assert refused(lambda: F.poisson_nll_loss(column, row)) == Found(False, "a number")
    assert refused(lambda: torch.nn.MSELoss(reduction="avg")) == Found(False, "accepted")


def test_extremes():
    score, label = torch.tensor([-100.0]), torch.ones(1)
    assert right(F.soft_margin_loss, (score, label), 100.0, -1.0) == Found(False, "inf")
    assert right(ours.soft_margin_loss, (score, label), 100.0, -1.0).good
    assert right(ours.soft_margin_loss, (score, label), 99.0) == Found(False, "100")
    assert right(ours.soft_margin_loss, (score, label), 100.0, 1.0) == Found(False, "gradient −1")
    both = torch.tensor([0.0, 0.0])
    assert right(lambda at: at.square().sum().sqrt(), (both,), 0.0) == Found(False, "gradient NaN")
    assert right(lambda at: at.square().sum().sqrt(), (both,), 1.0) == Found(False, "0")
    assert right(F.nll_loss, (both, label), 0.0).words == "`RuntimeError`"


def test_what_is_left_out():
    assert left_out(F.mse_loss, PAIR, "weight") == Found(False, "NaN")
    assert left_out(ours.mse_loss, PAIR, "sample_weight").good
    assert left_out(F.cross_entropy, ROWS, "ignore_index") == Found(False, "gradient NaN")
    assert left_out(ours.cross_entropy, ROWS, "ignore_index").good
    assert left_out(F.soft_margin_loss, SIGNS, None) == Found(False, "no way")
    assert left_out(F.soft_margin_loss, SIGNS, "sample_weight").words == "`TypeError`"


def test_the_mean_of_nothing():
    assert nothing(F.mse_loss, PAIR) == Found(True, "NaN")
    assert nothing(lambda input, target: input.sum(), PAIR) == Found(False, "leftover memory")


def test_cells():
    yes, no = Found(True, "yes"), Found(False, "NaN")
    assert cell(yes, yes) == "yes"
    assert cell(no, no) == "NaN"
    assert cell(no, yes) == "**torch: NaN**; lossbook: yes"


def test_answers_are_counted_and_shown():
    answers = Answers({"mse_loss": "regression/mse.ipynb", "l1_loss": "regression/l1.ipynb"})
    answers.ask("even", lambda name, side: Found(side == 1, "yes" if side else "no"))
    answers.ask("odd", lambda name, side: Found(True, "yes") if name == "l1_loss" else None)
    assert answers.count() == (1, 2, 0, 0)
    assert answers.count("odd") == (1, 0, 0, 0)
    table = answers.table("even", "odd")._repr_markdown_()
    assert table.splitlines()[0] == "| Loss | even | odd |"
    assert table.splitlines()[2] == "| [`mse_loss`](regression/mse.ipynb) | **torch: no**; lossbook: yes | – |"
    alike = answers.table("odd")._repr_markdown_()
    assert alike.splitlines()[2:] == ["| [`mse_loss`](regression/mse.ipynb), [`l1_loss`](regression/l1.ipynb) | yes |"]
    summary = answers.summary({"Both": ["even", "odd"]})._repr_markdown_()
    assert summary.startswith("Of 3 cells, 2 differ.\n")
    assert re.search(VERSIONS_PATTERN, summary)
    assert torch.__version__ not in re.sub(VERSIONS_PATTERN, "", summary)


def test_nothing_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused(lambda: F.mse_loss(torch.zeros(4, 1), torch.zeros(4)))
        differentiated(F.soft_margin_loss, SIGNS, "vmap")
