"""A kernel that was forked is as one that was started: with nothing of the tests, and nothing of another chapter."""

import sys
import time

import pytest
import warm_kernels
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels start as always")


@pytest.fixture
def kernels(monkeypatch):
    monkeypatch.setattr(warm_kernels.local, "launch_kernel", warm_kernels.launch)
    managers = [KernelManager(kernel_name="python3") for _ in range(2)]
    for manager in managers:
        manager.start_kernel()
    yield managers
    for manager in managers:
        manager.shutdown_kernel(now=True)


def said(manager, code):
    """Run a line, and give the text and the kinds of what comes back."""
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    found = []
    client.execute_interactive(code, timeout=60, output_hook=lambda message: found.append(message["content"]))
    client.stop_channels()
    return "".join(part.get("text", "") for part in found), {kind for part in found for kind in part.get("data", {})}


def of_kind(get, kind):
    """Wait for a message of a kind."""
    while (message := get(timeout=30))["msg_type"] != kind:
        pass
    return message


def test_a_forked_kernel_is_as_one_that_was_started(kernels):
    first, second = kernels
    assert said(first, "import sys, os, torch; x = 7; torch.manual_seed(x); print(os.listdir())")[0] == "[]\n"
    assert said(second, "import sys; print('x' in globals(), 'pytest' in sys.modules)")[0] == "False False\n"
    assert "tests" not in said(second, "print([path.split('/')[-1] for path in sys.path])")[0]
    drew = said(second, "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()")
    assert "image/png" in drew[1]
    assert said(first, "print(torch.initial_seed())")[0] == "7\n"
    assert said(second, "import torch; print(torch.initial_seed() == 7)")[0] == "False\n"


def test_its_end_is_seen_and_a_signal_reaches_it_alone(kernels):
    first, second = kernels
    client = first.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    client.execute("import time; time.sleep(60)")
    of_kind(client.get_iopub_msg, "execute_input")
    time.sleep(0.5)
    first.interrupt_kernel()
    assert of_kind(client.get_shell_msg, "execute_reply")["content"]["ename"] == "KeyboardInterrupt"
    client.execute("import os; os._exit(3)")
    deadline = time.monotonic() + 30
    while first.is_alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not first.is_alive()
    assert second.is_alive()
    client.stop_channels()
