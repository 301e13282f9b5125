"""The judge itself: what it says, and what it survives."""

import os
import re
import sys
import threading
import time

import pytest
import torch
from verdicts import linux, right, verdict

from lossbook.exercises import check, exercise
from lossbook.exercises._isolation import in_a_child, in_a_thread
from lossbook.exercises._judge import judge

# --- words -----------------------------------------------------------------------------------------------------------


def forgets_to_return(error, delta):
    error.clamp(-delta, delta)


def prints_it(error, delta):
    print(error.clamp(-delta, delta).sum().item() * 0)


def asserts(error, delta):
    assert delta > 1e9, "delta is too small for me"
    return right(error, delta)


def asserts_in_silence(error, delta):
    assert delta > 1e9
    return right(error, delta)


def raises(error, delta):
    return error.clamp(-delta, delta)[:, None, None, None].no_such_thing


WORDS = {
    forgets_to_return: r"WRONG  value: .*it returned None: is there a `return`\?$",
    prints_it: r"your function printed: -?0\.0$",
    asserts: r"WRONG  value: .*: your own assertion fails: delta is too small for me$",
    asserts_in_silence: r"WRONG  value: .*: your own assertion fails",  # pytest adds what it compared
    raises: r"WRONG  value: .*: AttributeError: 'Tensor' object has no attribute 'no_such_thing'$|IndexError",
    (lambda error: error): r"it cannot be called with error, delta: .*takes 1 positional argument but 2 were given$",
    (lambda error, delta: error.float().clamp(-delta, delta)): r"value: .*: expected float64, got float32$",
    (lambda error, delta: error.clamp(-delta, delta).sum()): r"expected shape \(.*\), got \(\)$",
    (lambda error, delta: (error, delta)): "expected a tensor, got 2 results$",
    (lambda error, delta: delta): r"expected a tensor, got the Python number \d",
    (lambda error, delta: torch.minimum(error.clamp(min=-delta), torch.tensor(delta))): ": as precise as float32 only$",
}


@pytest.mark.parametrize(("answer", "words"), WORDS.items(), ids=lambda each: getattr(each, "__name__", "words"))
def test_what_is_said_of_a_slip(answer, words):
    said = "\n".join(judge(exercise("huber.gradient"), answer).lines)
    assert re.search(words, said, re.MULTILINE), said


def test_a_printed_result_is_told_from_a_returned_one():
    said = judge(exercise("huber.gradient"), prints_it).checks[-1].words
    assert "it printed" in said
    assert "returned None: `return` it instead" in said


def test_a_refusal_shows_the_smallest_case():
    for _ in range(5):
        said = verdict("huber.gradient", lambda error, delta: error)
        error, delta = said.split("error=[")[1].split("]")[0], said.split("delta=")[1].split(":")[0].split(" in ")[0]
        assert "," not in error
        assert len(error.lstrip("-")) <= 4
        assert len(delta) <= 5
        assert f"expected {'-' if error[0] == '-' else ''}{delta}, got {error}" in said


def test_a_row_is_left_of_several(capsys):
    check("cross_entropy.gradient", lambda logits, target: logits.softmax(1) / len(logits))
    *_, said = capsys.readouterr().out.splitlines()
    assert said.startswith("cross_entropy.gradient: WRONG  value: logits=[[")
    assert "], [" not in said


def test_each_check_has_its_line(capsys):
    check("huber.gradient", right)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "huber.gradient: ok     rules"
    assert all(line.startswith("huber.gradient: ok     ") for line in lines)
    assert {"value", "scales", "shapes", "layouts", "dtypes"} <= {line.split("ok     ")[1] for line in lines}


# --- limits ----------------------------------------------------------------------------------------------------------


def loops(error, delta):
    while True:
        pass


def takes_memory(error, delta):
    return torch.ones(2**31, dtype=torch.double)[: len(error)]


def floods(error, delta):
    for _ in range(5_000):
        print("x" * 1000)
    return error


def writes_a_file(error, delta):
    with open("written by an answer", "w") as file:
        file.write("x")
    return right(error, delta)


def raises_something(kind):
    def answer(error, delta):
        raise kind

    return answer


LIMITS = {
    loops: "it took longer than 3 seconds",
    (lambda error, delta: time.sleep(60)): "it took longer than 3 seconds",
    takes_memory: "WRONG  value",
    floods: "WRONG  value",
    writes_a_file: "refused, because it changes files",
    (lambda error, delta: sys.exit(0)): "SystemExit: 0",
    (lambda error, delta: os._exit(0)): "it ended the process",
    (lambda error, delta: os.abort()): r"it crashed the process (SIGABRT)",
    (lambda error, delta: os.kill(os.getppid(), 9)): "it starts or stops a process",
    raises_something(KeyboardInterrupt): "KeyboardInterrupt",
    raises_something(GeneratorExit): "GeneratorExit",
    raises_something(BaseExceptionGroup("several", [KeyboardInterrupt()])): "BaseExceptionGroup",
}


@linux
@pytest.mark.parametrize(("answer", "words"), LIMITS.items())
def test_an_answer_that_does_not_end_well(answer, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = time.monotonic()
    assert words in verdict("huber.gradient", answer)
    assert time.monotonic() - start < 40  # 3 s of computing, or 24 s of a machine that is busy
    assert not list(tmp_path.iterdir()) or not next(tmp_path.iterdir()).stat().st_size


def test_a_loop_is_stopped_in_a_thread_too():
    threads = threading.active_count()
    assert "it took longer than 3 seconds" in verdict("huber.gradient", loops, place=in_a_thread, shrink=False)
    assert threading.active_count() == threads


def test_a_thread_puts_everything_back():
    def careless(error, delta):
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(0)
        torch.equal = lambda *args: True
        return right(error, delta)

    before, equal = torch.get_rng_state(), torch.equal
    assert "it changes" in verdict("huber.gradient", careless, place=in_a_thread, shrink=False)
    assert torch.get_default_dtype() == torch.float32
    assert torch.equal is equal
    assert torch.equal(torch.get_rng_state(), before)


@linux
def test_a_fork_after_threads_and_a_backward_pass():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        x = torch.randn(400, 400, requires_grad=True)
        (x @ x).softmax(1).sum().backward()
        torch.randn(2_000_000).exp().sum()
        task = exercise("cross_entropy.soft")
        assert judge(task, task.solved, place=lambda *args: in_a_child(*args) or []).status == "right"
    finally:
        torch.set_num_threads(threads)


def test_an_answer_out_of_a_notebook_or_a_terminal_is_judged():
    scope = {}
    exec("def mine(error, delta):\n    return error.clamp(-delta, delta)", scope)
    assert verdict("huber.gradient", scope["mine"]) == "right"
    assert verdict("huber.gradient", torch.jit.ignore(right)) == "right"


def test_the_reader_keeps_her_random_numbers():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    verdict("huber.gradient", right)
    assert torch.equal(torch.rand(3), expected)
