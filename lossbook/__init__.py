"""Every loss of ``torch.nn``, written from its formula: torch's names and values, stricter and complete."""

from . import functional
from ._check import check_values
from .classification.cross_entropy import CrossEntropyLoss
from .classification.nll import NLLLoss
from .regression.huber import HuberLoss

__version__ = "0.1.0"
__all__ = [
    "CrossEntropyLoss",
    "HuberLoss",
    "NLLLoss",
    "check_values",
    "functional",
]
