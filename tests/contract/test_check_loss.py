"""check_loss: every check passes for a good loss and can fail for a bad one."""

import pytest
import torch
from torch import nn

import lossbook
from lossbook.functional import cross_entropy, huber_loss
from lossbook.testing import CHECKS, check_loss

X, Y = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 1, 0])


def by_hand(input, target):
    return [[min(abs(e), 1) * (abs(e) - min(abs(e), 1) / 2) for e in row] for row in (input - target).tolist()]


def test_a_good_function_passes_everything(capsys):
    report = check_loss(huber_loss, X, Y, oracle=by_hand)
    assert report
    assert len(report.lines) == len(CHECKS) - 1  # it is no module
    assert repr(report) == f"Report: {len(CHECKS) - 1} of {len(CHECKS) - 1} checks passed"
    assert capsys.readouterr().out == f"{report}\n"


@pytest.mark.parametrize(
    ("loss", "args"),
    [
        (cross_entropy, (X, LABELS)),
        (lossbook.HuberLoss(delta=2.0), (X, Y)),
        (lossbook.CrossEntropyLoss(torch.rand(3)), (X, LABELS)),
    ],
)
def test_losses_of_the_package_pass(loss, args):
    assert check_loss(loss, *args)


class Cut(torch.autograd.Function):
    """Ignores what comes from above."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x**2).sum()

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return 2 * x


class FirstOnly(torch.autograd.Function):
    """Has the right gradient, as a constant."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x**2).sum()

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * 2 * x.detach()


class Unpicklable(nn.Module):
    def __init__(self):
        super().__init__()
        self.power = lambda x: x**2

    def forward(self, input, target):
        if input.shape != target.shape:
            raise ValueError("shapes must match")
        return self.power(input - target).mean()


class OnTheSide(nn.Module):
    def forward(self, input, target):
        if input.sum().item() > 1e9:
            print("large")
        return ((input - target) ** 2).mean()


def halved(input, target, reduction="mean"):
    each = (input - target) ** 2
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean() / 2


def any_name(input, target, reduction="mean"):
    each = (input - target) ** 2
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean()


def in_place(input, target):
    target *= 1.0001
    return ((input - target) ** 2).mean()


BAD = [
    ("runs on the example", lambda x, y: ((x - y) / torch.zeros(())).mean(), {}),
    ("value is the oracle's", lambda x, y: ((x - y) ** 2).mean(), {"oracle": lambda x, y: 3.0}),
    ("none, sum and mean agree", halved, {}),
    ("refuses an unknown reduction", any_name, {}),
    ("gradient reaches the first argument", lambda x, y: torch.tensor(float(((x - y) ** 2).mean())), {}),
    ("gradient reaches the first argument", lambda x, y: ((x.detach() - y) ** 2).mean(), {}),
    ("gradient reaches the first argument", lambda x, y: ((x.round() - y) ** 2).mean(), {}),
    ("gradient is that of the value", lambda x, y: (x.detach() * x * y).mean(), {}),
    ("gradient is that of the value", lambda x, y: 10 * Cut.apply(x - y), {}),
    ("second derivative is that of the gradient", lambda x, y: FirstOnly.apply(x - y), {}),
    ("forward-mode derivative", lambda x, y: 10 * Cut.apply(x - y), {}),
    ("vmap without a slow path", lambda x, y: ((x - y) ** 2).mean() if x.sum() > -1e9 else x.sum(), {}),
    ("torch.compile(fullgraph=True) gives the same", OnTheSide(), {}),
    ("keeps float32, bfloat16 and float16", lambda x, y: ((x - y).double() ** 2).mean(), {}),
    ("finite value and gradient at scales 1, 10, 100, 10000", lambda x, y: torch.log(1 + torch.exp(x - y)).mean(), {}),
    ("finite gradient where the arguments are equal", lambda x, y: ((x - y) ** 2).mean().sqrt(), {}),
    ("refuses (samples, 1) against (samples,)", lambda x, y: ((x - y) ** 2).mean(), {}),
    ("leaves its arguments alone", in_place, {}),
    ("a pickled copy is the same", Unpicklable(), {}),
]


@pytest.mark.parametrize(("what", "loss", "options"), BAD, ids=[f"{n} {what}" for n, (what, _, _) in enumerate(BAD)])
def test_each_check_can_fail(what, loss, options):
    report = check_loss(loss, X, Y, compile="compile" in what, **options)
    assert not report
    assert what in report.failed


def test_every_check_is_seen_failing():
    failing = {what.replace("1, 10, 100, 10000", "{scales}") for what, _, _ in BAD}
    assert failing == set(CHECKS)


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(ValueError, match="needs a floating-point tensor as the first argument"):
        check_loss(cross_entropy, LABELS, LABELS)
    with pytest.raises(ValueError, match="at least two samples"):
        check_loss(huber_loss, X[:1], Y[:1])
    with pytest.raises(ValueError, match=r"does not run on the example: ValueError: shapes must match"):
        check_loss(huber_loss, X, Y[:2])
    with pytest.raises(ValueError, match="must return a tensor; it returned float"):
        check_loss(lambda x, y: (x - y).sum().item(), X, Y)
