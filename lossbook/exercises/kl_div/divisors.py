"""Three divisors.

A language model is uniform where the words are certain:

```python
log_q = torch.zeros(sentences, words, classes, dtype=torch.float64).log_softmax(dim=2)
p = F.one_hot(torch.zeros(sentences, words, dtype=torch.int64), classes).double()
for reduction in ("mean", "batchmean", "sum"):
    print(F.kl_div(log_q, p, reduction=reduction))
```

What are the three numbers?
Return them, without torch.

Nudge: What is the divergence of one word? By which of the three sizes does each reduction divide the sum of them all?

Sketch: A sure target against a uniform model costs the logarithm of the number of classes. "mean" divides by every
entry of the tensor, "batchmean" by the first size.

Why: None of the three is the divergence of a word, log(classes). "mean" divides by the classes as well, and torch has
warned since 2018 that it will change; "batchmean" leaves the words in, so a loss that was right for rows grows with the
length of a text. For 8 sentences of 50 words and 1000 classes: 0.0069, 345, 2763, where a word costs 6.9.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {
    "sentences": number(2, 200, 8, whole=True),
    "words": number(2, 200, 50, whole=True),
    "classes": number(2, 1000, 1000, whole=True),
}
WITHOUT = ["torch"]


def printed(sentences, words, classes):
    word = math.log(classes)
    return word / classes, words * word, sentences * words * word


def exact(sentences, words, classes):
    total = sentences * words * math.log(classes)
    return total / (sentences * words * classes), total / sentences, total


def right_per_word(sentences, words, classes):
    word = -math.log(1 / classes)
    return word / classes, word * words, word * words * sentences


def right_as_a_list(sentences, words, classes):
    total = math.log(classes) * sentences * words
    return [total / divisor for divisor in (sentences * words * classes, sentences, 1)]


def wrong_mean_of_words(sentences, words, classes):
    word = math.log(classes)
    return word, words * word, sentences * words * word


def wrong_batchmean_of_words(sentences, words, classes):
    word = math.log(classes)
    return word / classes, word, sentences * words * word


def wrong_every_class_counts(sentences, words, classes):
    word = classes * math.log(classes)
    return word / classes, words * word, sentences * words * word


def wrong_the_sum_of_a_sentence(sentences, words, classes):
    word = math.log(classes)
    return word / classes, words * word, words * word


def wrong_divided_by_words(sentences, words, classes):
    word = math.log(classes)
    return word / classes, sentences * word, sentences * words * word


def wrong_negative(sentences, words, classes):
    word = -math.log(classes)
    return word / classes, words * word, sentences * words * word
