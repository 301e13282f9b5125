"""How many will come.

`target` says how many animals a camera saw, one number for each row of `inputs`.
The columns of `inputs` are the hours that the camera ran, its place (0, 1 or 2), and the temperature, standardised.
Return the number that has to be expected for each row of `new_inputs`, shape `(rows,)`.
It may be off by 15 % on average from the mean of the distribution that the counts come from.

Nudge: What do twice the hours do to the expected number, and what does place 2 have to do with place 1?

Sketch: A likelihood of counts, with a linear model of the logarithm of the rate per hour: the hours come in as a factor
that needs no weight, the place as three columns of 0 and 1.

Why: The counts scatter more than a Poisson distribution allows, and its likelihood is right about the mean all the
same. Left to a weight, the hours enter as exp(w * hours), which is off where cameras ran long. The place is a name: as
a number it forces place 1 to lie between the others. And whoever trains on log(count + 1) predicts too few, because the
mean of a logarithm is below the logarithm of the mean.
"""

import torch
import torch.nn.functional as F

from .._cases import Case

KIND = "project"
SECONDS = 10.0
LEVEL = 3
MINUTES = 40


def cases():
    for _ in range(2):
        hours, place, warm = 0.5 * 16 ** torch.rand(3400), torch.randint(3, (3400,)), torch.randn(3400)
        expected = hours * (torch.tensor([0.0, 1.5, -0.8])[place] + 0.6 * warm - 1.2).exp()
        scatter = torch.distributions.Gamma(4.0, 4.0).sample((3400,))
        inputs, target = torch.stack([hours, place, warm], 1), torch.poisson(expected * scatter)
        yield Case(
            "cameras that were held out",
            [inputs[:3000], target[:3000], inputs[3000:]],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": expected[3000:]},
        )


def expected_counts(inputs, target, new_inputs):
    def features(rows):
        return torch.cat([F.one_hot(rows[:, 1].long(), 3), rows[:, 2:]], 1)

    weights = torch.zeros(4, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        log_mean = features(inputs) @ weights + inputs[:, 0].log()
        loss = F.poisson_nll_loss(log_mean, target)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        return new_inputs[:, 0] * (features(new_inputs) @ weights).exp()


def check_expected(came, inputs, target, new_inputs, *, truth):
    off = ((came - truth).abs() / truth).mean().item()
    assert off < 0.15, f"the expected numbers are off by {100 * off:.3g} % on average; asked for is less than 15 %"


def _columns(rows):
    return torch.cat([F.one_hot(rows[:, 1].long(), 3), rows[:, 2:], rows[:, :1].log()], 1)


def _fitted(loss, columns, inputs, target, new_inputs):
    weights = torch.zeros(columns(inputs).shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = loss(columns(inputs) @ weights, target)
        value.backward()
        return value

    optimiser.step(closure)
    with torch.no_grad():
        return columns(new_inputs) @ weights


def right_a_weight_for_the_logarithm_of_the_hours(inputs, target, new_inputs):
    return _fitted(F.poisson_nll_loss, _columns, inputs, target, new_inputs).exp()


def right_by_place_and_newton(inputs, target, new_inputs):
    x = torch.cat([F.one_hot(inputs[:, 1].long(), 3), inputs[:, 2:]], 1)
    weights = torch.zeros(4)
    for _ in range(12):
        mean = inputs[:, 0] * (x @ weights).exp()
        weights = weights + torch.linalg.solve(x.T @ (mean[:, None] * x), x.T @ (target - mean))
    new = torch.cat([F.one_hot(new_inputs[:, 1].long(), 3), new_inputs[:, 2:]], 1)
    return new_inputs[:, 0] * (new @ weights).exp()


def wrong_squares_of_a_linear_model(inputs, target, new_inputs):
    return _fitted(F.mse_loss, _columns, inputs, target, new_inputs)


def wrong_logarithm_of_the_count(inputs, target, new_inputs):
    def loss(output, target):
        return F.mse_loss(output, target.log1p())

    return _fitted(loss, _columns, inputs, target, new_inputs).expm1()


def wrong_place_as_a_number(inputs, target, new_inputs):
    def columns(rows):
        return torch.cat([torch.ones(len(rows), 1), rows[:, 1:], rows[:, :1].log()], 1)

    return _fitted(F.poisson_nll_loss, columns, inputs, target, new_inputs).exp()


def wrong_hours_forgotten(inputs, target, new_inputs):
    def columns(rows):
        return torch.cat([F.one_hot(rows[:, 1].long(), 3), rows[:, 2:]], 1)

    return _fitted(F.poisson_nll_loss, columns, inputs, target, new_inputs).exp()


def wrong_hours_not_their_logarithm(inputs, target, new_inputs):
    def columns(rows):
        return torch.cat([F.one_hot(rows[:, 1].long(), 3), rows[:, 2:], rows[:, :1]], 1)

    return _fitted(F.poisson_nll_loss, columns, inputs, target, new_inputs).exp()


def wrong_the_median(inputs, target, new_inputs):
    def loss(output, target):
        return F.l1_loss(output.exp(), target)

    return _fitted(loss, _columns, inputs, target, new_inputs).exp()


def wrong_mean_for_everybody(inputs, target, new_inputs):
    return target.mean().expand(len(new_inputs)).clone()
