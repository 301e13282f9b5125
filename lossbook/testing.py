"""Check a loss of your own as the losses of this package are checked: their tests call the same checks."""

import copy
import inspect
import math
import pickle
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError

Loss = Callable[..., Tensor]
Refill = Callable[..., tuple[Any, ...]]
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
SCALES = (1.0, 10.0, 100.0, 1e4)
REFUSALS = (ValueError, TypeError, RuntimeError, AssertionError)  # of values, where shapes and dtypes are as before


class NotCheckedError(Exception):
    """A check that says nothing about this loss or this example; the text says why."""


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


@dataclass(frozen=True)
class Trial:
    """A loss with an example, and what is known of the two: the one argument of a check."""

    loss: Loss
    args: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    gradients: tuple[int, ...] = (0,)
    oracle: Callable[..., Any] | None = None
    mean: Callable[..., Any] | None = None
    scales: tuple[float, ...] = SCALES
    compile: bool = False
    other: tuple[Any, ...] | None = None  # a second example of the same shapes; without one, the samples in reverse

    def __call__(self, **changed: Any) -> Tensor:
        return self.loss(*self.args, **{**self.settings, **changed})

    @property
    def reductions(self) -> tuple[str, ...]:
        """The values of ``reduction`` to try: none for a module, which is built with its own."""
        if isinstance(self.loss, nn.Module) or "reduction" not in _parameters(self.loss):
            return ()
        return ("none", "sum", "mean")

    def each(self) -> Tensor:
        """The loss of each entry, if the loss hands it out; else what it returns."""
        return self(reduction="none") if self.reductions else self()

    def at(self, *args: Any) -> "Trial":
        """The same with these in place of the first arguments."""
        return replace(self, args=(*args, *self.args[len(args) :]))

    def cast(self, dtype: torch.dtype) -> "Trial":
        """The same with every floating-point tensor in this dtype, those of a module too."""
        loss = copy.deepcopy(self.loss).to(dtype) if isinstance(self.loss, nn.Module) else self.loss
        settings = {name: _cast(value, dtype) for name, value in self.settings.items()}
        return replace(self, loss=loss, args=tuple(_cast(a, dtype) for a in self.args), settings=settings)

    def leaves(self) -> tuple[list[Tensor], Refill]:
        """The arguments that take gradients, as fresh leaves, and how to put others in their place."""
        leaves = [self.args[place].detach().clone().requires_grad_() for place in self.gradients]

        def refill(*tensors: Tensor) -> tuple[Any, ...]:
            filled = list(self.args)
            for place, tensor in zip(self.gradients, tensors, strict=True):
                filled[place] = tensor
            return tuple(filled)

        return leaves, refill

    def of_leaves(self) -> tuple[list[Tensor], Loss]:
        """The arguments that take gradients, and the loss as a function of them alone."""
        leaves, refill = self.leaves()
        return leaves, lambda *tensors: self.loss(*refill(*tensors), **self.settings)

    def value_and_gradients(self, **changed: Any) -> tuple[Tensor, list[Tensor]]:
        """The loss, and the gradients of its sum."""
        leaves, refill = self.leaves()
        value = self.loss(*refill(*leaves), **{**self.settings, **changed})
        return value, list(torch.autograd.grad(value.sum(), leaves, allow_unused=True, materialize_grads=True))


def _parameters(loss: Loss) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(loss).parameters)
    except ValueError:  # a function written in C has no signature
        return ()


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.detach().to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


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
        if check.find is _reaches:
            reached = line[0] == "ok"
        yield line


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _short(error: Exception) -> str:
    text = str(error).strip()
    if "batching rule for" in text:
        return "there is no batching rule for " + text.partition("batching rule for ")[2].split()[0].rstrip(".")
    reason = textwrap.shorten(text.splitlines()[0], 80, placeholder=" ...") if text else ""
    return f"{type(error).__name__}: {reason}".rstrip(",:")


