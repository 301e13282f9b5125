"""What only the fused batch-hard triplet loss has: pairs found by products, tiles, embeddings chosen by many."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused
from lossbook.fused import batch_hard_triplet as module
from lossbook.fused._triton import run_kernels


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(module, "LARGEST_TILE", 16)
    monkeypatch.setattr(module, "FEATURES", 16)
    monkeypatch.setattr(module, "PAIRS", 256)


def draw(size, features, classes, device, dtype=torch.float32):
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(size, features, generator=rng, dtype=torch.double).to(dtype)
    return x.to(device), torch.randint(classes, (size,), generator=rng).to(device)


def pairs(x, label, kept=None):
    return module._batch_hard_pairs(x, label, kept)


def exact_pairs(x, label, kept=None):
    """By differences in float64, in a loop."""
    found = []
    for i in range(len(x)):
        distance = (x[i].double() - x.double()).square().sum(1).tolist()
        others = [j for j in range(len(x)) if kept is None or kept[j]]
        positive = [j for j in others if label[j] == label[i] and j != i]
        negative = [j for j in others if label[j] != label[i]]
        found.append((max(positive, key=lambda j: distance[j], default=-1),
                      min(negative, key=lambda j: distance[j], default=-1)))  # fmt: skip
    return tuple(torch.tensor(side, device=x.device) for side in zip(*found, strict=True))


def same(found, expected):
    assert [side.tolist() for side in found] == [side.tolist() for side in expected]


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize(("size", "features", "classes"), [(15, 1, 3), (16, 16, 4), (33, 17, 5), (40, 40, 30)])
def test_pairs_are_those_of_the_exact_distances(size, features, classes, offset, device):
    x, label = draw(size, features, classes, device)
    x = x + offset  # rounds the vectors: from here on these are the vectors
    same(pairs(x, label), exact_pairs(x, label))


def product_form(x):
    return x.square().sum(1)[:, None] + x.square().sum(1) - 2 * x @ x.T


def test_products_alone_would_choose_other_pairs(device):
    """Far from 0 they cancel; near-ties come in every order."""
    x, label = draw(48, 4, 2, device)
    x = 1e3 + 0.1 * x
    distance = product_form(x).masked_fill(label[:, None] == label, torch.inf)
    farthest, nearest = pairs(x, label)
    expected = exact_pairs(x, label)
    assert (distance.argmin(1) != expected[1]).any()
    same((farthest, nearest), expected)


def test_two_clusters_on_both_sides_of_the_mean(device):
    """Shifted to the mean they are still far from 0, so the products hardly tell apart the members of a cluster."""
    x, label = draw(80, 6, 2, device)
    x = x + 1000 * (1 - 2 * (torch.arange(80, device=device) % 2))[:, None]
    farthest, nearest = pairs(x, label)
    same((farthest, nearest), exact_pairs(x, label))


def test_near_ties_are_settled_by_differences(device):
    """All candidates lie on two shells whose squared distances differ by a few units in the last place."""
    torch.manual_seed(0)
    ray = torch.nn.functional.normalize(torch.randn(40, 8, dtype=torch.double), dim=1)
    x = (ray * (1 + 4e-7 * torch.arange(40))[:, None]).float().to(device)
    x[0] = 0
    label = torch.ones(40, dtype=torch.long, device=device)
    for own in (0, 1):  # once they are positives, once negatives
        label[0] = own
        chosen, expected = (found(x, label)[1 - own][0] for found in (pairs, exact_pairs))
        mine, best = ((x[0].double() - x[at].double()).norm() for at in (chosen, expected))
        assert (mine - best).abs() < 1e-7  # half a unit of float32: below that no float32 distance tells them apart


def test_of_equal_distances_the_first_counts_across_blocks(device):
    x = torch.zeros(50, 3, device=device)
    x[1::2] = 1.0
    label = torch.arange(50, device=device) % 2
    same(pairs(x, label), exact_pairs(x, label))
    x = torch.zeros(50, 3, device=device)
    same(pairs(x, label), exact_pairs(x, label))


def test_most_anchors_are_settled_by_products(monkeypatch, device):
    """Otherwise the fast way would be a detour."""
    x, label = draw(64, 24, 8, device)
    x = x + 100
    exact = exact_pairs(x, label)
    if run_kernels(x):
        launch = module.launch
        monkeypatch.setattr(module, "launch", lambda k, *a, **s: k is module._difference_kernel or launch(k, *a, **s))
        settled = torch.stack([a == b for a, b in zip(pairs(x, label), exact, strict=True)]).all(0)
        assert settled.double().mean() > 0.95
    else:
        assert len(module._mine_by_products(x, label, *(torch.empty_like(label) for _ in range(2)))) < 4


def left_unsettled(x, label, monkeypatch):
    """The pairs, and the anchors that products did not settle."""
    left = []
    by_differences, launch = module._mine_by_differences, module.launch

    def spy(x, label, kept, anchors, *found):
        left.append(anchors)
        by_differences(x, label, kept, anchors, *found)

    def spy_launch(kernel, programs, near, *arguments, **constants):
        if kernel is module._difference_kernel:
            left.append(arguments[4].nonzero().squeeze(1))
        launch(kernel, programs, near, *arguments, **constants)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_mine_by_differences", spy)
        patch.setattr(module, "launch", spy_launch)
        return pairs(x, label), left[0].tolist()


def test_a_settled_pair_is_right(monkeypatch, device):
    """Of whatever the products leave as settled, no anchor has another pair by differences."""
    x, label = draw(64, 3, 4, device)
    x = torch.cat([x, x[:16] + 1e-6 * x[16:32]]) + 10
    label = torch.cat([label, label[:16]])
    found, left = left_unsettled(x, label, monkeypatch)
    settled = torch.ones(len(x), dtype=torch.bool)
    settled[left] = False
    assert 0 < settled.sum() < len(x)
    same((side[settled] for side in found), (side[settled] for side in exact_pairs(x, label)))


@pytest.mark.parametrize("farthest", [True, False])
@pytest.mark.parametrize("places", [(1, 2), (2, 1), (1, 20), (20, 1), (18, 40), (40, 18)], ids=str)
def test_a_runner_up_is_seen_wherever_it_stands(places, farthest, monkeypatch, device):
    """In the tile of the best, before or after it."""
    label = torch.zeros(50, dtype=torch.long, device=device)
    label[25:] = 1
    label[list(places)] = 0 if farthest else 1
    x = torch.where(label == 0, torch.linspace(0, 8, 50, device=device), torch.linspace(40, 50, 50, device=device))
    x[0] = 0.0
    best = 5.0 if farthest else 20.0
    for lead, settled in ((1.1, True), (1 + 2e-7, False)):
        x[places[0]], x[places[1]] = (best * lead, -best) if farthest else (best, -best * lead)
        found, left = left_unsettled(x[:, None], label, monkeypatch)
        assert (0 not in left) is settled
        assert found[1 - farthest][0] == places[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_of_weight_0_vanish_as_anchors_and_candidates(dtype, device):
    x, label = draw(45, 5, 4, device, dtype)
    weight = torch.rand(45, generator=torch.Generator().manual_seed(1)).to(device).double()
    weight[::3] = 0
    kept = weight != 0
    x[~kept] = torch.nan
    x.requires_grad_()
    few = x.detach()[kept].requires_grad_()
    value = fused.batch_hard_triplet_loss(x, label, margin=1.0, sample_weight=weight)
    expected = functional.batch_hard_triplet_loss(few, label[kept], margin=1.0, sample_weight=weight[kept])
    torch.testing.assert_close(value.double(), expected.double())
    value.backward()
    expected.backward()
    torch.testing.assert_close(x.grad[kept], few.grad)
    assert (x.grad[~kept] == 0).all()


def test_no_sample_is_kept(device):
    x, label = draw(5, 2, 2, device)
    value = fused.batch_hard_triplet_loss(x, label, sample_weight=torch.zeros(5, device=device), reduction="sum")
    assert value == 0


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_nan_is_not_lost(bad, device):
    x, label = draw(20, 4, 2, device)
    x[7, 1] = bad
    loss = fused.batch_hard_triplet_loss(x, label, reduction="none")
    assert loss[7].isnan()
    assert loss.isnan().all() == torch.tensor(bad).isnan()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_an_embedding_chosen_by_all_adds_up_all(dtype, device):
    x, label = draw(60, 5, 1, device, dtype)
    x[0], x[1] = 100.0, 3.0
    label[1] = 1
    leaf, wide = x.clone().requires_grad_(), x.double().requires_grad_()
    farthest, nearest = pairs(x, label)
    assert (farthest[2:] == 0).all()
    assert (nearest[2:] == 1).all()
    gradients = []
    for _ in range(2):
        fused.batch_hard_triplet_loss(leaf, label, reduction="sum").backward()
        gradients.append(leaf.grad)
        leaf.grad = None
    assert torch.equal(*gradients)
    functional.batch_hard_triplet_loss(wide, label, reduction="sum").backward()
    tolerance = {torch.float64: 1e-13, torch.float32: 1e-6, torch.bfloat16: 8e-3}[dtype]  # the interpreter cuts off
    torch.testing.assert_close(gradients[0].double(), wide.grad, rtol=tolerance, atol=tolerance)


def test_embeddings_need_not_be_contiguous(device):
    x, label = draw(37, 18, 5, device)
    for view in (x.T.contiguous().T, x.repeat(2, 2)[::2, ::2]):
        leaf, copy = view.detach().requires_grad_(), view.clone(memory_format=torch.contiguous_format).requires_grad_()
        for tensor in (leaf, copy):
            fused.batch_hard_triplet_loss(tensor, label.repeat(2)[: len(x)], margin=2.0).backward()
        torch.testing.assert_close(leaf.grad, copy.grad, rtol=1e-4, atol=1e-7)


def test_products_of_less_than_float32_are_not_trusted(device):
    x, label = draw(40, 8, 3, device)
    before = torch.backends.mkldnn.matmul.fp32_precision
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    try:
        assert not module._exact_products()
        same(pairs(x, label), exact_pairs(x, label))
    finally:
        torch.backends.mkldnn.matmul.fp32_precision = before
    assert module._exact_products()


class Largest(TorchDispatchMode):
    """The most entries that a tensor made inside has."""

    def __init__(self):
        super().__init__()
        self.entries = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else [out]:
            if isinstance(tensor, torch.Tensor):
                self.entries = max(self.entries, tensor.untyped_storage().nbytes() // tensor.element_size())
        return out


def test_the_matrix_of_distances_is_never_there(device):
    x, label = draw(64, 4, 8, device)
    x[:8] = 0  # some unsettled
    with Largest() as largest:
        module._batch_hard_pairs._init_fn(x, label, None)
    assert 0 < largest.entries <= 1024 < 64 * 64
