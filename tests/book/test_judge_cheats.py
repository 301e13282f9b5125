"""Rules that are broken, and answers that cheat: what they find, and what they leave."""

import inspect
import linecache
import math
import os
import sys
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from verdicts import linux, right, verdict

import lossbook
from lossbook.exercises import _judge as the_judge, exercise, help_for
from lossbook.exercises._isolation import in_a_thread, results
from lossbook.exercises._judge import judge

# --- rules -----------------------------------------------------------------------------------------------------------


def huber(error, delta):
    return F.huber_loss(error, torch.zeros_like(error), delta=delta, reduction="sum")


def by_grad(error, delta):
    with torch.enable_grad():
        leaf = error.detach().requires_grad_()
        return torch.autograd.grad(huber(leaf, delta), leaf)[0]


def by_backward(error, delta):
    with torch.enable_grad():
        leaf = error.detach().requires_grad_()
        huber(leaf, delta).backward()
        return leaf.grad


def by_forward_mode(error, delta):
    return torch.func.jvp(
        lambda e: F.huber_loss(e, 0 * e, delta=delta, reduction="none"), (error,), (torch.ones_like(error),)
    )[1]


def by_inference_mode(error, delta):
    with torch.inference_mode(False):
        return by_grad(error, delta)


def by_the_engine(error, delta):
    with torch.enable_grad():
        leaf = error.detach().requires_grad_()
        total = huber(leaf, delta)
        engine = torch.autograd.Variable._execution_engine
        return engine.run_backward(
            (total,), (None,), False, False, (leaf,), allow_unreachable=True, accumulate_grad=False
        )[0]


def by_its_node(error, delta):
    with torch.enable_grad():
        leaf = error.detach().requires_grad_()
        return F.huber_loss(leaf, 0 * leaf, delta=delta, reduction="none").grad_fn(torch.ones_like(leaf))[0]


def by_a_caught_refusal(error, delta):
    try:
        return by_grad(error, delta)
    except BaseException:
        return error.clamp(-delta, delta)


AUTOGRAD = [
    by_grad,
    by_backward,
    by_forward_mode,
    by_inference_mode,
    by_the_engine,
    by_its_node,
    by_a_caught_refusal,
    lambda error, delta: torch.func.grad(huber)(error, delta),
    lambda error, delta: torch.func.vjp(lambda e: huber(e, delta), error)[1](torch.ones((), dtype=error.dtype))[0],
    lambda error, delta: torch.func.jacrev(lambda e: huber(e, delta))(error),
    lambda error, delta: torch.autograd.functional.jacobian(lambda e: huber(e, delta), error),
    lambda error, delta: torch.ops.aten.huber_loss_backward(torch.ones_like(error), error, 0 * error, 0, delta),
]


@pytest.mark.parametrize("answer", AUTOGRAD)
@pytest.mark.parametrize("place", [results, in_a_thread])
def test_autograd_is_forbidden_where_the_statement_says_so(answer, place):
    said = verdict("huber.gradient", answer, place=place)
    assert said == "WRONG  rules: it uses autograd, which the statement forbids"


lossbook.Softmax(dim=0)  # the first module of a process imports torch's compiler, which takes a second or two
FORBIDDEN = {
    "softmax.stable": [
        lambda x, dim: torch.softmax(x, dim),
        lambda x, dim: x.softmax(dim),
        lambda x, dim: torch.nn.Softmax(dim)(x),
        lambda x, dim: torch.special.softmax(x, dim),
        lambda x, dim: lossbook.functional.softmax(x, dim=dim),
        lambda x, dim: lossbook.Softmax(dim=dim)(x),
        lambda x, dim: F.softmin(-x, dim),
        lambda x, dim: vars(torch)["softmax"](x, dim),
    ],
    "log_softmax.stable": [
        lambda x, dim: torch.log_softmax(x, dim),
        lambda x, dim: torch.nn.LogSoftmax(dim)(x),
        lambda x, dim: lossbook.functional.log_softmax(x, dim=dim),
    ],
    "logits_and_overflow.log_sum_exp": [
        lambda input, dim: torch.logsumexp(input, dim),
        lambda input, dim: torch.special.logsumexp(input, dim),
    ],
    "logsigmoid.stable": [
        lambda x: F.logsigmoid(x),
        lambda x: -F.softplus(-x),
        lambda x: -F.binary_cross_entropy_with_logits(x, torch.ones_like(x), reduction="none"),
        lambda x: lossbook.functional.logsigmoid(x),
    ],
    "tanh.stable": [torch.tanh, lambda x: x.tanh(), lambda x: torch.nn.Tanh()(x), lambda x: x.clone().tanh_()],
    "nll.pick": [
        lambda log_q, target: F.nll_loss(log_q, target, reduction="none"),
        lambda log_q, target: torch.nn.NLLLoss(reduction="none")(log_q, target),
    ],
    "poisson_nll.exposure": [
        lambda input, target, exposure: lossbook.functional.poisson_nll_loss(
            input + exposure.log(), target, reduction="none"
        ),
        lambda input, target, exposure: torch.where(
            exposure > 0, exposure * input.exp() - target * (input + exposure.log()), 0.0
        ),
    ],
    "reductions_weights_masks.masked": [
        lambda input, target, mask: lossbook.functional.mse_loss(input, target, sample_weight=mask),
        lambda input, target, mask: lossbook.MSELoss()(input, target, sample_weight=mask),
    ],
}


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, answers in FORBIDDEN.items() for a in answers])
def test_what_the_statement_forbids_is_refused_however_it_is_spelled(name, answer):
    assert "which the statement forbids" in verdict(name, answer)