def _off(
    actual: Tensor, expected: Tensor, rtol: float, atol: float | None = None, *, equal_nan: bool = False
) -> float | None:
    """Say how far two tensors are apart where that is too far: more than ``atol``, as a rule ``rtol`` times 1."""
    actual, expected = actual.detach().double(), expected.detach().double()
    if actual.shape != expected.shape:
        raise ValueError(f"shape {tuple(actual.shape)} in place of {tuple(expected.shape)}")
    far = ~torch.isclose(actual, expected, rtol=rtol, atol=rtol if atol is None else atol, equal_nan=equal_nan)
    return (actual - expected)[far].abs().max().item() if far.any() else None


# --- the checks: None is fine, a text says what was found, NotCheckedError why nothing can be said -----------------


def _runs(trial: Trial) -> str | None:
    value = trial()
    return None if value.isfinite().all() else f"it is {value[~value.isfinite()][0].item()}"


def _oracle(trial: Trial) -> str | None:
    if trial.oracle is None:
        raise NotCheckedError("no oracle= was given")
    value = trial.each()
    expected = torch.as_tensor(trial.oracle(*trial.args), dtype=torch.float64).reshape(value.shape)
    finite = expected[expected.isfinite()].abs()
    largest = max(1.0, finite.max().item() if finite.numel() else 1.0)
    off = _off(value, expected, 1e-12, 1e-12 * largest, equal_nan=True)
    return None if off is None else f"it is off by {off:.3g}"


def _reductions(trial: Trial) -> str | None:
    if not trial.reductions:
        raise NotCheckedError(_without_reduction(trial))
    each, total, mean = (trial(reduction=name) for name in ("none", "sum", "mean"))
    if not _same(total, each.sum()):
        return f'"sum" is {total.item():.6g}, the sum of "none" is {each.sum().item():.6g}'
    if trial.mean is not None:
        expected = torch.as_tensor(trial.mean(each, *trial.args), dtype=torch.float64).reshape(mean.shape)
        if not _same(mean, expected):
            return f'"mean" is {mean.item():.6g}, by mean= it is {expected.item():.6g}'
    halves = _halves(trial, each)
    if all(_same(part(reduction="mean"), part.each().mean()) for part in (trial, *halves)):
        return None
    found = f'"mean" is {mean.item():.6g}, the mean of "none" is {each.mean().item():.6g}'
    if halves and (wrong := _wrong_divisor(trial, halves)):
        return f"{found}: {wrong}"
    if trial.mean is None:
        raise NotCheckedError(f"{found}; if it divides by counts of its own, give it, mean=lambda each, *args: ...")
    return None


def _wrong_divisor(trial: Trial, halves: list[Trial]) -> str | None:
    """Find out what no count can be: a constant, or what the halves of the batch contradict."""
    parts = (trial, *halves)
    entries = [part.each() for part in parts]
    totals, means = ([part(reduction=name) for part in parts] for name in ("sum", "mean"))
    # The mean of nothing is nan, and it counts 0. A mean of 0 says nothing about its divisor.
    counts = [0.0 if m.isnan() else (t / m).item() for t, m in zip(totals, means, strict=True)]
    if any(math.isnan(count) for count in counts):
        return None
    if _alike(counts):
        return f"it divides by {counts[0]:.6g}, whatever the number of samples"
    apart = _same(torch.cat(entries[1:]), entries[0])  # the halves do not see each other
    if apart and not any(_alike([count, 1.0]) for count in counts[1:]):  # 1 may stand for nothing, as the least count
        by_counts = totals[0] / sum(counts[1:])
        by_samples = sum(m.nan_to_num() * len(e) for m, e in zip(means[1:], entries[1:], strict=True)) / len(entries[0])
        if not _same(means[0], by_counts) and not _same(means[0], torch.as_tensor(by_samples)):
            return "it does not follow from those of two halves"
    shares = [count / e.numel() for count, e in zip(counts, entries, strict=True)]
    counted = all(_alike([count, len(e)]) for count, e in zip(counts, entries, strict=True)) or _may_hold_counts(trial)
    if _alike(shares) and trial.mean is None and not counted:
        return f"{1 / shares[0]:.6g} times as much, whatever the samples"
    return None


