"""Every argument of every function against what it must not be: refused by its name, in our words, at once.

A seeded mutation of one argument at a time. Nothing but a TypeError or ValueError that names the argument may come
out; a number that is none, or torch's own words, would reach a reader as a riddle.
"""

import inspect
import warnings

import pytest
import torch
from subjects import SUBJECTS, draw
from torch import Tensor

from lossbook import fused

EXTRA = ("sample_weight", "normalizer", "weight", "pos_weight", "linear_bias", "target_bias")


def quantized(tensor: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(tensor.detach().float(), 0.1, 0, torch.qint8)


def nested(tensor: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor(list(tensor.detach()))


def compressed(tensor: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tensor.to_sparse_csr()


KINDS = {
    "sparse": lambda t: t.to_sparse() if t.dim() else None,
    "compressed rows": lambda t: compressed(t) if t.dim() == 2 else None,
    "quantized": lambda t: quantized(t) if t.is_floating_point() else None,
    "nested": lambda t: nested(t) if t.dim() > 1 else None,
    "float8": lambda t: t.to(torch.float8_e4m3fn),
    "complex": lambda t: t.to(torch.complex64),
    "uint16": lambda t: t.abs().to(torch.uint16),
    "elsewhere": lambda t: t.to("meta"),
    "an array": lambda t: t.detach().numpy(),
    "a list": lambda t: t.tolist() if t.dim() else None,
    "text": lambda t: "tensor",
}
NUMBER_OR_TENSOR = ("normalizer", "var", "input_lengths", "target_lengths")  # arrays, lists or texts have other words


def arguments(subject, function):
    """Each tensor that a call takes: its name, and how to make the call with another in its place."""
    case = subject.cases[0]
    args, settings = draw(case), dict(case.settings)
    parameters = inspect.signature(function).parameters
    entries = function(*args, **settings, **({"reduction": "none"} if subject.is_loss else {}))
    for i, name in enumerate(list(parameters)[: len(args)]):
        if isinstance(args[i], Tensor):
            yield name, args[i], lambda value, i=i: function(*args[:i], value, *args[i + 1 :], **settings)
    for name in EXTRA:
        if name not in parameters:
            continue
        if name == "normalizer":
            fit = torch.tensor(3.0, dtype=torch.double)
        elif name in settings:
            fit = settings[name]
        elif (
            name in ("sample_weight", "weight") and subject.stem in ("mse", "l1", "huber")
        ) or name == "sample_weight":
            fit = torch.ones(entries.shape, dtype=torch.double)
        elif name == "linear_bias" or name == "target_bias":
            rows = args[3] if name == "target_bias" else args[1]
            fit = torch.zeros(rows.shape[:-1], dtype=torch.double)
        else:
            scores = args[1].mT if subject.stem == "linear_cross_entropy" else args[0]
            classes = scores.shape[min(1, scores.dim() - 1)]
            fit = torch.ones(classes, dtype=torch.double)
        if isinstance(fit, Tensor) and fit.dim() + 1:
            yield name, fit, lambda value, name=name: function(*args, **settings | {name: value})


def forms(subject):
    yield "readable", subject.function
    if subject.is_loss and hasattr(fused, subject.function.__name__):
        yield "fused", getattr(fused, subject.function.__name__)


ROWS = [pytest.param(s, function, id=f"{form}-{s}") for s in SUBJECTS for form, function in forms(s)]


@pytest.mark.parametrize(("subject", "function"), ROWS)
def test_one_wrong_argument_is_refused_by_its_name(subject, function):
    wrong = []
    for name, fit, call in arguments(subject, function):
        call(fit)
        for kind, mutate in KINDS.items():
            if kind in ("an array", "a list", "text") and name in NUMBER_OR_TENSOR:
                continue
            if kind == "uint16" and name in ("targets", "input_lengths", "target_lengths"):
                continue
            if (
                kind == "elsewhere"
                and len([a for a in draw(subject.cases[0]) if isinstance(a, Tensor)]) == 1
                and name in ("input",)
            ):
                continue
            value = mutate(fit)
            if value is None:
                continue
            try:
                got = call(value)
            except (TypeError, ValueError) as error:
                if name not in str(error):
                    wrong.append(f"{name} {kind}: does not name it: {error}")
            except Exception as error:
                wrong.append(f"{name} {kind}: {type(error).__name__}: {str(error).splitlines()[0][:90]}")
            else:
                wrong.append(f"{name} {kind}: accepted, {type(got).__name__} on {got.device}")
    assert not wrong, "\n".join(wrong)
