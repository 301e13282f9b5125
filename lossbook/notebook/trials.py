"""Trained numbers that hold: over learning rates, over starts, and beside the best constant on held-out data."""

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from .fit import DivergedError

Item = TypeVar("Item")
PATIENCE = 2.0  # seconds without a sign of life


@dataclass(frozen=True)
class Starts:
    """What the same training gave from several starts.

    Attributes:
        values: one for each start, in order.
    """

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.values)

    def __format__(self, form: str) -> str:
        form = form or ".3g"
        return f"{self.median:{form}} ({self.low:{form}} to {self.high:{form}})"

    def __repr__(self) -> str:
        return f"{self} in {len(self.values)} starts"


@dataclass(frozen=True)
class Sweep:
    """What a training gave at several learning rates, from several starts each.

    Attributes:
        results: by rate, in the order in which they were given.
        better: `min` where less is better, `max` where more is.
    """

    results: Mapping[float, Starts]
    better: Callable[..., float]

    @property
    def rate(self) -> float:
        """The rate with the best median."""
        best: float = self.better(self.results, key=lambda rate: self.results[rate].median)
        return best

    @property
    def best(self) -> Starts:
        """What the best rate gave."""
        return self.results[self.rate]

    @property
    def inside(self) -> bool:
        """Whether there are rates on both sides of the best one; if not, the sweep was too narrow to find it."""
        return min(self.results) < self.rate < max(self.results)

    def __repr__(self) -> str:
        rows = (f"{rate:>8g}  {found}{'  best' if rate == self.rate else ''}" for rate, found in self.results.items())
        return "\n".join(["    rate  median (range)", *rows])


@dataclass(frozen=True)
class Ruler:
    """Held-out losses of several models on the same samples, beside those of the first.

    Attributes:
        losses: one number for each sample, by the name of the model; the first is what the others are compared with.
    """

    losses: Mapping[str, Tensor]

    def mean(self, name: str) -> float:
        """The mean loss of a model."""
        return self.losses[name].mean().item()

    def difference(self, name: str, other: str | None = None) -> tuple[float, float]:
        """How much more a model loses than another, or than the first, sample by sample: mean and standard error."""
        first = next(iter(self.losses)) if other is None else other
        apart = self.losses[name] - self.losses[first]
        return apart.mean().item(), (apart.std() / len(apart) ** 0.5).item()

    def __repr__(self) -> str:
        first, *others = self.losses
        width = max(map(len, self.losses))
        lines = [f"{first:<{width}}  {self.mean(first):>7.3g}  ({len(self.losses[first])} held out)"]
        for name in others:
            more, error = self.difference(name)
            lines.append(f"{name:<{width}}  {self.mean(name):>7.3g}  {more:+.2g} ± {error:.1g}")
        return "\n".join(lines)


def starts(train: Callable[[int], float], n: int = 5) -> Starts:
    """Train from several starts.

    Args:
        train: is given a seed, which it has to use for everything random, and gives what is of interest.
        n: how many starts, with the seeds 0, 1, ...

    Returns:
        All values, with their median and range.

    Raises:
        ValueError: ``n`` is less than 1.

    Example:
        >>> from lossbook.notebook import starts
        >>> starts(lambda seed: [0.9, 0.7, 0.8][seed], n=3)
        0.8 (0.7 to 0.9) in 3 starts
    """
    _at_least_one(n)
    return Starts(tuple(float(train(seed)) for seed in _seen(range(n), "starts")))


