"""What a report says is what was stored, from the first moment of its day to the last, and of each owner alone."""

from __future__ import annotations

import pytest

from app.quality import Finding
from engine.errors import BadData
from tests.reports import DATE, HOUR, at, reported, rows, take


def test_a_day_begins_after_its_start_and_holds_its_end(platform):
    for moment in ("2025-06-14T22:00:00", "2025-06-14T22:00:00.001", "22:00:00", "22:00:00.001"):
        platform.clock.now = at(moment)
        platform.fail()
        platform.speak(moment, 0, 0.1)
    for day, count in ((DATE, 2), ("2025-06-16", 1)):
        found = reported(platform, day=day)
        assert found["own_jobs"]["figures"]["failed"] == found["signals"]["figures"]["signals"] == count


def test_jobs_are_counted_for_everybody_and_named_to_their_owner_alone(platform):
    world, clock = platform.world, platform.clock
    clock.now = at("08:00:00")
    slow, quick = world.submit("ada", strategy_id="sma_cross"), world.submit("ada", seed=2)
    stranger = world.submit("bob", seed=3)
    world.jobs.cancel(world.submit("ada", seed=4).id, "ada")
    for job, wait, run in ((slow, 10.0, 60.0), (quick, 20.0, 5.0), (stranger, 5.0, 1.0)):
        clock.advance(wait)
        claim = world.claim(job.id)
        clock.advance(run)
        world.jobs.finish(claim, world.output) if job is not stranger else world.jobs.fail(claim, world.error)
    world.submit("ada", seed=5)  # it waits
    found, other = reported(platform), reported(platform, "bob")
    assert found["jobs"] == other["jobs"]
    assert found["jobs"]["figures"] == {"jobs": 4, "succeeded": 2, "failed": 1, "cancelled": 1}
    (queue,) = rows(found["jobs"], "queues")
    assert (queue["queue"], queue["started"]) == ("interactive", 3)
    assert queue["wait_p50_seconds"] == 90.0
    assert queue["wait_p95_seconds"] == pytest.approx(90.0 + 0.9 * 10.0)  # waits of 10, 90 and 100 s
    assert "job_id" not in repr(found["jobs"])
    own = found["own_jobs"]
    assert own["figures"] == {
        "jobs": 3,
        "succeeded": 2,
        "failed": 0,
        "cancelled": 1,
        "started": 2,
        "wait_p50_seconds": 50.0,
        "wait_p95_seconds": pytest.approx(86.0),
    }
    assert [(row["job_id"], row["run_seconds"]) for row in rows(own, "slowest")] == [(slow.id, 60.0), (quick.id, 5.0)]
    assert rows(own, "failed") == []
    (failed,) = rows(other["own_jobs"], "failed")
    assert (failed["job_id"], failed["code"], failed["message"]) == (stranger.id, *world.error.values())
    assert slow.id not in repr(other)


def test_parts_of_a_job_are_no_jobs(platform):
    platform.clock.now = at("08:00:00")
    world = platform.world
    world.succeeded()
    with platform.store.database.write() as tx:
        tx.exec_driver_sql("UPDATE jobs SET parent_id = 'x'")
    assert reported(platform)["jobs"]["nothing"] == "No job ended."


def test_alerts_are_of_their_owner_raised_resolved_and_open_as_they_were_at_the_end(platform):
    def fail(moment, kind, owner="ada"):
        platform.clock.now = at(moment)
        platform.fail(owner, kind=kind, seed=kind)
        platform.round()

    fail("2025-06-14T12:00:00", "one")
    fail("2025-06-14T12:00:00", "two")
    one, two = platform.alerts()
    fail("09:00:00", "three")
    fail("10:00:00", "four")
    fail("11:00:00", "five", owner="bob")
    _, _, three, four = platform.alerts()
    platform.store.alerts.resolve(one.id, "ada")
    platform.store.alerts.acknowledge(four.id, "ada", by="ada")
    platform.clock.now = at("22:00:30")
    platform.store.alerts.resolve(three.id, "ada")  # after the end: it was open then
    platform.store.alerts.acknowledge(two.id, "ada", by="ada")
    found = reported(platform)["alerts"]
    assert found["figures"] == {"raised": 2, "resolved": 1, "open": 3, "open_critical": 0}
    assert [(row["entity"], row["acknowledged"]) for row in rows(found, "open")] == [
        ("two", False),
        ("three", False),
        ("four", True),
    ]
    assert [row["entity"] for row in rows(found, "resolved")] == ["one"]
    (theirs,) = rows(reported(platform, "bob")["alerts"], "open")
    assert theirs["entity"] == "five"
    assert reported(platform, day="2025-06-14")["alerts"]["figures"]["open"] == 2


