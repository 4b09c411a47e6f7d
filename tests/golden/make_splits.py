"""Make `splits.json`: which bars skfolio, purgedcv and scikit-learn train on and test.

    python -m venv cut && cut/bin/pip install "skfolio==1.12.2" "purgedcv==0.1.11" "scikit-learn==1.9.1" pyarrow
    cut/bin/python tests/golden/make_splits.py

Bars are written as stretches, first and stop. Where a peer counts otherwise it is asked so that both mean the same:

- skfolio gives the bars that no equal groups can have to the last group, purgedcv one each to the first ones, as here;
  skfolio is asked where there are none. It takes two tested groups and more, and no gap as long as a group.
- Of both, `purge` drops bars on either side of a tested group. skfolio's `embargo_size` begins where its purge ends, as
  here; purgedcv's `embargo_observations` begin with the test, so that it is asked for the sum. Its labels last a bar
  and its purge is a duration: bars are a day apart.
- skfolio counts months from the first whole one, and a month is over when the next begins: the first bar is dated on
  the first of its month, and a bar is added on the first of the month after the last. The last ten sessions are left
  out, so that the last month has not ended. Step and test are the same.
- scikit-learn and purgedcv count bars back from the last one: every month has 21 bars, and the tests fill what is left.
  `max_train_size` and `train_size` are what the gap leaves, as skfolio's is where it counts bars.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import purgedcv
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward
from sklearn.model_selection import TimeSeriesSplit

# Bars, groups, tested groups, purge, embargo.
EQUAL = (
    (60, 6, 2, 0, 0),
    (120, 6, 2, 3, 0),
    (120, 6, 3, 0, 5),
    (252, 6, 2, 2, 5),
    (120, 10, 8, 1, 2),
    (240, 8, 4, 5, 10),
)
UNEQUAL = ((100, 7, 3, 2, 3), (251, 6, 2, 1, 4), (253, 5, 1, 5, 20), (119, 6, 2, 0, 30), (121, 6, 1, 25, 0))
# Months of training and of test, purge, whether a training begins with the first bar.
CALENDAR = ((24, 12, 0, False), (24, 12, 10, True), (6, 1, 3, False), (12, 5, 0, True), (3, 7, 21, False))
COUNTED = ((6, 3, 0, False), (6, 3, 5, False), (12, 4, 0, True), (4, 2, 10, True), (5, 1, 3, False))
MONTHS, DAYS = 24, 21


def stretches(bars: Iterable[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for bar in bars:
        if found and bar == found[-1][1]:
            found[-1][1] += 1
        else:
            found.append([int(bar), int(bar) + 1])
    return found


def days(count: int) -> pd.Series:
    return pd.Series(pd.date_range("2020-01-01", periods=count))


def by_skfolio(bars: int, groups: int, tested: int, purge: int, embargo: int) -> dict[str, object]:
    peer = CombinatorialPurgedCV(groups, tested, purged_size=purge, embargo_size=embargo)
    splits = [(train, np.concatenate(tests)) for train, tests in peer.split(np.zeros((bars, 1)))]
    return told(splits, peer.recombined_paths.T.tolist())


def by_purgedcv(bars: int, groups: int, tested: int, purge: int, embargo: int) -> dict[str, object]:
    peer = purgedcv.CombinatorialPurgedCV(
        groups,
        tested,
        prediction_times=days(bars),
        evaluation_times=days(bars) + pd.Timedelta(days=1),
        purge_horizon=pd.Timedelta(days=purge),
        embargo_observations=purge + embargo,
    )
    splits = list(peer.split(np.zeros((bars, 1))))
    # Which split says what of each bar; a path is told by that of the first bar of its groups.
    said = peer.reconstruct_paths([np.full(len(test), at, dtype=float) for at, (_, test) in enumerate(splits)])
    first = [each[0] for each in np.array_split(np.arange(bars), groups)]
    return told(splits, said[:, first].astype(int).tolist())


def told(splits: Iterable[tuple[np.ndarray, np.ndarray]], paths: list[list[int]]) -> dict[str, object]:
    both = [{"train": stretches(train), "test": stretches(test)} for train, test in splits]
    return {"splits": both, "paths": paths}


def combinations() -> list[dict[str, object]]:
    asked = [("skfolio", by_skfolio, EQUAL), ("purgedcv", by_purgedcv, EQUAL + UNEQUAL)]
    return [{"peer": name, "groups": case, **ask(*case)} for name, ask, cases in asked for case in cases]


def walks(sessions: np.ndarray) -> list[dict[str, object]]:
    found = []
    for case in CALENDAR:
        train, test, purge, anchored = case
        dates = pd.DatetimeIndex(sessions)
        month = dates[-1].to_period("M") + 1
        dates = dates[1:].insert(0, dates[0].replace(day=1)).append(pd.DatetimeIndex([month.to_timestamp()]))
        peer = WalkForward(test, train, freq="MS", expand_train=anchored, purged_size=purge)
        found.append(walk("skfolio", "stocks", case, peer.split(pd.DataFrame(np.zeros(len(dates)), index=dates))))
    total = MONTHS * DAYS
    for case in COUNTED:
        train, test, purge, anchored = case
        least, each, count = train * DAYS - purge, test * DAYS, (MONTHS - train) // test
        times = {"prediction_times": days(total), "evaluation_times": days(total) + pd.Timedelta(days=1)}
        rolling = {} if anchored else {"train_size": least, "window": "sliding"}
        horizon = pd.Timedelta(days=purge)
        peers = {
            "skfolio": WalkForward(each, least, expand_train=anchored, purged_size=purge),
            "scikit-learn": TimeSeriesSplit(
                count, max_train_size=None if anchored else least, test_size=each, gap=purge
            ),
            "purgedcv": purgedcv.WalkForwardSplit(count, each, purge_horizon=horizon, **times, **rolling),
        }
        for name, peer in peers.items():
            found.append(walk(name, "made", case, peer.split(np.zeros((total, 1)))))
    return found


def walk(peer: str, data: str, case: tuple[int, int, int, bool], splits: Iterable[object]) -> dict[str, object]:
    folds = [[stretches(train)[0], stretches(test)[0]] for train, test in splits]
    return {"peer": peer, "data": data, "months": case, "folds": folds}


if __name__ == "__main__":
    frame = pd.read_parquet(Path(__file__).with_name("stocks.parquet")).query("ticker == 'AAPL'")
    peers = ("skfolio", "purgedcv", "scikit-learn")
    made = {
        "source": ", ".join(f"{peer} {version(peer)}" for peer in peers) + "; stocks.parquet",
        "combinations": combinations(),
        "walks": walks(frame["date"].to_numpy(dtype="datetime64[D]")[:-10]),
    }
    Path(__file__).with_name("splits.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
