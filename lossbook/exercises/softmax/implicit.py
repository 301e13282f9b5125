"""A softmax without a dimension.

Somebody leaves `dim` out, and the scores have three axes:

```python
p = F.softmax(torch.zeros(sentences, words, classes))
print(p[0, 0].sum(), p[0, :, 0].sum(), p[:, 0, 0].sum())
```

torch warns that the implicit choice of a dimension has been deprecated, and prints three numbers.
Which ones, for that many `sentences`, `words` and `classes`?
Return the three, without torch.

Nudge: All scores are equal, so all probabilities are. Along which of the three axes do they add up to 1?

Sketch: With one or three axes torch takes the first, with two or four the second. Each entry is then one over the
number of sentences; count how many of them each sum has.

Why: What was right for a batch of rows, where dim 1 is meant and taken, becomes a softmax over the batch once there are
words: a sentence's numbers depend on which others came with it. The entries of a word add up to classes / sentences,
which is 1 where the two happen to be equal, so no test with a square example sees it.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {
    "sentences": number(2, 500, 32, whole=True),
    "words": number(2, 500, whole=True),
    "classes": number(2, 500, 10, whole=True),
}
WITHOUT = ["torch"]


def printed(sentences, words, classes):
    return classes / sentences, words / sentences, 1.0


def exact(sentences, words, classes):
    return classes / sentences, words / sentences, sentences / sentences


def right_entry_by_entry(sentences, words, classes):
    entry = 1 / sentences
    return classes * entry, words * entry, sentences * entry


def right_a_list(sentences, words, classes):
    return [axis / sentences for axis in (classes, words, sentences)]


def wrong_over_the_classes(sentences, words, classes):
    return 1.0, words / classes, sentences / classes


def wrong_over_the_words(sentences, words, classes):
    return classes / words, 1.0, sentences / words


def wrong_over_everything(sentences, words, classes):
    total = sentences * words * classes
    return classes / total, words / total, sentences / total


def wrong_all_ones(sentences, words, classes):
    return 1.0, 1.0, 1.0


def wrong_upside_down(sentences, words, classes):
    return sentences / classes, sentences / words, 1.0
