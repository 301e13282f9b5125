"""Check a loss of your own as the losses of this package are checked: their tests call the same checks."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._core.derivatives import compiles, first_order, forward_mode, reaches, second_order, vmap
from ._core.promises import (
    broadcast,
    coincidence,
    dtypes,
    layout,
    oracle,
    pickled,
    purity,
    reductions,
    runs,
    scales,
    unknown_reduction,
)
from ._core.trial import SCALES, Loss, NotCheckedError, Trial, in_short


@dataclass(frozen=True, repr=False)
class Report:
    """What was tried on a loss: one line each. True when nothing failed."""

    lines: tuple[tuple[str, str, str], ...]  # (status, what, why)

    def __bool__(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The checks that failed."""
        return self._with("FAIL")

    @property
    def not_checked(self) -> list[str]:
        """The checks that say nothing about this loss or this example."""
        return self._with("-")

    def _with(self, wanted: str) -> list[str]:
        return [what for status, what, _ in self.lines if status == wanted]

    def __repr__(self) -> str:
        return (
            f"Report: {len(self._with('ok'))} checks passed, {len(self.failed)} failed, "
            f"{len(self.not_checked)} say nothing here"
        )

    def __str__(self) -> str:
        return "\n".join(f"{status:5} {what}" + (f": {why}" if why else "") for status, what, why in self.lines)


def check_loss(
    loss: Loss,
    *args: Any,
    gradients: Sequence[int] = (0,),
    oracle: Callable[..., Any] | None = None,
    mean: Callable[..., Any] | None = None,
    scales: Sequence[float] = SCALES,
    compile: bool = True,
    **settings: Any,
) -> Report:
    """Try a loss on what the losses of this package promise, and print a line for each promise.

    A line begins with ``ok``, with ``FAIL`` and what to do about it, or with ``-`` and why the check says nothing
    about this loss or this example.

    Args:
        loss: function or module, called as ``loss(*args, **settings)``. If it is a function that takes
            ``reduction``, "none", "sum" and "mean" are tried too.
        args: an example of at least two samples, as a training step would pass it: a floating-point tensor first.
            Floating-point tensors are used in float64 unless a dtype is what is tried.
        gradients: positions of the arguments that take gradients: ``(0, 1, 2)`` for a triplet loss.
        oracle: the same loss by another road, called as ``oracle(*args)`` in float64; returns the unreduced loss
            where ``loss`` takes ``reduction``, or else what ``loss`` returns, as tensor, number or nested list.
            The two must agree to 12 digits.
        mean: what "mean" makes of the unreduced loss where that is not its plain mean, called as
            ``mean(each, *args)``: ``lambda each, input, target: each.sum() / weight[target].sum()``.
        scales: what the first argument is multiplied with to leave the comfortable range; ``(1.0,)`` for
            an argument with a bounded domain, such as probabilities.
        compile: whether to try ``torch.compile`` (a few seconds).
        settings: keyword arguments of the loss, tensors among them.

    Returns:
        The report, false if a check failed; ``report.failed`` and ``report.not_checked`` name those.

    Raises:
        ValueError: there is no floating-point first argument with two samples, ``gradients`` names what takes none,
            or the loss does not return a tensor for the example.

    Example:
        >>> import torch
        >>> from lossbook.testing import check_loss
        >>> def careless(input, target):
        ...     return (input - target).pow(2).mean().sqrt()
        >>> report = check_loss(careless, torch.randn(4, 3), torch.randn(4, 3), compile=False)
        ok    runs on the example
        -     value is the oracle's: no oracle= was given
        -     none, sum and mean agree: it takes no reduction
        -     refuses an unknown reduction: it takes no reduction
        ok    gradient reaches the arguments
        ok    gradient is that of the value
        ok    second derivative is that of the gradient
        ok    forward-mode derivative
        ok    vmap without a slow path
        -     torch.compile(fullgraph=True) gives the same: compile=False
        ok    keeps float64, float32, bfloat16 and float16
        ok    finite value and gradient at scales 1, 10, 100, 10000
        FAIL  finite gradient where the arguments are equal: it is nan; make the root or quotient of 0 harmless first
        FAIL  refuses (samples, 1) against (samples,): it broadcasts; compare the shapes and raise ValueError
        ok    takes tensors that are not contiguous
        ok    leaves its arguments alone
        -     a pickled copy is the same: it is not a module
        >>> bool(report)
        False
        >>> report
        Report: 10 checks passed, 2 failed, 5 say nothing here
    """
    if not args or not isinstance(args[0], Tensor) or not args[0].is_floating_point():
        raise ValueError("check_loss needs a floating-point tensor as the first argument of the loss")
    if args[0].dim() == 0 or len(args[0]) < 2:
        raise ValueError(f"check_loss needs at least two samples; the first argument has shape {tuple(args[0].shape)}")
    for place in gradients:
        if place not in range(len(args)) or not (isinstance(args[place], Tensor) and args[place].is_floating_point()):
            raise ValueError(f"gradients must be positions of floating-point arguments; got {place}")
    own = tuple(a.detach().clone() if isinstance(a, Tensor) else a for a in args)
    trial = Trial(loss, own, settings, tuple(gradients), oracle, mean, tuple(scales), compile).cast(torch.float64)
    try:
        value = trial()
    except Exception as error:
        raise ValueError(f"the loss does not run on the example: {type(error).__name__}: {error}") from error
    if not isinstance(value, Tensor):
        raise ValueError(f"the loss must return a tensor; it returned {type(value).__name__}")
    with torch.random.fork_rng(devices=[]):  # gradgradcheck draws from the global generator
        report = Report(tuple(_run(trial)))
    print(report)
    return report


