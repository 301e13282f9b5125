"""What every loss promises, over every loss and its whole option grid."""

import inspect
import pickle
import warnings

import pytest
import torch
from oracles import flat
from subjects import (
    CASES,
    LOSS_CASES,
    LOSSES,
    SUBJECTS,
    Subject,
    cast,
    differentiable,
    draw,
    exact,
    has_batch,
    places,
    public,
    take,
)
from torch import nn

from lossbook import functional
from lossbook._core.trial import Trial
from lossbook.testing import CHECKS

every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
every_loss = pytest.mark.parametrize("subject", LOSSES, ids=str)
every_case = pytest.mark.parametrize(("subject", "case"), CASES, ids=str)
every_loss_case = pytest.mark.parametrize(("subject", "case"), LOSS_CASES, ids=str)


def reductions(subject: Subject) -> list[str]:
    return ["none", "sum", "mean"] if subject.is_loss else ["none"]


def options(subject: Subject, reduction: str) -> dict[str, str]:
    return {"reduction": reduction} if subject.is_loss else {}


def gradient(loss, args, settings, subject):
    leaves, refill = differentiable(subject, args)
    value = loss(*refill(*leaves), **settings)
    return value, torch.autograd.grad(value.sum(), leaves, allow_unused=True, materialize_grads=True)


def close(actual: torch.Tensor, expected, tolerance: float) -> None:
    """Assert equality relative to the largest of the expected values, or 1."""
    expected = torch.tensor([float(value) for value in flat(expected)], dtype=torch.double)
    actual = actual.detach().double().flatten()
    finite = expected.isfinite()
    scale = max(1.0, expected[finite].abs().max().item() if finite.any() else 1.0)
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def keeps(promise, subject, case, args, **known):
    """Ask check_loss's own check, of every argument that takes gradients: a loss of the package is never let off."""
    trial = Trial(subject.function, args, case.settings, tuple(places(subject, args)), **known)
    found = CHECKS[promise](trial)
    assert found is None, found


# --- value ---------------------------------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_value_is_the_oracle(subject, case, scale):
    def oracle(*args):
        return [float(loss) for loss in subject.entries(args, case.settings)]

    keeps("value is the oracle's", subject, case, draw(case, scale), oracle=oracle)


@every_loss_case
@pytest.mark.parametrize("weighting", ["alone", "floats", "zeros", "leading"])
def test_reductions_are_the_oracle(subject, case, weighting):
    args = draw(case, seed=1)
    entries = subject.function(*args, **case.settings, reduction="none")
    rng = torch.Generator().manual_seed(2)
    weight = torch.rand(entries.shape, generator=rng, dtype=torch.double) + 0.1
    if weighting == "zeros":
        weight = weight > 0.5
    if weighting == "leading":
        weight = weight[(..., *[0] * (weight.dim() - 1))] if weight.dim() else weight
    sample_weight = None if weighting == "alone" else weight
    spread = weight.reshape(weight.shape + (1,) * (entries.dim() - weight.dim())).expand(entries.shape)
    weights = [1] * entries.numel() if weighting == "alone" else flat(exact(spread))
    present = [n for n, w in enumerate(weights) if w != 0 or not subject.coupled]
    rest, rest_weights = (
        (take(subject, args, present), [weights[n] for n in present]) if subject.coupled else (args, weights)
    )
    for reduction in ("sum", "mean"):
        value = subject.function(*args, **case.settings, sample_weight=sample_weight, reduction=reduction)
        close(value, [subject.reduced(rest, case.settings, reduction, rest_weights)], 1e-12)
    value = subject.function(*args, **case.settings, sample_weight=sample_weight, normalizer=7.0)
    close(value, [subject.reduced(rest, case.settings, "sum", rest_weights) / 7], 1e-12)
    value = subject.function(*args, **case.settings, sample_weight=sample_weight, reduction="none")
    losses = dict(zip(present, subject.entries(rest, case.settings), strict=True))
    close(value, [w * losses.get(n, 0) for n, w in enumerate(weights)], 1e-12)


KNOWN = [(subject, known) for subject in SUBJECTS for known in getattr(subject.oracle, "TABLE", [])]