# --- cheats ----------------------------------------------------------------------------------------------------------


def runs_the_solution(error, delta):
    scope = {}
    exec(exercise("huber.gradient").solution, scope)
    return scope["huber_gradient"](error, delta)


def imports_the_solution(error, delta):
    from lossbook.exercises.huber.gradient import huber_gradient

    return huber_gradient(error, delta)


def reloads_it(error, delta):
    import importlib

    return importlib.reload(importlib.import_module("lossbook.exercises.huber.gradient")).exact(error, delta)


def reads_the_file(error, delta):
    scope = {}
    file = os.path.join(os.path.dirname(the_judge.__file__), "huber", "gradient.py")
    with open(file) as source:
        exec(source.read().split("def exact")[0].split('WITHOUT = ["autograd"]')[1], scope)
    return scope["huber_gradient"](error, delta)


def reads_it_elsewhere(error, delta):
    return reads_the_file(error, delta) if os.system("true") == 0 else None


def asks_for_help(error, delta):
    scope = {}
    exec(
        "def huber_gradient" + help_for("huber.gradient").text.split("def huber_gradient")[1].split("\n\nWhy")[0], scope
    )
    return scope["huber_gradient"](error, delta)


def looks_at_objects(error, delta):
    import gc

    (found,) = [o for o in gc.get_objects() if getattr(o, "__name__", "") == "huber_gradient"][:1]
    return found(error, delta)


def looks_at_frames(error, delta):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            solved = getattr(value, "solved", None) or getattr(getattr(value, "task", None), "solved", None)
            if callable(solved):
                return solved(error, delta)
            for known in getattr(getattr(value, "reference", None), "known", {}).values():
                return known.values[0]
        frame = frame.f_back
    raise LookupError("nothing there")


def looks_at_the_cache(error, delta):
    scope = {}
    (lines,) = [entry[2] for file, entry in linecache.cache.items() if file.endswith("huber/gradient.py")]
    exec("".join(lines).split("def exact")[0].split('WITHOUT = ["autograd"]')[1], scope)
    return scope["huber_gradient"](error, delta)


def replaces_the_comparison(error, delta):
    import lossbook.exercises._compare as compare

    compare.difference = the_judge.difference = lambda found, wanted: None
    the_judge.Trial.first_failure = lambda self, label: None
    return error


def patches_tensors(error, delta):
    torch.Tensor.item = torch.Tensor.__bool__ = lambda self: True
    torch.equal = torch.allclose = lambda *args: True
    return error


class Chameleon:
    """Says that it is a tensor."""

    __class__ = torch.Tensor
    shape, dtype, requires_grad = torch.Size([]), torch.float64, False

    def __getattr__(self, name):
        return lambda *args, **settings: self


def writes_what_it_likes(error, delta):
    for number in range(3, 64):
        try:
            os.write(number, b'{"done": true}\n')
        except OSError:
            continue
    return error


def floods_the_pipe(error, delta):
    for number in range(3, 64):
        try:
            os.write(number, 500 * b'{"value": {"said": "x"}}\n')
        except OSError:
            continue
    os._exit(0)


