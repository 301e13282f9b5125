"""What a tensor argument holds, said once by its type: ``target: ClassIndex``.

Each type is ``Annotated[Tensor, Kind]``. The decorator of a function checks type, layout and dtype before the formula
runs; :func:`check_domain` checks the values inside it, once the entries of weight 0 are out.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

import torch
from torch import Tensor

from . import check, numbers
from .check import FLOATS, INTEGERS


class Kind(NamedTuple):
    """One kind of tensor argument: called with a name and a value, it refuses another one."""

    tensor: str  # completes "target must be ..."
    dtypes: tuple[torch.dtype, ...]
    way: str = "{name}.float()"  # to such a tensor
    holds: str = "any real number"  # completes "each value must be ..."
    valid: Callable[[Tensor], Tensor] | None = None  # which values are of the kind
    between: tuple[float, float] | None = None  # their smallest and largest, where all between are valid
    joins: bool = False  # whether integers and bools become numbers of the dtype of the first argument

    def __call__(self, name: str, value: Any) -> Tensor:
        """Refuse what is not a tensor of this kind, whatever its values."""
        check.tensor(name, value)
        if value.dtype not in self.dtypes:
            way = self.way.format(name=name)
            if value.is_complex() and torch.float32 in self.dtypes:  # float() would drop the imaginary part
                way = f"torch.view_as_real({name}) for both parts or {name}.abs()"
            raise TypeError(f"{name} must be {self.tensor}, for instance {way}; got {value.dtype}")
        return value  # type: ignore[no-any-return]

    def check_values(self, name: str, tensor: Tensor) -> None:
        """Refuse values that are not of this kind, if it says which are, and if they are looked at."""
        if self.valid is not None and tensor.dtype != torch.bool:
            check.values(name, tensor, self.valid, self.holds, between=self.between)


FLOATING = "a floating-point tensor"
WEIGHT = "finite and at least 0"


INF = float("inf")


def _is_weight(weight: Tensor) -> Tensor:
    return (weight >= 0) & weight.isfinite()


def _is_share(share: Tensor) -> Tensor:
    return (share >= 0) & (share <= 1)


Real = Annotated[Tensor, Kind(FLOATING, FLOATS)]
Logits = Annotated[Tensor, Kind(FLOATING + " of logits", FLOATS)]
LogProbs = Annotated[
    Tensor,
    Kind(
        FLOATING + " of log-probabilities",
        FLOATS,
        holds="log-probabilities, at most 0: of logits take log_softmax, of probabilities log()",
        valid=lambda p: ~(p > 1e-3),
        between=(-INF, 1e-3),
    ),
]
Probability = Annotated[
    Tensor,
    Kind(FLOATING + " of probabilities", FLOATS, holds="a probability in [0, 1]", valid=_is_share, between=(0, 1)),
]
NotNegativeReal = Annotated[
    Tensor,
    Kind(FLOATING, FLOATS, holds="at least 0", valid=lambda x: ~(x < 0), between=(0, INF)),
]
BinaryLabel = Annotated[
    Tensor,
    Kind(
        "a tensor of labels 0 and 1 (bool, integer or floating point) or of probabilities",
        (*FLOATS, *INTEGERS, torch.bool),
        holds="a probability in [0, 1]",
        valid=_is_share,
        between=(0, 1),
        joins=True,
    ),
]
Sign = Annotated[
    Tensor,
    Kind(
        "a tensor of -1 and 1 (integer or floating point)",
        (*FLOATS, *INTEGERS),
        "2 * {name}.long() - 1 of labels 0 and 1",
        holds="-1 or 1, for labels 0 and 1 use 2 * target - 1",
        valid=lambda y: y.abs() == 1,
        joins=True,
    ),
]
Count = Annotated[
    Tensor,
    Kind(
        "a floating-point or integer tensor of counts",
        (*FLOATS, *INTEGERS),
        holds="a count, at least 0",
        valid=lambda k: k >= 0,
        between=(0, INF),
    ),
]
Rate = Annotated[
    Tensor,
    Kind(
        FLOATING + " of rates",
        FLOATS,
        holds="a rate, at least 0 (or its logarithm with log_input=True)",
        valid=lambda rate: ~(rate < 0),
        between=(0, INF),
    ),
]
INDEX = (torch.int64, torch.uint8)
ClassIndex = Annotated[Tensor, Kind("an int64 tensor of class indices", INDEX, "{name}.long()")]
ClassTarget = Annotated[
    Tensor,
    Kind("an int64 tensor of class indices or a floating-point tensor of class probabilities", (*INDEX, *FLOATS),
         "{name}.long() for indices, {name}.float() for probabilities",
         holds="class probabilities in [0, 1]", valid=_is_share, between=(0, 1)),
]  # fmt: skip
MaskTarget = Annotated[
    Tensor,
    Kind("an int64 tensor of class indices or a tensor of masks (bool, integer or floating point)",
         (*FLOATS, *INTEGERS, torch.bool), holds="a probability in [0, 1]", valid=_is_share, between=(0, 1)),
]  # fmt: skip
Label = Annotated[Tensor, Kind("an int64 tensor of classes", (torch.int64,), "{name}.long()")]
Symbols = Annotated[Tensor, Kind("an integer tensor of labels", INTEGERS, "{name}.long()")]
Weight = Annotated[
    Tensor, Kind(FLOATING + " of weights", FLOATS, holds=WEIGHT, valid=_is_weight, between=(0, sys.float_info.max))
]
EntryWeight = Annotated[
    Tensor,
    Kind(
        "a bool or floating-point tensor",
        (*FLOATS, torch.bool),
        holds=WEIGHT,
        valid=_is_weight,
        between=(0, sys.float_info.max),
    ),
]


def number_or(number: Callable[[str, Any], Any], tensor: Kind) -> Callable[[str, Any], Any]:
    """Make a check that refuses what is neither such a number nor such a tensor."""

    def check_either(name: str, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return numbers.or_tensor(number)(name, value)
        tensor(name, value)
        tensor.check_values(name, value)
        return value.reshape(()) if tuple(value.shape) == (1,) else value

    check_either.of = number, tensor  # type: ignore[attr-defined]
    return check_either


def lengths(name: str, value: Any) -> Any:
    """Refuse what is neither an integer tensor nor integers."""
    if isinstance(value, Tensor):
        return kind(Symbols)._replace(
            tensor="an integer tensor of lengths", way="{name}.long(), of shares (frames * {name}).long()"
        )(name, value)
    try:
        each = list(value)
    except TypeError:
        if value is None:
            raise TypeError(f"{name} must be an integer tensor, a list of ints or an int; got None") from None
        return numbers.integer(name, value)
    return [numbers.integer(f"{name}[{i}]", length) for i, length in enumerate(each)]


def normalizer(name: str, value: Any) -> Any:
    """Refuse what is not a finite number above 0; a tensor of one number stays a tensor."""
    if not isinstance(value, Tensor):
        return numbers.positive(name, value)
    value = Kind("a tensor of one real number", (*FLOATS, *INTEGERS), "{name}.sum() of a mask")(name, value)
    if tuple(value.shape) not in ((), (1,)):
        raise ValueError(f"{name} must be a number or a 0-d tensor; got shape {tuple(value.shape)}")
    value = value.reshape(()) if value.dim() else value
    check.values(name, value, lambda n: (n > 0) & n.isfinite(), "finite and greater than 0")
    return value


Variance = Annotated[Tensor | float, number_or(numbers.not_negative, Kind(FLOATING, FLOATS))]
Shares = Annotated[
    Tensor | float,
    number_or(numbers.share, Kind(FLOATING, FLOATS, holds="between 0 and 1", valid=_is_share, between=(0, 1))),
]
OpenShares = Annotated[
    Tensor | float,
    number_or(
        numbers.open_share,
        Kind(FLOATING, FLOATS, holds="between 0 and 1, both excluded", valid=lambda q: (q > 0) & (q < 1)),
    ),
]
Lengths = Annotated[Tensor | Sequence[int] | int, lengths]
Normalizer = Annotated[Tensor | float, normalizer]


def any_tensor(name: str, value: Any) -> Tensor:
    """Refuse what is not a tensor, whatever its dtype."""
    check.tensor(name, value)
    return value  # type: ignore[no-any-return]


AnyTensor = Annotated[Tensor, any_tensor]


def kind(argument: Any) -> Kind:
    """Give the kind that a type of this module stands for."""
    return argument.__metadata__[0]  # type: ignore[no-any-return]


def check_domain(name: str, tensor: Tensor, argument: Any) -> None:
    """Refuse values that are not of a kind, given by its type, if they are looked at."""
    kind(argument).check_values(name, tensor)