def test_the_most_severe_alert_is_the_first(platform):
    platform.clock.now = at("09:00:00")
    platform.rule("loud", kind="job_failed", severity="critical")
    platform.fail()
    platform.round()
    found = reported(platform)["alerts"]
    assert [row["severity"] for row in rows(found, "open")] == ["critical", "warning"]
    assert found["figures"]["open_critical"] == 1


def test_signals_of_the_day_are_those_that_were_told_with_what_they_were_said_from(platform):
    platform.clock.now = at("2025-06-14T12:00:00")
    platform.speak("old", 0, 0.99)
    platform.clock.now = at("12:00:00")
    platform.speak("first", 0, 0.6)
    platform.speak("second", 0, -0.8, "flip")
    platform.speak("third", 0, 0.2, "surge", symbol="B")
    platform.speak("third", 1, -0.3, symbol="B")
    found = reported(platform)["signals"]
    assert found["figures"] == {"signals": 4, "strategies": 3, "flips": 1, "surges": 1, "divergences": 1}
    assert [row["strategy_id"] for row in rows(found, "flips")] == ["second"]
    assert [row["strategy_id"] for row in rows(found, "surges")] == ["third"]
    (contrary,) = rows(found, "divergences")
    assert (contrary["symbol"], contrary["long"], contrary["short"]) == ("A", "old, first", "second")
    assert [(row["strategy_id"], row["conviction"]) for row in rows(found, "strongest")] == [
        ("second", -0.8),
        ("first", 0.6),
        ("third", -0.3),
    ]
    assert found["quality"] == "real"


def test_a_list_that_is_long_says_how_long_it_was(platform):
    platform.clock.now = at("12:00:00")
    for place in range(12):
        platform.speak(f"s{place:02}", 0, 0.5 - place / 100)
    (table,) = reported(platform)["signals"]["tables"]
    assert (table["name"], table["total"], len(table["rows"])) == ("strongest", 12, 10)


def test_a_lost_worker_is_named_and_whose_job_it_held_is_not(platform):
    platform.clock.now = at("12:00:00")
    claim = platform.world.running("node-1")
    platform.world.expire()
    platform.world.jobs.reap()
    found = reported(platform)["workers"]
    assert found["figures"] == {"lost": 1}
    (lost,) = rows(found, "lost")
    assert (lost["worker"], lost["attempt"], lost["status"]) == ("node-1", 1, "queued")
    assert "ada" not in repr(found)
    assert claim.job_id not in repr(found)


def test_data_that_are_behind_or_bad_are_named(platform, monkeypatch):
    platform.clock.now = at("2025-06-10T12:00:00")
    platform.keep("late", "2025-06-09")
    platform.keep("made", "2025-06-09", quality="synthetic")
    platform.rule("mine", kind="stale_data", filter={"dataset_id": "made"})  # a wish of Ada's alone
    platform.clock.now = at("12:00:00")
    platform.keep("fresh", "2025-06-13", quality="proxy")
    found = reported(platform)["data"]
    assert found["figures"] == {
        "datasets": 3,
        "real_datasets": 1,
        "proxy_datasets": 1,
        "synthetic_datasets": 1,
        "stale": 1,
        "bad": 0,
    }
    assert rows(found, "stale") == [{"dataset_id": "late", "newest": "2025-06-09", "sessions": 4, "quality": "real"}]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"PAR1"), lambda path: path.unlink()])
def test_a_dataset_that_cannot_be_read_is_bad_and_the_others_are_told(platform, damage):
    platform.clock.now = at("2025-06-10T12:00:00")
    for name in ("broken", "late"):
        platform.keep(name, "2025-06-09")
    damage(platform.services.catalog.get("broken").path)
    found = reported(platform)["data"]
    assert [row["dataset_id"] for row in rows(found, "stale")] == ["late"]
    (bad,) = rows(found, "bad")
    assert (found["figures"]["bad"], bad["dataset_id"], bad["symbol"]) == (1, "broken", None)
    assert bad["message"] == "A file of dataset 'broken' is missing or damaged."


def test_what_is_wrong_with_prices_is_told_where_it_makes_runs_fail(platform, monkeypatch):
    platform.clock.now = at("2025-06-10T12:00:00")
    platform.keep("gappy", "2025-06-13")
    dataset = platform.services.catalog.get("gappy")
    found = [Finding("data_gap", severity, "A", "", "", 1, f"A {severity}.") for severity in ("error", "warning")]
    monkeypatch.setitem(dataset.__dict__, "findings", tuple(found))
    assert rows(reported(platform)["data"], "bad") == [
        {"dataset_id": "gappy", "quality": "real", "symbol": "A", "message": "A error."}
    ]


def test_a_catalog_that_cannot_be_read_is_said(platform, monkeypatch):
    def fail():
        raise BadData("Two folders hold a dataset 'x'.")

    monkeypatch.setattr(platform.services.catalog, "datasets", fail)
    found = reported(platform)["data"]
    assert found["nothing"] == "The catalog cannot be read. Two folders hold a dataset 'x'."


