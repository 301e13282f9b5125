"""What is ignored is gone from value, gradient and count, whatever stands there; what is illegal is refused or NaN."""

import pytest
import torch
from subjects import LOSSES

import lossbook
from lossbook import functional, fused

INF, NAN = torch.inf, torch.nan
SPOILS = [NAN, INF, -INF, 1e38]
FORMS = {"readable": functional, "fused": fused}
IGNORING = [subject.function.__name__ for subject in LOSSES if "ignore_index" in subject.function.rules]
each = [
    pytest.param(getattr(names, name), name, id=f"{form}-{name}")
    for form, names in FORMS.items()
    for name in IGNORING
    if hasattr(names, name)
]
every_form = pytest.mark.parametrize(("function", "name"), each)


def example(name, dtype=torch.double):
    """Scores, an index for each entry with some to ignore, the arguments before the target, and where scores lie."""
    rng = torch.Generator().manual_seed(0)
    if name in ("dice_loss", "tversky_loss"):
        scores, target = torch.randn(2, 3, 4, 4, generator=rng), torch.randint(3, (2, 4, 4), generator=rng)
        settings = {"activation": "softmax"}
    else:
        scores, target = torch.randn(6, 3, generator=rng), torch.randint(3, (6,), generator=rng)
        settings = {"weight": torch.tensor([1.0, 0.5, 2.0], dtype=dtype)}
    target.view(target.shape[0], -1)[0, :1] = -100
    target.view(target.shape[0], -1)[-1, -1] = -100
    more = (torch.randn(3, 3, generator=rng, dtype=dtype),) if name == "linear_cross_entropy" else ()
    return scores.to(dtype), target, more, settings


def value_and_gradients(function, name, scores, target, more, settings):
    leaves = [scores.detach().clone().requires_grad_(), *(m.detach().clone().requires_grad_() for m in more)]
    input = leaves[0].log_softmax(1) if name == "nll_loss" else leaves[0]
    value = function(input, *leaves[1:], target, **settings)
    return [value, *torch.autograd.grad(value.sum(), leaves)]


@every_form
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("spoil", SPOILS)
def test_whatever_stands_in_an_ignored_entry(function, name, reduction, spoil):
    scores, target, more, settings = example(name)
    settings = {**settings, "reduction": reduction}
    clean = value_and_gradients(function, name, scores, target, more, settings)
    spoiled = scores.clone()
    spoiled.movedim(1, -1)[target == -100] = spoil
    if name == "nll_loss":  # behind the log_softmax it would be gone already
        leaf = spoiled.log_softmax(1).masked_fill((target == -100)[:, None], spoil).requires_grad_()
        value = function(leaf, target, **settings)
        (gradient,) = torch.autograd.grad(value.sum(), leaf)
        torch.testing.assert_close(value, clean[0])
        assert (gradient[target == -100] == 0).all()
        return
    found = value_and_gradients(function, name, spoiled, target, more, settings)
    for mine, wanted in zip(found, clean, strict=True):
        torch.testing.assert_close(mine, wanted)


@every_form
@pytest.mark.parametrize(("ignore_index", "congruent"), [(-1, 255), (-100, 156)])
def test_a_byte_is_not_taken_for_a_negative_index(function, name, ignore_index, congruent):
    scores, target, more, settings = example(name)
    target = target.clamp(min=0).to(torch.uint8)
    target.view(-1)[0] = congruent
    with pytest.raises(ValueError, match="target must be a class index"):
        function(
            scores if name != "nll_loss" else scores.log_softmax(1),
            *more,
            target,
            ignore_index=ignore_index,
            **settings,
        )


@pytest.mark.compiles
@pytest.mark.parametrize("name", [name for name in IGNORING if name != "linear_cross_entropy"])
def test_a_forced_check_branches_on_no_data(name):
    scores, target, _, settings = example(name, torch.float32)
    function = getattr(functional, name)
    input = scores.log_softmax(1) if name == "nll_loss" else scores
    expected = function(input, target, **settings)
    torch._dynamo.reset()
    with lossbook.check_values():
        compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(input, target, **settings), expected)
        batched = torch.vmap(lambda scores, target: function(scores, target, **settings))
        found = batched(torch.stack([input, input]), torch.stack([target, target]))
    torch.testing.assert_close(found, torch.stack([expected, expected]))


