"""Dice loss: one minus the overlap of a mask and its target."""

from torch import Tensor

from .._core import EntryWeight, Integer, Logits, Loss, MaskTarget, Normalizer, NotNegative, Reduction, formula, reduce
from ._overlap import OutputActivation, overlap, share


@formula
def dice_loss(
    input: Logits,
    target: MaskTarget,
    *,
    smooth: NotNegative = 1.0,
    activation: OutputActivation = "sigmoid",
    ignore_index: Integer = -100,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for masks that overlap their targets, so that a small object matters as much as a large background.

    .. math::

        \ell = 1 - \frac{2 \sum p\, t + s}{\sum p + \sum t + s} \qquad s = \text{smooth} \qquad t = \text{target}
        \qquad p = \sigma(\text{input}) \text{ or } \operatorname{softmax}(\text{input})

    The sums run over the pixels of one sample and one class.

    Args:
        input: logits, shape (batch, classes, d1, ..., dK), K at least 1, any real. Not probabilities.
        target: share of each class in each pixel in [0, 1], a mask, bool, integer or floating point, shape of
            ``input``; or, with "softmax", class index 0..classes-1 or ``ignore_index``, int64 (or uint8), shape
            (batch, d1, ..., dK).
        smooth: number of pixels, at least 0, that is added above and below; it keeps small masks calm.
        activation: "sigmoid" where classes may overlap or there is one; "softmax" where each pixel has one class.
        ignore_index: target index whose pixels are removed from the sums.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives shape (batch, classes); "mean" divides the sum by the number of entries, samples times
            classes, or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``);
            "sum" adds up.

    Returns:
        Loss in shares of the whole, in the dtype of ``input``; at least 0, at most 1. With a soft target the minimum
        is above 0 and not at the target.

    Raises:
        ValueError: a setting is out of range, shapes differ, class indices come with "sigmoid", or (on CPU) a target
            is out of range.
        TypeError: ``input`` is not floating point, or ``target`` neither masks nor int64 or uint8.

    Note:
        One class has shape (batch, 1, height, width): without the 1 the rows of an image would be its classes. Pixels
        are left out of a mask by ``input.masked_fill(unknown, -1e4)`` and a target of 0 there. With ``smooth`` 0
        a class that is nowhere asked for and nowhere given (0/0) has loss 0 and gradient 0. Each sample and class has
        its own overlap: over all classes at once, a large background would hide a missed object.
        The paper squares p and t in the denominator; without squares, as here, the loss is
        :func:`tversky_loss` with both prices 1/2 and half of ``smooth``, which tells more about "softmax" and weights.
        Coming from elsewhere: MONAI's ``DiceLoss`` is this with ``smooth=1e-5``, optax's with 2 for its 1.
        segmentation-models-pytorch folds the batch into the pixels, takes half of ``smooth`` (its default is 0) and
        charges nothing for an empty mask. Keras folds batch and classes into one mask, with ``smooth=0``. DETR
        divides by the number of boxes: ``normalizer=boxes``.

    Example:
        >>> import torch
        >>> from lossbook.functional import dice_loss
        >>> mask = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> for logits in ([9.0, 9.0, -9.0, -9.0], [-9.0, -9.0, -9.0, -9.0]):  # right, and nothing found
        ...     print(dice_loss(torch.tensor([[logits]]), mask))
        tensor(9.8710e-05)
        tensor(0.6666)

    References:
        F. Milletari et al. (2016), V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image
        Segmentation, section 3. https://doi.org/10.1109/3DV.2016.79
    """
    hit, extra, missed, entry = overlap(input, target, sample_weight, activation=activation, ignore_index=ignore_index)
    mistakes = extra + missed  # sum p + sum t is 2 hit + mistakes
    # One minus a share close to 1 would lose the digits of a small loss; this is the same fraction from the other end.
    loss = share(mistakes, 2 * hit + mistakes + smooth)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class DiceLoss(Loss, of=dice_loss):
    """Module form of :func:`lossbook.functional.dice_loss`."""

    def __init__(
        self,
        *,
        smooth: float = 1.0,
        activation: str = "sigmoid",
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(smooth=smooth, activation=activation, ignore_index=ignore_index, reduction=reduction)
