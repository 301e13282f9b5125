"""Every fused loss, and how a test calls one."""

import inspect

import torch
from subjects import LOSSES

from lossbook import fused

FUSED = [subject for subject in LOSSES if hasattr(fused, subject.function.__name__)]


def kernel(subject):
    return getattr(fused, subject.function.__name__)


def forms(subject):
    """The function of a loss or activation, and its fused form where it has one."""
    return {"functional": subject.function} | ({"fused": kernel(subject)} if subject in FUSED else {})


def to(device, args, settings):
    move = lambda value: value.to(device) if isinstance(value, torch.Tensor) else value  # noqa: E731
    return tuple(map(move, args)), {name: move(value) for name, value in settings.items()}


def leaves_of(subject, args):
    """Fresh leaves where the fused form has a gradient; all arguments are copies."""
    names = list(inspect.signature(subject.function).parameters)
    wanted = [i for i, name in enumerate(names[: len(args)]) if name in kernel(subject).gradients]
    args = [a.detach().clone() if isinstance(a, torch.Tensor) else a for a in args]
    leaves = [args[i].requires_grad_() for i in wanted if getattr(args[i], "is_floating_point", bool)()]
    return leaves, tuple(args)


def backward(value, leaves, upstream=None, **options):
    upstream = torch.ones_like(value) if upstream is None else upstream
    return torch.autograd.grad(value, leaves, upstream, allow_unused=True, materialize_grads=True, **options)


def close(actual, expected, tolerance):
    scale = max([1.0, *(e.detach().abs()[e.isfinite()].max().item() for e in expected if e.isfinite().any())])
    for a, e in zip(actual, expected, strict=True):
        torch.testing.assert_close(a, e, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