INDEXED = [*IGNORING, "multi_margin_loss"]


@pytest.mark.compiles
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", INDEXED)
def test_an_illegal_index_is_seen_in_the_gradient_where_values_are_not_looked_at(form, name):
    if not hasattr(FORMS[form], name):
        pytest.skip("no fused form")
    scores, target, more, settings = example(name, torch.float32)
    target = target.clamp(min=0)
    target.view(-1)[0] = 3
    input = scores.log_softmax(1) if name == "nll_loss" else scores
    function = getattr(FORMS[form], name)
    torch._dynamo.reset()
    leaf = input.detach().requires_grad_()
    value = torch.compile(function, fullgraph=True, backend="aot_eager")(leaf, *more, target, **settings)
    (gradient,) = torch.autograd.grad(value, leaf)
    assert value.isnan()
    assert gradient.movedim(1, -1).flatten(0, -2)[0].isnan().any()
    if form == "readable":
        gradient = torch.func.grad(lambda scores: function(scores, *more, target, **settings))(input)
        assert gradient.movedim(1, -1).flatten(0, -2)[0].isnan().any()


@pytest.mark.parametrize("beyond", [99, -1, -5, torch.iinfo(torch.long).min])
def test_whatever_follows_the_first_minus_one_of_a_list(beyond):
    scores = torch.randn(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double).requires_grad_()
    results = []
    for last in (-1, beyond):
        value = functional.multilabel_margin_loss(scores, torch.tensor([[1, -1, last, last], [0, 2, -1, last]]))
        results.append([value, *torch.autograd.grad(value, scores)])
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("label", [-1, 99, torch.iinfo(torch.long).min, torch.iinfo(torch.long).max])
@pytest.mark.parametrize("score", SPOILS)
def test_whatever_lies_past_the_lengths_of_a_sequence(form, label, score):
    rng = torch.Generator().manual_seed(0)
    clean = torch.randn(5, 2, 4, generator=rng, dtype=torch.double).log_softmax(2)
    targets = torch.tensor([[1, 2, 3], [2, 1, 1]])
    results = []
    for past in (False, True):
        log_probs, labels = clean.clone(), targets.clone()
        if past:
            log_probs[3:, 0], labels[0, 2:] = score, label
        leaf = log_probs.requires_grad_()
        value = FORMS[form].ctc_loss(leaf, labels, [3, 5], [2, 3], reduction="none")
        (gradient,) = torch.autograd.grad(value.sum(), leaf)
        assert (gradient[3:, 0] == 0).all()
        results.append([value, gradient])
    torch.testing.assert_close(results[0], results[1])
    with pytest.raises(ValueError, match="targets must be labels"):
        FORMS[form].ctc_loss(clean, torch.tensor([[1, label, 3], [2, 1, 1]]), [5, 5], [3, 3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_logits_of_any_size_are_safe_in_both_forms(dtype):
    for row, label, wanted in (([1e20, 0.0], 1, 1e20), ([-1e20, -1e20], 0, 0.6931), ([3e38, 3e38, -3e38], 1, 0.6931)):
        logits = torch.tensor([row], dtype=dtype)
        shares = torch.nn.functional.one_hot(torch.tensor([label]), len(row)).to(dtype)
        for names in FORMS.values():
            for target in (torch.tensor([label]), shares):
                value = names.cross_entropy(logits, target)
                torch.testing.assert_close(value.float(), torch.tensor(wanted), rtol=0.01, atol=1e-3)


@pytest.mark.parametrize("form", [functional, fused], ids=["readable", "fused"])
@pytest.mark.parametrize("settings", [{}, {"z_loss": 0.1}, {"label_smoothing": 0.1}], ids=str)
def test_where_every_class_asked_for_weighs_nothing_the_gradient_is_zero(form, settings):
    logits = torch.randn(3, 4, requires_grad=True)
    loss = form.cross_entropy(logits, torch.zeros(3).long(), weight=torch.tensor([0.0, 1, 1, 1]), **settings)
    loss.backward()
    assert loss.isnan()
    assert (logits.grad == 0).all()
