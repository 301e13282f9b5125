"""Exercises of the chapter on what a loss is."""

import torch
from torch import Tensor

from ._judge import Answer, Exercise, same


def _times(scale: float) -> tuple[Tensor, Tensor]:
    """Draw log-rates and waiting times, a fresh number of them; the first time is 0."""
    size = int(torch.randint(3, 40, ()))
    target = torch.rand(size, dtype=torch.double) * scale
    target[0] = 0
    return torch.randn(size, dtype=torch.double), target


def _exponential_value(answer: Answer) -> None:
    for scale in (1.0, 10.0):
        input, target = _times(scale)
        same(answer(input, target), input.exp() * target - input, f"waiting times up to {scale:g}")


def _exponential_gradient(answer: Answer) -> None:
    input, target = _times(5.0)
    input.requires_grad_()
    (gradient,) = torch.autograd.grad(answer(input, target).sum(), input)
    same(gradient, input.detach().exp() * target - 1, "gradient")


def _exponential_negative(answer: Answer) -> None:
    input = torch.tensor([2.0, 5.0, 60.0], dtype=torch.double)
    target = torch.tensor([0.01, 0.001, 1e-27], dtype=torch.double)
    same(answer(input, target), input.exp() * target - input, "densities above 1, where the loss is negative")


def _errors(scale: float) -> Tensor:
    errors = scale * torch.randn(int(torch.randint(3, 40, ())), dtype=torch.double)
    errors[0] = 0
    return errors


