"""A place where an answer can do no harm: a child process with limits, or a thread where there can be no child.

The child is forked, because the answer lives in a notebook that nobody can import. It holds the arguments and the
answer, and neither a solution nor an expected value; it sends results, and the comparison is made outside.
On systems other than Linux, and where autograd does not survive a fork (a GPU whose threads have started), the answer
runs in a thread: with the same checks, with the time limit, and with the state put back afterwards, but a hostile
answer can do there what any code of the notebook can.
"""

import contextlib
import faulthandler
import gc
import io
import json
import linecache
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch

from . import _state
from ._cases import Case
from ._perform import Answer, Performance, describe
from ._plain import Plain, read

Forget = Callable[[], None]
Place = Callable[[Performance, Answer, list[Case], float, Forget], list[Plain]]
MEMORY = 2**30  # bytes that an answer may take beyond what the notebook has
BUSY = (
    "os.fork",
    "os.forkpty",
    "os.exec",
    "os.posix_spawn",
    "os.system",
    "os.kill",
    "subprocess.Popen",
    "ctypes.dlopen",
)
FILES = (
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "shutil.rmtree",
)
PATIENCE = 8  # times the limit, that a child may take in all on a busy machine
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NOSY = ("gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys._current_frames", "sys.settrace")
HERE = os.path.dirname(os.path.abspath(__file__))


class Printed(io.StringIO):
    """What an answer prints: its first lines, the rest is dropped."""

    def write(self, text: str) -> int:
        """Keep a little."""
        return super().write(text[:1000]) if self.tell() < 1000 else len(text)


def results(how: Performance, answer: Answer, cases: list[Case], seconds: float, forget: Forget) -> list[Plain]:
    """Call the answer on each case; the last item says how it ended, if not well: ``{"ended": "..."}``."""
    if sys.platform == "linux":
        found = in_a_child(how, answer, cases, seconds, forget)
        if found is not None:
            return found
    return in_a_thread(how, answer, cases, seconds)


def _perform(how: Performance, answer: Answer, cases: list[Case], send: Callable[[Plain], None]) -> None:
    if how.stub and how.untouched(answer):
        send({"value": describe(...)})
        return
    before = _state.snapshot()
    for case in cases:
        printed = Printed()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            plain = how.result(answer, case)
        if printed.getvalue():
            plain["printed"] = printed.getvalue()[:200]
        if state := _state.changed(before, functions=case is cases[-1], random=how.random):
            plain = {"state": state}
        send(plain)
        if _ends(plain):
            return


def _ends(plain: Plain) -> bool:
    """Say whether a result is the last one, whatever cases are left."""
    return "state" in plain or "forbidden" in plain or plain.get("value") == {"said": "..."}


# --- a child ---------------------------------------------------------------------------------------------------------


def in_a_child(
    how: Performance, answer: Answer, cases: list[Case], seconds: float, forget: Forget
) -> list[Plain] | None:
    """Call the answer on each case, in a child process; None where autograd does not work in one."""
    reading, writing = os.pipe()
    token = os.urandom(16).hex().encode()  # before each line, so that an answer cannot send one of its own
    with warnings.catch_warnings(action="ignore"):  # newer Pythons warn of threads: the child starts none
        child = os.fork()
    if child == 0:
        os.close(reading)
        _be_the_child(how, answer, cases, writing, token, forget)
    os.close(writing)
    status, ended = None, ""
    try:
        lines, ended = _received(reading, child, seconds)
        status = _status(child, 0.0 if ended else 1.0)
    finally:  # also at the reader's Ctrl-C
        os.close(reading)
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    ours = all(line.startswith(token) for line in lines)
    found = read([line.removeprefix(token) for line in lines], len(cases)) if ours else None
    if found is None:
        return [{"nosy": "it sends results of its own"}]
    if found[-1:] == [{"no fork": True}]:
        return None
    done = found[-1:] == [{"done": True}]
    found = found[:-1] if done else found
    if done and (len(found) == len(cases) or any(map(_ends, found[-1:]))):
        return found
    return [*found, {"ended": ended or _ending(status)}]


def _status(child: int, seconds: float) -> int | None:
    """How a child ended, which has nothing more to say; None where it goes on."""
    until = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() > until:
            return None
        time.sleep(0.001)


def _ending(status: int | None) -> str:
    if status is not None and os.WIFSIGNALED(status):
        return f"it crashed the process ({signal.Signals(os.WTERMSIG(status)).name})"
    return "it ended the process"


