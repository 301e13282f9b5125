"""Check a loss of your own as the losses of this package are checked."""

import copy
import inspect
import pickle
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Loss = Callable[..., Tensor]
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 0.05, torch.float16: 0.01}


@dataclass(frozen=True, repr=False)
class Report:
    """What was tried on a loss: one line each. True when nothing failed."""

    lines: tuple[tuple[str, str, str], ...]  # (status, what, why)

    def __bool__(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The checks that failed."""
        return [what for status, what, _ in self.lines if status == "FAIL"]

    def __repr__(self) -> str:
        return f"Report: {len(self.lines) - len(self.failed)} of {len(self.lines)} checks passed"

    def __str__(self) -> str:
        return "\n".join(f"{status:5} {what}" + (f": {why}" if why else "") for status, what, why in self.lines)


def check_loss(
    loss: Loss,
    *args: Tensor,
    oracle: Callable[..., Any] | None = None,
    scales: Sequence[float] = (1.0, 10.0, 100.0, 1e4),
    compile: bool = True,
    **settings: Any,
) -> Report:
    """Try a loss on everything that the losses of this package promise, and print a line for each promise.

    Args:
        loss: function or module, called as ``loss(*args, **settings)``. Gradients are taken with respect to its
            first argument. If it takes ``reduction``, that is tried too.
        args: example tensors with at least two samples along their first dimension, as a training step would pass
            them. Floating-point ones are used in float64 unless a dtype is what is tried.
        oracle: the same loss by another road, called with the same float64 tensors; returns the unreduced loss
            where ``loss`` takes ``reduction``, or else what ``loss`` returns, as tensor, number or nested list.
        scales: what the first argument is multiplied with to leave the comfortable range; ``(1.0,)`` for
            an argument with a bounded domain, such as probabilities.
        compile: whether to try ``torch.compile`` (a few seconds).
        settings: keyword arguments of the loss; not for modules, which are built with theirs.

    Returns:
        The report, false if a check failed; ``report.failed`` names those.

    Raises:
        ValueError: there is no floating-point first argument, or the loss does not return a tensor for the example.

    Example:
        >>> import torch
        >>> from lossbook.testing import check_loss
        >>> def careless(input, target):
        ...     return (input - target).pow(2).mean().sqrt()
        >>> report = check_loss(careless, torch.randn(4, 3), torch.randn(4, 3), compile=False)
        ok    runs on the example
        ok    gradient reaches the first argument
        ok    gradient is that of the value
        ok    second derivative is that of the gradient
        ok    forward-mode derivative
        ok    vmap without a slow path
        ok    keeps float32, bfloat16 and float16
        ok    finite value and gradient at scales 1, 10, 100, 10000
        FAIL  finite gradient where the arguments are equal: gradient is nan; a root or a quotient is 0 there
        FAIL  refuses (samples, 1) against (samples,): no error, it broadcasts; compare the shapes and raise ValueError
        ok    leaves its arguments alone
        >>> bool(report)
        False
    """
    if not args or not isinstance(args[0], Tensor) or not args[0].is_floating_point():
        raise ValueError("check_loss needs a floating-point tensor as the first argument of the loss")
    if args[0].dim() == 0 or len(args[0]) < 2:
        raise ValueError(f"check_loss needs at least two samples; the first argument has shape {tuple(args[0].shape)}")
    if isinstance(loss, nn.Module):
        loss = copy.deepcopy(loss).double()
    trial = _Trial(loss, tuple(_cast(a, torch.float64) for a in args), oracle, tuple(scales), settings)
    try:
        value = trial()
    except Exception as error:
        raise ValueError(f"the loss does not run on the example: {type(error).__name__}: {error}") from error
    if not isinstance(value, Tensor):
        raise ValueError(f"the loss must return a tensor; it returned {type(value).__name__}")
    report = Report(tuple(_run(trial, compile)))
    print(report)
    return report


@dataclass(frozen=True)
class _Trial:
    loss: Loss
    args: tuple[Any, ...]
    oracle: Callable[..., Any] | None
    scales: tuple[float, ...]
    settings: dict[str, Any]

    @property
    def reduces(self) -> bool:
        return not isinstance(self.loss, nn.Module) and "reduction" in inspect.signature(self.loss).parameters

    def __call__(self, *args: Any, **changed: Any) -> Tensor:
        return self.loss(*(args or self.args), **{**self.settings, **changed})

    def of_first(self, first: Tensor) -> Tensor:
        return self(first, *self.args[1:])

    def gradient(self, *args: Any) -> tuple[Tensor, Tensor]:
        first, *rest = args or self.args
        first = first.detach().clone().requires_grad_()
        value = self(first, *rest)
        (gradient,) = torch.autograd.grad(value.sum(), first)
        return value.detach(), gradient


def _run(trial: _Trial, compile: bool) -> Iterator[tuple[str, str, str]]:
    for what, check in CHECKS.items():
        if what == "torch.compile(fullgraph=True) gives the same" and not compile:
            continue
        if check in DERIVATIVES and _reaches(trial) is not None:
            continue  # said once, by the check that the gradient reaches the first argument
        what = what.format(scales=", ".join(f"{scale:g}" for scale in trial.scales))
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*performance drop because we have not yet implemented.*")
                warnings.filterwarnings("ignore", message=".*torch.jit.script.*")
                why = check(trial)
        except Exception as error:
            text = str(error).strip()
            reason = textwrap.shorten(text.splitlines()[0], 90, placeholder=" ...") if text else ""
            yield "FAIL", what, f"{type(error).__name__}: {reason}"
        else:
            if why is None:
                yield "ok", what, ""
            elif not why.startswith("-"):
                yield "FAIL", what, why


# --- the checks: None is fine, a text says what is wrong, "-" is not for this loss --------------------------------


def _runs(trial: _Trial) -> str | None:
    value = trial()
    return None if value.isfinite().all() else f"the value is {value.flatten()[0].item()}"


def _oracle(trial: _Trial) -> str | None:
    if trial.oracle is None:
        return "-"
    value = trial(reduction="none") if trial.reduces else trial()
    expected = torch.as_tensor(trial.oracle(*trial.args), dtype=torch.float64).reshape(value.shape)
    worst = (value - expected).abs().max().item()
    limit = 1e-9 * max(1.0, expected.abs().max().item())
    return None if worst <= limit else f"off by {worst:.3g}"


def _reductions(trial: _Trial) -> str | None:
    if not trial.reduces:
        return "-"
    each, total, mean = (trial(reduction=name) for name in ("none", "sum", "mean"))
    if not torch.allclose(each.sum(), total):
        return f'"sum" is {total.item():.6g}, the sum of "none" is {each.sum().item():.6g}'
    if not torch.allclose(each.mean(), mean):
        return f'"mean" is {mean.item():.6g}, the mean of "none" is {each.mean().item():.6g}'
    return None


def _unknown_reduction(trial: _Trial) -> str | None:
    if not trial.reduces:
        return "-"
    try:
        trial(reduction="avg")
    except (ValueError, TypeError):
        return None
    return 'reduction="avg" is accepted; raise ValueError'


def _reaches(trial: _Trial) -> str | None:
    first = trial.args[0].detach().clone().requires_grad_()
    value = trial.of_first(first)
    if value.grad_fn is None:
        return "the result has no grad_fn: argmax, .item(), a comparison or a new tensor cuts the graph"
    (gradient,) = torch.autograd.grad(value.sum(), first, allow_unused=True)
    if gradient is None or (gradient == 0).all():
        return "the gradient is 0 everywhere: rounding, a comparison or detach() cuts the path"
    return None


def _first_order(trial: _Trial) -> str | None:
    first = trial.args[0].detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(trial.of_first, (first,))
    return None


def _second_order(trial: _Trial) -> str | None:
    first = trial.args[0].detach().clone().requires_grad_()
    assert torch.autograd.gradgradcheck(trial.of_first, (first,), atol=1e-4)
    return None


def _forward_mode(trial: _Trial) -> str | None:
    direction = torch.ones_like(trial.args[0])
    forward = torch.func.jvp(trial.of_first, (trial.args[0],), (direction,))[1]
    _, gradient = trial.gradient()
    expected = (gradient * direction).sum()
    worst = (forward.sum() - expected).abs().item()
    return None if worst <= 1e-8 * max(1.0, expected.abs().item()) else f"off by {worst:.3g} from backward mode"


def _vmap(trial: _Trial) -> str | None:
    inputs = torch.stack([trial.args[0], 0.5 * trial.args[0]])
    loop = torch.stack([trial.of_first(first) for first in inputs])
    batched = torch.vmap(trial.of_first)(inputs)
    return None if torch.allclose(loop, batched) else "differs from a loop over the samples"


def _compiles(trial: _Trial) -> str | None:
    torch._dynamo.reset()
    compiled = torch.compile(trial.loss, fullgraph=True, backend="aot_eager")
    same = torch.allclose(compiled(*trial.args, **trial.settings), trial())
    return None if same else "the compiled value differs"


def _dtypes(trial: _Trial) -> str | None:
    for dtype, tolerance in TOLERANCE.items():
        args = tuple(_cast(a, dtype) for a in trial.args)
        settings = {name: _cast(value, dtype) for name, value in trial.settings.items()}
        loss = trial.loss.to(dtype) if isinstance(trial.loss, nn.Module) else trial.loss
        value = loss(*args, **settings)
        if isinstance(trial.loss, nn.Module):
            trial.loss.to(torch.float64)
        expected = trial(*(_cast(a, torch.float64) for a in args))
        if value.dtype != dtype:
            return f"{dtype} comes back as {value.dtype}"
        if not torch.allclose(value.double(), expected, rtol=tolerance, atol=tolerance):
            return f"{dtype} is off by {(value - expected).abs().max().item():.3g}"
    return None


def _scales(trial: _Trial) -> str | None:
    for scale in trial.scales:
        for dtype in (torch.float64, torch.float32):
            args = tuple(_cast(a, dtype) for a in (scale * trial.args[0], *trial.args[1:]))
            value, gradient = trial.gradient(*args)
            for name, tensor in {"value": value, "gradient": gradient}.items():
                if not tensor.isfinite().all():
                    wrong = tensor[~tensor.isfinite()][0].item()
                    return f"{name} is {wrong} at scale {scale:g} in {dtype}; find the exp, log or quotient"
    return None


def _coincidence(trial: _Trial) -> str | None:
    others = [a for a in trial.args[1:] if isinstance(a, Tensor) and a.is_floating_point()]
    if not others or others[0].shape != trial.args[0].shape:
        return "-"
    _, gradient = trial.gradient(others[0], *trial.args[1:])
    return None if gradient.isfinite().all() else "gradient is nan; a root or a quotient is 0 there"


def _broadcast(trial: _Trial) -> str | None:
    first, *rest = trial.args
    if not rest or not isinstance(rest[0], Tensor) or rest[0].shape != first.shape or first.dim() == 0:
        return "-"
    column, row = first.reshape(len(first), -1)[:, :1], rest[0].reshape(len(first), -1)[:, 0]
    try:
        trial(column, row, *rest[1:])
    except (ValueError, RuntimeError, TypeError):
        return None
    return "no error, it broadcasts; compare the shapes and raise ValueError"


def _purity(trial: _Trial) -> str | None:
    before = [a.clone() if isinstance(a, Tensor) else a for a in trial.args]
    trial()
    for number, (argument, old) in enumerate(zip(trial.args, before, strict=True), 1):
        if isinstance(argument, Tensor) and not torch.equal(argument, old):
            return f"argument {number} has changed: an in-place operation writes into it"
    return None


def _module(trial: _Trial) -> str | None:
    if not isinstance(trial.loss, nn.Module):
        return "-"
    again = pickle.loads(pickle.dumps(trial.loss))
    again.load_state_dict(trial.loss.state_dict())
    return None if torch.equal(again(*trial.args), trial()) else "a pickled copy gives another value"


CHECKS: dict[str, Callable[[_Trial], str | None]] = {
    "runs on the example": _runs,
    "value is the oracle's": _oracle,
    "none, sum and mean agree": _reductions,
    "refuses an unknown reduction": _unknown_reduction,
    "gradient reaches the first argument": _reaches,
    "gradient is that of the value": _first_order,
    "second derivative is that of the gradient": _second_order,
    "forward-mode derivative": _forward_mode,
    "vmap without a slow path": _vmap,
    "torch.compile(fullgraph=True) gives the same": _compiles,
    "keeps float32, bfloat16 and float16": _dtypes,
    "finite value and gradient at scales {scales}": _scales,
    "finite gradient where the arguments are equal": _coincidence,
    "refuses (samples, 1) against (samples,)": _broadcast,
    "leaves its arguments alone": _purity,
    "a pickled copy is the same": _module,
}


DERIVATIVES = (_first_order, _second_order, _forward_mode)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    return value.detach().to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
