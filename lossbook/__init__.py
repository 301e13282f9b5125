"""Every loss of ``torch.nn``, and others that it lacks, written from the formula: torch's names and values, strict."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

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
from .classification.js_div_with_logits import JSDivWithLogitsLoss
from .classification.kl_div import KLDivLoss
from .classification.kl_div_with_logits import KLDivWithLogitsLoss
from .classification.linear_cross_entropy import LinearCrossEntropyLoss
from .classification.linear_kl_div import LinearKLDivLoss
from .classification.multi_margin import MultiMarginLoss
from .classification.multilabel_margin import MultiLabelMarginLoss
from .classification.multilabel_soft_margin import MultiLabelSoftMarginLoss
from .classification.nll import NLLLoss
from .classification.sigmoid_focal import SigmoidFocalLoss
from .classification.soft_margin import SoftMarginLoss
from .contrastive.clip import CLIPLoss
from .contrastive.info_nce import InfoNCELoss
from .contrastive.siglip import SigLIPLoss
from .ranking.batch_hard_triplet import BatchHardTripletLoss
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
from .regression.quantile import QuantileLoss
from .regression.smooth_l1 import SmoothL1Loss
from .segmentation.dice import DiceLoss
from .segmentation.tversky import TverskyLoss
from .sequence.ctc import CTCLoss

if TYPE_CHECKING:
    from . import fused

__version__ = "0.1.0"
__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchHardTripletLoss",
    "CLIPLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "DiceLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "InfoNCELoss",
    "JSDivWithLogitsLoss",
    "KLDivLoss",
    "KLDivWithLogitsLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "LinearKLDivLoss",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "QuantileLoss",
    "SigLIPLoss",
    "Sigmoid",
    "SigmoidFocalLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softplus",
    "Tanh",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "TverskyLoss",
    "check_values",
    "functional",
    "fused",
]


def __getattr__(name: str) -> ModuleType:
    """Import ``lossbook.fused`` when it is asked for: it brings Triton, which takes its time."""
    if name == "fused":
        return importlib.import_module(".fused", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