def _alike(numbers: Sequence[float]) -> bool:
    return all(math.isclose(number, numbers[0], rel_tol=1e-5) for number in numbers)


def _without_reduction(trial: Trial) -> str:
    return "a module is built with one" if isinstance(trial.loss, nn.Module) else "it takes no reduction"


def _same(actual: Tensor, expected: Tensor) -> bool:
    """Compare as closely as an epsilon in a divisor allows."""
    return _off(actual, expected, 1e-5, 1e-12, equal_nan=True) is None


def _halves(trial: Trial, each: Tensor) -> list[Trial]:
    """The trials of either half of the samples, if the arguments can be cut along them."""
    samples = len(each) if each.dim() else 0

    def cut(value: Any, keep: slice) -> Any:
        if isinstance(value, Tensor) and samples in value.shape:
            place = value.shape.index(samples)
            return value[(slice(None),) * place + (keep,)]
        return value[keep] if isinstance(value, list | tuple) and len(value) == samples else value

    middle = samples // 2
    for cut_settings in (False, True):  # a tensor among them may have an entry for each sample
        halves = []
        for keep in (slice(middle), slice(middle, None)):
            settings = {name: cut(v, keep) if cut_settings else v for name, v in trial.settings.items()}
            halves.append(replace(trial, args=tuple(cut(a, keep) for a in trial.args), settings=settings))
        try:
            if middle and [len(half.each()) for half in halves] == [middle, samples - middle]:
                return halves
        except Exception:
            continue
    return []


def _may_hold_counts(trial: Trial) -> bool:
    """Say whether a divisor may have come with the call: as a weight, as a label, as a length."""
    floating = [isinstance(a, Tensor) and a.is_floating_point() for a in trial.args]
    return bool(trial.settings) or len(floating) > 2 or not all(floating)


def _unknown_reduction(trial: Trial) -> str | None:
    if not trial.reductions:
        raise NotCheckedError(_without_reduction(trial))
    try:
        trial(reduction="avg")
    except (ValueError, TypeError):
        return None
    return 'reduction="avg" is accepted'


def _reaches(trial: Trial) -> str | None:
    value, gradients = trial.value_and_gradients()
    if value.grad_fn is None:
        return "the result has no grad_fn"
    dead = [place for place, gradient in zip(trial.gradients, gradients, strict=True) if (gradient == 0).all()]
    if not dead:
        return None
    first = trial.args[0]
    elsewhere = [_beside(first)]
    if (trial.each() == 0).all():  # a hinge within its margin, or a loss that is 0 whatever comes?
        elsewhere += [factor * first for factor in (-1, 1e-3, 1e3)]
    for other in elsewhere:
        try:
            _, gradients = trial.at(other).value_and_gradients()
        except REFUSALS:
            continue
        if all((gradient != 0).any() for gradient in gradients):
            raise NotCheckedError("the loss is flat on the example: give one that it would change")
    return f"it is 0 everywhere for argument {dead[0] + 1}"


def _first_order(trial: Trial) -> None:
    _by_differences(trial, torch.autograd.gradcheck)


def _second_order(trial: Trial) -> None:
    _by_differences(trial, torch.autograd.gradgradcheck, atol=1e-4)


def _by_differences(trial: Trial, compare: Callable[..., bool], **options: float) -> None:
    leaves, loss = trial.of_leaves()
    try:
        compare(loss, leaves, **options)
    except Exception as error:
        for step in (1e-6, -1e-6):  # as the differences are taken
            try:
                loss(*(leaf.detach() + step for leaf in leaves))
            except REFUSALS as refusal:
                raise NotCheckedError(f"the example lies at an end of the domain: {_short(refusal)}") from None
        # At a kink the two sides differ, and the gradient, though right, is not the mean of theirs.
        finite = all(gradient.isfinite().all() for gradient in trial.value_and_gradients()[1])
        if isinstance(error, GradcheckError) and finite:
            beside = [_beside(leaf, seed).requires_grad_() for seed, leaf in enumerate(leaves)]
            try:
                compare(loss, beside, **options)
            except Exception:
                raise error from None
            raise NotCheckedError("right beside the example, which lies on a kink: give one without ties") from None
        raise