@pytest.mark.parametrize(("subject", "known"), KNOWN, ids=lambda value: getattr(value, "source", str(value)))
def test_known_values(subject, known):
    reduction = known.settings.get("reduction", "none")
    settings = {name: value for name, value in known.settings.items() if name != "reduction"}
    value = subject.function(*known.args, **settings, **options(subject, reduction))
    torch.testing.assert_close(
        value.double().flatten(), torch.tensor(known.value, dtype=torch.double), rtol=6e-4, atol=1e-6, equal_nan=True
    )
    if reduction == "none":
        close(value, subject.entries(known.args, settings), 1e-6)


EXTREMES = [(subject, case) for subject in SUBJECTS for case in getattr(subject.oracle, "EXTREMES", [])]


@pytest.mark.parametrize(("subject", "case"), EXTREMES, ids=str)
def test_extremes_are_right_in_float32_with_finite_gradients(subject, case):
    args, settings = cast(draw(case), case.settings, torch.float32)
    value, gradients = gradient(subject.function, args, {**settings, **options(subject, "none")}, subject)
    close(value, subject.entries(args, settings), 1e-6)
    for grad in gradients:
        assert grad.isfinite().all(), grad


# --- torch ---------------------------------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_torch_has_the_same_value_and_gradient(subject, case, scale):
    if subject.twin is None:
        pytest.skip("torch has no such function")
    differs = getattr(subject.oracle, "TWIN_DIFFERS", lambda case, reduction: False)
    for reduction in reductions(subject):
        if differs(case, reduction):
            continue
        settings = {**case.settings, **options(subject, reduction)}
        args = draw(case, scale, seed=3)
        ours, our_gradients = gradient(subject.function, args, settings, subject)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns on "mean" of kl_div
            theirs, their_gradients = gradient(subject.twin, args, settings, subject)
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
        for mine, other in zip(our_gradients, their_gradients, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-11, atol=1e-12)


# --- derivatives and transforms --------------------------------------------------------------------------------------


@every_case
def test_gradient_by_finite_differences_in_both_modes(subject, case):
    keeps("gradient is that of the value", subject, case, draw(case, seed=4))
    keeps("forward-mode derivative", subject, case, draw(case, seed=4))


@every_case
def test_second_derivative_by_finite_differences(subject, case):
    keeps("second derivative is that of the gradient", subject, case, draw(case, seed=4))


@every_case
def test_vmap_has_no_slow_path(subject, case):
    keeps("vmap without a slow path", subject, case, draw(case, seed=0), other=draw(case, seed=1))


# --- dtypes, layouts, purity -----------------------------------------------------------------------------------------


@every_case
def test_dtype_is_kept_and_accumulated_wide(subject, case):
    keeps("keeps float64, float32, bfloat16 and float16", subject, case, draw(case, seed=6))


