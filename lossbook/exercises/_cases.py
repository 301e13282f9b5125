"""The cases that follow from what an exercise says of its arguments: shapes, sizes, dtypes, layouts, extremes."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ._draw import ANY, Drawn, Kind

WIDE = (torch.float64, torch.float32)
HALF = (torch.float16, torch.bfloat16)
SCALES = (1e-6, 1e-3, 1e-1, 1.0, 30.0, 1e3, 1e6)
SHAPES: tuple[tuple[int, ...], ...] = (
    *((), (), ()),  # a single number may happen to say nothing
    *((0,), (1,), (5,), (1100,), (1, 3), (3, 1), (4, 3), (64, 20)),
    *((3, 0, 2), (2, 3, 4), (2, 1, 3, 2)),
)
DIFFERENT = (((4,), (4, 1)), ((4, 1), (4,)), ((5,), (1,)), ((1,), (5,)), ((), (3,)), ((3, 2), (2,)), ((2, 3), (3, 2)))
MANY = 1100  # more than the usual block of a kernel
Sizes = dict[str, Any]


@dataclass
class Case:
    """One call: its arguments, and what of the answer is looked at.

    Attributes:
        label: the check that it belongs to.
        args: the arguments, in order.
        names: their names.
        dtype: of the floating arguments.
        whole: the arguments before a NaN or an infinity was put into one of them.
        marked: those with a NaN at that place.
        unlike: another case, whose result must not come back; an error may be raised instead.
        refused: the function has to raise an error.
        order: of the highest derivative that is looked at.
        seed: of the gradient that arrives.
        kinds: what the arguments are, by name.
        fixed: the axes whose size the statement gives.
        hidden: what the checks know and no answer sees, such as the targets that were held out.
    """

    label: str
    args: list[Any]
    names: list[str]
    dtype: torch.dtype = torch.float64
    whole: list[Any] | None = None
    marked: list[Any] | None = None
    unlike: "Case | None" = None
    refused: bool = False
    order: int = 1
    seed: int = field(default_factory=lambda: int(torch.randint(2**31, ())))
    kinds: dict[str, Kind] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    hidden: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.hidden:  # a view would bring along what it is a view of
            self.args = [_whole(argument) for argument in self.args]


def _whole(argument: Any) -> Any:
    """Copy a tensor, or a list of them, into memory that holds nothing else."""
    if isinstance(argument, list):
        return [_whole(each) for each in argument]
    return argument.clone() if isinstance(argument, Tensor) else argument


def cases(module: ModuleType) -> list[Case]:
    """Draw the cases of an exercise: those that it makes itself, or those that follow from what it ``TAKES``."""
    with torch.random.fork_rng(devices=[]):
        torch.seed()  # fresh draws every time, and the reader's own random numbers stay as they were
        made = list(module.cases()) if hasattr(module, "cases") else []
        return made + (list(_Plan(module).cases()) if hasattr(module, "TAKES") else [])


class _Plan:
    """What an exercise's file says, and what holds where it says nothing."""

    def __init__(self, module: ModuleType) -> None:
        said = vars(module)
        self.takes: dict[str, Kind] = module.TAKES
        self.numbers = all(kind.number for kind in self.takes.values())
        self.dtypes: tuple[torch.dtype, ...] = WIDE[:1] if self.numbers else said.get("DTYPES", (*WIDE, *HALF))
        self.scales: tuple[float, ...] = said.get("SCALES", SCALES)
        self.least: dict[str, int] = said.get("LEAST", {})
        self.at: dict[str, dict[str, Any]] = said.get("AT", {})
        self.filled: tuple[str, ...] = said.get("FILLED", tuple(n for n, kind in self.takes.items() if kind.fill))
        self.axes = list(dict.fromkeys(axis for kind in self.takes.values() for axis in (*kind.axes, kind.of)))
        self.axes = [axis for axis in self.axes if axis]
        self.fixed: dict[str, int] = said.get("SIZES", {})
        self.ranks: tuple[int, ...] = said.get("RANKS", tuple(range(5)))
        self.order: int = said.get("ORDER", 1)
        self.refuses: tuple[tuple[str, str], ...] = said.get("REFUSES", ())
        self.wide = [dtype for dtype in self.dtypes if dtype in WIDE]
        self.first = self.dtypes[0]

    def cases(self) -> Iterator[Case]:
        for _ in range(12 if self.numbers else 3):
            yield self.case("value", self.sizes())
        for label, given in self.at.items():
            for dtype in given.get("dtypes", self.wide or self.dtypes):
                yield self.given(label, given, dtype)
        if self.numbers:
            return
        for dtype in self.dtypes[1:]:
            for _ in range(2):
                yield self.case("dtypes", self.sizes(), dtype)
        for sizes in self.shapes():
            yield self.case("shapes", sizes)
        for scale in self.scales:
            for dtype in self.wide or self.dtypes:
                case = self.case("scales", self.sizes(), dtype, scale)
                case.order = 1
                yield case
        for _ in range(2):
            case = self.case("layouts", self.sizes(apart=True))
            case.args = [_spread(a) if isinstance(a, Tensor) else a for a in case.args]
            yield case
        for pair in self.refuses:
            for shapes in DIFFERENT:
                yield self.apart(pair, shapes)
        for name, kind in self.takes.items():
            if kind.ignored:
                yield self.no_class(name)
        for name in self.filled:
            for number in (*[math.nan] * 4, math.inf, -math.inf):
                yield self.broken(name, number)

    def sizes(self, apart: bool = False) -> Sizes:
        """Draw sizes, those of named axes all different; with ``apart`` at least 3, and more than one axis."""
        drawn = (torch.randperm(6) + (3 if apart else 2)).tolist()
        sizes: Sizes = {**dict(zip(self.axes, drawn, strict=False)), **self.fixed}
        if ANY in sizes:
            shapes = [shape for shape in ((drawn[4],), (drawn[3], drawn[4])) if len(shape) in self.ranks]
            sizes[ANY] = shapes[-1 if apart else drawn[5] % len(shapes)]
        return sizes

    def shapes(self) -> Iterator[Sizes]:
        if ANY in self.axes:
            for shape in SHAPES:
                if len(shape) in self.ranks:
                    for dim in self.dims(shape):
                        yield {**self.sizes(), ANY: shape, "dim": dim}
        for position, axis in enumerate(a for a in self.axes if a != ANY and a not in self.fixed):
            least = self.least.get(axis, 0 if position == 0 else 1)
            yield from ({**self.sizes(), axis: size} for size in (0, 1, MANY) if size >= least)

    def dims(self, shape: tuple[int, ...]) -> list[int | None]:
        """Give the dimensions of a shape that there is something along, if the function takes one of them."""
        if all(kind.of != ANY for kind in self.takes.values()):
            return [None]
        signs = (torch.rand(len(shape)) < 0.5).tolist()
        return [dim - len(shape) * sign for dim, (size, sign) in enumerate(zip(shape, signs, strict=True)) if size]

    def case(self, label: str, sizes: Sizes, dtype: torch.dtype | None = None, scale: float = 1.0) -> Case:
        drawn: Drawn = {"sizes": sizes}
        for name, kind in sorted(self.takes.items(), key=lambda each: (not each[1].number, not each[1].early)):
            shape = tuple(n for a in kind.axes for n in (sizes[a] if a == ANY else (sizes[a],)))
            drawn[name] = kind.draw(shape, scale, drawn)
        return self.made(label, drawn, dtype or self.first)

    def made(self, label: str, drawn: Drawn, dtype: torch.dtype) -> Case:
        args = [
            _of(torch.float32 if kind.single and dtype in HALF else dtype, drawn[n]) for n, kind in self.takes.items()
        ]
        return Case(label, args, list(self.takes), dtype, order=self.order, kinds=self.takes, fixed=tuple(self.fixed))

    def given(self, label: str, values: dict[str, Any], dtype: torch.dtype) -> Case:
        """Make a case of values that the exercise names; a number that it does not name is drawn."""
        drawn: Drawn = {"sizes": {}}
        for name, kind in self.takes.items():
            if kind.number:
                drawn[name] = values[name] if name in values else kind.draw((), 1.0, drawn)
            else:
                drawn[name] = _tensor(values[name])
        case = self.made(label, drawn, dtype)
        case.order = values.get("order", self.order)
        return case

    def apart(self, pair: tuple[str, str], shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> Case:
        """Give two arguments shapes that differ, most of which would be broadcast."""
        case = self.case("shapes that differ", self.sizes())
        for name, shape in zip(pair, shapes, strict=True):
            case.args[case.names.index(name)] = torch.randn(shape, dtype=case.dtype)
        case.refused = True
        return case

    def no_class(self, name: str) -> Case:
        """Put an index of -1 where -100 would be ignored: whoever ignores it too makes a mistake vanish."""
        case = self.case("an index that is no class", self.sizes(apart=True))
        position = case.names.index(name)
        case.order, case.unlike = 0, copy.deepcopy(case)
        case.args[position][0], case.unlike.args[position][0] = -1, -100
        return case

    def broken(self, name: str, number: float) -> Case:
        """Put one NaN or infinity into an argument: nobody but its own entry, row or mean may notice."""
        case = self.case("NaN and infinity", self.sizes(apart=True))
        case.whole, case.order = copy.deepcopy(case.args), 1
        case.marked = copy.deepcopy(case.args)
        position = case.names.index(name)
        entry = int(torch.randint(case.args[position].numel(), ()))
        case.args[position].view(-1)[entry], case.marked[position].view(-1)[entry] = number, math.nan
        return case


def _tensor(values: Any) -> Tensor:
    tensor = torch.tensor(values)
    return torch.tensor(values, dtype=torch.double) if tensor.is_floating_point() else tensor


def _of(dtype: torch.dtype, value: Any) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def _spread(tensor: Tensor) -> Tensor:
    """Lay a tensor out with holes, or with its axes the other way round in memory."""
    if tensor.dim() > 1:
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if tensor.dim() == 0:
        return tensor
    holes = torch.zeros(2 * len(tensor), dtype=tensor.dtype)
    holes[::2] = tensor
    return holes[::2]