def _beside(tensor: Tensor, seed: int = 0) -> Tensor:
    """Numbers close to these, on either side of them."""
    tensor = tensor.detach()
    typical = tensor.abs().mean().item() or 1.0
    return tensor + 1e-3 * _random(tensor, seed) * (typical + tensor.abs())


def _random(like: Tensor, seed: int = 0) -> Tensor:
    """Numbers between -1 and 1, without touching the global generator."""
    rng = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(like.shape, generator=rng, dtype=like.dtype) - 1).to(like.device)


def _forward_mode(trial: Trial) -> str | None:
    leaves, loss = trial.of_leaves()
    directions = tuple(_random(leaf, seed) for seed, leaf in enumerate(leaves))
    value, forward = torch.func.jvp(loss, tuple(leaf.detach() for leaf in leaves), directions)[:2]
    upstream = _random(value, len(leaves))
    gradients = torch.autograd.grad(loss(*leaves), leaves, upstream, allow_unused=True, materialize_grads=True)
    backward = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    off = _off((forward * upstream).sum(), torch.as_tensor(backward), 1e-8)
    return None if off is None else f"it is off by {off:.3g} from backward mode"


def _vmap(trial: Trial) -> str | None:
    """Batch every tensor, and the backward of the value."""
    tensors = [place for place, a in enumerate(trial.args) if isinstance(a, Tensor)]
    turned = tuple(a.flip(0) if isinstance(a, Tensor) and a.dim() else a for a in trial.args)
    other = trial.at(*(trial.other or turned))
    both = [torch.stack([trial.args[place], other.args[place]]) for place in tensors]

    def loss(*batched: Tensor) -> Tensor:
        args = list(trial.args)
        for place, tensor in zip(tensors, batched, strict=True):
            args[place] = tensor
        return trial.at(*args).each()

    if _off(torch.vmap(loss)(*both), torch.stack([trial.each(), other.each()]), 1e-7) is not None:
        return "it differs from a loop over the samples"
    leaves, of_leaves = trial.of_leaves()
    value = of_leaves(*leaves)
    if value.grad_fn is None:
        return None
    upstreams = torch.stack([_random(value, seed) for seed in range(2)])

    def backward(upstream: Tensor, *, batched: bool) -> tuple[Tensor, ...]:
        options = {"is_grads_batched": batched, "allow_unused": True, "materialize_grads": True}
        return torch.autograd.grad(value, leaves, upstream, retain_graph=True, **options)

    loop = zip(*(backward(upstream, batched=False) for upstream in upstreams), strict=True)
    for gradient, expected in zip(backward(upstreams, batched=True), loop, strict=True):
        if _off(gradient, torch.stack(expected), 1e-7) is not None:
            return "its gradient differs from a loop over the upstream gradients"
    return None


def _compiles(trial: Trial) -> str | None:
    if not trial.compile:
        raise NotCheckedError("compile=False")
    torch._dynamo.reset()
    trial = trial.cast(torch.float32)
    compiled = torch.compile(trial.loss, fullgraph=True, backend="aot_eager", dynamic=False)
    for reduction in trial.reductions or (None,):
        changed = {} if reduction is None else {"reduction": reduction}
        value, gradients = replace(trial, loss=compiled).value_and_gradients(**changed)
        expected, expected_gradients = trial.value_and_gradients(**changed)
        for name, actual, eager in zip(
            ("value", *["gradient"] * len(gradients)),
            (value, *gradients),
            (expected, *expected_gradients),
            strict=True,
        ):
            off = _off(actual, eager, 1.3e-6, 1e-5)
            if off is not None or actual.dtype != eager.dtype:
                return f"the compiled {name} is off by {off or 0:.3g}, in {actual.dtype}"
    return None


