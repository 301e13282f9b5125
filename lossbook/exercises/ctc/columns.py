"""The narrowest strip.

A network reads a strip of columns with a stride: `stride` columns make one frame, and a rest at the end makes one more.
What is the smallest number of columns for which CTC has a path that spells `target`, a list of at least one label?
Return the number, without torch.

Nudge: How many frames does "11" need, and how many does "12"?

Sketch: One frame for each label, and one for a blank between each two equal neighbours. Of the last frame, one column
is enough.

Why: Equal neighbours would be merged without the blank, so labels that repeat cost a frame more. A rest makes a frame,
so n frames are there from stride * (n - 1) + 1 columns on.
"""

from itertools import groupby, pairwise

import torch

from .._cases import Case

KIND = "predict"
LEVEL = 1
MINUTES = 5
WITHOUT = ["torch"]


def cases():
    for labels, stride in ((1, 1), (1, 4), (2, 1), (3, 3), (5, 1), (5, 2), (8, 4), (12, 2), (20, 3), (30, 8)):
        for choices in (1, 2, 40):
            target = torch.randint(1, 1 + choices, (labels,)).tolist()
            yield Case("value", [target, stride], ["target", "stride"])


def fewest_columns(target, stride):
    frames = len(target) + sum(a == b for a, b in pairwise(target))
    return stride * (frames - 1) + 1


def exact(target, stride):
    frames = 0
    before = None
    for label in target:
        frames += 2 if label == before else 1
        before = label
    return torch.tensor(float(stride * frames - stride + 1), dtype=torch.double)


def right_runs(target, stride):
    runs = [len(list(run)) for _, run in groupby(target)]
    return sum(2 * run - 1 for run in runs) * stride - (stride - 1)


def right_one_column_after_another(target, stride):
    columns, frames = 0, 1
    for k in range(1, len(target)):
        frames += 1 + (target[k] == target[k - 1])
    while -(-columns // stride) < frames:
        columns += 1
    return columns


def wrong_labels_only(target, stride):
    return stride * (len(target) - 1) + 1


def wrong_blank_between_all(target, stride):
    return stride * (2 * len(target) - 2) + 1


def wrong_repeats_anywhere(target, stride):
    return stride * (2 * len(target) - len(set(target)) - 1) + 1


def wrong_whole_frames(target, stride):
    return stride * (len(target) + sum(a == b for a, b in pairwise(target)))


def wrong_frames_for_columns(target, stride):
    return len(target) + sum(a == b for a, b in pairwise(target))


def wrong_blanks_around(target, stride):
    return stride * (len(target) + 2 + sum(a == b for a, b in pairwise(target))) - stride + 1
