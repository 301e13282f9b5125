"""InfoNCE, CLIP and SigLIP from tiles: both sides of every block limit, removed tiles, memory, learned scalars."""

import functools
import importlib

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import functional, fused
from lossbook.fused import _similarity
from lossbook.fused._triton import INTERPRETED

SETTINGS = {
    "info_nce_loss": {"temperature": 0.3},
    "clip_loss": {"logit_scale": 3.0},
    "siglip_loss": {"logit_scale": 3.0, "logit_bias": -1.0},
}
every_loss = pytest.mark.parametrize("name", SETTINGS)
ROWS, COLUMNS, FEATURES = _similarity.ROWS, _similarity.COLUMNS, _similarity.FEATURES


@pytest.fixture
def one_tile_at_once(monkeypatch):
    """Slopes of as few rows as can be."""
    for name in ("LEAST_ROWS", "LEAST_ROWS_CPU", "ENTRIES", "ENTRIES_CPU"):
        monkeypatch.setattr(_similarity, name, 1)


def features(device, name, batch, keys, width, dtype=torch.double):
    rng = torch.Generator().manual_seed(batch + keys + width)
    keys = keys if name == "info_nce_loss" else batch
    return [
        torch.nn.functional.normalize(torch.randn(n, width, generator=rng, dtype=torch.double)).to(device, dtype)
        for n in (batch, keys)
    ]


def scalars(device, name, dtype=torch.double):
    return {setting: torch.tensor(value, dtype=dtype, device=device) for setting, value in SETTINGS[name].items()}


def outcome(function, args, settings, **more):
    """The loss and the gradients of all features and scalars, with the upstream gradient not uniform."""
    args = [a.detach().clone().requires_grad_() for a in args]
    settings = {n: v.detach().clone().requires_grad_() for n, v in settings.items()}
    loss = function(*args, **settings, **more)
    upstream = torch.linspace(0.5, 2, loss.numel(), dtype=loss.dtype, device=loss.device).view_as(loss)
    return [loss.detach(), *torch.autograd.grad(loss, [*args, *settings.values()], upstream)]


def close(found, expected, tolerance):
    """Compare by the norm of each tensor."""
    for f, e in zip(found, expected, strict=True):
        assert f.shape == e.shape
        assert f.isfinite().all()
        assert (f.double() - e.double()).norm() <= tolerance * e.double().norm()


SIZES = [
    (1, 1, 1),
    (1, COLUMNS + 1, FEATURES),
    (ROWS - 1, COLUMNS - 1, FEATURES - 1),
    (ROWS, COLUMNS, FEATURES),
    (ROWS + 1, COLUMNS + 1, FEATURES + 1),
    (2 * ROWS + 3, 3 * COLUMNS + 5, 2 * FEATURES + 7),
]


@every_loss
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.usefixtures("one_tile_at_once")
def test_both_sides_of_every_limit_of_a_tile(name, size, device):
    args, settings = features(device, name, *size), scalars(device, name)
    weight = torch.arange(size[0], device=device) % 3 / 2.0
    weight[0] = 1.0
    for more in ({"reduction": "mean"}, {"sample_weight": weight, "reduction": "none"}):
        found = outcome(getattr(fused, name), args, settings, **more)
        close(found, outcome(getattr(functional, name), args, settings, **more), 1e-11)


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.usefixtures("one_tile_at_once")
def test_half_precision_is_added_up_in_float32(name, dtype, device):
    """Rounding to bfloat16 is a relative error of 2^-9 at most, of 2^-8 where the interpreter cuts digits off."""
    rounding = torch.finfo(dtype).eps / (1 if INTERPRETED else 2)
    args = features(device, name, 2 * ROWS + 3, 2 * COLUMNS + 5, FEATURES + 3, dtype)
    settings = scalars(device, name, torch.float)
    more = {"sample_weight": torch.arange(len(args[0]), device=device) % 3 / 2.0, "reduction": "sum"}
    found = outcome(getattr(fused, name), args, settings, **more)
    expected = outcome(getattr(functional, name), [a.double() for a in args], scalars(device, name), **more)
    close(found[:1], expected[:1], rounding)
    close(found[1:3], expected[1:3], 2 * rounding)  # of a slope, and of the gradient
    close(found[3:], expected[3:], 1e-5)  # of slopes before they are rounded


@every_loss
@pytest.mark.usefixtures("one_tile_at_once")
def test_whole_tiles_of_removed_pairs_and_nothing_but_removed_pairs(name, device):
    batch = 2 * max(ROWS, COLUMNS) + 3
    args, settings = features(device, name, batch, batch, 5), scalars(device, name)
    kept = torch.zeros(batch, dtype=torch.bool, device=device)
    kept[-2:] = True
    rest = outcome(getattr(functional, name), [a[-2:] for a in args], settings)
    for a in args:
        a[:-2] = torch.nan
    found = outcome(getattr(fused, name), args, settings, sample_weight=kept)
    assert all((g[:-2] == 0).all() for g in found[1:3])
    close([found[0], *(g[-2:] for g in found[1:3]), *found[3:]], rest, 1e-11)
    found = outcome(getattr(fused, name), args, settings, sample_weight=kept & False)
    assert found[0].isnan()
    assert all((g == 0).all() for g in found[1:])


@every_loss
def test_the_number_of_rows_at_once_changes_nothing(name, device, monkeypatch):
    args, settings = features(device, name, 4 * ROWS + 1, 4 * ROWS + COLUMNS, 9), scalars(device, name)
    expected = outcome(getattr(fused, name), args, settings)
    for rows in (1, 2 * ROWS):
        for limit in ("LEAST_ROWS", "LEAST_ROWS_CPU"):
            monkeypatch.setattr(_similarity, limit, rows)
        for limit in ("ENTRIES", "ENTRIES_CPU"):
            monkeypatch.setattr(_similarity, limit, 1)
        close(outcome(getattr(fused, name), args, settings), expected, 1e-13)


