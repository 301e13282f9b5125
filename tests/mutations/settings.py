"""Mutations of numbers, flags and whatever else is no tensor."""

import decimal
import fractions
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from outcomes import REFUSED, RIGHT, SAME
from torch import nn

from mutations.mutation import EITHER, SKIP, Mutation, constant, of_value
from mutations.tensors import made_in_inference, quantized


def one(mutant: Any, clean: Any) -> float:
    return 1.0


NOT_A_NUMBER = {
    "text": constant(REFUSED, "1"),
    "a list": constant(REFUSED, [1.0]),
    "a tuple": constant(REFUSED, (1.0,)),
    "a dictionary": constant(REFUSED, {}),
    "an object": constant(REFUSED, object()),
    "a class": constant(REFUSED, float),
    "a complex number": constant(REFUSED, 1j),
    "np.complex64": constant(REFUSED, np.complex64(1)),
    "np.str_": constant(REFUSED, np.str_("1")),
    "an array of text": constant(REFUSED, np.array(["1"])),
    "an array of objects": constant(REFUSED, np.array([None])),
    "a tensor of shape (1, 1)": constant(REFUSED, torch.ones(1, 1)),
    "a tensor of two": constant(REFUSED, torch.ones(2)),
    "an empty tensor": constant(REFUSED, torch.ones(0)),
    "an array of two": constant(REFUSED, np.ones(2)),
    "a complex tensor": constant(REFUSED, torch.tensor(1j)),
    "a sparse tensor": of_value(EITHER, lambda v: torch.ones(()).to_sparse(), like=one),
    "a nested tensor": of_value(REFUSED, lambda v: torch.nested.nested_tensor([torch.ones(1)])),
    "a quantized tensor": of_value(EITHER, lambda v: quantized(torch.ones(()), torch.qint8), like=one),
    "a float8 tensor": constant(EITHER, torch.tensor(1.0).to(torch.float8_e4m3fn), like=one),
    "a tensor on meta": constant(REFUSED, torch.ones((), device="meta")),
}
TRUTHS = {
    "True": constant(REFUSED, True),
    "np.True_": constant(REFUSED, np.True_),
    "a tensor of True": constant(REFUSED, torch.tensor(True)),
}
NEVER = {"None": constant(REFUSED, None)}
BEYOND = {
    "nan": constant(REFUSED, math.nan),
    "a tensor of nan": constant(REFUSED, torch.tensor(math.nan, dtype=torch.double)),
    "np.nan": constant(REFUSED, np.float32(math.nan)),
    "-inf": constant(REFUSED, -math.inf),
    "10**400": constant(REFUSED, 10**400),
    "-10**400": constant(REFUSED, -(10**400)),
    "Decimal nan": constant(REFUSED, decimal.Decimal("nan")),
}


def number_like(make: Callable[[Any], Any], due: str = SAME) -> Mutation:
    """Make another form of the same number; where it rounds, the number that it holds is meant."""

    def like(mutant: Any, clean: Any) -> Any:
        number = mutant.item() if hasattr(mutant, "item") else mutant
        return float(number) if isinstance(clean, float) else int(number)

    return of_value(due, make, like=like)


