"""Every argument of every function against what it must not be: refused by its name, in our words, at once.

What an argument is, its type says (`lossbook/_core/kinds.py`), and these tests read it there: the dtypes that it takes
give the same result, any other is refused, and so is a value that is not of the kind, where it is looked at.
"""

import enum
import inspect
import re
import warnings

import pytest
import torch
from subjects import SUBJECTS, cast, draw
from torch import Tensor

from lossbook import fused
from lossbook._core import kinds
from lossbook._core.check import FLOATS, INTEGERS
from lossbook._core.kinds import Kind
from lossbook.functional import mse_loss

DTYPES = (*FLOATS, *INTEGERS, torch.bool, torch.complex64, torch.float8_e4m3fn, torch.uint16, torch.uint32)
NONE = {"sample_weight": torch.ones, "normalizer": torch.ones, "weight": torch.ones, "pos_weight": torch.ones}
NONE |= {"linear_bias": torch.zeros, "target_bias": torch.zeros}


def quietly(make):
    """Some of these are prototypes of torch, which say so."""

    def call(tensor):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(tensor.detach())

    return call


FORMS = {  # what no argument may be
    "sparse": lambda t: t.to_sparse() if t.dim() else None,
    "compressed rows": quietly(lambda t: t.to_sparse_csr() if t.dim() == 2 else None),
    "quantized": quietly(
        lambda t: torch.quantize_per_tensor(t.float(), 0.1, 0, torch.qint8) if t.is_floating_point() else None
    ),
    "nested": quietly(lambda t: torch.nested.nested_tensor(list(t)) if t.dim() > 1 else None),
    "elsewhere": lambda t: t.to("meta"),
    "an array": lambda t: t.detach().numpy(),
    "a list": lambda t: t.tolist() if t.dim() else None,
    "text": lambda t: "tensor",
}


class Argument:
    """A tensor argument of a function: its rule, a value that fits, and how to make the call with another one."""

    def __init__(self, subject, function, name, fit, call):
        self.subject, self.function, self.name, self.fit, self.call = subject, function, name, fit, call
        check = function.rules[name].check
        self.kind = check if isinstance(check, Kind) else None
        self.takes_numbers = not self.kind  # a number, an array or a list has other words there

    def __str__(self):
        form = "fused" if self.function.__module__.startswith("lossbook.fused") else "readable"
        return f"{form}-{self.subject}-{self.name}"


def arguments(subject, function):
    case = subject.cases[0]
    args, settings = draw(case), dict(case.settings)
    parameters = inspect.signature(function).parameters
    entries = function(*args, **settings, **({"reduction": "none"} if subject.is_loss else {}))
    for i, name in enumerate(list(parameters)[: len(args)]):
        if isinstance(args[i], Tensor):
            yield name, args[i], lambda value, i=i: function(*args[:i], value, *args[i + 1 :], **settings)
    for name, make in NONE.items():
        if name not in parameters:
            continue
        if name == "normalizer":
            shape = ()
        elif name == "sample_weight" or subject.stem in ("mse", "l1", "huber"):
            shape = entries.shape
        elif name in ("linear_bias", "target_bias"):
            shape = args[3 if name == "target_bias" else 1].shape[:-1]
        else:
            scores = args[1].mT if subject.stem == "linear_cross_entropy" else args[0]
            shape = scores.shape[min(1, scores.dim() - 1)]
        fit = settings.get(name, make(shape, dtype=torch.double))
        yield name, fit, lambda value, name=name: function(*args, **settings | {name: value})


def forms(subject):
    yield subject.function
    if subject.is_loss and hasattr(fused, subject.function.__name__):
        yield getattr(fused, subject.function.__name__)


ARGUMENTS = [
    Argument(subject, function, *row)
    for subject in SUBJECTS
    for function in forms(subject)
    if subject.stem not in ("softmax", "log_softmax")  # they cast what comes
    for row in arguments(subject, function)
]
every_argument = pytest.mark.parametrize("argument", ARGUMENTS, ids=str)