def _dtypes(trial: Trial) -> str | None:
    for dtype in DTYPES:
        narrow = trial.cast(dtype)
        value, gradients = narrow.value_and_gradients()
        expected, expected_gradients = narrow.cast(torch.float64).value_and_gradients()
        if value.dtype != dtype:
            return f"{dtype} comes back as {value.dtype}"
        tolerance = 4 * torch.finfo(dtype).eps
        # float32 rounds what it computes on the way, as if the arguments were rounded once more; the two below it are
        # to be computed in float32.
        moved = sum((a * g).abs().sum().item() for a, g in zip(narrow.leaves()[0], expected_gradients, strict=True))
        slack = 1.0 + (moved if dtype.itemsize >= 4 else 0.0)
        if (off := _off(value, expected, tolerance, tolerance * slack, equal_nan=True)) is not None:
            return f"{dtype} is off by {off:.3g}"
        for gradient, wide in zip(gradients, expected_gradients, strict=True):
            if (off := _off(gradient, wide, 4 * tolerance)) is not None:
                return f"the gradient in {dtype} is off by {off:.3g}"
    return None


def _scales(trial: Trial) -> str | None:
    """Compare with float64: what no float32 can hold may be infinite."""
    largest = torch.finfo(torch.float32).max
    grown, left_out = False, ""
    for scale in sorted(trial.scales):
        scaled = trial.at(scale * trial.args[0])
        try:
            wide, narrow = (scaled.cast(dtype).value_and_gradients() for dtype in (torch.float64, torch.float32))
        except REFUSALS as error:
            if scale == 1:
                raise
            left_out = left_out or f"refused at scale {scale:g}, out of its domain: {_short(error)}"
            continue
        for dtype, (value, gradients) in {torch.float64: wide, torch.float32: narrow}.items():
            for name, tensor, exact in (
                ("value", value, wide[0]),
                *(("gradient", gradient, exact) for gradient, exact in zip(gradients, wide[1], strict=True)),
            ):
                beyond = (exact.abs() > largest) & (exact.isfinite() | grown)  # grown: as an exponential grows
                wrong = ~tensor.isfinite() & ~(tensor.isinf() & beyond)
                if wrong.any():
                    return f"{name} is {tensor[wrong][0].item()} at scale {scale:g} in {dtype}"
        if not wide[0].isfinite().all():
            left_out = left_out or f"finite as long as float64 holds it, which ends before scale {scale:g}"
        grown = grown or bool((wide[0].abs() > largest).any())
    if left_out:
        raise NotCheckedError(left_out)
    return None


def _coincidence(trial: Trial) -> str | None:
    first, second = _pair(trial)
    if not second.is_floating_point():
        raise NotCheckedError("the second argument holds no floating-point numbers")
    refusal: Exception | None = None
    for both in (second, first):  # the first may have a domain that the second has not, and the other way round
        try:
            _, gradients = trial.at(both, both).value_and_gradients()
        except REFUSALS as error:
            refusal = refusal or error
            continue
        wrong = torch.cat([gradient[~gradient.isfinite()] for gradient in gradients])
        return f"it is {wrong[0].item()}" if wrong.numel() else None
    assert refusal is not None
    for both in (second, first):
        try:
            trial.at(both * (1 + 1e-6), both)()
        except REFUSALS:
            continue
        return f"it is refused, though close ones are not: {_short(refusal)}"
    raise NotCheckedError(f"the two have different domains: {_short(refusal)}")


def _broadcast(trial: Trial) -> str | None:
    first, second = (argument.reshape(len(argument), -1) for argument in _pair(trial))
    try:
        trial.at(first[:, :1], second[:, 0])()
    except (ValueError, RuntimeError, TypeError):
        return None
    return "it broadcasts"


