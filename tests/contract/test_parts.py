"""Tensors in parts, distributed, nested or masked: computed as the whole is, or refused in our words."""

import re

import pytest
import torch
from contract.test_sizes import FIRST, resized
from subjects import has_batch
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor, init_device_mesh
from torch.masked import masked_tensor

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # some of these are prototypes of torch, and say so
each_form_once = pytest.mark.parametrize(("function", "subject", "case"), FIRST)
TORCH_CANNOT = {  # which operator has no rule for distributed tensors in torch 2.13
    "soft_margin": "log_sigmoid_backward",
    "siglip": "log_sigmoid_backward",
    "js_div_with_logits": "log_sigmoid_backward",
    "multilabel_margin": "searchsorted",
    "batch_hard_triplet": "_cdist_forward",
}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    store = torch.distributed.FileStore(str(tmp_path_factory.mktemp("mesh") / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    torch.distributed.destroy_process_group()


def is_fused(function):
    return function.__module__.startswith("lossbook.fused")


def refused_by_a_fused_form(function):
    return pytest.raises(
        TypeError, match=rf"takes ordinary tensors, .* or use lossbook\.functional\.{function.__name__}"
    )


@each_form_once
def test_distributed_it_is_the_whole(function, subject, case, mesh):
    args, settings = resized(subject, case, 6, 0)
    plain = [a.detach() if isinstance(a, Tensor) else a for a in args]
    dims = subject.batch_dims(args)
    parts = [
        distribute_tensor(a, mesh, [Shard(dim) if has_batch(a, dim) else Replicate()]) if isinstance(a, Tensor) else a
        for a, dim in zip(plain, dims, strict=True)
    ]
    there = {n: distribute_tensor(v, mesh, [Replicate()]) if isinstance(v, Tensor) else v for n, v in settings.items()}
    if is_fused(function):
        with refused_by_a_fused_form(function):
            function(*parts, **there)
        return
    parts[0].requires_grad_()
    if subject.stem in TORCH_CANNOT:
        with pytest.raises((NotImplementedError, TypeError), match=TORCH_CANNOT[subject.stem]):
            function(*parts, **there).sum().backward()
        return
    leaf = plain[0].requires_grad_()
    found, expected = function(*parts, **there), function(*plain, **settings)
    assert isinstance(found, DTensor)
    found.full_tensor().sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(found.full_tensor(), expected, equal_nan=True)
    torch.testing.assert_close(parts[0].grad.full_tensor(), leaf.grad, equal_nan=True)


@each_form_once
def test_nested_it_is_computed_or_refused(function, subject, case):
    args, settings = resized(subject, case, 6, 0)
    plain = [a.detach() if isinstance(a, Tensor) else a for a in args]
    offsets = torch.tensor([0, 2, 6])
    jagged = [
        torch.nested.nested_tensor_from_jagged(a, offsets) if isinstance(a, Tensor) and a.dim() > 1 else a
        for a in plain
    ]
    if not any(isinstance(a, Tensor) and a.is_nested for a in jagged):
        pytest.skip("vectors do not nest")
    refused = None
    try:
        found = function(*jagged, **settings)
    except (TypeError, ValueError) as error:
        refused = str(error)
    if refused:
        assert any(re.search(rf"\b{name}\b", refused) for name in subject.function.rules), refused
        return
    assert not is_fused(function)
    if subject.family in ("regression", "distillation", "classification"):  # masks nest samples, not their entries
        torch.testing.assert_close(found, function(*plain, **settings))


@each_form_once
def test_masked_it_is_refused_with_the_way(function, subject, case):
    args, settings = resized(subject, case, 6, 0)
    masked = masked_tensor(args[0].detach(), torch.ones_like(args[0], dtype=torch.bool))
    with pytest.raises(TypeError, match=r"get_data\(\) with sample_weight=.*get_mask\(\); got a MaskedTensor"):
        function(masked, *args[1:], **settings)
