"""Find the bug: a network that ends in softmax.

Somebody hands you `nn.Sequential(..., nn.Linear(64, 10), nn.Softmax(dim=1))` with its weights, and this training loss:

```python
def training_loss(model, inputs, target):
    return F.cross_entropy(model(inputs), target)
```

The module is theirs and has to stay as it is; the loss is yours.
Return the cross entropy that was meant, for any such network, also where it is so sure that it says 0.

Nudge: The logits exist: they are what the last layer is given. How do you run a Sequential up to there?

Sketch: A Sequential can be sliced, and the slice shares its layers with the whole.

Why: The bug is a softmax before a loss that has one. The logarithm of the network's output with nll_loss is right on
paper and infinite as soon as a probability is 0; a small number in it kills the gradient where the network is most
wrong. The slice copies nothing: its weights are the network's own.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import WIDE, Case
from .._exact import largest

KIND = "repair"
LEVEL = 2
MINUTES = 10
GRADIENTS = ["model"]
LABELS = {"value": (1, 2, 3), "a network that is sure": (2,)}


def cases():
    for label, depths in LABELS.items():
        for depth in depths:
            for dtype in WIDE:
                model = _network(depth, 1e4 if label != "value" else 1.0).to(dtype)
                inputs, target = torch.randn(12, 5, dtype=dtype), torch.randint(4, (12,))
                yield Case(label, [model, inputs, target], ["model", "inputs", "target"], dtype)


def _network(depth, scale):
    sizes = [5] * depth + [4]
    *layers, last = (nn.Linear(a, b) for a, b in pairwise(sizes))
    with torch.no_grad():
        last.weight.mul_(scale)
    hidden = (module for layer in layers for module in (layer, nn.Tanh()))
    return nn.Sequential(*hidden, last, nn.Softmax(dim=1))


def size(model, inputs, target):
    return 1 + largest(model[:-1](inputs).detach())


def slope_size(model, inputs, target):
    return largest(*model.parameters())


def training_loss(model, inputs, target):
    logits = model[:-1](inputs)
    return F.cross_entropy(logits, target)


def exact(model, inputs, target):
    for layer in model[:-1]:
        inputs = layer(inputs)
    return F.cross_entropy(inputs, target)


def right_layer_by_layer(model, inputs, target):
    *layers, _ = model
    for layer in layers:
        inputs = layer(inputs)
    return F.nll_loss(F.log_softmax(inputs, dim=1), target)


def right_what_the_softmax_is_given(model, inputs, target):
    logits = nn.Sequential(*list(model.children())[:-1])(inputs)
    return F.cross_entropy(logits, target)


def right_by_hook(model, inputs, target):
    given = []
    hook = model[-1].register_forward_hook(lambda module, args, output: given.append(args[0]))
    model(inputs)
    hook.remove()
    return F.cross_entropy(given[0], target)


def wrong_as_it_was(model, inputs, target):
    return F.cross_entropy(model(inputs), target)


def wrong_nll_of_probabilities(model, inputs, target):
    return F.nll_loss(model(inputs), target)


def wrong_logarithm(model, inputs, target):
    """Refused by: a network that is sure."""
    return F.nll_loss(model(inputs).log(), target)


def wrong_logarithm_and_a_small_number(model, inputs, target):
    return F.nll_loss((model(inputs) + 1e-8).log(), target)


def wrong_log_softmax_on_top(model, inputs, target):
    return F.nll_loss(F.log_softmax(model(inputs), dim=1), target)


def wrong_layer_cut_off_for_good(model, inputs, target):
    """Refused by: nothing changed."""
    del model[-1]
    return F.cross_entropy(model(inputs), target)


def wrong_first_layer_only(model, inputs, target):
    return F.cross_entropy(model[0](inputs), target)


def wrong_without_a_graph(model, inputs, target):
    """Refused by: gradient."""
    with torch.no_grad():
        return F.cross_entropy(model[:-1](inputs), target)


def wrong_evaluated(model, inputs, target):
    """Refused by: nothing changed."""
    model.eval()
    return F.cross_entropy(model[:-1](inputs), target)


def wrong_hook_left_behind(model, inputs, target):
    """Refused by: nothing changed."""
    given = []
    model[-1].register_forward_hook(lambda module, args, output: given.append(args[0]))
    model(inputs)
    return F.cross_entropy(given[0], target)
