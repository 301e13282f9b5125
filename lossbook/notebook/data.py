"""The data of the book: bundled with scikit-learn, or drawn from a seed; nothing is downloaded."""

from typing import NamedTuple

import torch
from torch import Tensor


class Split(NamedTuple):
    """Samples to train on and samples held back, one in each row."""

    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


def diabetes() -> Split:
    """Disease progression one year on (25 to 346) of 442 patients, from 10 standardised measurements.

    B. Efron et al. (2004), Least Angle Regression, https://doi.org/10.1214/009053604000000067
    """
    from sklearn.datasets import load_diabetes

    return _split(load_diabetes(), torch.float32)


def digits() -> Split:
    """Handwritten digits 0 to 9: 1797 images of 8 x 8 pixels, flattened, in [0, 1].

    E. Alpaydin, C. Kaynak (1998), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49
    """
    from sklearn.datasets import load_digits

    return _split(load_digits(), torch.int64, scale=16.0)


def breast_cancer() -> Split:
    """Benign (1) or malignant (0): 569 tumours, 30 standardised measurements.

    W. Wolberg et al. (1995), UCI Machine Learning Repository, https://doi.org/10.24432/C5DW2B
    """
    from sklearn.datasets import load_breast_cancer

    return _split(load_breast_cancer(), torch.int64)


def wine() -> Split:
    """Which of 3 growers: 178 wines, 13 standardised measurements.

    S. Aeberhard, M. Forina (1992), UCI Machine Learning Repository, https://doi.org/10.24432/C5PC7J
    """
    from sklearn.datasets import load_wine

    return _split(load_wine(), torch.int64)


def _split(bunch: object, dtype: torch.dtype, scale: float | None = None) -> Split:
    """Hold every fourth sample of a seeded shuffle back; standardise by the rest, or divide by ``scale``."""
    inputs = torch.tensor(bunch.data, dtype=torch.float32)  # type: ignore[attr-defined]
    targets = torch.tensor(bunch.target).to(dtype)  # type: ignore[attr-defined]
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
    test, train = order[::4], order[torch.arange(len(order)) % 4 != 0]
    centre, spread = (inputs[train].mean(0), inputs[train].std(0)) if scale is None else (0.0, scale)
    inputs = (inputs - centre) / spread
    return Split(inputs[train], targets[train], inputs[test], targets[test])