FORMS = {
    "np.float64": number_like(lambda v: np.float64(v)),
    "np.float32": number_like(lambda v: np.float32(v)),
    "np.float16": number_like(lambda v: np.float16(v)),
    "np.longdouble": number_like(lambda v: np.longdouble(v)),
    "an array ()": number_like(lambda v: np.array(v)),
    "an array (1,)": number_like(lambda v: np.array([v])),
    "a tensor ()": number_like(lambda v: torch.tensor(v, dtype=torch.double)),
    "a tensor (1,)": number_like(lambda v: torch.tensor([v], dtype=torch.double)),
    "a float32 tensor": number_like(lambda v: torch.tensor(v, dtype=torch.float32)),
    "a bfloat16 tensor": number_like(lambda v: torch.tensor(v, dtype=torch.bfloat16)),
    "a fraction": number_like(lambda v: fractions.Fraction(float(v))),
    "a decimal": number_like(lambda v: decimal.Decimal(float(v)), due=EITHER),
    "a tensor in inference mode": of_value(SAME, lambda v: made_in_inference(torch.tensor(v, dtype=torch.double))),
}
INTEGER_FORMS = {
    **{
        f"np.{kind.__name__}": number_like(
            lambda v, kind=kind: kind(v) if np.iinfo(kind).min <= v <= np.iinfo(kind).max else SKIP
        )
        for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
    },
    **{
        f"a tensor of {kind}": number_like(
            lambda v, kind=kind: torch.tensor(v, dtype=kind) if torch.iinfo(kind).min <= v else SKIP
        )
        for kind in (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)
    },
    "an array ()": number_like(lambda v: np.array(v)),
    "an array (1,)": number_like(lambda v: np.array([v])),
    "a tensor (1,)": number_like(lambda v: torch.tensor([v])),
}
LEARNED = {
    "a Parameter": constant(REFUSED, nn.Parameter(torch.ones(()))),
    "a computed tensor": constant(REFUSED, nn.Parameter(torch.ones(())) * 1),
}
LEGAL = {
    repr(value): constant(RIGHT, value)
    for value in (
        math.inf,
        1e308,
        -1e308,
        1e30,
        -1e30,
        1e-320,
        1e-30,
        0,
        0.0,
        -0.0,
        1,
        -1,
        2,
        0.5,
        2**63,
        -(2**63),
        10**30,
    )
}
NUMBERS = NOT_A_NUMBER | TRUTHS | BEYOND | FORMS | LEGAL
INTEGERS = (
    NOT_A_NUMBER
    | TRUTHS
    | BEYOND
    | LEARNED
    | INTEGER_FORMS
    | {repr(value): constant(REFUSED, value) for value in (1.0, 0.5, 1e308, math.inf, 2**63, -(2**63) - 1)}
    | {repr(value): constant(RIGHT, value) for value in (-1, 0, 1, 2, 3, 99, 255, -100, 2**31, 2**63 - 1, -(2**63) + 1)}
)
FLAGS = (
    NOT_A_NUMBER
    | BEYOND
    | LEARNED
    | {
        "1": constant(REFUSED, 1),
        "0.0": constant(REFUSED, 0.0),
        "np.bool_": of_value(SAME, np.bool_),
        "a tensor of it": of_value(SAME, torch.tensor),
        "the other": of_value(RIGHT, lambda v: not v),
    }
)
CHOICES = (
    NOT_A_NUMBER
    | TRUTHS
    | NEVER
    | {
        "7": constant(REFUSED, 7),
        "capitals": of_value(REFUSED, lambda v: v.upper() if isinstance(v, str) else SKIP),
        "np.str_ of it": of_value(EITHER, lambda v: np.str_(v) if isinstance(v, str) else SKIP),
        "a list of it": of_value(REFUSED, lambda v: [v]),
    }
)
CALLABLES = {
    "text": constant(REFUSED, "euclidean"),
    "a number": constant(REFUSED, 2),
    "a tensor": constant(REFUSED, torch.ones(())),
    "a class": constant(REFUSED, 1j),
}
TYPES = {
    "text": constant(REFUSED, "float32"),
    "float": constant(REFUSED, float),
    "np.float32": constant(REFUSED, np.float32),
    "int64": constant(REFUSED, torch.int64),
    "complex64": constant(REFUSED, torch.complex64),
    "float8": constant(REFUSED, torch.float8_e5m2),
    "bool": constant(REFUSED, torch.bool),
    "a number": constant(REFUSED, 32),
}
NORMALIZERS = (
    NOT_A_NUMBER
    | TRUTHS
    | BEYOND
    | FORMS
    | LEGAL
    | {
        "a tensor of uint16": constant(REFUSED, torch.tensor(1).to(torch.uint16)),
        "inf": constant(REFUSED, math.inf),
        "a tensor of inf": constant(REFUSED, torch.tensor(math.inf)),
        "a tensor of 0": constant(REFUSED, torch.tensor(0)),
        "a tensor of -1.0": constant(REFUSED, torch.tensor(-1.0)),
        "an integer tensor": constant(SAME, torch.tensor(3), like=lambda mutant, clean: 3.0),
        "a Parameter": of_value(EITHER, lambda v: nn.Parameter(torch.tensor(v, dtype=torch.double))),
    }
)

SCALARS = {
    "a Parameter": of_value(EITHER, lambda v: nn.Parameter(torch.tensor(v, dtype=torch.double))),
    "a tensor of shape (1, 1)": constant(RIGHT, torch.full((1, 1), 0.5, dtype=torch.double)),  # one that broadcasts
    "a tensor of two": constant(RIGHT, torch.full((2,), 0.5, dtype=torch.double)),
}

BY_KIND = {
    "normalizer": NORMALIZERS,
    "number": NUMBERS | LEARNED,
    "scalar": NUMBERS | SCALARS,
    "integer": INTEGERS,
    "flag": FLAGS,
    "choice": CHOICES,
    "callable": CALLABLES,
    "dtype": TYPES,
}
