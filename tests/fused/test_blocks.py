"""Blocks on the CPU: shared among threads, with one wait a call; the same bits, whichever thread is the slow one."""

import os
import subprocess
import sys
import threading

import pytest
import torch
from kernels import FUSED, backward, close, kernel, leaves_of
from subjects import draw

from lossbook import fused
from lossbook.fused import _blocks
from lossbook.fused._triton import INTERPRETED

pytestmark = pytest.mark.skipif(INTERPRETED, reason="the kernels take all")
HERE = torch.ones(())
every_loss = pytest.mark.parametrize("subject", FUSED, ids=str)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.usefixtures("two_threads")
def test_many_small_blocks_are_the_whole(subject, reduction, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 4)
    for case in subject.cases:
        leaves, args = leaves_of(subject, draw(case))
        found = []
        for function in (kernel(subject), subject.function):
            value = function(*args, **case.settings, reduction=reduction)
            found.append([value, *backward(value, leaves)])
        close(*found, 1e-11)


def large(name, size):
    x, t = torch.randn(size, requires_grad=True), torch.rand(size)
    args = (x.view(-1, 64), torch.randint(64, (size // 64,))) if name == "cross_entropy" else (x, t)
    return lambda: torch.autograd.grad(getattr(fused, name)(*args), x)[0]


def in_turn(work, pieces, near):
    for piece in pieces:
        work(piece)


@pytest.mark.parametrize("name", ["mse_loss", "sigmoid_focal_loss", "cross_entropy"])
@pytest.mark.usefixtures("two_threads")
def test_the_same_bits_whoever_is_slow(name, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 1 << 12)
    step = large(name, 1 << 18)
    runs = [step() for _ in range(4)]
    for module in ("_elementwise", "_cross_entropy"):
        monkeypatch.setattr(f"lossbook.fused.{module}.in_parallel", in_turn)
    assert all(torch.equal(run, step()) for run in runs)


@pytest.mark.parametrize("name", ["mse_loss", "binary_cross_entropy_with_logits", "cross_entropy"])
@pytest.mark.usefixtures("two_threads")
def test_what_the_caller_does_itself_does_not_grow_with_the_size(name, monkeypatch):
    """Each of its operations on a large tensor would wait for the slowest thread."""
    tasks = []
    submit = _blocks.ThreadPoolExecutor.submit
    monkeypatch.setattr(_blocks.ThreadPoolExecutor, "submit", lambda *args: tasks.append(args) or submit(*args))
    seen = []
    for size in (1 << 22, 1 << 23):
        step = large(name, size)
        step()
        tasks.clear()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:  # of this thread
            step()
        seen.append((len(tasks), sum(event.name.startswith("aten::") for event in profiler.events())))
    assert seen[0] == seen[1]
    assert seen[0][0] == 2
    assert seen[0][1] <= 100


@pytest.mark.parametrize(
    ("threads", "entries", "block"),
    [(1, 100, 100), (1, 101, 51), (2, 200, 200), (2, 201, 51), (2, 0, 0), (64, 6400, 6400), (64, 6401, 51)],
)
def test_every_thread_has_its_share(threads, entries, block, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 100)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert _blocks.block_for(entries) == block


@pytest.mark.usefixtures("two_threads")
def test_threads_compute_alone_and_nobody_else_notices():
    meet, seen = threading.Barrier(2), {}

    def work(piece):
        meet.wait(timeout=60)  # two at a time
        seen[piece] = threading.get_ident(), torch.get_num_threads(), torch.is_grad_enabled()

    _blocks.in_parallel(work, range(4), HERE)
    assert sorted(seen) == [0, 1, 2, 3]
    assert all(rest == [1, False] for _, *rest in seen.values())
    assert threading.get_ident() not in {thread for thread, *_ in seen.values()}
    assert torch.get_num_threads() == 2
    assert torch.is_grad_enabled()
    inherited = []
    later = threading.Thread(target=lambda: inherited.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert inherited == [2]


@pytest.mark.usefixtures("one_thread")
def test_one_thread_is_the_caller():
    seen = []
    _blocks.in_parallel(lambda piece: seen.append((piece, threading.get_ident())), range(3), HERE)
    assert seen == [(piece, threading.get_ident()) for piece in range(3)]


@pytest.mark.usefixtures("two_threads")
def test_another_device_is_left_to_the_caller():
    seen = []
    _blocks.in_parallel(lambda piece: seen.append(threading.get_ident()), range(3), torch.ones((), device="meta"))
    assert seen == [threading.get_ident()] * 3


@pytest.mark.usefixtures("two_threads")
def test_an_error_reaches_the_caller():
    def work(piece):
        if piece == 3:
            raise ValueError("the third")

    with pytest.raises(ValueError, match="the third"):
        _blocks.in_parallel(work, range(5), HERE)
    _blocks.in_parallel(lambda piece: None, range(5), HERE)


FORK = """
import os, signal, sys, torch
from lossbook.fused import _blocks
torch.set_num_threads(2)
done = []
_blocks.in_parallel(done.append, range(4), torch.ones(()))
child = os.fork()
if child == 0:
    signal.alarm(60)
    _blocks.in_parallel(done.append, range(4), torch.ones(()))
    os._exit(0 if len(done) == 8 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing to inherit")
def test_the_child_of_a_fork_has_threads_of_its_own():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=120)