def passes_for_done(error, delta):
    for number in range(3, 64):
        try:
            os.write(number, 60 * b'{"forged": 1}\n' + b'{"done": true}\n')
        except OSError:
            continue
    os._exit(0)


def closes_the_pipe_and_stays(error, delta):
    os.closerange(3, 4096)
    while True:
        pass


def sends_no_numbers(error, delta):
    for number in range(3, 64):
        try:
            os.write(number, b'{"value": {"dtype": "float64", "shape": [2], "data": [1]}}\n')
        except OSError:
            continue
    return error


CHEATS = [
    floods_the_pipe,
    passes_for_done,
    closes_the_pipe_and_stays,
    sends_no_numbers,
    runs_the_solution,
    imports_the_solution,
    reloads_it,
    reads_the_file,
    reads_it_elsewhere,
    asks_for_help,
    looks_at_objects,
    looks_at_frames,
    looks_at_the_cache,
    replaces_the_comparison,
    patches_tensors,
    writes_what_it_likes,
    lambda error, delta: Chameleon(),
    lambda error, delta: the_judge.exercise("huber.gradient").solved(error, delta),
]


@linux
@pytest.mark.parametrize("answer", CHEATS)
def test_a_cheat_finds_nothing_and_leaves_nothing(answer):
    inspect.getsource(exercise("huber.gradient").solved)  # what a reader has looked at before
    assert judge(exercise("huber.gradient"), answer).status == "wrong"
    assert verdict("huber.gradient", right) == "right"
    assert verdict("huber.gradient", lambda error, delta: error) != "right"


def test_an_answer_in_place_does_not_disarm_the_judge():
    def slope(x):
        x.clamp_(-100, 100)
        return torch.sigmoid(x) * torch.sigmoid(-x)

    assert "it changes its argument x" in verdict("sigmoid.slope", slope)
    assert verdict("sigmoid.stable", lambda x: 1 / (1 + torch.exp(-x))) != "right"


# --- what trains -----------------------------------------------------------------------------------------------------


def by_the_rest_of_the_storage(inputs, target, new_inputs):
    return target.as_strided((200,), (1,), 100)


def by_a_message_of_its_own(inputs, target, new_inputs):
    frame = sys._getframe()
    while frame is not None:
        here = frame.f_locals
        if "token" in here and "writing" in here:
            os.write(here["writing"], here["token"] + b'{"done": true}\n')
            os._exit(0)
        frame = frame.f_back
    return target.mean().expand(len(new_inputs))


def by_hidden_truth(inputs, target, new_inputs):
    frame = sys._getframe()
    while frame is not None:
        for case in frame.f_locals.get("cases", ()):
            if case.hidden:
                return case.hidden["truth"]
        frame = frame.f_back
    return target.mean().expand(len(new_inputs))


@linux
@pytest.mark.parametrize("answer", [by_the_rest_of_the_storage, by_a_message_of_its_own, by_hidden_truth])
def test_what_was_held_out_is_not_found(answer):
    assert "WRONG" in verdict("mse.constant", answer, shrink=False)


@linux
def test_whoever_trains_may_seed():
    solved = exercise("mse.constant").solved

    def seeds_first(inputs, target, new_inputs):
        torch.manual_seed(0)
        return solved(inputs, target, new_inputs)

    assert verdict("mse.constant", seeds_first) == "right"


@linux
def test_another_thread_is_refused_where_rules_are_watched():
    def elsewhere(classes):
        found = []
        worker = threading.Thread(target=lambda: found.append(torch.tensor(1 + (classes - 1) / math.e).log().item()))
        worker.start()
        worker.join()
        return found[0]

    assert "it uses another thread" in verdict("cross_entropy.floor", elsewhere)


@pytest.mark.parametrize("kind", [np.float64, float])
def test_a_prediction_is_any_number(kind):
    assert verdict("cross_entropy.floor", lambda classes: kind(math.log(1 + (classes - 1) / math.e))) == "right"
    said = verdict("cross_entropy.floor", lambda classes: [str(classes)])
    assert "expected a number" in said


@linux
@pytest.mark.parametrize("way", ["/proc/self/root{}", "{}"])
def test_the_files_of_the_exercises_are_not_read_by_any_way(way):
    path = way.format(exercise("mse.constant").module.__file__)

    def reads(inputs, target, new_inputs):
        with open(path) as file:
            return torch.tensor(len(file.read()))

    assert "it reads the exercises" in verdict("mse.constant", reads, shrink=False)
