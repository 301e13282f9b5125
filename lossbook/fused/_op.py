"""How a fused loss becomes an operator of torch: one forward pass that can make the gradients along the way.

An operator of this folder has the form

    op(tensors..., settings..., upstream, [lse_upstream,] reduced, wanted) -> (loss, [lse,] gradients...)

``loss`` is 0-d when ``reduced``, else unreduced. ``wanted`` says which gradients to make; the others come back empty.
``upstream`` is the gradient that arrives at the loss, 0-d or of the shape of the loss; None stands for 1.

With a 0-d loss the gradients are made in the forward pass, while the data are at hand; the backward pass only
multiplies them by the upstream gradient, which is nearly always 1. With ``reduction="none"``, on a second backward
pass and for gradients that were not foreseen, the operator runs again with the upstream gradient.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import Parameter

from .._core import check
from .._core.autocast import under_autocast
from .._core.formula import Contract, is_recorded, published, recorded
from .._core.settings import plain
from ._triton import accumulator, cdiv, launch, run_kernels, tl, triton

P = ParamSpec("P")
R = TypeVar("R")


def differentiate(
    op: Any,
    gradients: tuple[str, ...],
    also: tuple[str, ...] = (),
    implementation: Callable[..., Any] | None = None,
) -> Callable[..., tuple[Tensor, ...]]:
    """Give an operator of the form above its backward pass.

    Args:
        op: the operator.
        gradients: the arguments that take a gradient, in the order of ``wanted`` and of the outputs.
        also: for each further differentiable output after the loss, the argument for its upstream gradient.
        implementation: what the operator does, with None where it has to return an empty tensor.

    Returns:
        A function of the same arguments, by position, that gives the loss and the further outputs. Where only autograd
        looks on, it calls what is behind the operator: torch takes longer to find its way through a custom operator
        than to compute a small loss.
    """
    compute = implementation or op._init_fn
    parameters = inspect.signature(op._init_fn).parameters
    names = list(parameters)
    tensors = [place for place, p in enumerate(parameters.values()) if p.annotation in (Tensor, Tensor | None)]
    leaves = [names.index(name) for name in gradients]
    arriving = [names.index(name) for name in ("upstream", *also)]
    reduced, wanted = names.index("reduced"), names.index("wanted")
    first = 1 + len(also)  # position of the first gradient among the outputs

    def keep(ctx: Any, inputs: Sequence[Any], output: tuple[Tensor, ...]) -> None:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*[inputs[place] for place in tensors])
        ctx.ready = output[first:] if inputs[reduced] and inputs[arriving[0]] is None else None
        ctx.others = list(inputs)
        for place in tensors:
            ctx.others[place] = None

    def make(ctx: Any, needed: Sequence[bool], upstream: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Give the gradients that are needed."""
        if any(u is not None and _is_batched(u) for u in upstream):
            raise RuntimeError(_lacks("batched gradients", op._qualname))
        saved = ctx.saved_tensors
        ready, ctx.ready = ctx.ready, None  # handed over to the caller: a second pass makes its own
        if not torch.is_grad_enabled():
            return ready_or_again(ctx.others, saved, ready, list(needed), upstream)
        with torch.no_grad():
            made = ready_or_again(ctx.others, saved, ready, list(needed), upstream)
        of = [t for place, t in zip(tensors, saved, strict=True) if place in leaves and t is not None]
        return [None if g is None else _OnlyOnce.apply(op._qualname, g, *of) for g in made]

    def ready_or_again(
        others: Sequence[Any],
        saved: Sequence[Tensor | None],
        ready: Any,
        needed: list[bool],
        upstream: Sequence[Tensor | None],
    ) -> list[Tensor | None]:
        loss_upstream, *further = upstream
        foreseen = ready is not None and list(others[wanted]) == needed
        if foreseen and loss_upstream is not None and all(u is None for u in further):
            return [times_upstream(g, loss_upstream) if n else None for g, n in zip(ready, needed, strict=True)]
        inputs = list(others)
        for place, tensor in zip(tensors, saved, strict=True):
            inputs[place] = tensor
        inputs[wanted] = needed
        inputs[arriving[0]] = torch.zeros((), device=inputs[leaves[0]].device)  # unless there is one
        for place, arrived in zip(arriving, upstream, strict=True):
            if arrived is not None:
                inputs[place] = arrived
        made = (compute if _eager([inputs[place] for place in tensors]) else op)(*inputs)
        return [g if n else None for g, n in zip(made[first:], needed, strict=True)]

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[first:])
        keep(ctx, inputs, output)

    def backward(ctx: Any, *upstream: Tensor | None) -> tuple[Tensor | None, ...]:
        made = make(ctx, [ctx.needs_input_grad[place] for place in leaves], upstream[:first])
        found = dict(zip(leaves, made, strict=True))
        return tuple(found.get(place) for place in range(len(names)))

    op.register_autograd(backward, setup_context=setup_context)

    class Direct(torch.autograd.Function):
        """The same without the operator; the leaves come twice, so that autograd sees them."""

        @staticmethod
        def forward(ctx: Any, inputs: tuple[Any, ...], *leaves: Tensor | None) -> Any:
            output = compute(*inputs)
            keep(ctx, inputs, output)
            return output[:first]

        @staticmethod
        def backward(ctx: Any, *upstream: Tensor | None) -> Any:
            return None, *make(ctx, ctx.needs_input_grad[1:], upstream)

    def call(*inputs: Any) -> Any:
        if not _eager([inputs[place] for place in tensors]):
            return op(*inputs)[:first]
        found = [inputs[place] for place in leaves]
        if torch.is_grad_enabled() and any([leaf is not None and leaf.requires_grad for leaf in found]):  # noqa: C419
            return Direct.apply(inputs, *found)
        return compute(*inputs)[:first]

    return call


