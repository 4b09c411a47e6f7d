"""The bench of the statistics of a search: every kind of search is on the page, and its truth is what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bench import honest

PAGE = (Path(__file__).resolve().parents[3] / "docs/statistics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", honest.SEARCHES)
def test_every_search_is_on_the_page_with_a_share_for_every_claim(name):
    (row,) = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE, re.MULTILINE)
    assert len(row.split("|")) == 8


@pytest.mark.parametrize("name", honest.KINDS)
def test_the_deviation_of_a_bar_is_the_one_that_edges_are_made_with(name):
    kind, deviation = honest.KINDS[name]
    assert kind(np.random.default_rng(0)).std() == pytest.approx(deviation, rel=0.01)


def test_claims_are_one_for_each_column():
    rng = next(honest.generators(1))
    found = honest.claims(honest.edge(5.0)(rng), rng)
    assert found[:5] == [True] * 5
    assert found[5] == pytest.approx(0.0, abs=0.01)
    assert found[6:] == [True, False]