def test_how_data_stood_long_ago_is_not_made_up(platform):
    platform.keep("late", "2025-06-09")
    platform.clock.now = at("22:00:00") + 24 * HOUR
    assert reported(platform)["data"]["nothing"] is None
    platform.clock.advance(1)
    assert reported(platform, day="2025-06-14")["data"]["nothing"] == "How the data stood then is not stored."


FILL = {"dataset_id": "d", "symbol": "A", "quantity": 2.0, "price": 50.0, "commission": 1.0, "slippage": 0.5}
FILL |= {"carry": 0.0, "reason": "signal", "bar_at": at("00:00:00")}
HELD = {"dataset_id": "d", "symbol": "A", "quantity": 2.0, "price": 60.0, "average_price": 50.0, "quality": "proxy"}


def test_the_book_is_told_by_the_bars_that_came_that_day(platform):
    store = platform.store
    platform.clock.now = at("2025-06-12T12:00:00")
    take(store, 0, {"bar_at": 1.0, "equity": 900.0, "pnl": -100.0}, {"bar_at": 2.0, "equity": 1000.0, "pnl": 100.0})
    platform.clock.now = at("2025-06-14T12:00:00")
    take(store, 2, {"bar_at": 3.0, "equity": 1010.0, "pnl": 10.0, "sleeves": {"one": 10.0}})
    platform.clock.now = at("12:00:00")
    late = {"bar_at": 4.0, "equity": 1000.0, "pnl": -10.0, "sleeves": {"one": -15.0, "two": 5.0}}
    last = {"bar_at": 5.0, "equity": 1030.0, "pnl": 30.0, "sleeves": {"two": 30.0}, "positions": [HELD]}
    last |= {"gross": 120.0, "net": 120.0, "cash": 910.0, "drawdown": -0.05, "quality": "proxy"}
    take(store, 3, late, last, fills=({"mark": 2, **FILL},))
    platform.clock.now = at("22:00:01")
    take(store, 5, {"bar_at": 6.0, "equity": 5000.0, "pnl": 3970.0, "quality": "synthetic"})
    found = reported(platform)["book"]
    assert found["figures"] == {
        "bar_at": "1970-01-01T00:00:05.000Z",
        "equity": 1030.0,
        "cash": 910.0,
        "capital": 1000.0,
        "pnl": 20.0,
        "pnl_return": 20.0 / 1010.0,
        "drawdown": -0.05,
        "gross_exposure": 120.0 / 1030.0,
        "net_exposure": 120.0 / 1030.0,
        "bars": 2,
        "trades": 1,
    }
    assert rows(found, "attribution") == [
        {"strategy_id": "two", "pnl": 35.0, "contribution": 35.0 / 1010.0},
        {"strategy_id": "one", "pnl": -15.0, "contribution": -15.0 / 1010.0},
    ]
    (trade,) = rows(found, "trades")
    assert (trade["symbol"], trade["quantity"], trade["price"], trade["reason"]) == ("A", 2.0, 50.0, "signal")
    (held,) = rows(found, "positions")
    assert (held["value"], held["weight"], held["pnl"], held["quality"]) == (120.0, 120.0 / 1030.0, 20.0, "proxy")
    assert (found["quality"], found["notes"]) == ("proxy", [])


def test_gains_of_the_days_sum_to_the_change_of_equity_and_the_opening_is_none_of_them(platform):
    store, equity = platform.store, [1000.0]
    platform.clock.now = at("2025-06-10T12:00:00")
    take(store, 0, *({"bar_at": float(n), "equity": 1000.0 + n, "pnl": 1.0} for n in (1, 2, 3)))
    equity.append(1003.0)
    for n, moment in enumerate(("2025-06-10T23:00:00", "2025-06-11T21:00:00", "2025-06-11T22:00:00"), 4):
        platform.clock.now = at(moment)
        equity.append(equity[-1] + n)
        take(store, n - 1, {"bar_at": float(n), "equity": equity[-1], "pnl": float(n)})
    days = [reported(platform, day=f"2025-06-{day}")["book"] for day in (10, 11, 12)]
    assert [day["figures"]["pnl"] for day in days] == [0.0, 15.0, 0.0]
    assert sum(day["figures"]["pnl"] for day in days) == equity[-1] - 1003.0
    opening = "The book was opened: up to the bar of 1970-01-01 it is what it would have done, and no gain of this day."
    assert [day["notes"] for day in days] == [[opening], [], ["No bar came: it stands as it stood."]]
    assert days[0]["figures"]["equity"] == 1003.0


def test_the_report_of_a_day_before_the_book_knows_no_book(platform):
    platform.clock.now = at("12:00:00")
    take(platform.store, 0, {"bar_at": 1.0})
    assert reported(platform, day="2025-06-14")["book"]["nothing"] == "No book is kept."
    assert reported(platform)["book"]["nothing"] is None
