"""Every loss of ``torch.nn``, written from its formula: torch's names and values, stricter and complete."""

from . import functional
from ._check import check_values
from .activations.log_softmax import LogSoftmax
from .activations.logsigmoid import LogSigmoid
from .activations.sigmoid import Sigmoid
from .activations.softmax import Softmax
from .activations.softplus import Softplus
from .activations.tanh import Tanh
from .classification.binary_cross_entropy import BCELoss
from .classification.binary_cross_entropy_with_logits import BCEWithLogitsLoss
from .classification.cross_entropy import CrossEntropyLoss
from .classification.kl_div import KLDivLoss
from .classification.linear_cross_entropy import LinearCrossEntropyLoss
from .classification.multi_margin import MultiMarginLoss
from .classification.multilabel_margin import MultiLabelMarginLoss
from .classification.multilabel_soft_margin import MultiLabelSoftMarginLoss
from .classification.nll import NLLLoss
from .classification.soft_margin import SoftMarginLoss
from .ranking.cosine_embedding import CosineEmbeddingLoss
from .ranking.hinge_embedding import HingeEmbeddingLoss
from .ranking.margin_ranking import MarginRankingLoss
from .ranking.triplet_margin import TripletMarginLoss
from .ranking.triplet_margin_with_distance import TripletMarginWithDistanceLoss
from .regression.gaussian_nll import GaussianNLLLoss
from .regression.huber import HuberLoss
from .regression.l1 import L1Loss
from .regression.mse import MSELoss
from .regression.poisson_nll import PoissonNLLLoss
from .regression.smooth_l1 import SmoothL1Loss
from .sequence.ctc import CTCLoss

__version__ = "0.1.0"
__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softplus",
    "Tanh",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "check_values",
    "functional",
]
