"""Where random inputs do not lead: the kinks of the ranking losses, zero vectors, equal vectors, huge vectors."""

import pytest
import torch
import torch.nn.functional as F
from torch import tensor

from lossbook import functional

ONE, ROW = torch.ones(1), tensor([[1.0, 2.0]])
ZERO = torch.zeros(1, 4)
KINKS = {
    "equal scores": ("margin_ranking_loss", (ONE, ONE, ONE), {}),
    "a lead of the margin": ("margin_ranking_loss", (ONE, 0 * ONE, ONE), {"margin": 1.0}),
    "a distance of the margin": ("hinge_embedding_loss", (ONE, -ONE), {}),
    "no distance": ("hinge_embedding_loss", (0 * ONE, ONE), {}),
    "orthogonal": ("cosine_embedding_loss", (tensor([[1.0, 0.0]]), tensor([[0.0, 1.0]]), -ONE), {}),
    "zero vector": ("cosine_embedding_loss", (ZERO, ZERO + 1, ONE), {}),
    "zero vector, dissimilar": ("cosine_embedding_loss", (ZERO, ZERO + 1, -ONE), {}),
    "zero vectors": ("cosine_embedding_loss", (ZERO, ZERO, ONE), {}),
    "equal": ("triplet_margin_loss", (ROW, ROW, ROW), {}),
    "equal, eps 0": ("triplet_margin_loss", (ROW, ROW, ROW), {"eps": 0.0}),
    "equal, city block": ("triplet_margin_loss", (ROW, ROW, ROW), {"eps": 0.0, "p": 1.0}),
    "equal components": ("triplet_margin_loss", (ROW, ROW + 1, ROW + 1.5), {"eps": 0.0, "p": torch.inf}),
    "a gap of the margin": ("triplet_margin_loss", (0 * ROW, tensor([[0.0, 1.0]]), tensor([[0.0, 2.0]])), {"eps": 0.0}),
    "equal distances, swap": ("triplet_margin_loss", (ROW, -ROW, 0 * ROW), {"eps": 0.0, "swap": True}),
    "equal, own distance": ("triplet_margin_with_distance_loss", (ROW, ROW, ROW), {"swap": True}),
}


@pytest.mark.parametrize(("name", "args", "settings"), KINKS.values(), ids=KINKS)
def test_gradient_at_a_kink_is_the_one_of_torch(name, args, settings):
    count = 1 if name == "hinge_embedding_loss" else 3 if "triplet" in name else 2
    gradients = []
    for loss in (getattr(functional, name), getattr(F, name)):
        leaves = [tensor.clone().requires_grad_() for tensor in args[:count]]
        gradients.append(torch.autograd.grad(loss(*leaves, *args[count:], **settings), leaves))
    torch.testing.assert_close(gradients[0], gradients[1])


def test_zero_vector_has_a_finite_but_huge_gradient():
    zero = torch.zeros(1, 4, requires_grad=True)
    functional.cosine_embedding_loss(zero, torch.ones(1, 4), ONE).backward()
    torch.testing.assert_close(zero.grad, torch.full((1, 4), -5e5))


def test_cosine_of_huge_vectors_where_torch_gives_nan():
    huge = tensor([[1e20, 2e30]], requires_grad=True)
    other = tensor([[3e20, 0.0]])
    assert F.cosine_embedding_loss(huge, other, ONE).isnan()
    loss = functional.cosine_embedding_loss(huge, other, ONE)
    torch.testing.assert_close(loss, tensor(1 - 0.5e-10))
    loss.backward()
    torch.testing.assert_close(huge.grad, tensor([[-0.5e-30, 0.25e-40]]), rtol=1e-6, atol=1e-38)


def root(one, other):
    return (one - other).square().sum(-1).sqrt()


def test_zero_weight_hides_equal_vectors_from_a_distance_without_a_derivative_there():
    """The square root has no slope at 0, so equal vectors have a NaN gradient, in an inactive triplet too."""
    anchor = tensor([[1.0, 2.0], [1.0, 2.0]], requires_grad=True)
    negative = anchor.detach() + 9
    positive = tensor([[1.0, 2.0], [0.0, 2.0]])
    for weight, finite in ((None, False), (tensor([0.0, 1.0]), True)):
        loss = functional.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=root, margin=99.0, sample_weight=weight
        )
        (grad,) = torch.autograd.grad(loss, anchor)
        assert grad.isfinite().all().item() is finite
    inactive = functional.triplet_margin_loss(anchor, anchor.detach(), negative, eps=0.0)
    (grad,) = torch.autograd.grad(inactive, anchor)
    assert (grad == 0).all()
