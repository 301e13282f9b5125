"""Every loss of ``torch.nn``, written from its formula: torch's names and values, stricter and complete."""

from . import functional
from ._check import check_values
from .activations.log_softmax import LogSoftmax
from .activations.logsigmoid import LogSigmoid
from .activations.sigmoid import Sigmoid
from .activations.softmax import Softmax
from .activations.softplus import Softplus
from .activations.tanh import Tanh
from .classification.cross_entropy import CrossEntropyLoss
from .classification.nll import NLLLoss
from .regression.gaussian_nll import GaussianNLLLoss
from .regression.huber import HuberLoss
from .regression.l1 import L1Loss
from .regression.mse import MSELoss
from .regression.poisson_nll import PoissonNLLLoss
from .regression.smooth_l1 import SmoothL1Loss

__version__ = "0.1.0"
__all__ = [
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HuberLoss",
    "L1Loss",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
    "check_values",
    "functional",
]
