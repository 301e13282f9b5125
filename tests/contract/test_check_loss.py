"""check_loss: it passes every loss of the package and a reader's right ones, and each check can fail for a bad one."""

import inspect
import subprocess
import sys

import pytest
import torch
from subjects import LOSSES, draw
from torch import nn
from torch.nn import functional as F

import lossbook
from lossbook._core.trial import Trial
from lossbook.functional import cross_entropy, huber_loss
from lossbook.testing import CHECKS, check_loss

X, Y = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 1, 0])
WEIGHT = torch.tensor([0.5, 2.0, 1.0])
SCALES = "finite value and gradient at scales 1, 10, 100, 10000"
EQUAL = "finite gradient where the arguments are equal"
SHAPES = "refuses (samples, 1) against (samples,)"
REDUCTIONS = {"none, sum and mean agree", "refuses an unknown reduction"}
DTYPES = "keeps float64, float32, bfloat16 and float16"
MEAN = "none, sum and mean agree"
DIFFERENCES = {"gradient is that of the value", "second derivative is that of the gradient"}
FLAT = {"gradient reaches the arguments", "forward-mode derivative", *DIFFERENCES}
ASKED = {"value is the oracle's", "torch.compile(fullgraph=True) gives the same"}  # said to be left out in the call
PICKLE = "a pickled copy is the same"


def names():
    return {what.format(scales="1, 10, 100, 10000") for what in CHECKS}


# --- the losses of the package -------------------------------------------------------------------------------------


def several(subject):
    """The first cases and some of the others, if their first argument has samples."""
    return [case for case in subject.cases[:2] + subject.cases[2::3] if draw(case)[0].dim()]


def says_nothing(subject, case, args):
    """The checks that cannot apply, by the oracle and by the domains."""
    losses = subject.entries(args, case.settings)
    silent = set()
    if all(loss == 0 for loss in losses):
        silent |= FLAT
    if abs(sum(losses) / len(losses) - mean_of(subject, case, args)) > 1e-9:
        silent.add(MEAN)
    second = args[1] if len(args) > 1 else None
    if not isinstance(second, torch.Tensor) or second.shape != args[0].shape:
        silent |= {EQUAL, SHAPES}
    elif not second.is_floating_point() or (subject.stem == "kl_div" and not case.settings.get("log_target")):
        silent.add(EQUAL)
    grows = subject.stem == "poisson_nll" and case.settings.get("log_input", True)
    return silent | ({SCALES} if subject.stem == "binary_cross_entropy" or grows else set())


def mean_of(subject, case, args):
    return subject.reduced(args, case.settings, "mean", [1] * len(subject.entries(args, case.settings)))


@pytest.mark.parametrize(("subject", "case"), [(s, case) for s in LOSSES for case in several(s)], ids=str)
def test_every_function_passes(subject, case):
    args = draw(case)

    def oracle(*args):
        return [float(loss) for loss in subject.entries(args, case.settings)]

    def mean(each, *args):
        return float(mean_of(subject, case, args))

    report = check_loss(subject.function, *args, oracle=oracle, compile=False, **case.settings)
    assert report, report
    compiled = "torch.compile(fullgraph=True) gives the same"
    assert set(report.not_checked) == {compiled, PICKLE} | says_nothing(subject, case, args)
    assert CHECKS[MEAN](Trial(subject.function, args, case.settings, mean=mean)) is None


@pytest.mark.parametrize("subject", LOSSES, ids=str)
def test_every_module_passes(subject):
    case = subject.cases[-1] if draw(subject.cases[-1])[0].dim() else subject.cases[0]
    args = draw(case)
    silent = says_nothing(subject, case, args) - {MEAN}
    if subject.stem == "linear_cross_entropy":  # it owns the map
        case, args = subject.cases[0], draw(subject.cases[0])
        module, args, per_call = subject.cls(args[0].shape[-1], len(args[1])), (args[0], args[2]), {}
    else:
        forward = inspect.signature(subject.cls.forward).parameters
        per_call = {n: v for n, v in case.settings.items() if n in forward}
        module = subject.cls(**{n: v for n, v in case.settings.items() if n not in forward})
    report = check_loss(module, *args, compile=False, **per_call)
    assert report, report
    assert set(report.not_checked) == ASKED | REDUCTIONS | silent


