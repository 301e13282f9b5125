"""What the margin losses promise beyond the contract: torch's values at ties, memory, NaN, unknown classes."""

import pytest
import torch
from torch.nn import functional as F

import lossbook
from lossbook.margin.multi_margin import multi_margin_loss
from lossbook.margin.multilabel_margin import multilabel_margin_loss


@pytest.mark.parametrize("classes", [1, 2, 7, 40])
@pytest.mark.parametrize("scores", [lambda x: x, torch.round, lambda x: 1e4 * x, lambda x: x + 1e3])
def test_random_lists_are_torchs(classes, scores):
    rng = torch.Generator().manual_seed(classes)
    target = torch.randint(-1, classes, (50, classes), generator=rng)
    x = scores(2 * torch.randn(50, classes, generator=rng, dtype=torch.double))
    results = []
    for loss in (multilabel_margin_loss, F.multilabel_margin_loss):
        leaf = x.clone().requires_grad_()
        value = loss(leaf, target, reduction="none")
        results.append((value, *torch.autograd.grad(value.sum(), leaf)))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-11)
    single = multilabel_margin_loss(x.float(), target, reduction="none").double()
    exact = multilabel_margin_loss(x.float().double(), target, reduction="none")
    torch.testing.assert_close(single, exact, rtol=1e-6, atol=1e-6)


def test_memory_grows_with_classes_not_with_their_square():
    samples, classes = 4, 4000  # all pairs would take 64 million numbers
    scores = torch.randn(samples, classes, requires_grad=True)
    target = torch.randperm(classes).expand(samples, classes).clone()
    target[:, classes // 2 :] = -1
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, tuple | list) else (result,):
                largest = max(largest, tensor.numel() if isinstance(tensor, torch.Tensor) else 0)
            return result

    with Watch():
        multilabel_margin_loss(scores, target).backward()
    assert samples * classes <= largest <= 2 * samples * classes


@pytest.mark.compiles
def test_padded_lists_survive_the_compiler():
    torch._dynamo.reset()
    scores = torch.tensor([[0.3, 0.1, -0.7, 0.4], [2.0, 0.0, 1.0, -1.0]])
    target = torch.tensor([[3, 0, -1, 1], [1, -1, -1, -1]])
    compiled = torch.compile(multilabel_margin_loss, fullgraph=True)
    torch.testing.assert_close(compiled(scores, target), F.multilabel_margin_loss(scores, target))


def test_nan_is_not_hidden():
    for place in range(4):
        scores = torch.zeros(1, 4)
        scores[0, place] = torch.nan
        assert multilabel_margin_loss(scores, torch.tensor([[1, 2, -1, -1]])).isnan()
        assert multi_margin_loss(scores, torch.tensor([1])).isnan() or place == 1


def test_unknown_classes_are_nan_where_values_are_not_checked():
    lists = torch.tensor([[4, -1, -1, -1], [0, -1, 4, -1], [1, -2, -1, -1], [0, 1, -1, -1]])
    loss = torch.vmap(lambda x, t: multilabel_margin_loss(x, t))(torch.zeros(4, 4), lists)
    assert loss.isnan().tolist() == [True, False, True, False]
    labels = torch.tensor([4, -1, -100, 3])
    loss = torch.vmap(lambda x, t: multi_margin_loss(x, t))(torch.zeros(4, 4), labels)
    assert loss.isnan().tolist() == [True, True, True, False]
    with lossbook.check_values(), pytest.raises(ValueError, match=r"target must be a class index in 0\.\.3; got 4"):
        torch.vmap(lambda x, t: multi_margin_loss(x, t))(torch.zeros(4, 4), labels)


@pytest.mark.parametrize("p", [1, 2])
def test_gradient_at_the_kink_is_torchs(p):
    results = []
    for loss in (multi_margin_loss, F.multi_margin_loss):
        scores = torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, -1.0]], requires_grad=True)
        loss(scores, torch.tensor([0, 0]), p=p).backward()
        results.append(scores.grad)
    torch.testing.assert_close(*results)
