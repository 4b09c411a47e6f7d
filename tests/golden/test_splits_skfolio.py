"""Which bars are trained on and tested: skfolio, purgedcv and scikit-learn on the same bars (`make_splits.py`)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.sweep.splits import Groups, month_folds
from tests.golden.conftest import stock_frame

GOLDEN = json.loads(Path(__file__).with_name("splits.json").read_text())
CASE = {
    "name": "Combinatorial purged cross-validation",
    "data": "60 to 253 bars in 5 to 10 groups",
    "peer": "skfolio 1.12.2, purgedcv 0.1.11",
    "compared": "every bar of every training and test, with purge and embargo; the splits of every path",
}
WALKS = {
    "name": "Walking forward by months",
    "data": "13 years of sessions; made months of 21 bars",
    "peer": "skfolio 1.12.2, purgedcv 0.1.11, scikit-learn 1.9.1",
    "compared": "the first and last bar of every training and test; rolling and anchored, with and without purge",
}


@pytest.fixture(scope="module")
def sessions():
    """The days that Apple's stock traded on, 2000 to February 2013, and 24 months of 21 days."""
    days = stock_frame().query("ticker == 'AAPL'")["date"].to_numpy(dtype="datetime64[D]")[:-10]
    months = np.arange("2020-01", "2022-01", dtype="datetime64[M]").astype("datetime64[D]")
    return {"stocks": days, "made": (months[:, None] + np.arange(21)).ravel()}


@pytest.mark.parametrize("theirs", GOLDEN["combinations"], ids=lambda case: f"{case['peer']} {case['groups']}")
def test_splits_and_paths_are_those_of_skfolio_and_purgedcv(theirs, agree):
    groups = Groups(*theirs["groups"])
    bounds = list(zip(groups.bounds, groups.bounds[1:], strict=False))

    for split, other in zip(groups.splits, theirs["splits"], strict=True):
        agree(CASE, bars(groups.training(split).values()), bars(other["train"]), rel=0.0, what=f"training of {split}")
        agree(CASE, bars(bounds[group] for group in split), bars(other["test"]), rel=0.0, what=f"test of {split}")
    agree(CASE, groups.paths, theirs["paths"], rel=0.0)


@pytest.mark.parametrize("theirs", GOLDEN["walks"], ids=lambda case: f"{case['peer']} {case['months']}")
def test_folds_are_those_of_skfolio_purgedcv_and_scikit_learn(theirs, sessions, agree):
    train, test, purge, anchored = theirs["months"]
    folds = month_folds(sessions[theirs["data"]], train=train, test=test, anchored=anchored, purge=purge)

    ours = [[[fold.first, fold.split - purge], [fold.split, fold.stop]] for fold in folds]
    agree(WALKS, ours, theirs["folds"], rel=0.0)


def bars(stretches):
    return np.concatenate([np.arange(*stretch) for stretch in stretches])