@pytest.mark.parametrize(
    ("loss", "args", "settings"),
    [
        (cross_entropy, (X, LABELS), {"weight": WEIGHT}),
        (lossbook.HuberLoss(delta=2.0), (X, Y), {}),
        (lossbook.CrossEntropyLoss(weight=WEIGHT), (X, LABELS), {}),
    ],
    ids=["function", "module", "module with a buffer"],
)
def test_compiled_they_are_the_same(loss, args, settings):
    report = check_loss(loss, *args, **settings)
    assert report, report
    assert "torch.compile(fullgraph=True) gives the same" not in report.not_checked


def by_hand(input, target):
    return [[min(abs(e), 1) * (abs(e) - min(abs(e), 1) / 2) for e in row] for row in (input - target).tolist()]


def test_a_report_says_what_it_is(capsys):
    report = check_loss(huber_loss, X, Y, oracle=by_hand, compile=False)
    assert [what for _, what, _ in report.lines] == [what.format(scales="1, 10, 100, 10000") for what in CHECKS]
    assert repr(report) == f"Report: {len(CHECKS) - 2} checks passed, 0 failed, 2 say nothing here"
    assert capsys.readouterr().out == f"{report}\n"


# --- right losses of a reader ----------------------------------------------------------------------------------------


def same_shapes(input, target):
    if input.shape != target.shape:
        raise ValueError("shapes must match")


def reduced(each, reduction, mean=None):
    if reduction not in ("none", "sum", "mean"):
        raise ValueError("reduction must be none, sum or mean")
    return {"none": each, "sum": each.sum(), "mean": each.mean() if mean is None else mean}[reduction]


def weighted(input, target, *, weight, reduction="mean"):
    own = weight[target]
    each = -own * input.log_softmax(1).gather(1, target[:, None])[:, 0]
    return reduced(each, reduction, each.sum() / own.sum())


def masked(input, target, seen, reduction="mean"):
    same_shapes(input, target)
    each = (input - target) ** 2 * seen
    return reduced(each, reduction, each.sum() / (seen.to(each.dtype).sum() + 1e-8))


def at_least_one(input, target, reduction="mean"):
    """Detection: per positive, and 1 where there is none."""
    same_shapes(input, target)
    each = F.softplus(input) - input * target
    return reduced(each, reduction, each.sum() / target.sum().clamp(min=1))


def per_length(input, lengths, reduction="mean"):
    each = (input**2 * (torch.arange(input.shape[1]) < lengths[:, None])).sum(1)
    return reduced(each, reduction, (each / lengths).mean())


def per_sample(input, target, reduction="mean"):
    same_shapes(input, target)
    each = (input - target) ** 2
    return reduced(each, reduction, each.sum() / len(each))


def divergence(input, target):
    same_shapes(input, target)
    if not torch._C._are_functorch_transforms_active() and ((input > 0).any() or (target < 0).any()):
        raise ValueError("input must be log-probabilities, target probabilities")
    return (torch.xlogy(target, target) - target * input).sum(1).mean()


def one_way(input, target):
    same_shapes(input, target)
    if not torch._C._are_functorch_transforms_active() and (input > 0).any():
        raise ValueError("input must be at most 0")
    return ((input - target) ** 2).mean()


def likelihood(input, target):
    same_shapes(input, target)
    return F.binary_cross_entropy(input, target)  # refuses with a RuntimeError


def counts(input, target):
    same_shapes(input, target)
    return (input.exp() - target * input).mean()


def hinge(input, target):
    same_shapes(input, target)
    return (1 - target * input).clamp(min=0).mean()


def pinball(input, target):
    same_shapes(input, target)
    return torch.where(target > input, 9 * (target - input), input - target).mean()


def in_batch(one, other, reduction="mean"):
    if one.shape != other.shape or one.dim() != 2:
        raise ValueError("shapes must match")
    return reduced(-(one @ other.T).log_softmax(1).diagonal(), reduction)


