"""A mean that forgets how to count.

Every sample of an epoch has the same loss, and somebody adds them up in half precision:

```python
each = 2.0**power
for dtype in (torch.float16, torch.bfloat16):
    total = torch.zeros((), dtype=dtype)
    for _ in range(samples):
        total += each
    print(total.item() / samples)
```

What do the two lines print, for a `power` between -2 and 2?
Return both numbers, without torch.

Nudge: float16 keeps 11 binary digits. Which whole number is the first that it cannot tell from the next?

Sketch: Adding stops to have an effect at 2048 times the summand in float16, and at 256 times in bfloat16, which keeps 8
digits. Up to there the sum is exact.

Why: At 2048 the next float16 is 2050, and 2049 is rounded back to even, so 2048 it stays: the mean of 100 000 losses of
1 prints as 0.02, and in bfloat16 as 0.0026. Nothing overflows and nothing is NaN; it looks like a loss that falls the
longer the epoch is. Add up in float32, or in numbers of Python with item().
"""

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 6
TAKES = {
    "samples": number(10, 200_000, 256, 2048, 100_000, whole=True),
    "power": number(-2, 2, evenly=True, whole=True),
}
WITHOUT = ["torch"]


def printed(samples, power):
    return tuple(2**power * min(samples, most) / samples for most in (2048, 256))


def exact(samples, power):
    total, means = 2.0**power, []
    for digits in (11, 8):
        count = samples if samples < 2**digits else 2**digits
        means.append(total * count / samples)
    return tuple(means)


def right_two_cases(samples, power):
    each = 2.0**power
    half = each if samples <= 2048 else 2048 * each / samples
    brain = each if samples <= 256 else 256 * each / samples
    return half, brain


def right_shares(samples, power):
    each = 2.0**power
    return each * min(1, 2048 / samples), each * min(1, 256 / samples)


def wrong_the_mean(samples, power):
    return 2.0**power, 2.0**power


def wrong_one_digit_less(samples, power):
    return tuple(2**power * min(samples, most) / samples for most in (1024, 128))


def wrong_as_in_float16(samples, power):
    return (2**power * min(samples, 2048) / samples,) * 2


def wrong_stops_at_the_same_total(samples, power):
    return tuple(min(2**power * samples, most) / samples for most in (2048, 256))


def wrong_largest_number(samples, power):
    return min(2.0**power * samples, 65504.0) / samples, 2.0**power
