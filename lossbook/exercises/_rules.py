"""What a statement forbids, watched while an answer runs: by the operations that run, not by its words.

Beside the words of OPERATIONS a statement may forbid "autograd", "lossbook", "torch", where numbers of Python are
asked for, "a loss of torch", and "a Jacobian", which is a tensor with more than twice the entries of the largest
argument.
"""

import _thread
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.nn.functional
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

OPERATIONS = {  # a word of WITHOUT: the operations of ATen behind every spelling of it
    "softmax": ("_softmax", "_safe_softmax"),
    "log_softmax": ("_log_softmax",),
    "logsumexp": ("logsumexp", "_logsumexp"),
    "logsigmoid": ("log_sigmoid_forward", "binary_cross_entropy_with_logits", "soft_margin_loss"),
    "softplus": ("softplus",),
    "tanh": ("tanh", "_tanh"),
    "nll_loss": ("nll_loss_forward", "nll_loss2d_forward"),
    "a loss of torch": (
        "mse_loss",
        "smooth_l1_loss",
        "huber_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "nll_loss_forward",
        "nll_loss2d_forward",
        "soft_margin_loss",
        "multi_margin_loss",
        "multilabel_margin_loss_forward",
    ),
    "a mask": (
        "where",
        "masked_fill",
        "masked_scatter",
        "masked_select",
        "nonzero",
        "nan_to_num",
        "index",
        "index_put",
    ),
}
TORCH = Path(torch.__file__).parent
PACKAGE = Path(__file__).resolve().parents[1]
MODES = str(TORCH / "utils" / "_python_dispatch.py")
FUNCTIONAL = str(TORCH / "nn" / "functional.py")
LOSSES = {name for name in vars(torch.nn.functional) if name.endswith(("_loss", "cross_entropy", "kl_div", "_logits"))}
DERIVATIVES = {  # file of torch: its functions that differentiate, or all of them
    TORCH / "autograd" / "__init__.py": {"grad", "backward"},
    TORCH / "autograd" / "graph.py": {"_engine_run_backward"},
    TORCH / "autograd" / "functional.py": None,
    TORCH / "autograd" / "forward_ad.py": None,
    TORCH / "_tensor.py": {"backward"},
    TORCH / "_functorch" / "eager_transforms.py": None,
}
DERIVATIVE_FILES = {str(path): names for path, names in DERIVATIVES.items()}


class ForbiddenError(Exception):
    """An answer used what its statement forbids."""


@contextmanager
def watched(without: tuple[str, ...], arguments: list[Any], broken: list[str]) -> Iterator[None]:
    """Run an answer under its rules; what it breaks is raised there, and put into ``broken`` in case it is caught."""
    if not without:
        yield
        return
    largest = max([1, *(a.numel() for a in arguments if isinstance(a, Tensor))])
    before = sys.getprofile()
    sys.setprofile(_profile(without, broken))
    try:
        with _Operations(without, largest, broken):
            yield
    finally:
        sys.setprofile(before)


class _Operations(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler first, which takes seconds

    def __init__(self, without: tuple[str, ...], largest: int, broken: list[str]) -> None:
        super().__init__()
        self.forbidden = {operation: word for word in without for operation in OPERATIONS.get(word, ())}
        self.autograd, self.torch = "autograd" in without, "torch" in without
        self.limit = 2 * largest if "a Jacobian" in without else None
        self.broken = broken

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        operation = func.overloadpacket.__name__
        word = self.forbidden.get(operation) or self.forbidden.get(operation.removesuffix("_"))
        if word and (operation != "index" or _by_mask(args)):
            _refuse(word, self.broken)
        if self.torch:
            _refuse("torch", self.broken)
        differentiates = "backward" in operation or "_dual" in operation
        if self.autograd and (differentiates or any(isinstance(a, Tensor) and a.requires_grad for a in args)):
            _refuse("autograd", self.broken)
        result = func(*args, **(kwargs or {}))
        if self.limit is not None and isinstance(result, Tensor) and result.numel() > self.limit:
            _refuse("a Jacobian", self.broken)
        return result


def _by_mask(args: Any) -> bool:
    return any(isinstance(at, Tensor) and at.dtype == torch.bool for at in args[1])


def _profile(without: tuple[str, ...], broken: list[str]) -> Callable[[FrameType, str, Any], None]:
    """Watch calls of Python functions: whoever differentiates, or computes with lossbook, gets there by one."""
    autograd, lossbook = "autograd" in without, "lossbook" in without
    loss = "a loss of torch" in without
    package, here = str(PACKAGE), str(Path(__file__).parent)

    def look(frame: FrameType, event: str, thing: Any) -> None:
        if event == "c_call" and thing is _thread.start_new_thread:  # where nobody watches
            _refuse("another thread", broken)
        if event != "call":
            return
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if autograd and file in DERIVATIVE_FILES:
            names = DERIVATIVE_FILES[file]
            if names is None or name in names:
                _refuse("autograd", broken)
        if file == MODES and name == "_disable_current_modes":
            _refuse("a way around the rules", broken)
        if loss and file == FUNCTIONAL and name in LOSSES:
            _refuse("a loss of torch", broken)
        if lossbook and file.startswith(package) and not file.startswith(here):
            _refuse("lossbook", broken)

    return look


def _refuse(word: str, broken: list[str]) -> None:
    broken.append(word)
    raise ForbiddenError(word)
