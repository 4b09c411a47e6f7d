"""A ledger that is added up entry by entry."""

from __future__ import annotations

import pytest

from engine import Config
from engine.paper.folding import Entry, Fold

SHORT_OF_TEN = [("A", -10.0, 10.0, 0.0)]
CONFIG = Config(borrow_bps=1000.0)


def test_a_short_position_pays_for_what_it_borrows():
    fold = Fold(1000.0)
    assert fold.add(Entry(0.0, {"A": 10.0}, SHORT_OF_TEN), CONFIG) == 1000.0
    assert fold.add(Entry(1.0, {"A": 10.0}, []), CONFIG) == pytest.approx(1000.0 - 0.1 * 100.0)


def test_an_account_that_is_used_up_pays_nothing_any_more():
    fold = Fold(100.0)
    fold.add(Entry(0.0, {"A": 10.0}, SHORT_OF_TEN), CONFIG)
    assert fold.add(Entry(0.0, {"A": 30.0}, []), CONFIG) == -100.0
    assert fold.add(Entry(1.0, {"A": 30.0}, []), CONFIG) == -100.0
    assert fold.cash == 200.0
