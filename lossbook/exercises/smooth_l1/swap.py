"""One number, two losses.

A config says `beta`, somebody moves it to Huber loss as `delta`, and the training curve changes its scale.
For a single `error` and a positive `beta`:

```python
e = torch.tensor([error], dtype=torch.float64, requires_grad=True)
zero = torch.zeros_like(e)
smooth = F.smooth_l1_loss(e, zero, beta=beta)
huber = F.huber_loss(e, zero, delta=beta)
print(smooth.item(), torch.autograd.grad(smooth, e)[0].item())
print(huber.item(), torch.autograd.grad(huber, e)[0].item())
```

Return the four numbers in this order, without torch.

Nudge: How large is each of the two gradients far out, and how steep is it near 0?

Sketch: Clip error / beta to the interval from -1 to 1: that is one gradient, and the value is a product with it. The
other loss is the same curve on another scale; which number is between them?

Why: Huber is beta times smooth L1, in value and gradient. Smooth L1 keeps the far pull at 1 and has a curvature of
1 / beta at the bottom; Huber keeps the curvature at 1 and pulls with beta. At an error of 10 the pair is 9.95 and 0.995
for a beta of 0.1, 7.5 and 37.5 for one of 5, and equal for 1, where everybody tries it.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 6
TAKES = {"error": number(-20, 20, 10.0), "beta": number(0.05, 20, 0.1, 1.0, 5.0)}
WITHOUT = ["torch"]
AT = {
    "an exact hit": {"error": 0.0},
    "at the seam": {"error": -2.0, "beta": 2.0},
    "between 1 and beta": {"error": 3.0, "beta": 5.0},
    "between beta and 1": {"error": 0.5, "beta": 0.1},
}


def printed(error, beta):
    slope = max(-1.0, min(1.0, error / beta))
    smooth = slope * (error - 0.5 * beta * slope)
    return smooth, slope, beta * smooth, beta * slope


def exact(error, beta):
    size, sign = abs(error), (error > 0) - (error < 0)
    if size < beta:
        return error**2 / (2 * beta), error / beta, error**2 / 2, error
    return size - beta / 2, float(sign), beta * (size - beta / 2), beta * sign


def right_huber_first(error, beta):
    clipped = min(max(error, -beta), beta)
    huber = clipped * (error - 0.5 * clipped)
    return huber / beta, clipped / beta, huber, clipped


def right_as_a_list(error, beta):
    near = abs(error) <= beta
    smooth = 0.5 * error**2 / beta if near else abs(error) - 0.5 * beta
    slope = error / beta if near else error / abs(error)
    return [smooth, slope, smooth * beta, slope * beta]


def wrong_one_and_the_same(error, beta):
    slope = max(-1.0, min(1.0, error / beta))
    smooth = slope * (error - 0.5 * beta * slope)
    return smooth, slope, smooth, slope


def wrong_slope_is_the_same(error, beta):
    slope = max(-1.0, min(1.0, error / beta))
    smooth = slope * (error - 0.5 * beta * slope)
    return smooth, slope, beta * smooth, slope


def wrong_divided_by_beta(error, beta):
    slope = max(-1.0, min(1.0, error / beta))
    smooth = slope * (error - 0.5 * beta * slope)
    return smooth, slope, smooth / beta, slope / beta


def wrong_beta_1(error, beta):
    slope = max(-1.0, min(1.0, error))
    value = slope * (error - 0.5 * slope)
    return value, slope, value, slope


def wrong_corner_at_1(error, beta):
    if abs(error) < 1:
        return error**2 / (2 * beta), error / beta, error**2 / 2, error
    return abs(error) - beta / 2, error / abs(error), beta * (abs(error) - beta / 2), beta * error / abs(error)
