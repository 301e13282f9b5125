"""Every loss and activation as a function, under the name it has in ``torch.nn.functional``."""

from .activations.log_softmax import log_softmax
from .activations.logsigmoid import logsigmoid
from .activations.sigmoid import sigmoid
from .activations.softmax import softmax
from .activations.softplus import softplus
from .activations.tanh import tanh
from .classification.cross_entropy import cross_entropy
from .classification.nll import nll_loss
from .regression.gaussian_nll import gaussian_nll_loss
from .regression.huber import huber_loss
from .regression.l1 import l1_loss
from .regression.mse import mse_loss
from .regression.poisson_nll import poisson_nll_loss
from .regression.smooth_l1 import smooth_l1_loss

__all__ = [
    "cross_entropy",
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "poisson_nll_loss",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