def _run(trial: Trial) -> Iterator[tuple[str, str, str]]:
    reached = True
    for what, check in CHECKS.items():
        name = what.format(scales=_listed(trial.scales))
        try:
            if check.find in DERIVATIVES and not reached:
                raise NotCheckedError("no gradient to compare")
            found = check(trial)
            line = ("ok", name, "") if found is None else ("FAIL", name, found)
        except NotCheckedError as why:
            line = ("-", name, str(why))
        if check.find is reaches:
            reached = line[0] == "ok"
        yield line


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


class Check(NamedTuple):
    """How a promise is tried, and what to do where it is broken."""

    find: Callable[[Trial], str | None]
    remedy: str

    def __call__(self, trial: Trial) -> str | None:
        """Try it: None is fine, a text says what was found and what to do.

        Raises:
            NotCheckedError: nothing can be said of this loss or this example.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*performance drop because we have not yet implemented.*")
            warnings.filterwarnings("ignore", message=".*torch.jit.script.*")
            try:
                found = self.find(trial)
            except NotCheckedError:
                raise
            except Exception as error:
                found = in_short(error)
        return None if found is None else f"{found}; {self.remedy}"


CHECKS = {
    "runs on the example": Check(runs, "print the intermediate results: the first that is not finite is to blame"),
    "value is the oracle's": Check(oracle, 'compare the two entry by entry, under reduction="none"'),
    "none, sum and mean agree": Check(
        reductions, '"sum" adds up "none", "mean" divides that by what the samples count, no constant'
    ),
    "refuses an unknown reduction": Check(unknown_reduction, "raise ValueError for it"),
    "gradient reaches the arguments": Check(
        reaches, "compute with the argument itself: no argmax, comparison, rounding, .item(), detach() or new tensor"
    ),
    "gradient is that of the value": Check(
        first_order, "multiply by grad_output in a backward of your own, and detach nothing"
    ),
    "second derivative is that of the gradient": Check(
        second_order, "build it, and a backward of your own, from operations that autograd can differentiate twice"
    ),
    "forward-mode derivative": Check(
        forward_mode, "build it from operations that have one, and give an autograd.Function its jvp"
    ),
    "vmap without a slow path": Check(vmap, "choose with torch.where, not if, and write into no tensor"),
    "torch.compile(fullgraph=True) gives the same": Check(
        compiles, "take out .item(), print and an if that looks at values"
    ),
    "keeps float64, float32, bfloat16 and float16": Check(
        dtypes, "take new tensors and their dtype from the arguments; sum and exp in float32 or wider"
    ),
    "finite value and gradient at scales {scales}": Check(
        scales, "rewrite the exp, log or quotient; scales=(1.0,) for an argument with bounds"
    ),
    "finite gradient where the arguments are equal": Check(
        coincidence, "make the root or quotient of 0 harmless first"
    ),
    "refuses (samples, 1) against (samples,)": Check(broadcast, "compare the shapes and raise ValueError"),
    "takes tensors that are not contiguous": Check(layout, "use reshape instead of view"),
    "leaves its arguments alone": Check(purity, "write input * x, not input *= x or an operation that ends in _"),
    "a pickled copy is the same": Check(pickled, "keep tensors as buffers, settings as attributes, and no lambda"),
}
DERIVATIVES = (first_order, second_order, forward_mode)
