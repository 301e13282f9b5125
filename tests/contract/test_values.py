"""When values are checked: always where it is free, elsewhere only inside ``check_values``."""

import pytest
import torch

import lossbook
from lossbook.functional import cross_entropy, huber_loss, nll_loss

LOGITS = torch.zeros(2, 3)
WRONG = torch.tensor([0, 3])


def test_eager_cpu_refuses():
    with pytest.raises(ValueError, match=r"target must be a class index in 0\.\.2 or ignore_index=-100; got 3 at"):
        cross_entropy(LOGITS, WRONG)


def test_transforms_give_nan_for_the_entry_and_refuse_when_asked():
    every = torch.vmap(lambda logits, label: nll_loss(logits, label, reduction="none"))
    assert every(LOGITS, WRONG).isnan().tolist() == [False, True]
    with lossbook.check_values(), pytest.raises(ValueError, match=r"got 3 at index \(1,\)"):
        every(LOGITS, WRONG)


def test_nested_transforms_refuse_when_asked():
    gradients = torch.vmap(torch.func.grad(cross_entropy))
    with lossbook.check_values(), pytest.raises(ValueError, match="got 3"):
        gradients(LOGITS, WRONG)


@pytest.mark.compiles
def test_a_compiled_function_gives_nan_and_refuses_when_compiled_to_check():
    torch._dynamo.reset()
    compiled = torch.compile(lambda x, y: nll_loss(x, y, reduction="none"), fullgraph=True, backend="aot_eager")
    assert compiled(LOGITS, WRONG).isnan().tolist() == [False, True]
    torch._dynamo.reset()
    with lossbook.check_values():
        checked = torch.compile(lambda x, y: nll_loss(x, y), fullgraph=True, backend="aot_eager")
        assert checked(LOGITS, torch.tensor([0, 2])) == 0
        with pytest.raises(RuntimeError, match="target must be a class index"):
            checked(LOGITS, WRONG)
    assert compiled(LOGITS, WRONG).isnan().any()


@pytest.mark.compiles
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_compiled_function_takes_changing_numbers(backend):
    torch._dynamo.reset()
    compiled = torch.compile(huber_loss, fullgraph=True, backend=backend)
    for number in (1.0, 2.0, 3.5, 7.0):
        options = {"delta": number, "normalizer": number + 1}
        torch.testing.assert_close(
            compiled(3 * LOGITS + 2, LOGITS, **options), huber_loss(3 * LOGITS + 2, LOGITS, **options)
        )


@pytest.mark.parametrize("wrong", [0.0, -3.0, torch.nan, torch.inf])
def test_a_normalizer_tensor_is_checked_as_a_number_is(wrong):
    with pytest.raises(ValueError, match="normalizer must be"):
        huber_loss(LOGITS, LOGITS, normalizer=torch.tensor(wrong))
    with pytest.raises(ValueError, match="normalizer must be"):
        huber_loss(LOGITS, LOGITS, normalizer=wrong)
    with pytest.raises(TypeError, match=r"normalizer must be a tensor of one real number, .*; got torch\.bool"):
        huber_loss(LOGITS, LOGITS, normalizer=torch.tensor(True))


def test_weights_are_at_least_zero():
    for wrong in (-1.0, torch.nan, torch.inf):
        with pytest.raises(ValueError, match="sample_weight must be finite and at least 0"):
            huber_loss(LOGITS, LOGITS, sample_weight=torch.full((2,), wrong))
    with pytest.raises(ValueError, match=r"weight must have shape \(2, 3\), that of input; got \(3,\)"):
        huber_loss(LOGITS, LOGITS, weight=torch.ones(3))


def test_settings_by_position_are_refused_with_their_names():
    with pytest.raises(TypeError, match=r"takes settings by name: TripletMarginLoss\(margin=\.\.\., p="):
        lossbook.TripletMarginLoss(0.5)
    with pytest.raises(
        TypeError, match=r"cross_entropy\(\) takes input, target by position and every setting by its name"
    ):
        cross_entropy(LOGITS, WRONG, torch.ones(3))
    with pytest.raises(TypeError, match=r"weight must be a torch\.Tensor; got list"):
        lossbook.CrossEntropyLoss([1.0, 2.0, 3.0])


def test_the_switch_is_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), lossbook.check_values():
        _ = 1 / 0
    with lossbook.check_values(), lossbook.check_values():
        pass
    assert torch.vmap(cross_entropy)(LOGITS, WRONG).isnan().any()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_never_waits_unless_asked():
    logits, wrong = LOGITS.cuda(), WRONG.cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        value = nll_loss(logits, wrong, reduction="none")
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert value.isnan().tolist() == [False, True]
    with lossbook.check_values(), pytest.raises(ValueError, match="got 3"):
        nll_loss(logits, wrong)
