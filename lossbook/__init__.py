"""Every loss of ``torch.nn``, and others that it lacks, written from the formula: torch's names and values, strict."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from . import functional as functional
from ._core.check import check_values as check_values
from .activations.log_softmax import LogSoftmax as LogSoftmax
from .activations.logsigmoid import LogSigmoid as LogSigmoid
from .activations.sigmoid import Sigmoid as Sigmoid
from .activations.softmax import Softmax as Softmax
from .activations.softplus import Softplus as Softplus
from .activations.tanh import Tanh as Tanh
from .classification.binary_cross_entropy import BCELoss as BCELoss
from .classification.binary_cross_entropy_with_logits import BCEWithLogitsLoss as BCEWithLogitsLoss
from .classification.cross_entropy import CrossEntropyLoss as CrossEntropyLoss
from .classification.kl_div import KLDivLoss as KLDivLoss
from .classification.linear_cross_entropy import LinearCrossEntropyLoss as LinearCrossEntropyLoss
from .classification.multilabel_soft_margin import MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss
from .classification.nll import NLLLoss as NLLLoss
from .classification.sigmoid_focal import SigmoidFocalLoss as SigmoidFocalLoss
from .classification.soft_margin import SoftMarginLoss as SoftMarginLoss
from .contrastive.clip import CLIPLoss as CLIPLoss
from .contrastive.info_nce import InfoNCELoss as InfoNCELoss
from .contrastive.siglip import SigLIPLoss as SigLIPLoss
from .distillation.js_div_with_logits import JSDivWithLogitsLoss as JSDivWithLogitsLoss
from .distillation.kl_div_with_logits import KLDivWithLogitsLoss as KLDivWithLogitsLoss
from .distillation.linear_kl_div import LinearKLDivLoss as LinearKLDivLoss
from .margin.multi_margin import MultiMarginLoss as MultiMarginLoss
from .margin.multilabel_margin import MultiLabelMarginLoss as MultiLabelMarginLoss
from .ranking.batch_hard_triplet import BatchHardTripletLoss as BatchHardTripletLoss
from .ranking.cosine_embedding import CosineEmbeddingLoss as CosineEmbeddingLoss
from .ranking.hinge_embedding import HingeEmbeddingLoss as HingeEmbeddingLoss
from .ranking.margin_ranking import MarginRankingLoss as MarginRankingLoss
from .ranking.triplet_margin import TripletMarginLoss as TripletMarginLoss
from .ranking.triplet_margin_with_distance import TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss
from .regression.gaussian_nll import GaussianNLLLoss as GaussianNLLLoss
from .regression.huber import HuberLoss as HuberLoss
from .regression.l1 import L1Loss as L1Loss
from .regression.log_cosh import LogCoshLoss as LogCoshLoss
from .regression.mse import MSELoss as MSELoss
from .regression.poisson_nll import PoissonNLLLoss as PoissonNLLLoss
from .regression.quantile import QuantileLoss as QuantileLoss
from .regression.smooth_l1 import SmoothL1Loss as SmoothL1Loss
from .segmentation.dice import DiceLoss as DiceLoss
from .segmentation.tversky import TverskyLoss as TverskyLoss
from .sequence.ctc import CTCLoss as CTCLoss

if TYPE_CHECKING:
    from . import fused as fused

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """Import ``lossbook.fused`` when it is asked for: it brings Triton, which takes its time."""
    if name == "fused":
        return importlib.import_module(".fused", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
