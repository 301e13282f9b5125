"""A perfect model, compared with everybody.

The predictions come as a column, the targets as a row, and torch only warns.
One model is perfect, another says the mean to every sample:

```python
target = torch.arange(samples).float()
perfect, constant = target[:, None], target.mean().expand(samples, 1)
print(F.mse_loss(perfect, target))
print(F.mse_loss(constant, target))
```

What do the two lines print for that many `samples`?
Return the two numbers, without torch.

Nudge: Which pairs of a prediction and a target are compared, and what is the variance of 0, 1, ..., n - 1?

Sketch: Every prediction meets every target. For the constant that gives the variance, (n^2 - 1) / 12; for the perfect
one the mean squared difference of two targets drawn independently, to which each contributes a variance.

Why: The mean of (y_i - y_j)^2 over all pairs is twice the variance, (n^2 - 1) / 6, and the constant scores half of it:
the broadcast loss prefers the model that knows nothing, and training from the perfect one unlearns it.
"""

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 6
TAKES = {"samples": number(2, 1000, 2, 10, whole=True)}
WITHOUT = ["torch"]


def printed(samples):
    return (samples**2 - 1) / 6, (samples**2 - 1) / 12


def exact(samples):
    mean = (samples - 1) / 2
    variance = sum((i - mean) ** 2 for i in range(samples)) / samples
    apart = sum(2 * (samples - d) * d**2 for d in range(samples)) / samples**2
    return apart, variance


def right_every_pair(samples):
    mean = (samples - 1) / 2
    variance = sum((i - mean) ** 2 for i in range(samples)) / samples
    return 2 * variance, variance


def right_square_minus_square(samples):
    square, mean = (samples - 1) * (2 * samples - 1) / 6, (samples - 1) / 2
    return 2 * square - 2 * mean**2, square - mean**2


def wrong_perfect_is_0(samples):
    return 0.0, (samples**2 - 1) / 12


def wrong_both_are_the_variance(samples):
    return (samples**2 - 1) / 12, (samples**2 - 1) / 12


def wrong_corrected_variance(samples):
    return samples * (samples + 1) / 6, samples * (samples + 1) / 12


def wrong_pairs_of_different_samples_only(samples):
    return samples * (samples + 1) / 6, (samples**2 - 1) / 12


def wrong_sums_over_the_targets(samples):
    return samples * (samples**2 - 1) / 6, samples * (samples**2 - 1) / 12
