"""Log softmax: logits as log-probabilities of classes."""

import torch
from torch import Tensor

from .._core import Activation, AnyTensor, checked, formula
from ._dim import check_options, prepare, shifted


@checked
def log_softmax(input: AnyTensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    r"""Turn logits into logarithms of probabilities that add up to 1 along one dimension.

    .. math::

        \log p_c = x_c - \log \sum_k e^{x_k} \qquad
        \frac{\partial \log p_c}{\partial x_k} = [c = k] - p_k \qquad x = \text{input}

    Args:
        input: logits, any shape, any real number or -inf for a class that is ruled out.
        dim: dimension of the classes. It must be given: torch's guess (deprecated) is wrong for three dimensions.
        dtype: floating-point dtype to cast ``input`` to before anything else; None keeps the one it has.

    Returns:
        Log-probabilities, at most 0, shape of ``input``, in ``dtype`` or the dtype of ``input``.

    Raises:
        TypeError: ``dim`` is missing or not an int, ``dtype`` is not floating point, or ``input`` is not (and ``dtype``
            is None).
        ValueError: ``input`` has no dimension ``dim``.

    Note:
        The maximum is subtracted first, so logits of any size are safe and no probability underflows: a logit 200
        behind gives -200, where ``softmax(x).log()`` gives -inf in float32. A row of nothing but -inf is NaN, as in
        torch. Applied twice it changes nothing. ``cross_entropy`` contains it; ``nll_loss``, ``kl_div`` and
        ``ctc_loss`` expect it to be applied before.

    Example:
        >>> import torch
        >>> from lossbook.functional import log_softmax
        >>> log_softmax(torch.tensor([[2.0, 0.0, 0.0], [200.0, 0.0, float("-inf")]]), dim=1)
        tensor([[  -0.2395,   -2.2395,   -2.2395],
                [   0.0000, -200.0000,      -inf]])

    References:
        J. S. Bridle (1990), Probabilistic Interpretation of Feedforward Classification Network Outputs.
        https://doi.org/10.1007/978-3-642-76153-9_28
    """
    dim = check_options(dim=dim, dtype=dtype)
    return _log_softmax(prepare(input, dim, dtype), dim)


@formula
def _log_softmax(input: Tensor, dim: int) -> Tensor:
    logits = shifted(input, dim)
    return logits - logits.exp().sum(dim, keepdim=True).log()


class LogSoftmax(Activation, of=log_softmax):
    """Module form of :func:`lossbook.functional.log_softmax`."""

    def __init__(self, dim: int | None = None, *, dtype: torch.dtype | None = None) -> None:
        super().__init__(dim=check_options(dim=dim, dtype=dtype), dtype=dtype)
