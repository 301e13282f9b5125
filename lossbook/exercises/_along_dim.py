"""Checks that the softmax and the log_softmax exercises share: a function of logits along one dimension."""

from collections.abc import Callable

import torch
from torch import Tensor

from ._judge import Answer, same

Exact = Callable[[Tensor, int], Tensor]  # the definition, for logits of moderate size


def logits(scale: float) -> Tensor:
    """Draw logits of a fresh shape, with three dimensions of different size."""
    rows, columns = (int(size) for size in torch.randint(2, 6, (2,)))
    return scale * torch.randn(rows, columns + 5, columns, dtype=torch.double)


def value(exact: Exact, answer: Answer) -> None:
    """Check the value along each dimension."""
    for dim in (0, 1, -1):
        for scale in (0.1, 10.0):
            x = logits(scale)
            same(answer(x, dim), exact(x, dim), f"logits of size {scale:g}, dim={dim}")


def gradient(exact: Exact, answer: Answer) -> None:
    """Check the gradient that autograd finds."""
    for dim in (0, 1, -1):
        x = logits(2.0)
        g = torch.randn_like(x)
        leaf = x.clone().requires_grad_()
        (found,) = torch.autograd.grad(answer(leaf, dim), leaf, g)
        same(found, _autograd(exact, x, g, dim), f"gradient, dim={dim}")


def backward(exact: Exact, answer: Answer) -> None:
    """Check a backward pass written by hand, ``answer(output, upstream gradient, dim)``."""
    for dim in (0, 1, -1):
        x = logits(2.0)
        g = torch.randn_like(x)
        same(answer(exact(x, dim), g, dim), _autograd(exact, x, g, dim), f"dim={dim}")


def _autograd(exact: Exact, x: Tensor, g: Tensor, dim: int) -> Tensor:
    x = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(exact(x, dim), x, g)
    return found
