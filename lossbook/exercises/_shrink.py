"""A failing case made smaller: fewer entries, then simpler numbers."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ._cases import Case
from ._draw import ANY


def smaller(case: Case, entry: tuple[int, ...] | None) -> list[Case]:
    """Give cases that are smaller by one step, or told with simpler numbers where there is nothing to leave out."""
    if case.whole is not None or all(kind.number for kind in case.kinds.values()):
        return []  # with a NaN in it, the case is about its neighbours, and a number stays in its range
    fewer = list(_fewer(case, entry))
    return fewer or list(_simpler(case))


def _fewer(case: Case, entry: tuple[int, ...] | None) -> Iterator[Case]:
    fixed = {*case.fixed, *(kind.of for kind in case.kinds.values())}
    if ANY not in fixed:
        alike = [name for name, kind in case.kinds.items() if kind.axes == (ANY,)]
        shape = case.args[case.names.index(alike[0])].shape if alike else torch.Size()
        if math.prod(shape) > 1 and entry is not None and len(entry) == len(shape):
            yield _with(case, {name: case.args[case.names.index(name)][entry].reshape(1) for name in alike})
    for axis in dict.fromkeys(a for kind in case.kinds.values() for a in kind.axes if a != ANY and a not in fixed):
        holders = {name: kind.axes.index(axis) for name, kind in case.kinds.items() if axis in kind.axes}
        size = min(case.args[case.names.index(name)].shape[at] for name, at in holders.items())
        for kept in range(min(size, 6)) if size > 1 else ():
            one = torch.tensor([kept])
            yield _with(case, {n: case.args[case.names.index(n)].index_select(at, one) for n, at in holders.items()})


def _simpler(case: Case) -> Iterator[Case]:
    for digits in (3, 2, 1):
        changed = {
            name: _rounded(case.args[case.names.index(name)], digits) for name, kind in case.kinds.items() if kind.any
        }
        if any(repr(value) != repr(case.args[case.names.index(name)]) for name, value in changed.items()):
            yield _with(case, changed)


def _with(case: Case, changed: dict[str, Any]) -> Case:
    smaller = copy.copy(case)
    smaller.args = [changed.get(name, argument) for name, argument in zip(case.names, case.args, strict=True)]
    return smaller


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, Tensor):
        numbers = [float(f"{number:.{digits}g}") for number in value.double().flatten().tolist()]
        return torch.tensor(numbers, dtype=torch.double).reshape(value.shape).to(value.dtype)
    return float(f"{value:.{digits}g}")
