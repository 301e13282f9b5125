"""Mend the backward.

Write what the backward of `Lopsided` should return for `input`, with any price `under` and whatever gradient arrives.
A forecast that hits its target gets 0, as `abs` does it.

Nudge: If everything after your loss multiplies it by 10, where does the 10 enter?

Sketch: The slope is -under, 1 or 0 by the sign of the error; the chain rule multiplies it by what arrives.

Why: backward does not return the derivative of the loss but the product of that derivative with grad_output. The two
agree for a plain sum, which is why a test on the loss alone does not see the slip. A tensor of prices made from Python
numbers would be float32; a number times a tensor keeps the dtype.
"""

import torch

from .._draw import near, number, real

KIND = "derive"
LEVEL = 2
MINUTES = 12
TAKES = {"grad_output": real("..."), "input": real("..."), "target": near("input", "..."), "under": number(0.05, 20)}


def lopsided_backward(grad_output, input, target, under):
    slope = torch.where(target > input, -under * grad_output, grad_output)
    return slope.where(target != input, 0.0)


def exact(grad_output, input, target, under):
    error = input - target
    return torch.where(error > 0, grad_output, torch.where(error < 0, -under * grad_output, error * grad_output))


def right_by_sign(grad_output, input, target, under):
    sign = (input - target).sign()
    return grad_output * torch.where(sign < 0, under * sign, sign)


def right_two_masks(grad_output, input, target, under):
    return grad_output * (input > target) - under * grad_output * (input < target)


def wrong_grad_output_ignored(grad_output, input, target, under):
    return torch.where(target > input, -under, 1.0) * (target != input).double()


def wrong_gradient_for_the_target(grad_output, input, target, under):
    return grad_output * torch.where(target > input, under, -1.0)


def wrong_1_at_an_exact_hit(grad_output, input, target, under):
    return grad_output * torch.where(target > input, -under, 1.0)


def wrong_only_the_sign_that_arrives(grad_output, input, target, under):
    slope = torch.where(target > input, -under, 1.0).where(target != input, 0.0)
    return grad_output.sign() * slope


def wrong_prices_in_float32(grad_output, input, target, under):
    slope = torch.where(target > input, -under, 1.0)
    return grad_output * slope.where(target != input, 0.0)
