"""The bytes of a vocabulary.

A batch has `texts` texts of `tokens` tokens each; the last layer gets `features` numbers for each token and gives a
logit for each of `classes` words, all in float32.
How many bytes do the logits of the batch take?
And how many tokens can a chunk have at most, if its logits are to take no more memory than the features of the whole
batch do?
A chunk has at least one token, and may be larger than the batch.
Return the two numbers, without torch.

Nudge: How many logits has one token, and how many tokens has the batch?

Sketch: A logit is 4 bytes. For the second, set chunk * classes equal to what the features of all tokens are, and round
down.

Why: The logits grow with tokens times words and the features with tokens times features, so one text of 8192 tokens
over 128256 words is 4.2 GB of logits beside 0.13 GB of features of size 4096, and a chunk as large as the features has
261 tokens. torch and lossbook choose their chunks on a CPU from this ratio.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {
    "texts": number(1, 64, 1, whole=True),
    "tokens": number(1, 8192, 8192, whole=True),
    "features": number(8, 8192, 4096, whole=True),
    "classes": number(2, 300_000, 128_256, whole=True),
}
WITHOUT = ["torch"]
AT = {"features too few for a token": {"texts": 2, "tokens": 16, "features": 8, "classes": 128_256}}


def memory(texts, tokens, features, classes):
    rows = texts * tokens
    return 4 * rows * classes, max(1, rows * features // classes)


def exact(texts, tokens, features, classes):
    return texts * tokens * classes * 4, max(texts * tokens * features // classes, 1)


def right_bytes_over_bytes(texts, tokens, features, classes):
    logit_bytes, feature_bytes = classes * 4, features * 4
    rows = tokens * texts
    return rows * logit_bytes, max(rows * feature_bytes // logit_bytes, 1)


def right_remainder_taken_off(texts, tokens, features, classes):
    numbers = texts * tokens * features
    whole = (numbers - numbers % classes) / classes
    return texts * tokens * classes * 32 / 8, 1 if whole == 0 else whole


def wrong_one_text(texts, tokens, features, classes):
    return 4 * tokens * classes, max(1, tokens * features // classes)


def wrong_numbers_for_bytes(texts, tokens, features, classes):
    return texts * tokens * classes, max(1, texts * tokens * features // classes)


def wrong_two_bytes_each(texts, tokens, features, classes):
    return 2 * texts * tokens * classes, max(1, texts * tokens * features // classes)


def wrong_rounded_up(texts, tokens, features, classes):
    return 4 * texts * tokens * classes, -(-texts * tokens * features // classes)


def wrong_no_token_at_all(texts, tokens, features, classes):
    return 4 * texts * tokens * classes, texts * tokens * features // classes


def wrong_the_features_of_a_token(texts, tokens, features, classes):
    return 4 * texts * tokens * classes, max(1, features // classes)


def wrong_ratio_upside_down(texts, tokens, features, classes):
    return 4 * texts * tokens * classes, max(1, texts * tokens * classes // features)
