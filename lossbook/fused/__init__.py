"""The losses of ``lossbook.functional`` as fused kernels: same arguments, same meaning, made for speed and memory.

On CUDA they are Triton kernels, on every other device the same closed forms in tensor operations. They keep nothing
that they can compute again, never write into your tensors, have no second derivative (they say so) and never make the
host wait for the device.
"""

from .batch_hard_triplet import batch_hard_triplet_loss as batch_hard_triplet_loss
from .binary_cross_entropy_with_logits import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .clip import clip_loss as clip_loss
from .cross_entropy import cross_entropy as cross_entropy
from .ctc import ctc_loss as ctc_loss
from .dice import dice_loss as dice_loss
from .gaussian_nll import gaussian_nll_loss as gaussian_nll_loss
from .huber import huber_loss as huber_loss
from .info_nce import info_nce_loss as info_nce_loss
from .js_div_with_logits import js_div_with_logits as js_div_with_logits
from .kl_div_with_logits import kl_div_with_logits as kl_div_with_logits
from .l1 import l1_loss as l1_loss
from .linear_cross_entropy import linear_cross_entropy as linear_cross_entropy
from .linear_kl_div import linear_kl_div as linear_kl_div
from .mse import mse_loss as mse_loss
from .poisson_nll import poisson_nll_loss as poisson_nll_loss
from .quantile import quantile_loss as quantile_loss
from .siglip import siglip_loss as siglip_loss
from .sigmoid_focal import sigmoid_focal_loss as sigmoid_focal_loss
from .smooth_l1 import smooth_l1_loss as smooth_l1_loss
from .tversky import tversky_loss as tversky_loss