def sweep(
    train: Callable[[float, int], float],
    rates: Sequence[float],
    n: int = 3,
    better: Callable[..., float] = min,
) -> Sweep:
    """Train at several learning rates, from several starts each; what diverges is as bad as can be.

    Args:
        train: is given a learning rate and a seed, and gives what is of interest.
        rates: to try.
        n: how many starts at each.
        better: `min` where less is better, `max` where more is.

    Returns:
        Median and range at each rate, and which rate is best.

    Raises:
        ValueError: ``rates`` is empty or has one that is not above 0, or ``n`` is less than 1.

    Example:
        >>> from lossbook.notebook import sweep
        >>> found = sweep(lambda lr, seed: (lr - 0.1) ** 2 + 0.01 * seed, [0.01, 0.1, 1.0])
        >>> found.rate, found.inside
        (0.1, True)
    """
    _at_least_one(n)
    if not rates or not all(rate > 0 for rate in rates):
        raise ValueError(f"rates must be learning rates, each above 0; got {list(rates)}")
    worst = math.inf if better is min else -math.inf

    def tried(rate: float, seed: int) -> float:
        try:
            value = float(train(rate, seed))
        except DivergedError:
            return worst
        return value if math.isfinite(value) else worst

    values: dict[float, list[float]] = {rate: [] for rate in rates}
    for rate, seed in _seen([(rate, seed) for rate in rates for seed in range(n)], "trained"):
        values[rate].append(tried(rate, seed))
    return Sweep({rate: Starts(tuple(found)) for rate, found in values.items()}, better)


def ruler(losses: Mapping[str, Tensor]) -> Ruler:
    """Lay held-out losses beside those of the best constant, or of whatever comes first.

    Args:
        losses: the loss of each held-out sample, shape (n,), by the name of the model; all on the same samples.

    Returns:
        A table of means, and of the differences to the first with their standard errors.

    Raises:
        ValueError: the losses are not of the same samples.

    Example:
        >>> import torch
        >>> from lossbook.notebook import ruler
        >>> ruler({"best constant": torch.tensor([1.0, 3.0, 2.0, 2.0]), "line": torch.tensor([0.5, 1.5, 1.0, 1.0])})
        best constant        2  (4 held out)
        line                 1  -1 ± 0.2
    """
    shapes = {name: tuple(values.shape) for name, values in losses.items()}
    if not losses or any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        raise ValueError(f"a ruler needs one loss for each held-out sample, from every model; got {shapes}")
    return Ruler({name: values.detach().double() for name, values in losses.items()})


def of_pairs(losses: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Give the losses of pairs as a number for each sample, for a :func:`ruler` with the right standard errors.

    A pair is in two samples, so their shares depend on each other. The deviation of a share from the mean counts twice
    (Hoeffding's projection); that leaves the mean alone.

    Args:
        losses: the loss of each pair, shape (pairs,).
        first: number of one sample of each pair, int64, shape (pairs,); every sample from 0 on is in some pair.
        second: number of the other.

    Returns:
        Shape (samples,).

    Raises:
        ValueError: the shapes differ, or a sample is in no pair.

    Example:
        >>> import torch
        >>> from lossbook.notebook import of_pairs
        >>> of_pairs(torch.tensor([0.0, 0.0, 3.0]), torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2]))
        tensor([-1.,  2.,  2.])
    """
    if not losses.shape == first.shape == second.shape:
        shapes = [tuple(given.shape) for given in (losses, first, second)]
        raise ValueError(f"each pair has one loss and two samples, so the shapes must match; got {shapes}")
    both = torch.cat([first, second])
    pairs = both.bincount()
    if not pairs.all():
        raise ValueError(f"sample {pairs.argmin().item()} is in no pair, so there is nothing to say of it")
    share = torch.zeros(len(pairs), dtype=losses.dtype).index_add(0, both, losses.repeat(2)) / pairs
    return 2 * share - share.mean()


def _at_least_one(n: int) -> None:
    if n < 1:
        raise ValueError(f"n must be at least 1 start; got {n}")


def _seen(items: Sequence[Item], word: str) -> Iterator[Item]:
    """Give items one by one, and say how far it is where that takes longer than people like to wait."""
    start, shown = time.monotonic(), False
    for done, item in enumerate(items):
        spent = time.monotonic() - start
        if done and spent > PATIENCE and _live():
            left = spent / done * (len(items) - done)
            print(f"\r{done} of {len(items)} {word}, about {left:.0f} s left   ", end="", flush=True)
            shown = True
        yield item
    if shown:
        print("\r" + " " * 60 + "\r", end="", flush=True)


def _live() -> bool:
    """Whether somebody looks on; whoever stores or compares outputs sets LOSSBOOK_QUIET."""
    return not os.environ.get("LOSSBOOK_QUIET") and ("ipykernel" in sys.modules or sys.stdout.isatty())