def with_reference(argument):
    """An argument and a value of its kind that every dtype of the kind can hold: whole numbers of at most 1."""
    whole = argument.fit.clone()
    if argument.kind in (kinds.kind(kinds.BinaryLabel), kinds.kind(kinds.MaskTarget), kinds.kind(kinds.EntryWeight)):
        whole = (whole > 0.5).to(whole.dtype)
    elif argument.kind == kinds.kind(kinds.Count):
        whole = whole.round().clamp(max=1)
    return whole


@every_argument
def test_another_form_or_dtype_is_refused_by_name(argument):
    wrong = []
    alone = argument.subject.function.__name__ in ("sigmoid", "logsigmoid", "softplus", "tanh")
    for what, make in FORMS.items():
        if (what in ("an array", "a list", "text") and argument.takes_numbers) or (what == "elsewhere" and alone):
            continue
        value = make(argument.fit)
        if value is not None:
            wrong += refusal(argument, value, what)
    for dtype in DTYPES:
        if argument.kind and dtype not in argument.kind.dtypes:
            wrong += refusal(argument, argument.fit.to(dtype), str(dtype))
    assert not wrong, "\n".join(wrong)


def refusal(argument, value, what):
    """What is wrong with how a value is refused."""
    try:
        got = argument.call(value)
    except (TypeError, ValueError) as error:
        return [] if argument.name in str(error) else [f"{what}: does not name it: {error}"]
    except Exception as error:
        return [f"{what}: {type(error).__name__}: {str(error).splitlines()[0][:90]}"]
    return [f"{what}: accepted, {type(got).__name__} on {got.device}"]


@every_argument
def test_every_dtype_of_the_kind_gives_the_same_loss(argument):
    if not argument.kind or argument.kind.dtypes == FLOATS:
        pytest.skip("floating point alone, which the tests of precision take")
    whole = with_reference(argument)
    expected = argument.call(whole)
    for dtype in argument.kind.dtypes:
        value = whole.to(dtype)
        if not torch.equal(value.to(whole.dtype), whole):  # -1 in uint8
            continue
        if dtype.is_floating_point != whole.dtype.is_floating_point and argument.kind.tensor.startswith("an int64"):
            continue  # of class targets the dtype decides what they are
        got = argument.call(value)
        torch.testing.assert_close(got, expected, msg=lambda text, dtype=dtype: f"{dtype}: {text}")


OUTSIDE = {
    "a probability in [0, 1]": (-0.1, 1.1, torch.nan),
    "class probabilities in [0, 1]": (-0.1, 1.1, torch.nan),
    "-1 or 1, for labels 0 and 1 use 2 * target - 1": (0.0, 0.5, torch.nan, torch.inf),
    "finite and at least 0": (-1.0, torch.nan, torch.inf),
    "at least 0": (-1.0,),
    "a count, at least 0": (-1.0, torch.nan),
    "a rate, at least 0 (or its logarithm with log_input=True)": (-1.0,),
    "log-probabilities, at most 0: of logits take log_softmax, of probabilities log()": (0.5, torch.inf),
}


@every_argument
def test_a_value_outside_of_its_domain_is_refused_by_name(argument):
    if not argument.kind or argument.kind.valid is None:
        pytest.skip("any value will do, or a rule of its own says which")
    if not argument.fit.is_floating_point():
        pytest.skip("class indices: in the oracle's BAD")
    for value in OUTSIDE[argument.kind.holds]:
        tensor = argument.fit.clone()
        tensor[...] = value
        with pytest.raises(ValueError, match=rf"^{argument.name} must be .*{re.escape(argument.kind.holds)}; got "):
            argument.call(tensor)


