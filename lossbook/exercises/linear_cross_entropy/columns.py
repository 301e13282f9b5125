r"""The other way to cut.

The chapter cuts the batch; cut the vocabulary instead.
Return the mean cross entropy of the logits `features @ weight.T` with the class indices `target`, and look at the
logits of at most `columns` classes at a time.
The gradients of `features` and `weight` must be right, also for logits of size 1000, and what you hold at once must not
grow to the size of all logits: the judge counts it while your function runs.

Nudge: What of the logits of a block do the other blocks have to know?

Sketch: One number for each row, the log-sum-exp of the block; torch.logaddexp joins two of them. The logit at the
target is one product for each row. And who throws away the logits of a block until backward asks for them?

Why: The loss is a log-sum-exp minus one logit, and a log-sum-exp of all classes is the log-sum-exp of those of the
blocks. The loop alone saves nothing, because autograd keeps the logits of each block; checkpoint makes them again. A
kernel that cuts both ways, and never writes a logit to memory, is what Cut Cross-Entropy is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from .._cases import WIDE, Case
from .._draw import index, number, real
from .._exact import largest

KIND = "build"
LEVEL = 3
MINUTES = 20
TAKES = {
    "features": real("N", "D"),
    "weight": real("C", "D"),
    "target": index("N", of="C"),
    "columns": number(2, 20, 3, whole=True),
}
GRADIENTS = ["features", "weight"]
LEAST = {"N": 1, "D": 1, "C": 1}
DTYPES = WIDE
SECONDS = 30.0
ROOM = 8  # times what a block of logits, the features and the weight are


def cases():
    _block(torch.ones(1, 1, requires_grad=True), torch.ones(1, 1))  # or each child would import torch's compiler
    args = [torch.randn(128, 4), torch.randn(4096, 4), torch.randint(4096, (128,)), 64]
    yield Case("memory", args, list(TAKES), torch.float32)


def size(features, weight, target, columns):
    return largest(features.abs() @ weight.abs().T)


def slope_size(features, weight, target, columns):
    return largest(features, weight) * (1 + size(features, weight, target, columns))  # roundings of a logit move q


class _Held(TorchDispatchMode):
    """Count the numbers that are in memory after each operation, beside those of the arguments."""

    def __init__(self, *given):
        super().__init__()
        self.given = {tensor.untyped_storage()._cdata for tensor in given}
        self.held, self.most = {}, 0

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # torch would import its compiler first, which takes seconds

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.held = {key: found for key, found in self.held.items() if not found[0].expired()}
        for made in result if isinstance(result, list | tuple) else [result]:
            if isinstance(made, Tensor) and made.untyped_storage()._cdata not in self.given:
                storage = made.untyped_storage()
                self.held[storage._cdata] = StorageWeakRef(storage), storage.nbytes() // made.itemsize
        self.most = max(self.most, sum(numbers for _, numbers in self.held.values()))
        return result


def run(answer, features, weight, target, columns):
    with _Held(features, weight, target) as held:
        value = answer(features, weight, target, columns)
    room = ROOM * (len(features) * columns + features.numel() + weight.numel())
    if held.most > room:
        raise ValueError(f"it holds {held.most} numbers at once; all logits are {len(features) * len(weight)}")
    return value


def _block(features, part):
    return checkpoint(lambda h, w: (h @ w.T).logsumexp(dim=1), features, part, use_reentrant=False)


def loss(features, weight, target, columns):
    def block(features, part):
        return (features @ part.T).logsumexp(dim=1)

    total = torch.full_like(features[:, 0], -torch.inf)
    for part in weight.split(columns):
        total = torch.logaddexp(total, checkpoint(block, features, part, use_reentrant=False))
    at_target = (features * weight[target]).sum(dim=1)
    return (total - at_target).mean()


def exact(features, weight, target, columns):
    return F.cross_entropy(features @ weight.T, target)


def right_stacked_blocks(features, weight, target, columns):
    blocks = [_block(features, part) for part in weight.split(columns)]
    at_target = torch.einsum("nd,nd->n", features, weight[target])
    return (torch.stack(blocks).logsumexp(dim=0) - at_target).mean()


def right_own_gradient(features, weight, target, columns):
    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, features, weight):
            blocks = [(features @ part.T).logsumexp(dim=1) for part in weight.split(columns)]
            total = torch.stack(blocks).logsumexp(dim=0)
            ctx.save_for_backward(features, weight, total)
            return (total - (features * weight[target]).sum(dim=1)).mean()

        @staticmethod
        def backward(ctx, arriving):
            features, weight, total = ctx.saved_tensors
            d_features, d_weight = -weight[target], torch.zeros_like(weight).index_add(0, target, -features)
            for start in range(0, len(weight), columns):
                part = slice(start, start + columns)
                q = (features @ weight[part].T - total[:, None]).exp()
                d_features = d_features + q @ weight[part]
                d_weight[part] += q.T @ features
            each = arriving / len(features)
            return each * d_features, each * d_weight

    return Loss.apply(features, weight)


def right_running_maximum(features, weight, target, columns):
    parts = weight.split(columns)
    with torch.no_grad():
        top = torch.stack([(features @ part.T).amax(dim=1) for part in parts]).amax(dim=0)

    def block(features, part, target_weight):
        return (features @ part.T - top[:, None]).exp().sum(dim=1)

    total = sum(checkpoint(block, features, part, None, use_reentrant=False) for part in parts)
    return (top + total.log() - (features * weight[target]).sum(dim=1)).mean()


def wrong_all_logits(features, weight, target, columns):
    """Refused by: memory."""
    return F.cross_entropy(features @ weight.T, target)


def wrong_loop_alone(features, weight, target, columns):
    """Refused by: memory."""
    blocks = [(features @ part.T).logsumexp(dim=1) for part in weight.split(columns)]
    return (torch.stack(blocks).logsumexp(dim=0) - (features * weight[target]).sum(dim=1)).mean()


def wrong_all_in_one_checkpoint(features, weight, target, columns):
    """Refused by: memory."""

    def whole(features, weight):
        return F.cross_entropy(features @ weight.T, target)

    return checkpoint(whole, features, weight, use_reentrant=False)


def wrong_logits_put_together(features, weight, target, columns):
    """Refused by: memory."""
    return F.cross_entropy(torch.cat([features @ part.T for part in weight.split(columns)], dim=1), target)


def wrong_softmax_in_each_block(features, weight, target, columns):
    blocks = [_block(features, part) for part in weight.split(columns)]
    return (torch.stack(blocks).sum(dim=0) - (features * weight[target]).sum(dim=1)).mean()


def wrong_exponentials_as_they_are(features, weight, target, columns):
    """Refused by: scales."""

    def block(features, part):
        return (features @ part.T).exp().sum(dim=1)

    total = sum(checkpoint(block, features, part, use_reentrant=False) for part in weight.split(columns))
    return (total.log() - (features * weight[target]).sum(dim=1)).mean()


def wrong_without_a_graph(features, weight, target, columns):
    """Refused by: gradient."""
    with torch.no_grad():
        total = torch.stack([(features @ part.T).logsumexp(dim=1) for part in weight.split(columns)]).logsumexp(dim=0)
    return (total - (features * weight[target]).sum(dim=1)).mean()


def wrong_gradient_of_the_weight_forgotten(features, weight, target, columns):
    """Refused by: gradient."""
    blocks = [_block(features, part) for part in weight.detach().split(columns)]
    return (torch.stack(blocks).logsumexp(dim=0) - (features * weight[target]).sum(dim=1)).mean()


def wrong_summed(features, weight, target, columns):
    total = torch.stack([_block(features, part) for part in weight.split(columns)]).logsumexp(dim=0)
    return (total - (features * weight[target]).sum(dim=1)).sum()
