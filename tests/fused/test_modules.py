"""The modules of the fused losses: the readable ones, with the kernel behind them."""

import copy
import inspect
import pickle

import pytest
import torch
from kernels import FUSED, kernel
from subjects import cast, draw

import lossbook
from lossbook import fused

CASES = [(s, c) for s in FUSED for c in (s.cases[0], s.cases[-1]) if s.stem != "linear_cross_entropy"]
every_case = pytest.mark.parametrize(("subject", "case"), CASES, ids=str)
every_loss = pytest.mark.parametrize("subject", FUSED, ids=str)


def module_of(subject):
    return getattr(fused, subject.cls.__name__)


@every_loss
def test_it_is_a_drop_in_for_the_readable_module(subject):
    module, readable = module_of(subject), subject.cls
    assert issubclass(module, readable)
    assert module is not readable
    assert module.function is kernel(subject)
    assert module.settings == readable.settings
    assert inspect.signature(module) == inspect.signature(readable)
    taken = dict(inspect.signature(module.forward).parameters)
    taken.pop("return_lse", None)  # which the readable cross entropy has not
    assert taken == dict(inspect.signature(readable.forward).parameters)
    assert f"lossbook.{readable.__name__}" in inspect.getdoc(module)


@every_case
def test_it_is_the_function(subject, case, device):
    args, settings = cast(draw(case), case.settings, torch.float32)
    args = tuple(a.to(device) if isinstance(a, torch.Tensor) else a for a in args)
    constructor = set(inspect.signature(subject.cls.__init__).parameters)
    own = {name: value for name, value in settings.items() if name in constructor}
    rest = {name: value for name, value in settings.items() if name not in constructor}
    expected = kernel(subject)(*args, **settings)
    module = module_of(subject)(**own).to(device)
    for each in (module, pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        torch.testing.assert_close(each(*args, **rest), expected, rtol=0, atol=0)
    readable = subject.cls(**own)
    assert module.load_state_dict(readable.state_dict())
    assert repr(module) == repr(readable)


def test_the_linear_module_owns_its_map(device):
    torch.manual_seed(0)
    readable = lossbook.LinearCrossEntropyLoss(8, 5, bias=True, label_smoothing=0.1).to(device)
    module = fused.LinearCrossEntropyLoss(8, 5, bias=True, label_smoothing=0.1).to(device)
    module.load_state_dict(readable.state_dict())
    features, target = torch.randn(7, 8, device=device), torch.randint(5, (7,), device=device)
    torch.testing.assert_close(module(features, target), readable(features, target))
    module(features, target).backward()
    assert module.linear.weight.grad.isfinite().all()


def test_a_learned_setting_is_a_parameter_and_gets_its_gradient(device):
    scale = torch.nn.Parameter(torch.tensor(2.0, device=device))
    module = fused.CLIPLoss(logit_scale=scale)
    assert list(module.parameters()) == [scale]
    module(torch.eye(3, device=device), torch.eye(3, device=device)).backward()
    assert scale.grad != 0
