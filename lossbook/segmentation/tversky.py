"""Tversky loss: the overlap of a mask and its target, with a price for each kind of mistake."""

from torch import Tensor

from .._core import EntryWeight, Integer, Logits, Loss, MaskTarget, Normalizer, NotNegative, Reduction, formula, reduce
from ._overlap import OutputActivation, overlap, share


@formula
def tversky_loss(
    input: Logits,
    target: MaskTarget,
    *,
    alpha: NotNegative = 0.3,
    beta: NotNegative = 0.7,
    smooth: NotNegative = 1.0,
    activation: OutputActivation = "sigmoid",
    ignore_index: Integer = -100,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for masks that overlap their targets, where a missed pixel may cost more than a false alarm.

    .. math::

        \ell = 1 - \frac{\mathit{TP} + s}{\mathit{TP} + \alpha\, \mathit{FP} + \beta\, \mathit{FN} + s}
        \qquad s = \text{smooth} \qquad t = \text{target}

    .. math::

        \mathit{TP} = \sum p\, t \qquad \mathit{FP} = \sum p\, (1 - t) \qquad \mathit{FN} = \sum (1 - p)\, t
        \qquad p = \sigma(\text{input}) \text{ or } \operatorname{softmax}(\text{input})

    The sums run over the pixels of one sample and one class.

    Args:
        input: logits, shape (batch, classes, d1, ..., dK), K at least 1, any real. Not probabilities.
        target: share of each class in each pixel in [0, 1], a mask, bool, integer or floating point, shape of
            ``input``; or, with "softmax", class index 0..classes-1 or ``ignore_index``, int64 (or uint8), shape
            (batch, d1, ..., dK).
        alpha: price of a pixel that is given and not asked for, at least 0.
        beta: price of a pixel that is asked for and not given, at least 0.
        smooth: number of pixels, at least 0, that count as rightly given beforehand; it keeps small masks calm.
        activation: "sigmoid" where classes may overlap or there is one; "softmax" where each pixel has one class.
        ignore_index: target index whose pixels are removed from the sums.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives shape (batch, classes); "mean" divides the sum by the number of entries, samples times
            classes, or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``);
            "sum" adds up.

    Returns:
        Loss in shares of the whole, in the dtype of ``input``; at least 0, at most 1.

    Raises:
        ValueError: a setting is out of range, shapes differ, class indices come with "sigmoid", or (on CPU) a target
            is out of range.
        TypeError: ``input`` is not floating point, or ``target`` neither masks nor int64 or uint8.

    Note:
        With ``smooth`` 0 a class that is nowhere asked for and nowhere given (0/0) has loss 0 and gradient 0. A
        target index out of range gives NaN for its sample where values are not checked (see ``check_values``). With
        "softmax", a class of ``sample_weight`` 0 still takes its part of the probability: (batch, classes) weights
        with 0 for the background leave it out of the loss, not out of the softmax.
        The default prices are the paper's. MONAI's are ``alpha=beta=0.5`` with ``smooth=1e-5``; its Jaccard loss is
        ``alpha=beta=1`` with ``smooth=5e-6``. Keras prices the missed pixels with alpha and the extra ones with beta,
        against the paper: its Tversky(0.3, 0.7) is ``alpha=0.7, beta=0.3`` here, over one mask for the whole batch.

    Example:
        >>> import torch
        >>> from lossbook.functional import tversky_loss
        >>> mask = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> for logits in ([9.0, -9.0, -9.0, -9.0], [9.0, 9.0, 9.0, -9.0]):  # one missed, one too many
        ...     print(tversky_loss(torch.tensor([[logits]]), mask, smooth=0.0))
        tensor(0.4118)
        tensor(0.1305)

    References:
        S. S. M. Salehi et al. (2017), Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep
        Networks. https://doi.org/10.1007/978-3-319-67389-9_44
    """
    hit, extra, missed, entry = overlap(input, target, sample_weight, activation=activation, ignore_index=ignore_index)
    mistakes = alpha * extra + beta * missed
    # One minus a share close to 1 would lose the digits of a small loss; this is the same fraction from the other end.
    loss = share(mistakes, hit + mistakes + smooth)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class TverskyLoss(Loss, of=tversky_loss):
    """Module form of :func:`lossbook.functional.tversky_loss`."""

    def __init__(
        self,
        *,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth: float = 1.0,
        activation: str = "sigmoid",
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            alpha=alpha, beta=beta, smooth=smooth, activation=activation, ignore_index=ignore_index, reduction=reduction
        )