class Largest(TorchDispatchMode):
    """The bytes of the largest tensor that any operation returns."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for r in result if isinstance(result, tuple | list) else [result]:
            if isinstance(r, torch.Tensor):
                self.bytes = max(self.bytes, r.untyped_storage().nbytes())
        return result


@every_loss
@pytest.mark.usefixtures("one_tile_at_once")
def test_there_is_never_a_matrix_of_all_pairs(name, device):
    batch = 8 * ROWS
    one, other = features(device, name, batch, batch, 3, torch.float)
    values = scalars(device, name, torch.float).values()
    inside = functools.partial(_similarity._softmax_loss, both=name == "clip_loss")
    if name == "siglip_loss":
        inside = importlib.import_module("lossbook.fused.siglip")._siglip_loss._init_fn
    with Largest() as seen:
        inside(one, other, *values, None, None, None, True, [True] * (2 + len(values)))
    assert seen.bytes == 4 * ROWS * batch  # the scratch memory
    with Largest() as seen:
        getattr(functional, name)(one, other)
    assert seen.bytes == 4 * batch * batch


@pytest.mark.parametrize("name", ["info_nce_loss", "clip_loss"])  # the logits of SigLIP mean something by themselves
def test_a_large_common_part_of_all_logits_is_taken_away(name, device):
    one, other = features(device, name, 7, 9, 4, torch.float)
    one = torch.cat([one, torch.full_like(one[:, :1], 64.0)], 1)  # adds 64 * 64 to all products, without rounding
    other = torch.cat([(other * 16).round() / 16, torch.full_like(other[:, :1], 64.0)], 1)
    one[:, :-1] = (one[:, :-1] * 16).round() / 16
    settings = {setting: torch.ones((), device=device) for setting in SETTINGS[name]}
    exact = outcome(
        getattr(functional, name),
        [a.double() for a in (one, other)],
        {setting: value.double() for setting, value in settings.items()},
    )
    found = outcome(getattr(fused, name), [one, other], settings)
    close(found[:3], exact[:3], 1e-5)
    close(found[3:], exact[3:], 1e-5 if INTERPRETED else 1e-3)  # without a kernel it comes from <q, g k>


@every_loss
def test_scalars_and_features_of_other_dtypes(name, device):
    args = features(device, name, 5, 7, 4, torch.float)
    found = outcome(getattr(fused, name), args, scalars(device, name, torch.bfloat16))
    expected = outcome(getattr(functional, name), args, scalars(device, name, torch.bfloat16))
    assert [f.dtype for f in found] == [e.dtype for e in expected]
    close(found, expected, 1e-2)
    mixed = [args[0].to(torch.bfloat16), args[1].double()]
    found = outcome(getattr(fused, name), mixed, scalars(device, name))
    expected = outcome(getattr(functional, name), mixed, scalars(device, name))
    assert [f.dtype for f in found] == [e.dtype for e in expected]
    close(found, expected, 1e-2)
    with torch.autocast(device, dtype=torch.bfloat16):
        close(outcome(getattr(fused, name), args, {})[:1], outcome(getattr(functional, name), args, {})[:1], 1e-6)


@every_loss
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_only_the_scalars_learn(name, reduction, device):
    args, settings = features(device, name, ROWS + 1, COLUMNS + 1, 5), scalars(device, name)
    expected = outcome(getattr(functional, name), args, settings, reduction=reduction)[3:]
    for n, setting in enumerate(settings):
        learned = settings | {setting: settings[setting].clone().requires_grad_()}
        loss = getattr(fused, name)(*args, **learned, reduction=reduction)
        upstream = torch.linspace(0.5, 2, loss.numel(), dtype=loss.dtype, device=device).view_as(loss)
        loss.backward(upstream)
        close([learned[setting].grad], [expected[n]], 1e-11)


@pytest.mark.cuda
@every_loss
def test_memory_on_a_gpu_grows_with_the_batch(name):
    peaks = []
    for batch in (16384, 32768):
        args = [a.requires_grad_() for a in features("cuda", name, batch, batch, 64, torch.bfloat16)]
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        getattr(fused, name)(*args).backward()
        peaks.append(torch.cuda.max_memory_allocated() - before)
        del args
    assert peaks[1] < 2.2 * peaks[0]
    assert peaks[1] < 2 * 32768**2 / 4


@pytest.mark.cuda
def test_offsets_beyond_the_range_of_int32():
    rng = torch.Generator("cuda").manual_seed(0)
    query = torch.randn(200, 768, generator=rng, device="cuda", dtype=torch.bfloat16).div_(28).requires_grad_()
    key = torch.randn(2_900_003, 768, generator=rng, device="cuda", dtype=torch.bfloat16).div_(28).requires_grad_()
    assert key.numel() > 2**31
    loss = fused.info_nce_loss(query, key, reduction="sum")
    loss.backward()
    with torch.no_grad():
        logits = 10 * torch.mm(query, key.mT, out_dtype=torch.float32)
        own = torch.arange(len(query), device="cuda")
        close([loss], [torch.nn.functional.cross_entropy(logits, own, reduction="sum")], 1e-2)
        p = torch.softmax(logits, 1)
        p[own, own] -= 1
        last = slice(len(key) - 1000, None)
        close([key.grad[last]], [10 * p[:, last].mT @ query.float()], 1e-2)
        close([query.grad], [10 * torch.mm(p.to(key.dtype), key, out_dtype=torch.float32)], 1e-2)