def _received(reading: int, child: int, seconds: float) -> tuple[list[bytes], str]:
    """Read what the child sends until it ends, or for so many seconds: of its own, where others keep it waiting."""
    data, start, spent = bytearray(), time.monotonic(), 0.0
    until = start + seconds
    while len(data) < MEMORY // 4:
        left = until - time.monotonic()
        if left <= 0:
            before, spent = spent, _spent(child)
            if not before < spent < seconds or time.monotonic() - start > PATIENCE * seconds:
                break
            left, until = 0.5, time.monotonic() + 0.5
        ready, _, _ = select.select([reading], [], [], left)
        if ready:
            part = os.read(reading, 1 << 16)
            if not part:
                return _whole(data), ""
            data += part
    return _whole(data), f"it took longer than {seconds:g} seconds"


def _spent(child: int) -> float:
    """The seconds that a child has computed."""
    with open(f"/proc/{child}/stat") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _whole(data: bytearray) -> list[bytes]:
    return [line for line in bytes(data).split(b"\n")[:-1] if line]


def _be_the_child(
    how: Performance, answer: Answer, cases: list[Case], writing: int, token: bytes, forget: Forget
) -> None:
    """Perform, send, and end; nothing of the notebook's own endings runs."""
    write, end = os.write, os._exit
    try:
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        faulthandler.disable()
        gc.disable()  # it would copy the parent's memory, page by page
        torch.set_num_threads(1)  # the threads of the parent's pool did not come along
        _limit()
        if how.gradients and not _autograd_works():
            write(writing, token + b'{"no fork": true}\n')
            end(0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.closerange(3, writing)  # what the notebook talks through is not for an answer
        os.closerange(writing + 1, 1 << 20)
        forget()
        for module in list(sys.modules.values()):  # who asks for a stack trace gets no source, and opens no file
            if (file := getattr(module, "__file__", None)) and _ours(file):
                linecache.cache[file] = (0, None, [], file)
        sys.dont_write_bytecode = True
        refused = _guard()

        def send(plain: Plain) -> None:
            if refused:
                plain = {"nosy": refused[0]}
            line = token + json.dumps(plain).encode() + b"\n"
            while line:
                line = line[write(writing, line) :]

        _perform(how, answer, cases, send)
        write(writing, token + b'{"done": true}\n')
    finally:
        end(0)


def _autograd_works() -> bool:
    try:
        leaf = torch.zeros((), requires_grad=True)
        torch.autograd.grad(leaf * 2, leaf)
    except RuntimeError:  # "Unable to handle autograd's threading in combination with fork-based multiprocessing"
        return False
    return True


def _limit() -> None:
    """Limit memory and files."""
    import resource

    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _guard() -> list[str]:
    """Refuse what no answer needs: other processes, the exercises' own files, other people's objects."""
    refused: list[str] = []

    def look(event: str, args: tuple[Any, ...]) -> None:
        if event in BUSY:
            refused.append("it starts or stops a process")
        elif event in FILES or (event == "open" and args[0] != os.devnull and (args[2] or 0) & WRITING):
            refused.append("it changes files")
        elif event in NOSY:
            refused.append("it looks at what is not its own")
        elif event == "open" and isinstance(args[0], str | bytes) and _ours(os.fsdecode(args[0])):
            refused.append("it reads the exercises")
        else:
            return
        raise PermissionError(refused[-1])

    sys.addaudithook(look)
    return refused


def _ours(path: str) -> bool:
    """Say whether a file is one of the exercises', by whatever way it is reached."""
    here = os.path.join(HERE, *os.path.normpath(path).split(os.sep)[-2:])
    return os.path.realpath(path).startswith(HERE) or (path.endswith((".py", ".pyc")) and os.path.exists(here))


# --- a thread --------------------------------------------------------------------------------------------------------


def in_a_thread(
    how: Performance, answer: Answer, cases: list[Case], seconds: float, forget: Forget | None = None
) -> list[Plain]:
    """Call the answer on each case, in a thread; nothing is forgotten, because others still need it."""
    found: list[Plain] = []
    before, stopped = _state.snapshot(), threading.Event()

    def send(plain: Plain) -> None:
        if stopped.is_set():
            raise SystemExit
        found.append(plain)

    def perform() -> None:
        with contextlib.suppress(BaseException):
            _perform(how, answer, cases, send)
            send({"done": True})

    worker = threading.Thread(target=perform, daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        stopped.set()
        _stop(worker)
        found.append({"ended": f"it took longer than {seconds:g} seconds"})
    _state.restore(before)
    return found[:-1] if found and found[-1] == {"done": True} else found


def _stop(worker: threading.Thread) -> None:
    """Raise in a thread until it gives up; one that waits inside C goes on, unheard."""
    import ctypes

    for _ in range(20):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident or 0), ctypes.py_object(SystemExit))
        worker.join(0.05)
        if not worker.is_alive():
            return