def of_valid_anchors(embedding, label, reduction="mean"):
    far = (embedding[:, None] - embedding).abs().sum(-1)
    same = (label[:, None] == label) & ~torch.eye(len(label), dtype=torch.bool)
    valid = same.any(1)
    each = torch.where(valid, (far * same).sum(1), 0.0)
    return reduced(each, reduction, each.sum() / valid.sum())


class Centres(nn.Module):
    """Distance from a centre of the own class, which is learned."""

    def __init__(self):
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(3, 3))

    def forward(self, input, target):
        return ((input - self.centres[target]) ** 2).sum(1).mean()


TIED = torch.tensor([0.0, 1.5, 2.0, 1.0, 0.5])
PROBABILITIES = X.sigmoid()
RIGHT = {
    "weights of classes": (weighted, (X, LABELS), {"weight": WEIGHT}, {MEAN, EQUAL, SHAPES}),
    "equal weights": (weighted, (X, LABELS), {"weight": 2 * torch.ones(3)}, {MEAN, EQUAL, SHAPES}),
    "weights that add up to the samples": (
        weighted, (X, LABELS), {"weight": torch.tensor([0.5, 1.0, 2.0])}, {MEAN, EQUAL, SHAPES},
    ),
    "mask": (masked, (X, Y, X > 0), {}, {MEAN}),
    "mask of one half": (masked, (X, Y, torch.arange(5)[:, None].expand(5, 3) > 1), {}, {MEAN}),
    "equal weights of entries": (masked, (X, Y, torch.full((5, 3), 2.0)), {}, {MEAN}),
    "positives": (at_least_one, (X, (Y > 0).double()), {}, {MEAN}),
    "positives in one half": (at_least_one, (X, 1.0 * (torch.arange(5) > 1)[:, None].expand(5, 3)), {}, {MEAN}),
    "lengths": (per_length, (X, torch.tensor([1, 3, 2, 3, 1])), {}, {MEAN, EQUAL, SHAPES}),
    "equal lengths": (per_length, (X, torch.tensor([2] * 5)), {}, {MEAN, EQUAL, SHAPES}),
    "mean over samples": (per_sample, (X, Y), {}, {MEAN}),
    "two domains": (divergence, (X.log_softmax(1), Y.softmax(1)), {}, {EQUAL, *REDUCTIONS}),
    "a domain within the other": (one_way, (-X.exp(), Y.exp()), {}, REDUCTIONS),
    "at the end of a domain": (one_way, (-X.relu(), Y), {}, REDUCTIONS | DIFFERENCES),
    "bounds": (likelihood, (PROBABILITIES, Y.sigmoid()), {}, {SCALES, *REDUCTIONS}),
    "exponential": (counts, (X, Y.exp()), {}, {SCALES, *REDUCTIONS}),
    "hinge within its margin": (hinge, (3 * Y.sign(), Y.sign()), {}, FLAT | REDUCTIONS),
    "stationary": (counts, (torch.zeros(5, 3), torch.ones(5, 3)), {}, FLAT | REDUCTIONS),
    "ties": (
        pinball, (torch.tensor([1.0, 2.0, 0.0]), torch.tensor([1.0, 3.0, 0.0])), {},
        REDUCTIONS | DIFFERENCES,
    ),
    "a batch that sees itself": (in_batch, (X, Y), {}, set()),
    "counts in a batch that sees itself": (of_valid_anchors, (X, LABELS), {}, {MEAN, EQUAL, SHAPES}),
    "written in C": (torch.dot, (X[:, 0], Y[:, 0]), {}, REDUCTIONS),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_loss_passes_and_what_is_not_checked_is_said(name):
    loss, args, settings, silent = RIGHT[name]
    report = check_loss(loss, *args, compile=False, **settings)
    assert report, report
    assert set(report.not_checked) == ASKED | {PICKLE} | silent
    assert all(why for status, _, why in report.lines if status == "-")


def test_a_right_module_with_a_parameter_passes():
    report = check_loss(Centres(), X, LABELS)
    assert report, report
    assert set(report.not_checked) == {"value is the oracle's", EQUAL, SHAPES} | REDUCTIONS


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("weights of classes", lambda each, input, target: each.sum() / WEIGHT[target].sum()),
        ("mask", lambda each, input, target, seen: each.sum() / seen.sum()),
        ("lengths", lambda each, input, lengths: (each / lengths).mean()),
        ("mean over samples", lambda each, input, target: each.sum() / len(each)),
        ("counts in a batch that sees itself", lambda each, *_: each.sum() / 4),
    ],
)
def test_a_mean_of_its_own_is_checked_when_it_is_given(name, mean):
    loss, args, settings, _ = RIGHT[name]
    report = check_loss(loss, *args, mean=mean, compile=False, **settings)
    assert report, report
    assert MEAN not in report.not_checked
    wrong = check_loss(loss, *args, mean=lambda each, *_: each.mean(), compile=False, **settings)
    assert wrong.failed == [MEAN]


