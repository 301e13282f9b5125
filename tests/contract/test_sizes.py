"""A compiler sees every size as a size: one graph, or two, serves every batch, length and number of classes."""

import inspect

import pytest
import torch
from subjects import SUBJECTS, cast, draw, has_batch, take
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import Dim, export
from torch.fx.experimental.proxy_tensor import make_fx

from lossbook import fused

pytestmark = pytest.mark.compiles
SIZES = ((17, 0), (3, 1), (5, 2), (7, 3), (11, 5), (13, 8))  # samples, and how much every other dimension grows
UNROLLED = {"ctc"}  # the readable recursion is a loop over frames, which a compiler unrolls: a graph for each number


def forms(subject):
    """The readable function, and the fused one where there is one."""
    yield "readable", subject.function
    if subject.is_loss and hasattr(fused, subject.function.__name__):
        yield "fused", getattr(fused, subject.function.__name__)


def batched(subject, case):
    args = draw(case)
    options = {"reduction": "none"} if subject.is_loss else {}
    whole = subject.function(*args, **case.settings, **options)
    lists = any(isinstance(a, list) for a in args)
    return (
        whole.dim() > 0
        and not lists
        and any(has_batch(a, d) for a, d in zip(args, subject.batch_dims(args), strict=True))
    )


ROWS = [
    pytest.param(function, subject, case, id=f"{form}-{subject}-{case}")
    for subject in SUBJECTS
    for form, function in forms(subject)
    for case in [case for case in subject.cases if batched(subject, case)][:: max(1, len(subject.cases) - 1)]
]
every_form = pytest.mark.parametrize(("function", "subject", "case"), ROWS)


def grown(value, by, batch=None):
    """A tensor with ``by`` more entries in each dimension but that of the batch: its own once more."""
    if isinstance(value, Tensor):
        for dim, size in enumerate(value.shape):
            if dim != batch and size > 1:
                value = value.index_select(dim, torch.arange(size + by) % size)
    return value


def resized(subject, case, samples, by):
    """The arguments of a case with another number of samples, and every other dimension grown."""
    args, settings = cast(draw(case), case.settings, torch.float32)
    dims = subject.batch_dims(args)
    size = min(a.shape[dim] for a, dim in zip(args, dims, strict=True) if has_batch(a, dim))
    args = take(subject, args, [i % size for i in range(samples)])
    args = [grown(a, by, dim if has_batch(a, dim) else None) for a, dim in zip(args, dims, strict=True)]
    if args[0].is_floating_point():
        args[0] = args[0].detach().requires_grad_()
    return tuple(args), {name: grown(value, by) for name, value in settings.items()}


@every_form
@pytest.mark.parametrize("dynamic", [None, True])
def test_changing_sizes_take_two_graphs_at_most(function, subject, case, dynamic):
    graphs = []

    def count(graph, inputs):
        graphs.append(graph)
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(function, fullgraph=True, backend=count, dynamic=dynamic)
    grow = subject.stem not in UNROLLED
    for samples, by in SIZES:
        args, settings = resized(subject, case, samples, by if grow else 0)
        compiled(*args, **settings)
    assert len(graphs) <= 2 - bool(dynamic)


@every_form
def test_a_tensor_without_data_is_not_looked_at(function, subject, case):
    args, settings = resized(subject, case, 3, 0)
    options = {"reduction": "none"} if "reduction" in inspect.signature(function).parameters else {}
    expected = function(*args, **settings, **options)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = [mode.from_tensor(a) if isinstance(a, Tensor) else a for a in args]
        there = {n: mode.from_tensor(v) if isinstance(v, Tensor) else v for n, v in settings.items()}
        made = function(*fake, **there, **options)
    assert (made.shape, made.dtype) == (expected.shape, expected.dtype)
    meta = [a.to("meta") if isinstance(a, Tensor) else a for a in args]
    there = {n: v.to("meta") if isinstance(v, Tensor) else v for n, v in settings.items()}
    made = function(*meta, **there, **options)
    assert (made.shape, made.dtype, made.device.type) == (expected.shape, expected.dtype, "meta")