def _eager(tensors: Sequence[Tensor | None]) -> bool:
    """Say whether only autograd looks on: no compiler, trace, mode or transform, and no tensor of its own kind."""
    if (
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._len_torch_function_stack()
        or torch._C._are_functorch_transforms_active()
    ):
        return False
    for tensor in tensors:
        if tensor is None:
            continue
        if type(tensor) not in (Tensor, Parameter) or tensor.is_meta or tensor.is_neg():
            return False
        if torch._is_functional_tensor(tensor):
            return False
    return True


def _is_batched(tensor: Tensor) -> bool:
    wrapped = torch._C._functorch
    return wrapped.is_functorch_wrapped_tensor(tensor) or wrapped.is_legacy_batchedtensor(tensor)


def _lacks(what: str, op: str) -> str:
    name = op.partition("::")[2]
    return f"lossbook.fused has no {what} of {name}; the function of the same name in lossbook.functional has them all"


class _OnlyOnce(torch.autograd.Function):
    """Pass a gradient on, and refuse to differentiate it again."""

    @staticmethod
    def forward(op: str, gradient: Tensor, *leaves: Tensor) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.name = inputs[0]

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        raise RuntimeError(_lacks("second derivative", ctx.name))


@triton.jit
def _times_upstream_kernel(gradient, upstream, size, BLOCK: tl.constexpr):
    factor = tl.load(upstream)
    if factor != 1:  # known on the device only: the host does not wait for it
        for start in range(tl.program_id(0).to(tl.int64) * BLOCK, size, tl.num_programs(0) * BLOCK):
            at = start + tl.arange(0, BLOCK)
            value = tl.load(gradient + at, at < size).to(factor.dtype)
            tl.store(gradient + at, (value * factor).to(gradient.dtype.element_ty), at < size)


def times_upstream(gradient: Tensor, upstream: Tensor) -> Tensor:
    """Multiply a gradient that nobody else holds by a 0-d upstream gradient, in place."""
    if type(gradient) is not Tensor or type(upstream) is not Tensor:  # traced by torch.compile
        return (gradient * upstream).to(gradient.dtype)
    if run_kernels(gradient):
        programs = min(1024, cdiv(gradient.numel(), 4096))
        launch(_times_upstream_kernel, programs, gradient, gradient, upstream, gradient.numel(), BLOCK=4096)
    elif gradient.device.type != "cpu" or upstream.item() != 1:
        gradient.mul_(upstream)
    return gradient


def gradients_now(reduction: str, *leaves: Tensor | None) -> list[bool]:
    """Say for which arguments the forward pass makes the gradient.

    Not in float16: there the gradient of a mean underflows before a loss scaler's upstream gradient lifts it. And all
    or none, as the backward pass, when it has to make one of them, makes them all.
    """
    needed = [x for x in leaves if x is not None and x.requires_grad]
    foreseen = reduction != "none" and torch.is_grad_enabled() and all(x.dtype != torch.float16 for x in needed)
    return [foreseen and x is not None and x.requires_grad for x in leaves]