def test_every_argument_that_takes_gradients_is_tried():
    report = check_loss(F.triplet_margin_loss, X, Y, X.flip(0), gradients=(0, 1, 2), margin=9.0, compile=False)
    assert not set(report.failed) & FLAT
    half = check_loss(lambda x, y: ((x - y.detach()) ** 2).mean(), X, Y, gradients=(0, 1), compile=False)
    assert "it is 0 everywhere for argument 2" in str(half)


# --- wrong losses ----------------------------------------------------------------------------------------------------


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


class Centred(torch.autograd.Function):
    """Takes off the mean; the jvp is right in the one direction in which it is 0."""

    @staticmethod
    def forward(x):
        return x - x.mean()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, upstream):
        return upstream - upstream.mean()

    @staticmethod
    def jvp(ctx, tangent):
        return 2 * (tangent - tangent.mean())


class WrittenInto(torch.autograd.Function):
    """Right, with a backward that fills a new tensor."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x * 3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.shape = inputs[0].shape

    @staticmethod
    def backward(ctx, upstream):
        filled = torch.zeros(ctx.shape, dtype=torch.double)
        filled += 3 * upstream
        return filled


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


class OnlyDoubles(nn.Module):
    """Its tensor is no buffer, and stays behind."""

    def __init__(self):
        super().__init__()
        self.weight = torch.ones(3, dtype=torch.double)

    def forward(self, input, target):
        return (self.weight * (input - target) ** 2).mean()


def halved(input, target, reduction="mean"):
    each = (input - target) ** 2
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean() / 2


def any_name(input, target, reduction="mean"):
    each = (input - target) ** 2
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean()


def divided_by(count):
    def loss(input, target, *, weight=None, reduction="mean"):
        own = torch.ones(len(input), dtype=input.dtype) if weight is None else weight[target]
        each = -own * input.log_softmax(1).gather(1, target[:, None])[:, 0]
        return reduced(each, reduction, each.sum() / count(each, own))

    return loss


def doubled_sum(input, target, reduction="mean"):
    each = (input - target) ** 2
    return 2 * each.sum() if reduction == "sum" else reduced(each, reduction)


def batch_over_a_constant(one, other, reduction="mean"):
    each = -(one @ other.T).log_softmax(1).diagonal()
    return reduced(each, reduction, each.sum() / 4)


def divided_by_one_sample(input, target, *, weight, reduction="mean"):
    same_shapes(input, target)
    each = weight[:, None] * (input - target) ** 2
    return reduced(each, reduction, each.sum() / weight[0])


def compiling():
    return int(torch.compiler.is_compiling())


def naive_softplus(input, target):
    return torch.log(1 + torch.exp(input - target)).mean()


def long_square(input, target):
    return (1e18 * (input - target)).square().sum().sqrt() / 1e18


def in_place(input, target):
    target *= 1.0001
    return ((input - target) ** 2).mean()


def there_and_back(input, target):
    target.add_(1).sub_(1)
    return ((input - target) ** 2).mean()


def bounded_and_naive(input, target):
    if (input < 0).any() or (input > 1).any():
        raise ValueError("input must be a probability")
    return ((input - target) ** 2 + 1e-60 / (input - input + 1e-50)).mean()


def not_in_float32(input, target):
    if input.dtype == torch.float32:
        raise ValueError("input must be float64")
    return ((input - target) ** 2).mean()


def refuses_equals(input, target):
    if torch.equal(input, target):
        raise ValueError("nothing to learn")
    return ((input - target) ** 2).mean()


def two_domains_and_a_root(input, target):
    if (input > 0).any():
        raise ValueError("input must be at most 0")
    return (input - target).pow(2).sum(1).sqrt().mean()


BAD = [
    ("runs on the example", lambda x, y: ((x - y) / torch.zeros(())).mean(), {}),
    ("value is the oracle's", lambda x, y: ((x - y) ** 2).mean(), {"oracle": lambda x, y: 3.0}),
    (
        "value is the oracle's",
        huber_loss,
        {"oracle": lambda x, y: 1e-11 + X.new_tensor(by_hand(x, y), dtype=torch.double)},
    ),
    (MEAN, halved, {}),
    (MEAN, doubled_sum, {}),
    (MEAN, batch_over_a_constant, {}),
    (MEAN, divided_by_one_sample, {"weight": torch.arange(2.0, 7.0)}),
    ("refuses an unknown reduction", any_name, {}),
    ("gradient reaches the arguments", lambda x, y: torch.tensor(float(((x - y) ** 2).mean())), {}),
    ("gradient reaches the arguments", lambda x, y: ((x.detach() - y) ** 2).mean(), {}),
    ("gradient reaches the arguments", lambda x, y: ((x.round() - y) ** 2).mean(), {}),
    ("gradient reaches the arguments", lambda x, y: 0 * (x - y).sum(), {}),
    ("gradient is that of the value", lambda x, y: (x.detach() * x * y).mean(), {}),
    ("gradient is that of the value", lambda x, y: 10 * Cut.apply(x - y), {}),
    ("gradient is that of the value", lambda x, y: Cut.apply(x - y), {}),
    ("second derivative is that of the gradient", lambda x, y: FirstOnly.apply(x - y), {}),
    ("forward-mode derivative", lambda x, y: 10 * Cut.apply(x - y), {}),
    ("forward-mode derivative", lambda x, y: (Centred.apply(x) - y).pow(2).mean(), {}),
    ("vmap without a slow path", lambda x, y: ((x - y) ** 2).mean() if x.sum() > -1e9 else x.sum(), {}),
    ("vmap without a slow path", lambda x, y: ((x - y) ** 2).mean() if y.sum() > -1e9 else x.sum(), {}),
    ("vmap without a slow path", lambda x, y: (WrittenInto.apply(x) - y).pow(2).mean(), {}),
    ("torch.compile(fullgraph=True) gives the same", OnTheSide(), {}),
    ("torch.compile(fullgraph=True) gives the same", lambda x, y: ((1 + compiling()) * (x - y) ** 2).mean(), {}),
    ("torch.compile(fullgraph=True) gives the same", lambda x, y: (x + compiling() * (x - x.detach()) - y).mean(), {}),
    (DTYPES, lambda x, y: ((x - y).double() ** 2).mean(), {}),
    (DTYPES, lambda x, y: ((100 + x - y - 100) ** 2).mean(), {}),
    (DTYPES, OnlyDoubles(), {}),
    (SCALES, naive_softplus, {}),
    (SCALES, lambda x, y: (x.exp() - x.exp() * y.sigmoid()).mean() + (x.exp() / x.exp()).mean(), {}),
    (EQUAL, lambda x, y: ((x - y) ** 2).mean().sqrt(), {}),
    (EQUAL, refuses_equals, {}),
    (SHAPES, lambda x, y: ((x - y) ** 2).mean(), {}),
    ("takes tensors that are not contiguous", lambda x, y: ((x.view(-1) - y.view(-1)) ** 2).mean(), {}),
    ("leaves its arguments alone", in_place, {}),
    ("leaves its arguments alone", there_and_back, {}),
    (PICKLE, Unpicklable(), {}),
]


@pytest.mark.parametrize(("what", "loss", "options"), BAD, ids=[f"{n} {what}" for n, (what, _, _) in enumerate(BAD)])
def test_each_check_can_fail(what, loss, options):
    report = check_loss(loss, X, Y, compile="compile" in what, **options)
    assert not report
    assert what in report.failed
    (why,) = (why for _, name, why in report.lines if name == what)
    assert "; " in why  # what to do
    assert "\n" not in why


def test_every_check_is_seen_failing():
    assert {what for what, _, _ in BAD} == names()


NO_COUNTS = {
    "a constant": lambda each, own: 4.0,
    "the entries of the example": lambda each, own: 5.0,
    "the first weight": lambda each, own: 3 * own[0],
    "the square of the size": lambda each, own: len(each) ** 2,
}


@pytest.mark.parametrize("name", NO_COUNTS)
@pytest.mark.parametrize("settings", [{}, {"weight": WEIGHT}], ids=["plain", "weighted"])
def test_a_mean_that_counts_nothing_fails_though_its_divisor_may_be_its_own(name, settings):
    report = check_loss(divided_by(NO_COUNTS[name]), X, LABELS, compile=False, **settings)
    assert report.failed == [MEAN], report


@pytest.mark.parametrize(
    "count", [lambda each, own: len(each), lambda each, own: own.count_nonzero()], ids=["all entries", "what counts"]
)
def test_a_mean_that_leaves_the_weights_out_fails_when_they_are_given(count):
    weight = torch.tensor([0.0, 3.0, 1.0])

    def mean(each, input, target):
        return each.sum() / weight[target].sum()

    assert check_loss(divided_by(count), X, LABELS, mean=mean, compile=False, weight=weight).failed == [MEAN]


@pytest.mark.parametrize(
    ("what", "loss", "args"),
    [
        (SCALES, bounded_and_naive, (X.sigmoid(), Y.sigmoid())),
        (SCALES, not_in_float32, (X, Y)),
        (DTYPES, lambda x, y: (x + 3 - (y + 3)).sin().mean(), (100 * X, 100 * Y)),
        (EQUAL, two_domains_and_a_root, (-X.exp(), Y.exp())),
        (EQUAL, lambda x, y: (x - y).abs().sum(1).sqrt().mean(), (X, Y)),
        ("gradient is that of the value", lambda x, y: ((x - y).abs() + x.detach()).mean(), (TIED, LABELS)),
        ("gradient is that of the value", lambda x, y: ((x - y) ** 2).sqrt().mean(), (TIED, LABELS)),
    ],
    ids=["bounds", "one dtype", "narrow on the way", "two domains", "one domain", "ties", "ties and a root"],
)
def test_a_check_that_yields_still_fails_for_what_is_wrong(what, loss, args):
    assert what in check_loss(loss, *args, compile=False).failed


@pytest.mark.parametrize(
    ("loss", "scales"),
    [(long_square, (1, 100)), (naive_softplus, (1, 100)), (naive_softplus, (1, 1e4)), (counts, (1, 1e4))],
    ids=["value in float32", "gradient in float32", "float64", "an exponential, and nothing between that tells"],
)
def test_an_overflow_is_excused_only_where_float32_ends_and_what_came_before_was_huge(loss, scales):
    report = check_loss(loss, X, Y.exp(), scales=scales, compile=False)
    assert f"finite value and gradient at scales 1, {scales[1]:g}" in report.failed


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(ValueError, match="needs a floating-point tensor as the first argument"):
        check_loss(cross_entropy, LABELS, LABELS)
    with pytest.raises(ValueError, match="at least two samples"):
        check_loss(huber_loss, X[:1], Y[:1])
    with pytest.raises(ValueError, match="gradients must be positions of floating-point arguments; got 1"):
        check_loss(cross_entropy, X, LABELS, gradients=(0, 1))
    with pytest.raises(ValueError, match=r"does not run on the example: ValueError: shapes must match"):
        check_loss(huber_loss, X, Y[:2])
    with pytest.raises(ValueError, match="must return a tensor; it returned float"):
        check_loss(lambda x, y: (x - y).sum().item(), X, Y)


def test_neither_the_example_nor_the_generator_is_touched():
    own, state = Y.double().clone(), torch.random.get_rng_state()
    check_loss(in_place, X.double(), own, compile=False)
    assert torch.equal(own, Y.double())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_torch_alone_is_needed():
    code = "import sys, torch; before = set(sys.modules); import lossbook.testing; "
    code += "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lossbook" in result.stdout.split()
    assert not set(result.stdout.split()) & {"pytest", "mpmath", "hypothesis", "numpy", "matplotlib", "triton"}
