"""The losses of ``lossbook.functional`` as fused kernels: same arguments, same meaning, made for speed and memory.

On CUDA they are Triton kernels, on every other device the same closed forms in tensor operations. They keep nothing
that they can compute again, never write into your tensors, have no second derivative (they say so) and never make the
host wait for the device. Under ``torch.compile`` a setting that is a number is a constant of the graph: one that
changes with each step, such as an annealed temperature, is for ``lossbook.functional``.
"""

from .batch_hard_triplet import (
    BatchHardTripletLoss as BatchHardTripletLoss,
    batch_hard_triplet_loss as batch_hard_triplet_loss,
)
from .binary_cross_entropy_with_logits import (
    BCEWithLogitsLoss as BCEWithLogitsLoss,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from .clip import CLIPLoss as CLIPLoss, clip_loss as clip_loss
from .cross_entropy import CrossEntropyLoss as CrossEntropyLoss, cross_entropy as cross_entropy
from .ctc import CTCLoss as CTCLoss, ctc_loss as ctc_loss
from .dice import DiceLoss as DiceLoss, dice_loss as dice_loss
from .gaussian_nll import GaussianNLLLoss as GaussianNLLLoss, gaussian_nll_loss as gaussian_nll_loss
from .huber import HuberLoss as HuberLoss, huber_loss as huber_loss
from .info_nce import InfoNCELoss as InfoNCELoss, info_nce_loss as info_nce_loss
from .js_div_with_logits import JSDivWithLogitsLoss as JSDivWithLogitsLoss, js_div_with_logits as js_div_with_logits
from .kl_div_with_logits import KLDivWithLogitsLoss as KLDivWithLogitsLoss, kl_div_with_logits as kl_div_with_logits
from .l1 import L1Loss as L1Loss, l1_loss as l1_loss
from .linear_cross_entropy import (
    LinearCrossEntropyLoss as LinearCrossEntropyLoss,
    linear_cross_entropy as linear_cross_entropy,
)
from .linear_kl_div import LinearKLDivLoss as LinearKLDivLoss, linear_kl_div as linear_kl_div
from .mse import MSELoss as MSELoss, mse_loss as mse_loss
from .poisson_nll import PoissonNLLLoss as PoissonNLLLoss, poisson_nll_loss as poisson_nll_loss
from .quantile import QuantileLoss as QuantileLoss, quantile_loss as quantile_loss
from .siglip import SigLIPLoss as SigLIPLoss, siglip_loss as siglip_loss
from .sigmoid_focal import SigmoidFocalLoss as SigmoidFocalLoss, sigmoid_focal_loss as sigmoid_focal_loss
from .smooth_l1 import SmoothL1Loss as SmoothL1Loss, smooth_l1_loss as smooth_l1_loss
from .tversky import TverskyLoss as TverskyLoss, tversky_loss as tversky_loss
