"""What the type of a setting says holds wherever the setting is given: in the function, its module, its fused form."""

import inspect
import math
import re

import numpy as np
import pytest
import torch
from subjects import SUBJECTS, draw
from torch import Tensor

from lossbook import fused
from lossbook._core import numbers
from lossbook._core.kinds import Kind
from lossbook._core.settings import Rule

NOT_A_NUMBER = ("1", None, True, [1.0], 1j, torch.ones(2))
BEYOND = (math.nan, math.inf, 10**400)
WRONG = {  # values that a check refuses
    numbers.flag: (1, "yes", None),
    numbers.integer: (1.0, "1", True, 2**64, torch.ones(2)),
    numbers.index: (-1, 1.0, True, 2**64),
    numbers.number: (*NOT_A_NUMBER, *BEYOND),
    numbers.positive: (*NOT_A_NUMBER, *BEYOND, 0, -1.0),
    numbers.not_negative: (*NOT_A_NUMBER, *BEYOND, -1e-9),
    numbers.norm: (*NOT_A_NUMBER, math.nan, 10**400, 0, -1.0),
    numbers.share: (*NOT_A_NUMBER, *BEYOND, -0.1, 1.1),
    numbers.open_share: (*NOT_A_NUMBER, *BEYOND, 0, 1),
    numbers.scalar: (*NOT_A_NUMBER, *BEYOND, torch.tensor(True), torch.tensor(torch.nan), torch.tensor(1j)),
    numbers.positive_scalar: (*NOT_A_NUMBER, *BEYOND, 0.0, torch.tensor(0), torch.tensor(0.0), torch.tensor(torch.inf)),
    numbers.choice: ("avg", 7, True, None),
}
RIGHT = {  # and what counts as the same number
    numbers.flag: lambda value: [np.bool_(value), torch.tensor(value)],
    numbers.integer: lambda value: [np.int64(value), np.array([value]), torch.tensor(value), torch.tensor([value])],
    numbers.number: lambda value: [np.float64(value), np.array(value), torch.tensor([value], dtype=torch.double)],
    numbers.choice: lambda value: [value],
}
RIGHT |= {numbers.index: RIGHT[numbers.integer]}
RIGHT |= dict.fromkeys(set(WRONG) - set(RIGHT), RIGHT[numbers.number])
SAYS = {  # how the docstring of a setting names its range
    numbers.flag: "whether|True",
    numbers.positive: "greater than 0|> 0",
    numbers.not_negative: "at least 0|>= 0",
    numbers.norm: "greater than 0; ``math.inf``",
    numbers.share: r"in \[0, 1\]",
    numbers.open_share: r"\(0, 1\)|between 0 and 1",
    numbers.positive_scalar: "greater than 0",
}


def which(rule):
    """The kind of a setting."""
    return numbers.choice if hasattr(rule.check, "options") else getattr(rule.check, "of", [rule.check])[0]


SETTINGS = [
    (subject, name, rule) for subject in SUBJECTS for name, rule in subject.function.rules.items() if rule.setting
]
CHECKED = [(s, n, r) for s, n, r in SETTINGS if which(r) in WRONG]
every_checked_setting = pytest.mark.parametrize(
    ("subject", "name", "rule"), CHECKED, ids=lambda value: "" if isinstance(value, Rule) else str(value)
)


def show(value):
    return tuple(value.shape) if isinstance(value, Tensor) else value


@every_checked_setting
def test_wrong_values_are_refused_by_name_wherever_they_are_given(subject, name, rule):
    args, settings = draw(subject.cases[0]), subject.cases[0].settings
    calls = [lambda value: subject.function(*args, **settings | {name: value})]
    if name in inspect.signature(subject.cls.__init__).parameters:
        sizes = {"in_features": 2, "num_classes": 3} if subject.stem == "linear_cross_entropy" else {}
        calls.append(lambda value: subject.cls(**sizes, **{name: value}))
    if hasattr(fused, subject.function.__name__):
        kernel = getattr(fused, subject.function.__name__)
        calls.append(lambda value: kernel(*args, **settings | {name: value}))
    for value in WRONG[which(rule)]:
        if (value is None and rule.optional) or (isinstance(value, Tensor) and hasattr(rule.check, "of")):
            continue  # of alpha and quantile a tensor is one for each class
        for call in calls:
            with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b") as refused:
                call(value)
            assert "got " in str(refused.value), show(value)


@every_checked_setting
def test_what_would_be_learned_by_nobody_is_refused(subject, name, rule):
    if rule.tensor or which(rule) is numbers.choice:
        pytest.skip("a tensor gets its gradient, or none is a choice")
    args, settings = draw(subject.cases[0]), subject.cases[0].settings
    learned = torch.nn.Parameter(torch.tensor(0.5))
    for call in (subject.function, getattr(fused, subject.function.__name__, subject.function)):
        with pytest.raises(TypeError, match=f"{name} is not learned"):
            call(*args, **settings | {name: learned})
    if name in inspect.signature(subject.cls).parameters and subject.stem != "linear_cross_entropy":
        with pytest.raises(TypeError, match=f"{name} is not learned"):
            subject.cls(**{name: learned})


@every_checked_setting
def test_a_number_is_whatever_is_one(subject, name, rule):
    args, settings = draw(subject.cases[0]), subject.cases[0].settings
    default = inspect.signature(subject.function).parameters[name].default
    value = settings.get(name, default)
    value = {"ignore_index": -100}.get(name, 0.5) if value is None else value
    wanted = subject.function(*args, **settings | {name: value})
    for same in RIGHT[which(rule)](value):
        torch.testing.assert_close(subject.function(*args, **settings | {name: same}), wanted)
        if hasattr(fused, subject.function.__name__):
            kernel = getattr(fused, subject.function.__name__)
            torch.testing.assert_close(kernel(*args, **settings | {name: same}), wanted)


@every_checked_setting
def test_the_docstring_says_the_range(subject, name, rule):
    if which(rule) not in SAYS and which(rule) is not numbers.choice:
        pytest.skip("any number will do")
    text = inspect.getdoc(subject.function).partition("Args:\n")[2]
    entry = re.split(r"\n    \w+: |\n\n", text.partition(f"    {name}: ")[2])[0]
    says = (
        "|".join(map(re.escape, map(str, rule.check.options))) if which(rule) is numbers.choice else SAYS[which(rule)]
    )
    assert re.search(says, " ".join(entry.split())), entry


def test_every_kind_of_setting_is_tried():
    found = [rule for _, _, rule in SETTINGS if rule.check is not None and not isinstance(rule.check, Kind)]
    unknown = {which(rule) for rule in found} - set(WRONG)
    assert {function.__name__ for function in unknown} == {"check_callable"}  # in its oracle's BAD


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_readers_see_plain_types(subject):
    for signature in map(inspect.signature, (subject.function, subject.cls, subject.cls.forward)):
        assert "Annotated" not in str(signature)
        assert "functools" not in str(signature)
    assert "Annotated" not in str(subject.function.__annotations__)


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_the_class_says_what_its_settings_are(subject):
    text = inspect.getdoc(subject.cls)
    own = set(inspect.signature(subject.function).parameters)
    assert all(f"    {name}: " in text for name in subject.cls.settings if name in own)
    assert not any(f"    {name}: " in text for name in ("sample_weight", "normalizer"))
