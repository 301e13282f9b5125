"""Two medians and one loss.

One input has had the answers 1, 2, ... up to `answers`:

```python
target = torch.arange(1.0, answers + 1)
for best in (target.median(), target.quantile(0.5)):
    print(best, F.l1_loss(best.expand(answers), target))
```

What are the two medians, and what do they cost?
Return four numbers, median and loss for each, without torch.

Nudge: With 4 answers, which of the numbers from 2 to 3 is the middle, and which of them has the smallest loss?

Sketch: torch.median takes the lower of the two in the middle, quantile their average. For the loss, pair the answers
from the outside: the costs of a pair add up to its distance.

Why: median() of an even number of answers is the lower one, n / 2, and quantile(0.5) is (n + 1) / 2. Both cost n / 4,
since L1 is flat between the two; only with an odd number of answers is there one best, which costs (n^2 - 1) / (4 n).
So two models with the same loss may promise different numbers, and neither is wrong.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 6
TAKES = {"answers": number(1, 1000, 2, 3, 4, 5, whole=True)}
WITHOUT = ["torch"]


def printed(answers):
    loss = answers**2 // 4 / answers
    return (answers + 1) // 2, loss, (answers + 1) / 2, loss


def exact(answers):
    numbers = list(range(1, answers + 1))
    lower, middle = numbers[(answers - 1) // 2], sum(numbers) / answers
    costs = [sum(abs(number - best) for number in numbers) / answers for best in (lower, middle)]
    return lower, costs[0], middle, costs[1]


def right_two_cases(answers):
    if answers % 2:
        loss = (answers**2 - 1) / (4 * answers)
        return (answers + 1) / 2, loss, (answers + 1) / 2, loss
    return answers / 2, answers / 4, (answers + 1) / 2, answers / 4


def right_pairs(answers):
    pairs = [answers - 1 - 2 * k for k in range(answers // 2)]
    loss = sum(pairs) / answers
    return answers // 2 + answers % 2, loss, 0.5 + answers / 2, loss


def wrong_one_median(answers):
    loss = answers**2 // 4 / answers
    return (answers + 1) / 2, loss, (answers + 1) / 2, loss


def wrong_the_upper_one(answers):
    loss = answers**2 // 4 / answers
    return answers // 2 + 1, loss, (answers + 1) / 2, loss


def wrong_a_quarter_always(answers):
    return (answers + 1) // 2, answers / 4, (answers + 1) / 2, answers / 4


def wrong_the_lower_one_costs_more(answers):
    loss = answers**2 // 4 / answers
    return (answers + 1) // 2, loss + 1 / answers, (answers + 1) / 2, loss


def wrong_sums(answers):
    loss = answers**2 // 4
    return (answers + 1) // 2, loss, (answers + 1) / 2, loss
