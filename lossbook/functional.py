"""Every loss and activation as a function, under the name it has in ``torch.nn.functional``."""

from .classification.cross_entropy import cross_entropy
from .classification.nll import nll_loss
from .regression.huber import huber_loss

__all__ = [
    "cross_entropy",
    "huber_loss",
    "nll_loss",
]
