"""The one training loop of the book."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


class DivergedError(ValueError):
    """The loss is no longer a finite number."""


def fit(
    model: nn.Module,
    loss: Callable[..., Tensor],
    inputs: Tensor,
    *targets: Tensor,
    steps: int = 300,
    lr: float = 0.05,
    batch: int | None = None,
    seed: int = 0,
) -> list[float]:
    """Train ``model`` in place with Adam, and return the loss before each step.

    Args:
        model: maps ``inputs`` to what ``loss`` takes first.
        loss: called as ``loss(model(inputs), *targets)``; must give one number.
        inputs: one sample in each row.
        targets: whatever else the loss takes, one sample in each row.
        steps: number of updates.
        lr: learning rate of Adam.
        batch: number of rows in each step, drawn without replacement until all are used; all rows unless given.
        seed: of the order of the batches; the model's own start is yours to seed.

    Returns:
        The loss of each step, in order.

    Raises:
        ValueError: the loss is not one number.
        DivergedError: it turns NaN or infinite, a ValueError whose message names the step.

    Example:
        >>> import torch
        >>> from lossbook.notebook import fit
        >>> x = torch.linspace(-1, 1, 20).unsqueeze(1)
        >>> model = torch.nn.Linear(1, 1)
        >>> history = fit(model, torch.nn.functional.mse_loss, x, 3 * x + 1, steps=500)
        >>> round(model.weight.item(), 2), round(model.bias.item(), 2)
        (3.0, 1.0)
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    history = []
    for step, rows in zip(range(steps), _batches(len(inputs), batch, seed), strict=False):
        optimizer.zero_grad()
        value = loss(model(inputs[rows]), *(target[rows] for target in targets))
        if value.dim() != 0:
            raise ValueError(f'loss must give one number, for instance reduction="mean"; got {tuple(value.shape)}')
        if not value.isfinite():
            raise DivergedError(f"the loss is {value.item()} at step {step}: look at its inputs, or lower lr={lr:g}")
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        history.append(value.item())
    return history


def _batches(size: int, batch: int | None, seed: int) -> Iterator[Tensor | slice]:
    """Give the rows of each step: all, or shuffled batches of which the last of an epoch may be short."""
    while batch is None:
        yield slice(None)
    rng = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(size, generator=rng)
        for start in range(0, size, batch):
            yield order[start : start + batch]
