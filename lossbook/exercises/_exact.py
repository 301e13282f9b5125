"""What the exact forms of several exercises share."""

from collections.abc import Callable

import torch
from torch import Tensor


def slope(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Give the gradient of a function whose value is a single number, by autograd."""
    leaf = at.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf), leaf)
    return gradient


def log1mexp(x: Tensor) -> Tensor:
    """Give log(1 - exp(x)) for x below 0, with its gradient."""
    near = x > -0.6931471805599453
    small = (-torch.expm1(x.where(near, -0.5))).log()
    large = torch.log1p(-x.where(~near, -1.0).exp())
    return torch.where(near, small, large)


def largest(*tensors: Tensor) -> float:
    """Give the largest magnitude among finite numbers, 0 where there is none."""
    return max((t.abs()[t.isfinite()].amax().item() for t in tensors if t.isfinite().any()), default=0.0)