def _pair(trial: Trial) -> tuple[Tensor, Tensor]:
    """The first two arguments, if they have one shape."""
    if len(trial.args) < 2 or not isinstance(trial.args[1], Tensor) or trial.args[1].shape != trial.args[0].shape:
        raise NotCheckedError("the second argument has not the shape of the first")
    return trial.args[0], trial.args[1]


def _layout(trial: Trial) -> str | None:
    def scattered(value: Any) -> Any:
        """The same numbers, with gaps between them, in the order of the columns."""
        if not isinstance(value, Tensor) or not value.dim():
            return value
        return torch.stack([value.transpose(0, -1)] * 2, dim=-1)[..., 0].transpose(0, -1)

    off = _off(trial.at(*map(scattered, trial.args)).each(), trial.each(), 1e-7)
    return None if off is None else f"it is off by {off:.3g}"


def _purity(trial: Trial) -> str | None:
    tensors = {f"argument {n}": a for n, a in enumerate(trial.args, 1)} | trial.settings
    before = {name: (a.clone(), a._version) for name, a in tensors.items() if isinstance(a, Tensor)}
    trial.value_and_gradients()
    trial()  # on the arguments themselves, of which the gradients are taken on copies
    for name, (old, version) in before.items():
        if tensors[name]._version != version or not torch.equal(tensors[name], old):
            return f"{name} has changed"
    return None


def _module(trial: Trial) -> str | None:
    if not isinstance(trial.loss, nn.Module):
        raise NotCheckedError("it is not a module")
    again = pickle.loads(pickle.dumps(trial.loss))
    again.load_state_dict(trial.loss.state_dict())
    return None if torch.equal(replace(trial, loss=again)(), trial()) else "it gives another value"


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
                found = _short(error)
        return None if found is None else f"{found}; {self.remedy}"


CHECKS = {
    "runs on the example": Check(_runs, "print the intermediate results: the first that is not finite is to blame"),
    "value is the oracle's": Check(_oracle, 'compare the two entry by entry, under reduction="none"'),
    "none, sum and mean agree": Check(
        _reductions, '"sum" adds up "none", "mean" divides that by what the samples count, no constant'
    ),
    "refuses an unknown reduction": Check(_unknown_reduction, "raise ValueError for it"),
    "gradient reaches the arguments": Check(
        _reaches, "compute with the argument itself: no argmax, comparison, rounding, .item(), detach() or new tensor"
    ),
    "gradient is that of the value": Check(
        _first_order, "multiply by grad_output in a backward of your own, and detach nothing"
    ),
    "second derivative is that of the gradient": Check(
        _second_order, "build it, and a backward of your own, from operations that autograd can differentiate twice"
    ),
    "forward-mode derivative": Check(
        _forward_mode, "build it from operations that have one, and give an autograd.Function its jvp"
    ),
    "vmap without a slow path": Check(_vmap, "choose with torch.where, not if, and write into no tensor"),
    "torch.compile(fullgraph=True) gives the same": Check(
        _compiles, "take out .item(), print and an if that looks at values"
    ),
    "keeps float64, float32, bfloat16 and float16": Check(
        _dtypes, "take new tensors and their dtype from the arguments; sum and exp in float32 or wider"
    ),
    "finite value and gradient at scales {scales}": Check(
        _scales, "rewrite the exp, log or quotient; scales=(1.0,) for an argument with bounds"
    ),
    "finite gradient where the arguments are equal": Check(
        _coincidence, "make the root or quotient of 0 harmless first"
    ),
    "refuses (samples, 1) against (samples,)": Check(_broadcast, "compare the shapes and raise ValueError"),
    "takes tensors that are not contiguous": Check(_layout, "use reshape instead of view"),
    "leaves its arguments alone": Check(_purity, "write input * x, not input *= x or an operation that ends in _"),
    "a pickled copy is the same": Check(_module, "keep tensors as buffers, settings as attributes, and no lambda"),
}
DERIVATIVES = (_first_order, _second_order, _forward_mode)
