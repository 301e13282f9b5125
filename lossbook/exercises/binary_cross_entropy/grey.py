"""What a copy of an image costs.

An autoencoder copies images of black pixels, 0, and grey ones, between 0 and 1.
Its first copy is perfect; in the second each pixel is rounded to black or white.

```python
pixels = torch.tensor(60 * [0.0] + 40 * [0.3])
print(F.binary_cross_entropy(pixels, pixels))
print(F.binary_cross_entropy(pixels.round(), pixels))
```

What do the two lines print for so many `black` pixels, so many `grey` ones, and their `level`?
Return both numbers, without torch.

Nudge: What does a pixel of 0.3 cost if the copy says 0.3, and what if the copy says 0?

Sketch: Black pixels cost nothing. A grey one that is copied perfectly costs its entropy; a rounded one costs the share
that the copy rules out, times what torch charges for the logarithm of 0.

Why: The perfect copy costs the entropy of its pixels, here 0.4 times 0.611, and no training goes below that: 0.244 is
0 in disguise. The rounded copy gives probability 0 to something of which there is a share, which is infinite on paper
and 100 in torch, so it costs 0.4 times 0.3 times 100, which is 12.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 6
TAKES = {
    "black": number(1, 1000, 60, whole=True),
    "grey": number(1, 1000, 40, whole=True),
    "level": number(0.02, 0.98, 0.3, evenly=True),
}
WITHOUT = ["torch"]


def printed(black, grey, level):
    share = grey / (black + grey)
    entropy = -level * math.log(level) - (1 - level) * math.log(1 - level)
    ruled_out = min(level, 1 - level)
    return share * entropy, share * 100 * ruled_out


def exact(black, grey, level):
    pixels = black + grey
    yes, no = level * math.log(1 / level), (1 - level) * math.log(1 / (1 - level))
    return grey * (yes + no) / pixels, grey * 100 * (level if level <= 0.5 else 1 - level) / pixels


def right_branches(black, grey, level):
    no = 1 - level
    perfect = grey * (level * -math.log(level) + no * -math.log(no))
    rounded = grey * (100 * no if level > 0.5 else 100 * level)
    return perfect / (black + grey), rounded / (black + grey)


def right_every_pixel(black, grey, level):
    def cost(p, t):
        def log(x):
            return max(math.log(x), -100.0) if x else -100.0

        return -t * log(p) - (1 - t) * log(1 - p)

    total = black + grey
    perfect = (black * cost(0.0, 0.0) + grey * cost(level, level)) / total
    return perfect, (black * cost(0.0, 0.0) + grey * cost(float(round(level)), level)) / total


def wrong_perfect_costs_nothing(black, grey, level):
    return 0.0, printed(black, grey, level)[1]


def wrong_infinite(black, grey, level):
    return printed(black, grey, level)[0], math.inf


def wrong_black_pixels_not_counted(black, grey, level):
    share = grey / (black + grey)
    return tuple(each / share for each in printed(black, grey, level))


def wrong_the_yes_part_only(black, grey, level):
    share = grey / (black + grey)
    return -share * level * math.log(level), share * 100 * level


def wrong_always_rounded_down(black, grey, level):
    return printed(black, grey, level)[0], 100 * level * grey / (black + grey)


def wrong_as_scikit_learn(black, grey, level):
    perfect, rounded = printed(black, grey, level)
    return perfect, rounded * 0.360437


def wrong_a_coin_for_each_grey_pixel(black, grey, level):
    return grey / (black + grey) * math.log(2), printed(black, grey, level)[1]
