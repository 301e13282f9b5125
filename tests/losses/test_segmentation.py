"""What only Dice and Tversky promise: overlap by sample and class, and what is not in it."""

import pytest
import torch

import lossbook
from lossbook.functional import dice_loss, tversky_loss

both = pytest.mark.parametrize("loss", [dice_loss, tversky_loss])


def scene(classes=3, dtype=torch.double):
    rng = torch.Generator().manual_seed(0)
    input = torch.randn(2, classes, 4, 5, generator=rng, dtype=dtype)
    return input, torch.randint(classes, (2, 4, 5), generator=rng)


def one_hot(index, classes):
    return torch.nn.functional.one_hot(index, classes).movedim(-1, 1).double()


def test_dice_is_tversky_with_both_prices_a_half():
    input, target = scene()
    for activation, wanted in (("softmax", target), ("softmax", one_hot(target, 3)), ("sigmoid", input.sigmoid() ** 2)):
        dice = dice_loss(input, wanted, smooth=3.0, activation=activation)
        torch.testing.assert_close(
            dice, tversky_loss(input, wanted, alpha=0.5, beta=0.5, smooth=1.5, activation=activation)
        )


@both
def test_an_index_is_a_mask_that_is_one_at_that_class(loss):
    input, target = scene()
    by_index = loss(input, target, activation="softmax", reduction="none")
    torch.testing.assert_close(by_index, loss(input, one_hot(target, 3), activation="softmax", reduction="none"))


@both
@pytest.mark.parametrize("ignored", [-100, 255, 1])
def test_ignored_pixels_might_as_well_not_be_there(loss, ignored):
    input, target = scene()
    target[:, 2:] = ignored
    target[:, :2] = target[:, :2].remainder(2) * 2  # classes 0 and 2
    settings = {"activation": "softmax", "reduction": "none"}
    input.requires_grad_()
    whole = loss(input, target, ignore_index=ignored, **settings)
    torch.testing.assert_close(whole, loss(input[:, :, :2], target[:, :2], **settings))
    (gradient,) = torch.autograd.grad(whole.sum(), input)
    assert (gradient[:, :, 2:] == 0).all()
    assert (gradient[:, :, :2] != 0).all()


@both
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_masks_of_half_precision_do_not_overflow(loss, dtype):
    """Their 90 000 pixels are more than the largest float16."""
    input = torch.full((1, 1, 300, 300), 8.0, dtype=dtype, requires_grad=True)
    value = loss(input, torch.ones_like(input))
    assert value.item() == pytest.approx(loss(input.double(), torch.ones_like(input).double()).item(), rel=0.01)
    value.backward()
    assert input.grad.isfinite().all()


@both
def test_small_losses_keep_their_digits_in_float32(loss):
    input = torch.full((1, 1, 100, 100), -14.0)
    target = torch.zeros_like(input)
    input[..., :50], target[..., :50] = 1e4, 1.0
    torch.testing.assert_close(loss(input, target).double(), loss(input.double(), target.double()), rtol=1e-5, atol=0)


@both
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_nothing_asked_and_nothing_given_costs_nothing(loss, dtype):
    for logit in (-torch.inf, -1e4, -745.0, -104.0, -95.0, -90.0, -88.0, -80.0, -20.0):
        input = torch.full((1, 2, 3), logit, dtype=dtype, requires_grad=True)
        for smooth in (0.0, 1e-5, 1.0):
            value = loss(input, torch.zeros_like(input), smooth=smooth)
            (gradient,) = torch.autograd.grad(value, input)
            assert value in (0, 1) if smooth == 0 else value < 1e-3
            assert gradient.isfinite().all()
            if logit <= -1e4:
                assert value == 0
                assert (gradient == 0).all()


@both
@pytest.mark.parametrize("logit", [-86.0, -88.5, -95.0, -100.0, -103.5])
def test_next_to_nothing_has_a_finite_gradient(loss, logit):
    """One over a number below the smallest normal one would be inf, and inf - inf NaN."""
    for activation in ("sigmoid", "softmax"):
        input = torch.tensor([[[logit], [0.0]]], requires_grad=True)
        value = loss(input, torch.tensor([[[0.0], [1.0]]]), smooth=0.0, activation=activation, reduction="none")
        (gradient,) = torch.autograd.grad(value.sum(), input)
        assert value[0, 0] in (0, 1)
        assert gradient.isfinite().all()
        assert gradient[0, 0].abs() < 1e-5


@both
def test_the_background_can_be_left_out_by_its_weight(loss):
    input, target = scene()
    weight = torch.tensor([[0.0, 1.0, 1.0]]).repeat(2, 1)
    entries = loss(input, target, activation="softmax", reduction="none")
    torch.testing.assert_close(loss(input, target, activation="softmax", sample_weight=weight), entries[:, 1:].mean())
    mask = one_hot(target, 3)
    poisoned = input.clone()
    poisoned[:, 0] = mask[:, 0] = torch.nan
    poisoned.requires_grad_()
    value = loss(poisoned, mask, sample_weight=weight)
    torch.testing.assert_close(value, loss(input[:, 1:], mask[:, 1:]))
    (gradient,) = torch.autograd.grad(value, poisoned)
    assert (gradient[:, 0] == 0).all()
    assert gradient.isfinite().all()


@pytest.mark.compiles
@both
def test_an_unknown_class_is_nan_for_its_sample_where_values_are_not_checked(loss):
    input, target = scene()
    target[1, 0, 0] = 3

    def each(input, target):
        return loss(input, target, activation="softmax", reduction="none")

    with pytest.raises(ValueError, match=r"class index in 0\.\.2 or ignore_index=-100; got 3 at index \(1, 0, 0\)"):
        each(input, target)
    for unchecked in (torch.vmap(lambda x, y: each(x[None], y[None])[0]), torch.compile(each, backend="aot_eager")):
        assert unchecked(input, target).isnan().all(1).tolist() == [False, True]
        assert unchecked(input, target).isnan().any(1).tolist() == [False, True]
    with lossbook.check_values(), pytest.raises(ValueError, match="got 3"):
        torch.vmap(lambda x, y: each(x[None], y[None])[0])(input, target)
    kept = torch.tensor([True, False])
    assert loss(input, target, activation="softmax", sample_weight=kept).isfinite()


@both
def test_a_small_object_is_not_hidden_by_the_background(loss):
    target = torch.zeros(1, 100, 100, dtype=torch.long)
    target[0, :2, :2] = 1
    missed = torch.stack([torch.full((1, 100, 100), 9.0), torch.full((1, 100, 100), -9.0)], dim=1)
    background, foreground = loss(missed, target, activation="softmax", reduction="none")[0]
    assert background < 0.001
    assert foreground > 0.7
