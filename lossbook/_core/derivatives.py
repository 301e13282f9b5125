"""Promises on derivatives and compilers.

None is fine, a text says what was found, NotCheckedError why nothing can be said.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from .trial import REFUSALS, NotCheckedError, Trial, beside, difference, in_short, random_like


def reaches(trial: Trial) -> str | None:
    value, gradients = trial.value_and_gradients()
    if value.grad_fn is None:
        return "the result has no grad_fn"
    dead = [place for place, gradient in zip(trial.gradients, gradients, strict=True) if (gradient == 0).all()]
    if not dead:
        return None
    first = trial.args[0]
    elsewhere = [beside(first)]
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


def first_order(trial: Trial) -> None:
    _by_differences(trial, torch.autograd.gradcheck)


def second_order(trial: Trial) -> None:
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
                raise NotCheckedError(f"the example lies at an end of the domain: {in_short(refusal)}") from None
        # At a kink the two sides differ, and the gradient, though right, is not the mean of theirs.
        finite = all(gradient.isfinite().all() for gradient in trial.value_and_gradients()[1])
        if isinstance(error, GradcheckError) and finite:
            near = [beside(leaf, seed).requires_grad_() for seed, leaf in enumerate(leaves)]
            try:
                compare(loss, near, **options)
            except Exception:
                raise error from None
            raise NotCheckedError("right beside the example, which lies on a kink: give one without ties") from None
        raise


def forward_mode(trial: Trial) -> str | None:
    leaves, loss = trial.of_leaves()
    directions = tuple(random_like(leaf, seed) for seed, leaf in enumerate(leaves))
    value, forward = torch.func.jvp(loss, tuple(leaf.detach() for leaf in leaves), directions)[:2]
    upstream = random_like(value, len(leaves))
    gradients = torch.autograd.grad(loss(*leaves), leaves, upstream, allow_unused=True, materialize_grads=True)
    backward = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    off = difference((forward * upstream).sum(), torch.as_tensor(backward), 1e-8)
    return None if off is None else f"it is off by {off:.3g} from backward mode"


def vmap(trial: Trial) -> str | None:
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

    if difference(torch.vmap(loss)(*both), torch.stack([trial.each(), other.each()]), 1e-7) is not None:
        return "it differs from a loop over the samples"
    leaves, of_leaves = trial.of_leaves()
    value = of_leaves(*leaves)
    if value.grad_fn is None:
        return None
    upstreams = torch.stack([random_like(value, seed) for seed in range(2)])

    def backward(upstream: Tensor, *, batched: bool) -> tuple[Tensor, ...]:
        options = {"is_grads_batched": batched, "allow_unused": True, "materialize_grads": True}
        return torch.autograd.grad(value, leaves, upstream, retain_graph=True, **options)

    loop = zip(*(backward(upstream, batched=False) for upstream in upstreams), strict=True)
    for gradient, expected in zip(backward(upstreams, batched=True), loop, strict=True):
        if difference(gradient, torch.stack(expected), 1e-7) is not None:
            return "its gradient differs from a loop over the upstream gradients"
    return None


def compiles(trial: Trial) -> str | None:
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
            off = difference(actual, eager, 1.3e-6, 1e-5)
            if off is not None or actual.dtype != eager.dtype:
                return f"the compiled {name} is off by {off or 0:.3g}, in {actual.dtype}"
    return None
