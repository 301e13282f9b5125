"""The table of contracts is read from the docstrings, for every loss."""

import pytest
from subjects import LOSSES

from lossbook.functional import huber_loss
from lossbook.notebook.facts import TABLE_PATTERN, Contract, contract_table, contracts


def test_every_loss_has_its_row():
    assert sorted(c.name for c in contracts()) == sorted(subject.function.__name__ for subject in LOSSES)


@pytest.mark.parametrize("subject", LOSSES, ids=str)
def test_every_fact_is_said(subject):
    row = Contract.of(subject.function)
    assert row.mean.startswith("divides ")
    for fact in (row.goes_in, row.target, row.returns):
        assert len(fact) > 10 or row.target == "none"
        assert "\n" not in fact
        assert "|" not in fact
    assert "in " in row.returns


def test_the_table_names_what_it_was_asked_for():
    table = contract_table("huber_loss", "ctc_loss")
    assert [c.name for c in table.rows] == ["huber_loss", "ctc_loss"]
    assert contract_table(huber_loss).rows == table.rows[:1]
    assert table._repr_markdown_().count("\n") == 3
    assert "`huber_loss`" in table._repr_markdown_()
    assert not TABLE_PATTERN.sub("", table._repr_markdown_()).endswith("|\n")
    assert TABLE_PATTERN.sub("", table._repr_markdown_()) == TABLE_PATTERN.sub("", contract_table()._repr_markdown_())
    with pytest.raises(ValueError, match="no loss function is called nope; there are batch_hard_triplet_loss, "):
        contract_table("nope")
