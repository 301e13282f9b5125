"""Whether torch chooses dtypes by itself; not on devices that it does not know for that, such as meta."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def under_autocast(tensor: Tensor) -> bool:
    """Say whether autocast is on for the device of a tensor."""
    return tensor.device.type != "meta" and torch.is_autocast_enabled(tensor.device.type)


def no_autocast(tensor: Tensor) -> AbstractContextManager[Any]:
    """Multiply in the dtype of the tensors."""
    return nullcontext() if tensor.device.type == "meta" else torch.autocast(tensor.device.type, enabled=False)
