"""Three means of the same weights.

All `samples` predictions are off by a half, and only the first `kept` of them are to count:

```python
error = torch.full((samples,), 0.5)
weight = (torch.arange(samples) < kept).float()
for loss in (F.mse_loss, F.l1_loss, F.huber_loss):
    print(loss(error, torch.zeros(samples), weight=weight))
```

What do the three lines print, if `F` is `torch.nn.functional`?
Return the three numbers, without torch.

Nudge: Which of the three divide by the weights, and which by the elements?

Sketch: Squares and absolute errors are means over what is kept. Huber, half the square up to an error of 1, is added up
over what is kept and divided by all.

Why: mse_loss and l1_loss divide by the sum of the weights, so masking leaves 0.25 and 0.5. huber_loss divides by the
number of elements: 0.125 * kept / samples, which is 0.00125 with one sample of a hundred kept. Padding then scales the
gradient, and nobody says so: reduce by hand, or use lossbook's sample_weight, whose divisor is the same for every loss.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {"kept": number(1, 50, whole=True), "samples": number(60, 1000, 100, whole=True)}
WITHOUT = ["torch"]


def printed(kept, samples):
    return 0.5**2, 0.5, 0.5 * 0.5**2 * kept / samples


def exact(kept, samples):
    return 0.25, 0.5, kept / (8 * samples)


def right_sums(kept, samples):
    return kept * 0.25 / kept, kept * 0.5 / kept, kept * 0.125 / samples


def right_share(kept, samples):
    share = kept / samples
    return 1 / 4, 1 / 2, share / 8


def wrong_all_by_the_weights(kept, samples):
    return 0.25, 0.5, 0.125


def wrong_all_by_the_elements(kept, samples):
    share = kept / samples
    return 0.25 * share, 0.5 * share, 0.125 * share


def wrong_huber_without_its_half(kept, samples):
    return 0.25, 0.5, 0.25 * kept / samples


def wrong_huber_as_absolute_error(kept, samples):
    return 0.25, 0.5, 0.5 * kept / samples


def wrong_sums_of_what_is_kept(kept, samples):
    return 0.25 * kept, 0.5 * kept, 0.125 * kept