def _message_gradient(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        error = _errors(scale).requires_grad_()
        (gradient,) = torch.autograd.grad(answer(error).sum(), error)
        same(gradient, error.detach().tanh(), f"gradient at errors of size {scale:g}")


def _message_value(answer: Answer) -> None:
    for scale in (0.1, 1.0, 10.0):
        error = _errors(scale)
        same(answer(error), error.cosh().log(), f"value at errors of size {scale:g}")


def _message_large(answer: Answer) -> None:
    error = torch.tensor([1000.0, -1000.0, 0.0], requires_grad=True)
    value = answer(error)
    expected = torch.tensor([999.3068528, 999.3068528, 0.0])
    assert torch.allclose(value, expected), f"float32 errors 1000, -1000, 0: expected {expected}, got {value.detach()}"
    (gradient,) = torch.autograd.grad(value.sum(), error)
    same(gradient, torch.tensor([1.0, -1.0, 0.0]), "gradient there")


def _entropy(count: Tensor) -> Tensor:
    share = count[count > 0].double() / count.sum()
    return -(share * share.log()).sum()


def _ruler(answer: Answer, weights: list[float], where: str) -> None:
    target = torch.multinomial(torch.tensor(weights), int(torch.randint(40, 80, ())), replacement=True)
    expected = _entropy(target.bincount(minlength=len(weights)))
    got = torch.as_tensor(answer(target, len(weights))).double()
    assert got.dim() == 0, f"{where}: expected one number, got shape {tuple(got.shape)}"
    assert (got - expected).abs() < 1e-5, f"{where}: expected {expected:.4f}, got {got:.4f}"


def _ruler_frequent(answer: Answer) -> None:
    _ruler(answer, [0.7, 0.2, 0.1], "classes of 70, 20 and 10 %")


def _ruler_missing(answer: Answer) -> None:
    _ruler(answer, [0.0, 0.5, 0.0, 0.5, 0.0], "five classes of which three never occur")


EXERCISES = {
    "exponential": Exercise(
        title="From a distribution to a loss",
        stub="def exponential_nll(input, target):\n    return ...",
        nudge="What is the logarithm of lambda * exp(-lambda * y), where the model gives log lambda?",
        sketch="Minus the logarithm has two terms. One is lambda times the waiting time, the other the input.",
        solution="def exponential_nll(input, target):\n    return input.exp() * target - input",
        reason=(
            "-log p(y) = lambda y - log lambda, and log lambda is the input: taking log(exp(input)) would go through "
            "infinity for large inputs. The density exceeds 1 for short waits, so the loss may be negative; a clamp "
            "at 0 would take the gradient away from the best predictions."
        ),
        checks={
            "the value": _exponential_value,
            "its gradient": _exponential_gradient,
            "below zero": _exponential_negative,
        },
        wrong={
            "rate for log-rate": "def exponential_nll(input, target):\n    return input * target - input.log()",
            "the likelihood": (
                "def exponential_nll(input, target):\n    return input.exp() * (-input.exp() * target).exp()"
            ),
            "never negative": "def exponential_nll(input, target):\n    return (input.exp() * target - input).relu()",
            "sign": "def exponential_nll(input, target):\n    return input - input.exp() * target",
            "epsilon": (
                "def exponential_nll(input, target):\n    return input.exp() * target - (input.exp() + 1e-6).log()"
            ),
        },
    ),
    "message": Exercise(
        title="From a message to a loss",
        stub="def tanh_loss(error):\n    return ...",
        nudge="What is the integral of tanh, and what is cosh(1000)?",
        sketch="log cosh e = log((exp(e) + exp(-e)) / 2). Take the larger exponential out; a softplus is left.",
        solution=("def tanh_loss(error):\n    return error.abs() + F.softplus(-2 * error.abs()) - math.log(2)"),
        reason=(
            "log(cosh(e)) is right on paper, but cosh overflows at 90 in float32: value inf, gradient NaN. With the "
            "larger exponential taken out, the other one can only vanish. F may be torch.nn.functional or "
            "lossbook.functional."
        ),
        checks={"its gradient": _message_gradient, "its value": _message_value, "an error of 1000": _message_large},
        wrong={
            "textbook": "def tanh_loss(error):\n    return error.cosh().log()",
            "the gradient itself": "def tanh_loss(error):\n    return error.tanh()",
            "constant forgotten": "def tanh_loss(error):\n    return error.abs() + F.softplus(-2 * error.abs())",
            "huber": "def tanh_loss(error):\n    return F.huber_loss(error, torch.zeros_like(error), reduction='none')",
            "clamped": "def tanh_loss(error):\n    return error.clamp(-80, 80).cosh().log()",
        },
    ),
    "ruler": Exercise(
        title="The ruler",
        stub="def know_nothing_loss(target, classes):\n    return ...",
        nudge="Which probabilities does the best such model give, and what is 0 * log 0?",
        sketch="Count the classes, divide by the number of samples, and average -log of the share over the samples.",
        solution=(
            "def know_nothing_loss(target, classes):\n"
            "    share = target.bincount(minlength=classes) / len(target)\n"
            "    return -share[target].log().mean()"
        ),
        reason=(
            "The best constant prediction is the frequency of each class, and its mean loss is their entropy. Averaged "
            "over the samples, a class that never occurs is never looked up, so 0 * log 0 does not arise; log(classes) "
            "is right only when all classes are as frequent."
        ),
        checks={"unequal classes": _ruler_frequent, "classes that never occur": _ruler_missing},
        wrong={
            "uniform": "def know_nothing_loss(target, classes):\n    return torch.tensor(math.log(classes))",
            "0 log 0": (
                "def know_nothing_loss(target, classes):\n"
                "    share = target.bincount(minlength=classes) / len(target)\n"
                "    return -(share * share.log()).sum()"
            ),
            "in bits": (
                "def know_nothing_loss(target, classes):\n"
                "    share = target.bincount(minlength=classes) / len(target)\n"
                "    return -share[target].log2().mean()"
            ),
            "a mean over classes": (
                "def know_nothing_loss(target, classes):\n"
                "    share = target.bincount(minlength=classes) / len(target)\n"
                "    return -share[share > 0].log().mean()"
            ),
        },
    ),
}
