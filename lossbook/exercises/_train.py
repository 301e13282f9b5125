"""How the judge trains with a loss that somebody chose: full batches and a line search, so that no rate favours one.

And how the answers to a script that is to be repaired are trained, as that script is: by Adam, at its rate.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]


def fitted(model: nn.Module, loss: Loss, inputs: Tensor, target: Tensor, steps: int = 60) -> nn.Module:
    """Train a model in place until the loss falls no further, and give it back.

    Args:
        model: what is trained.
        loss: of the model's output and the targets, one number.
        inputs: of the model.
        target: what the loss compares with.
        steps: of the optimiser, at most.

    Raises:
        ValueError: the loss is no single number that depends on the output, or is no number to begin with.
    """
    started: list[bool] = []
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss(model(inputs), target)
        if type(value) is not Tensor or value.dim() or not value.requires_grad:
            raise ValueError("a loss is one number, shape (), that depends on the output")
        if not started and not value.isfinite():
            raise ValueError(f"the loss is {value.item()} before the first step")
        started.append(True)
        value.backward()
        return value

    optimiser.step(closure)
    return model


def stepped(
    model: nn.Module, loss: Callable[[], Tensor], lr: float, steps: int, weight_decay: float = 0.0
) -> nn.Module:
    """Train a model in place by so many steps of Adam, as a script does, and give it back."""
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(steps):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    return model