@every_form
def test_it_is_traced_with_symbols(function, subject, case):
    args, settings = resized(subject, case, 3, 0)
    tensors = [i for i, a in enumerate(args) if isinstance(a, Tensor)]

    def call(*given):
        filled = list(args)
        for i, tensor in zip(tensors, given, strict=True):
            filled[i] = tensor
        return function(*filled, **settings)

    given = [args[i].detach() for i in tensors]
    graph = make_fx(call, tracing_mode="symbolic", _allow_non_fake_inputs=True)(*given)
    torch.testing.assert_close(graph(*given), call(*given), equal_nan=True)


FIRST = [row for i, row in enumerate(ROWS) if i == 0 or ROWS[i - 1].values[:2] != row.values[:2]]
each_form_once = pytest.mark.parametrize(("function", "subject", "case"), FIRST)


def of_tensors(function, args, settings):
    """The function of its tensors alone, and these."""
    places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]

    class Call(torch.nn.Module):
        def forward(self, *given):
            filled = list(args)
            for i, tensor in zip(places, given, strict=True):
                filled[i] = tensor
            return function(*filled, **settings)

    return Call(), places


@each_form_once
def test_it_is_exported_with_a_dynamic_batch(function, subject, case):
    args, settings = resized(subject, case, 6, 0)
    call, places = of_tensors(function, args, settings)
    dims = subject.batch_dims(args)
    dynamic = tuple({dims[i]: Dim.DYNAMIC} if has_batch(args[i], dims[i]) else {} for i in places)
    program = export(call, tuple(args[i].detach() for i in places), dynamic_shapes=(dynamic,))
    more = [a.detach() for a in resized(subject, case, 9, 0)[0] if isinstance(a, Tensor)]
    torch.testing.assert_close(program.module()(*more), call(*more), equal_nan=True)


@each_form_once
def test_a_dimension_marked_dynamic_stays_so(function, subject, case):
    args, settings = resized(subject, case, 6, 0)
    for a, dim in zip(args, subject.batch_dims(args), strict=True):
        if has_batch(a, dim):
            torch._dynamo.mark_dynamic(a, dim)  # raises when a size is taken for a constant
    torch._dynamo.reset()
    torch.compile(function, fullgraph=True, backend="eager")(*args, **settings)


@each_form_once
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_it_is_traced_by_torch_jit(function, subject, case):
    args, settings = resized(subject, case, 6, 0)
    call, places = of_tensors(function, args, settings)
    traced = torch.jit.trace(call, tuple(args[i].detach() for i in places), check_trace=False)
    more = [a.detach() for a in resized(subject, case, 9, 0)[0] if isinstance(a, Tensor)]
    torch.testing.assert_close(traced(*more), call(*more), equal_nan=True)


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_its_module_is_traced_by_torch_fx(subject):
    case = subject.cases[0]
    names = inspect.signature(subject.cls.__init__).parameters
    sizes = {"in_features": 4, "num_classes": 3} if subject.stem == "linear_cross_entropy" else {}
    module = subject.cls(**sizes, **{name: value for name, value in case.settings.items() if name in names})
    args = draw(case)
    if sizes:
        module, args = module.double(), (args[0], args[2])
    graph = torch.fx.symbolic_trace(module)
    torch.testing.assert_close(graph(*args), module(*args), equal_nan=True)
    assert any(node.target is subject.function for node in graph.graph.nodes)  # whole, as torch's own functions are


def by_name(function, name, rest):
    def call(first):
        return function(**{name: first}, **rest)

    return call


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_a_function_given_tensors_by_name_is_traced_by_torch_fx(subject):
    case = subject.cases[0]
    args = draw(case)
    names = list(subject.function.rules)
    for _, function in forms(subject):
        rest = dict(zip(names[1 : len(args)], args[1:], strict=True)) | case.settings
        graph = torch.fx.symbolic_trace(by_name(function, names[0], rest))
        torch.testing.assert_close(graph(args[0]), function(*args, **case.settings), equal_nan=True)
