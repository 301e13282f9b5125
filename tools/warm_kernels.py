"""Pytest plugin: kernels that are born with torch, matplotlib and scikit-learn loaded.

    pytest -p warm_kernels --nbval book

To import them takes a kernel longer than most chapters compute. Here a process imports them once, and each kernel is
forked from it: nothing that a chapter did is seen by the next one. On Linux only; elsewhere kernels start as always.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import multiprocessing.forkserver
import os
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any
from unittest import mock

import jupyter_client.provisioning.local_provisioner as local

LOADED = ["ipykernel.kernelapp", "torch", "torch._dynamo", "matplotlib.pyplot", "ipywidgets", "sklearn.datasets"]
LOADED += ["lossbook", "lossbook.functional", "lossbook.fused", "lossbook.notebook", "lossbook.exercises"]
INLINE = "module://matplotlib_inline.backend_inline"  # what a kernel sets before matplotlib is loaded


class Kernel:
    """A forked kernel, as `jupyter_client` asks a `subprocess.Popen` about one."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self.process = process
        self.pid = process.pid
        self.kill = process.kill
        self.terminate = process.terminate

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """Wait for its end."""
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Interrupt or end it, if it still runs."""
        if self.poll() is None and self.pid is not None:
            os.kill(self.pid, number)


@functools.cache
def server() -> Any:
    """Give the context whose processes are forked from the one that has loaded everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    with mock.patch.dict(os.environ, {"MPLBACKEND": INLINE}):
        multiprocessing.forkserver.ensure_running()
    return context


@functools.cache
def fresh_path() -> list[str]:
    """Give where a Python that was started afresh looks for modules: not among the tests."""
    code = "import json, sys; print(json.dumps(sys.path[1:]))"
    return list(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))


def launch(cmd: list[str], *, env: dict[str, str] | None = None, **_: Any) -> Kernel:
    """Fork a kernel in place of starting one, in an empty folder: a chapter reads no file of the checkout."""
    here, there = server().Pipe()
    connection_file = cmd[cmd.index("-f") + 1]
    given = dict(os.environ if env is None else env) | {"MPLBACKEND": INLINE}
    process = server().Process(target=run, args=(there, connection_file, given, fresh_path()), daemon=True)
    process.start()
    here.recv()  # signals go to the group of the kernel, and now it has one of its own
    return Kernel(process)


def run(started: Connection, connection_file: str, env: dict[str, str], path: list[str]) -> None:
    """Be a kernel."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    started.send(None)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:] = path
    sys.argv = ["ipykernel_launcher", "-f", connection_file]
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        IPKernelApp.launch_instance(argv=[*sys.argv[1:], f"--IPKernelApp.parent_handle={os.getppid()}"])


if sys.platform == "linux":
    local.launch_kernel = launch  # type: ignore[assignment]
