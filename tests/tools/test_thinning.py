"""On a slow machine a part of many cases is tried: which, and how it is said."""

import itertools

import pytest
import thinning

MANY = [f"tests/test_a.py::test_many[{case}]" for case in range(100)]
FEW = [f"tests/test_a.py::test_few[{case}]" for case in range(thinning.FEWEST)]


def test_a_part_of_many_cases_is_tried_and_all_of_few():
    chosen = thinning.thinned([*MANY, *FEW], 0.3)
    assert chosen >= set(FEW)
    assert len(chosen & set(MANY)) == 30
    assert len(thinning.thinned(MANY, 0.01)) == thinning.FEWEST
    assert thinning.thinned(MANY, 1.0) == set(MANY)


def test_the_same_cases_are_tried_everywhere_unless_another_word_is_given(monkeypatch):
    first = thinning.thinned(MANY, 0.3)
    assert thinning.thinned(reversed(MANY), 0.3) == first
    monkeypatch.setenv("THINNING", "others")
    assert thinning.thinned(MANY, 0.3) != first


def test_one_measurement_serves_all_processes(monkeypatch):
    monkeypatch.delenv("THOROUGH", raising=False)
    monkeypatch.delenv(thinning.SHARE, raising=False)
    monkeypatch.setattr(thinning, "measure", lambda: 0.05)
    assert thinning.share() == thinning.LEAST
    monkeypatch.setattr(thinning, "measure", lambda: 1.0)
    assert thinning.share() == thinning.LEAST
    monkeypatch.setenv("THOROUGH", "1")
    assert thinning.share() == 1.0


@pytest.mark.parametrize(("slowness", "part"), [(0.5, 1.0), (1.0, 1.0), (2.0, 0.25), (4.0, 0.0625)])
def test_a_machine_half_as_fast_tries_a_quarter(monkeypatch, slowness, part):
    clock = itertools.count(step=slowness * thinning.FAST)
    monkeypatch.setattr(thinning.time, "process_time", lambda: next(clock))
    assert thinning.measure() == pytest.approx(part)


def test_no_machine_has_time_for_more_than_everything():
    assert 0 < thinning.measure() <= 1