def gradient_dtype(dtype: torch.dtype) -> torch.dtype:
    """Give the dtype of a gradient that is made before a loss scaler's upstream gradient is known.

    It may be too small for float16, so that one stays float32 until autograd rounds it.
    """
    return torch.float32 if dtype == torch.float16 else dtype


def reduce_rows(loss: Tensor, divisor: Tensor | None, reduced: bool) -> Tensor:
    """Add up the weighted losses and divide by ``divisor``, or leave them unreduced."""
    if not reduced:
        return loss
    return loss.sum() if divisor is None else (loss.sum() / divisor).masked_fill(divisor == 0, torch.nan)


def number(value: Tensor | float, near: Tensor) -> Tensor:
    """Put a number on the device of ``near`` as a 0-d tensor, without waiting for the device."""
    dtype = accumulator(near.dtype)
    if isinstance(value, Tensor):
        return value.to(near.device, dtype)
    return torch.full((), value, dtype=dtype, device=near.device)


def as_result_dtype(loss: Tensor, *floats: Tensor) -> Tensor:
    """Return a loss in the dtype of the arguments, under autocast in the one it was computed in."""
    if under_autocast(loss):
        return loss
    return loss.to(functools.reduce(torch.promote_types, (f.dtype for f in floats)))


def fused(readable: Callable[P, R], *, gradients: tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[P, R]]:
    """Make a function the fused form of a readable one: its signature and contract, and refusals in its place.

    The function gets every setting by name, so it needs no defaults; a setting that the readable form has not, it
    declares as that one would, by type and default.

    Args:
        readable: the function of ``lossbook.functional``.
        gradients: the arguments for which the fused form has a gradient; for others it is refused.
    """
    signature = inspect.signature(readable)
    defaults = {n: p.default for n, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}
    named = " and ".join(filter(None, [", ".join(gradients[:-1]), gradients[-1]]))
    refused = (
        f"There is a gradient for {named}. Any other argument that requires one is refused, as are second\n"
        "derivatives, forward mode and torch.func: ``lossbook.functional`` has them."
    )

    def decorate(function: Callable[..., Any]) -> Callable[P, R]:
        contract = Contract.of(function, readable)
        name, positional = contract.name, contract.positional

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if torch.jit.is_tracing():  # type: ignore[attr-defined]  # it cannot record the lists that an operator takes
                return readable(*args, **kwargs)
            try:
                args, kwargs = contract.admit(args, kwargs)
            except TypeError:
                if is_recorded(args, kwargs):
                    return recorded(call, args, kwargs)
                raise
            for argument, value in (*zip(positional, args, strict=False), *kwargs.items()):
                if isinstance(value, Tensor):
                    _refuse(name, argument, value, argument in gradients)
            return function(*args, **defaults | kwargs)

        parameters = [signature.parameters.get(n, p) for n, p in plain(function).parameters.items()]
        published(call, signature.replace(parameters=parameters), contract.rules)
        summary, _, text = inspect.cleandoc(readable.__doc__ or "").partition("\n\n")
        text = text.replace("from lossbook.functional import", "from lossbook.fused import")
        call.__doc__ = f"{summary}\n\n{inspect.cleandoc(function.__doc__ or '')}\n\n{refused}\n\n{text}"
        call.gradients = gradients  # type: ignore[attr-defined]
        return call

    return decorate


def _refuse(name: str, argument: str, value: Tensor, has_gradient: bool) -> None:
    instead = f"use lossbook.functional.{name}"
    way = check.in_parts(value)
    if way:
        raise TypeError(
            f"lossbook.fused.{name} takes ordinary tensors, for instance {way.format(argument)}, or {instead}; "
            f"got a {type(value).__name__} as {argument}"
        )
    if not has_gradient and value.requires_grad and torch.is_grad_enabled():
        raise ValueError(
            f"lossbook.fused.{name} has no gradient for {argument}: give {argument}.detach(), or {instead}"
        )
    if forward_ad._current_level < 0 and not torch._C._are_functorch_transforms_active():
        return
    levels = [value]  # of torch.func, one wrapped into the next
    while not torch.compiler.is_compiling() and torch._C._functorch.is_functorch_wrapped_tensor(levels[-1]):
        levels.append(torch._C._functorch.get_unwrapped(levels[-1]))
    if any(forward_ad.unpack_dual(level).tangent is not None for level in levels):
        raise ValueError(
            f"lossbook.fused.{name} has no forward-mode derivative, but {argument} has a tangent: {instead}"
        )
    if len(levels) > 1:
        raise ValueError(f"lossbook.fused.{name} goes with backward() and torch.autograd, not torch.func: {instead}")