SAYS = {  # how the docstring of an argument names its kind
    kinds.BinaryLabel: r"bool, integer or floating point",
    kinds.Sign: r"integer or floating point|floating point or integer",
    kinds.ClassIndex: r"int64",
    kinds.ClassTarget: r"int64.*probabilities, floating point",
    kinds.MaskTarget: r"bool, integer or floating point.*int64|int64.*bool, integer or floating point",
    kinds.Label: r"int64",
    kinds.Symbols: r"integer",
    kinds.Count: r"floating point or integer",
    kinds.EntryWeight: r"bool|``sample_weight``",
    kinds.Weight: r"weight",
    kinds.LogProbs: r"log-prob",
    kinds.Probability: r"probability",
    kinds.Logits: r"logit|score",
}


@every_argument
def test_the_docstring_says_the_kind(argument):
    says = [text for kind, text in SAYS.items() if kinds.kind(kind) == argument.kind]
    if not says:
        pytest.skip("any real number, in the words of the loss")
    text = inspect.getdoc(argument.function).partition("Args:\n")[2]
    entry = re.split(r"\n    \w+: |\n\n", text.partition(f"    {argument.name}: ")[2])[0]
    assert re.search(says[0], " ".join(entry.split())), entry


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_every_tensor_argument_has_a_kind(subject):
    for name, parameter in inspect.signature(subject.function).parameters.items():
        if "Tensor" in str(parameter.annotation) and subject.stem not in ("softmax", "log_softmax"):
            assert subject.function.rules[name].check is not None, f"{name} takes anything"


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_swapped_arguments_are_said_to_be(subject):
    args = draw(subject.cases[0])
    dtypes = {a.dtype for a in args[:2] if isinstance(a, Tensor)}
    if len(dtypes) < 2 or subject.function.rules[list(subject.function.rules)[1]].check.joins:
        pytest.skip("nothing tells the two apart")
    names = list(subject.function.rules)[:2]
    with pytest.raises(TypeError, match=rf"\({names[0]} and {names[1]} look swapped\)$"):
        subject.function(args[1], args[0], *args[2:], **subject.cases[0].settings)


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_an_unknown_name_is_told_what_there_is(subject):
    case = subject.cases[0]
    args, meant = draw(case), next(reversed(subject.function.rules))
    for function in forms(subject):
        with pytest.raises(TypeError, match=rf"takes no '{meant}x'; did you mean {meant}\?"):
            function(*args, **case.settings, **{f"{meant}x": 1})
        with pytest.raises(TypeError, match=rf"takes no 'qqqq'; it takes {next(iter(subject.function.rules))}"):
            function(*args, **case.settings, qqqq=1)
    with pytest.raises(TypeError, match="takes no 'qqqq'"):
        subject.cls(qqqq=1)
    if subject.is_loss:
        with pytest.raises(TypeError, match="sample_weight is passed in the call"):
            subject.cls(sample_weight=torch.ones(2))


@every_argument
def test_a_module_refuses_weights_when_it_is_made(argument):
    subject = argument.subject
    if argument.name not in subject.cls.settings or not argument.kind or subject.stem == "linear_cross_entropy":
        pytest.skip("no weight that the module keeps")
    with pytest.raises(ValueError, match=f"^{argument.name} must be finite and at least 0; got -1"):
        subject.cls(**{argument.name: -torch.ones(3)})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_the_default_dtype_changes_nothing(subject, dtype):
    case = subject.cases[0]
    args, settings = cast(draw(case), case.settings, torch.float32)
    for function in forms(subject):
        expected = function(*args, **settings)
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            found = function(*args, **settings)
        finally:
            torch.set_default_dtype(before)
        torch.testing.assert_close(found, expected)


def test_a_choice_may_be_a_member_of_an_enum():
    class Reduction(enum.StrEnum):
        SUM = "sum"

    torch.testing.assert_close(mse_loss(torch.ones(3), torch.zeros(3), reduction=Reduction.SUM), torch.tensor(3.0))