@every_loss
def test_autocast_returns_float32(subject):
    args, settings = cast(draw(subject.cases[0]), subject.cases[0].settings, torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert subject.function(*args, **settings).dtype == torch.float32


@every_case
def test_arguments_are_left_alone(subject, case):
    keeps("leaves its arguments alone", subject, case, draw(case))


@every_case
def test_layout_does_not_matter(subject, case):
    keeps("takes tensors that are not contiguous", subject, case, draw(case))


# --- weights, nothing left -------------------------------------------------------------------------------------------


@every_loss_case
def test_zero_weight_removes_an_entry_even_where_it_is_nan(subject, case):
    args = draw(case, seed=7)
    shape = subject.function(*args, **case.settings, reduction="none").shape
    if not shape or getattr(case, "unbatched", False):
        pytest.skip("one entry only")
    poisoned = [a.clone() if isinstance(a, torch.Tensor) else a for a in args]
    for a, dim in zip(poisoned, subject.batch_dims(args), strict=True):
        if has_batch(a, dim) and a.is_floating_point():
            a.select(dim, 0).fill_(torch.nan)
    weight = torch.ones(shape[0], dtype=torch.bool)
    weight[0] = False
    rest = take(subject, args, list(range(1, shape[0])))
    for reduction in ("sum", "mean"):
        settings = {**case.settings, "reduction": reduction}
        value, gradients = gradient(subject.function, tuple(poisoned), {**settings, "sample_weight": weight}, subject)
        expected, expected_gradients = gradient(subject.function, rest, settings, subject)
        torch.testing.assert_close(value, expected)
        for place, grad, wanted in zip(places(subject, args), gradients, expected_gradients, strict=True):
            dim = subject.batch_dims(args)[place]
            if dim is None or not grad.dim():
                torch.testing.assert_close(grad, wanted)
                continue
            kept, removed = grad.narrow(dim, 1, grad.shape[dim] - 1), grad.select(dim, 0)
            torch.testing.assert_close(kept, wanted)
            assert (removed == 0).all()


@every_loss
def test_mean_of_nothing_is_nan_and_zero_with_a_normalizer(subject):
    case = subject.cases[0]
    args = draw(case)
    shape = subject.function(*args, **case.settings, reduction="none").shape
    nothing = torch.zeros(shape)
    assert subject.function(*args, **case.settings, sample_weight=nothing).isnan()
    value, gradients = gradient(
        subject.function, args, {**case.settings, "sample_weight": nothing, "normalizer": torch.tensor(3.0)}, subject
    )
    assert value == 0
    assert all((grad == 0).all() for grad in gradients)
    empty = take(subject, args, [])
    assert subject.function(*empty, **case.settings).isnan()
    assert subject.function(*empty, **case.settings, reduction="sum") == 0


@every_loss
def test_micro_batches_with_a_normalizer_are_the_whole_batch(subject):
    if subject.coupled:
        pytest.skip("a part has fewer negatives")
    case = subject.cases[0]
    args = draw(case)
    total = subject.function(*args, **case.settings, reduction="sum")
    size = subject.function(*args, **case.settings, reduction="none").shape[0]
    parts = [take(subject, args, list(range(1))), take(subject, args, list(range(1, size)))]
    summed = sum(subject.function(*part, **case.settings, normalizer=5) for part in parts)
    torch.testing.assert_close(summed, total / 5)


# --- refusals --------------------------------------------------------------------------------------------------------

BAD = [(subject, bad) for subject in SUBJECTS for bad in getattr(subject.oracle, "BAD", [])]


@pytest.mark.parametrize(("subject", "bad"), BAD, ids=str)
def test_a_wrong_call_is_refused_with_the_promised_message(subject, bad):
    case = subject.cases[0]
    original = draw(case)
    args = bad.args(original)
    settings = {**case.settings, **bad.settings}
    with pytest.raises(bad.error, match=bad.match):
        subject.function(*args, **settings)
    if bad.settings and args is original and bad.constructor:
        with pytest.raises(bad.error, match=bad.match):
            subject.cls(**settings)


@every_loss
def test_reduction_weight_and_normalizer_are_checked(subject):
    case = subject.cases[0]
    args = draw(case)
    entries = subject.function(*args, **case.settings, reduction="none")
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum'"):
        subject.function(*args, **case.settings, reduction="avg")
    with pytest.raises(ValueError, match="normalizer replaces the count of \"mean\"; got reduction='sum'"):
        subject.function(*args, **case.settings, normalizer=2, reduction="sum")
    with pytest.raises(ValueError, match="normalizer must be greater than 0; got 0"):
        subject.function(*args, **case.settings, normalizer=0)
    with pytest.raises(ValueError, match="normalizer must be a number or a 0-d tensor"):
        subject.function(*args, **case.settings, normalizer=torch.ones(2))
    with pytest.raises(ValueError, match="sample_weight must have the shape of the unreduced loss"):
        subject.function(*args, **case.settings, sample_weight=torch.ones(entries.shape[0] + 1))
    with pytest.raises(TypeError, match="sample_weight must be a bool or floating-point tensor"):
        subject.function(*args, **case.settings, sample_weight=torch.ones(entries.shape, dtype=torch.long))
    if subject.stem not in ("linear_cross_entropy",):  # its constructor needs sizes
        with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum'"):
            subject.cls(reduction="avg")


@every_subject
def test_numbers_and_lists_are_not_tensors(subject):
    for argument in (1.0, [1.0, 2.0]):
        with pytest.raises(TypeError, match=r"must be a torch\.Tensor; got"):
            subject.function(argument, *draw(subject.cases[0])[1:], **subject.cases[0].settings)


@every_loss
def test_tensors_in_the_constructor_are_refused(subject):
    with pytest.raises(TypeError, match="takes settings, and its result takes the tensors"):
        subject.cls(torch.ones(2), torch.ones(2))


@every_loss
def test_a_setting_is_not_given_in_the_call(subject):
    if subject.stem == "linear_cross_entropy":
        pytest.skip("has a forward of its own")
    case = subject.cases[0]
    with pytest.raises(TypeError, match=rf"reduction is a setting of the module: {subject.cls.__name__}\(reduction="):
        subject.cls()(*draw(case), reduction="sum")


@every_loss
def test_libraries_that_ask_for_the_base_class_of_torch_find_it(subject):
    assert issubclass(subject.cls, nn.modules.loss._Loss)


@every_loss
def test_a_subclass_may_take_what_it_likes(subject):
    if subject.stem == "linear_cross_entropy":
        pytest.skip("built from sizes: tested in test_linear_cross_entropy.py")

    class Weighed(subject.cls):
        def __init__(self, one, other, *more):
            super().__init__(reduction="sum")
            self.given = (one, other, *more)

    args = draw(subject.cases[0])
    module = Weighed(torch.ones(2), torch.zeros(2), 3)
    torch.testing.assert_close(module(*args), subject.cls(reduction="sum")(*args))


# --- modules ---------------------------------------------------------------------------------------------------------


def per_call_settings(subject: Subject) -> set[str]:
    """Settings that the module takes with the tensors: sample_weight, normalizer, tensors that it does not own."""
    return {n for n, p in inspect.signature(subject.cls.forward).parameters.items() if p.kind is p.KEYWORD_ONLY}


@every_case
def test_module_is_the_function(subject, case):
    if subject.stem == "linear_cross_entropy":
        pytest.skip("owns its weight: tested in test_linear_cross_entropy.py")
    args = draw(case)
    per_call = {name: value for name, value in case.settings.items() if name in per_call_settings(subject)}
    module = subject.cls(**{name: value for name, value in case.settings.items() if name not in per_call})
    expected = subject.function(*args, **case.settings)
    torch.testing.assert_close(module(*args, **per_call), expected, rtol=0, atol=0)
    again = pickle.loads(pickle.dumps(module))
    torch.testing.assert_close(again(*args, **per_call), expected, rtol=0, atol=0)
    assert repr(module).startswith(subject.cls.__name__ + "(")
    for name, value in case.settings.items():
        if not isinstance(value, torch.Tensor) and not callable(value):
            assert f"{name}={value!r}" in repr(module)


@every_case
def test_state_dict_interchanges_with_torch(subject, case):
    twin = getattr(nn, subject.cls.__name__, None)
    if twin is None or subject.stem == "linear_cross_entropy":
        pytest.skip("no such class in torch, or built from sizes: tested in test_linear_cross_entropy.py")
    accepted = inspect.signature(twin.__init__).parameters
    if not set(case.settings) <= set(accepted):
        pytest.skip("the option is torch's functional's only")
    ours, theirs = subject.cls(**case.settings), twin(**case.settings)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert ours.load_state_dict(theirs.state_dict())
    assert theirs.load_state_dict(ours.state_dict())


@every_subject
def test_function_and_class_take_the_same_settings_with_the_same_defaults(subject):
    function = inspect.signature(subject.function).parameters
    constructor = dict(inspect.signature(subject.cls.__init__).parameters)
    for name in ("self", "args", "kwargs"):  # a module without settings has nn.Module's constructor
        constructor.pop(name, None)
    if subject.stem == "linear_cross_entropy":
        pytest.skip("built from sizes: tested in test_linear_cross_entropy.py")
    per_call = per_call_settings(subject)
    assert not subject.is_loss or {"sample_weight", "normalizer"} <= per_call
    settings = {n: p.default for n, p in function.items() if p.kind is p.KEYWORD_ONLY and n not in per_call}
    if subject.is_loss and "weight" not in constructor:
        settings.pop("weight", None)  # mse, l1, huber: torch's functional has it, the module has not
    if not subject.is_loss:
        settings |= {n: p.default for n, p in function.items() if n not in ("input", *settings)}
    assert {name: p.default for name, p in constructor.items()} == settings


# --- documentation -----------------------------------------------------------------------------------------------


@every_subject
def test_docstring_tells_the_whole_contract(subject):
    text = inspect.getdoc(subject.function)
    for section in ("Args:", "Returns:", "Raises:", "Example:", "References:", ".. math::"):
        if section != "References:" or subject.is_loss:
            assert section in text, section
    for name in inspect.signature(subject.function).parameters:
        assert f"    {name}: " in text, name
    assert text[0].isupper()
    assert text.splitlines()[0].endswith(".")


def test_functional_holds_every_function_and_nothing_else():
    assert public(functional) == sorted(subject.function.__name__ for subject in SUBJECTS)
    for subject in SUBJECTS:
        assert getattr(functional, subject.function.__name__) is subject.function


def test_functions_share_no_code_object_by_which_torch_compile_counts_recompilations():
    assert len({id(subject.function.__code__) for subject in SUBJECTS}) == len(SUBJECTS)
