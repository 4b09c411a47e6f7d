"""The paper book goes on: opened by what was said, once for every bar, and never restated."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from app import paper, proof, signals
from engine.errors import QueuantError
from tests.book import (
    BOOK,
    DAYS,
    PRICES,
    START,
    application,
    closes,
    expected,
    follow,
    get,
    open_book,
    put,
    steady,
    upload,
    work,
)
from workers import pipeline, supervisor


@pytest.fixture
def here(shared, make_services):
    return application(shared, make_services())


@pytest.fixture
def opened(here):
    return open_book(here)


def test_the_book_is_opened_by_what_was_said_and_goes_on_with_every_bar(here):
    upload(here, START)
    assert follow(here) == ["succeeded"]
    first = get(here, "/current")
    assert (first["as_of"], first["live_since"]) == (f"{DAYS[START - 1]}T00:00:00.000Z",) * 2
    for count in (START + 1, START + 2, START + 5):
        version = upload(here, count)
        assert follow(here) == ["succeeded"]
    assert follow(here) == []
    found, ledger = get(here, "/current"), expected(START + 5, BOOK)
    assert (found["equity"], found["cash"]) == (ledger.equity[-1], ledger.cash[-1])
    assert [item["quantity"] for item in found["positions"]] == ledger.positions[-1].tolist()
    assert found["live_since"] == first["live_since"]
    assert (found["datasets"], found["quality"]) == ({"prices": version}, "real")
    assert found["pnl"]["total"] == pytest.approx(ledger.equity[-1] - 1e6)
    assert found["pnl"]["day"] == pytest.approx(ledger.equity[-1] - ledger.equity[-2])
    assert found["drawdown"] == pytest.approx(ledger.equity[-1] / max(1e6, ledger.equity.max()) - 1.0)
    assert sum(item["value"] for item in found["positions"]) + found["cash"] == pytest.approx(found["equity"])
    curve = get(here, "/history")
    assert curve["equity"] == ledger.equity.tolist()
    assert [day[:10] for day in curve["time"]] == DAYS[: START + 5]


def test_the_events_of_a_step_are_its_trades_its_gain_and_what_it_holds(opened):
    log = opened.services.store.events
    head = log.head("portfolio")
    upload(opened, START + 6)
    follow(opened)
    told = log.since("portfolio", head)
    assert [event.type for event in told].count("pnl_update") == 3
    assert told[-1].type == "position_update"
    here, gains = get(opened, "/current"), [event.data for event in told if event.type == "pnl_update"]
    assert (gains[-1]["equity"], gains[-1]["bar_at"]) == (here["equity"], here["as_of"])
    trades = [trade for event in told if event.type == "rebalance" for trade in event.data["trades"]]
    newest = list(reversed(get(opened, "/trades")["trades"]))[-len(trades) :]
    assert [trade["quantity"] for trade in trades] == [trade["quantity"] for trade in newest]
    assert [row["quantity"] for row in told[-1].data["positions"]] == [row["quantity"] for row in here["positions"]]


def test_the_opening_tells_its_last_bar_only(here):
    upload(here, START)
    follow(here)
    told = here.services.store.events.since("portfolio", 0)
    assert [event.type for event in told if event.type != "rebalance"] == ["pnl_update", "position_update"]


def test_another_configuration_holds_from_the_next_bar_on_and_changes_no_past(opened):
    before = get(opened, "/history")
    reply = put(opened, strategies=[{"strategy_id": "slow", "weight": 0.75}], config={"commission_bps": 20})
    assert (reply.status_code, reply.get_json()["version"]) == (200, 1), reply.text
    supervisor.follow(opened.services)
    assert work(opened) == []  # nothing is said of a new bar
    upload(opened, START + 5)
    assert follow(opened) == ["succeeded"]
    after = get(opened, "/history")
    assert after["equity"][: START + 3] == before["equity"]
    targets = get(opened, "/target")["targets"]
    assert [list(item["wants"]) for item in targets] == [["slow"], ["slow"]]
    assert get(opened, "/current")["book_version"] == 1
    held = {item["symbol"]: item["weight"] for item in get(opened, "/current")["positions"]}
    assert abs(held["A"]) > 0.1
    newest = get(opened, "/trades")["trades"][0]
    assert newest["commission"] == pytest.approx(abs(newest["quantity"]) * newest["price"] * 20e-4, rel=1e-9)
    assert proof.prove(opened.services.store).differences == []


def test_a_revised_past_changes_only_what_comes(opened):
    before = get(opened, "/history")
    revised = PRICES.copy()
    revised[: START - 5] *= 1.01
    upload(opened, START + 4, prices=revised)
    assert follow(opened) == ["succeeded"]
    assert get(opened, "/history")["equity"][:-1] == before["equity"]


def test_who_speaks_while_a_step_is_asked_for_is_heard(here, monkeypatch):
    upload(here, START)
    supervisor.look(here.services)
    first = here.services.queue.take("batch")
    claim = here.services.jobs.claim(first, lease_owner="test")
    here.services.jobs.finish(claim, pipeline.run(claim, here.services, lambda *_: None))
    absent = signals.absent

    def late(services):
        work(here)
        return absent(services)

    monkeypatch.setattr(signals, "absent", late)
    assert paper.submit_due(here.services)
    request = here.services.store.book.run(signals.OWNER).request
    assert {item["strategy_id"] for item in request["sleeves"]} == {"fast", "slow"}


def test_two_supervisors_make_one_step(opened, monkeypatch):
    upload(opened, START + 4)
    supervisor.look(opened.services)
    assert {kind for kind, _ in work(opened)} == {"signals"}
    run = opened.services.store.book.run(signals.OWNER)
    monkeypatch.setattr(opened.services.store.book, "run", lambda _: run)
    first, second = paper.submit_due(opened.services), paper.submit_due(opened.services)
    assert first == second
    assert work(opened) == [("book", "succeeded")]
    assert get(opened, "/history")["bars"] == START + 4


def test_a_step_whose_book_has_gone_on_stores_nothing(opened):
    upload(opened, START + 4)
    supervisor.look(opened.services)
    work(opened)
    request = paper.due(opened.services)
    late, _ = opened.services.jobs.submit("system", "book", request)
    claim = opened.services.jobs.claim(late.id, lease_owner="slow")
    output = pipeline.run(claim, opened.services, lambda *_: None)
    supervisor.follow(opened.services)  # waits: a step is under way
    assert opened.services.jobs.submit("system", "book", request, fresh=True)
    assert work(opened) == [("book", "succeeded")]
    events = opened.services.store.events.head("portfolio")
    with pytest.raises(QueuantError) as raised:
        opened.services.jobs.finish(claim, output)
    assert raised.value.code == "book_moved"
    assert get(opened, "/history")["bars"] == START + 4
    assert opened.services.store.events.head("portfolio") == events
    assert opened.services.jobs.submit("system", "book", request, fresh=True)
    assert work(opened) == [("book", "book_moved")]


def test_the_book_waits_until_all_have_spoken(opened):
    upload(opened, START + 4)
    supervisor.look(opened.services)
    opened.services.queue.take("batch")
    first = opened.services.queue.take("batch")
    claim = opened.services.jobs.claim(first, lease_owner="test")
    opened.services.jobs.finish(claim, pipeline.run(claim, opened.services, lambda *_: None))
    assert paper.due(opened.services) is not None
    assert paper.submit_due(opened.services) is None


def test_a_second_calendar_joins_and_is_marked_at_its_last_price(opened):
    opened.services.shelf.items["steady"] = steady
    upload(opened, 20, name="other", prices=closes(2), days=[day for day in DAYS if day <= DAYS[START + 2]][-20:])
    upload(opened, START + 4)
    assert follow(opened) == ["succeeded"]
    assert {row["dataset_id"] for row in get(opened, "/current")["positions"]} == {"prices"}
    assert {row["dataset_id"] for row in get(opened, "/target")["targets"]} == {"prices", "other"}
    upload(opened, 21, name="other", prices=closes(2), days=DAYS[START - 17 :])
    assert follow(opened) == ["succeeded"]
    upload(opened, START + 6)
    assert follow(opened) == ["succeeded"]
    upload(opened, 22, name="other", prices=closes(2), days=DAYS[START - 17 :])
    assert follow(opened) == ["succeeded"]
    found = {(row["dataset_id"], row["symbol"]): row for row in get(opened, "/current")["positions"]}
    assert found["other", "A"]["price"] == closes(2)[21, 0]
    assert found["prices", "A"]["price"] == PRICES[START + 5, 0]
    assert get(opened, "/current")["as_of"] == get(opened, "/history")["time"][-1] == f"{DAYS[START + 5]}T00:00:00.000Z"
    assert proof.prove(opened.services.store).differences == []


def test_what_late_bars_bring_is_of_the_days_in_which_they_came(opened):
    opened.services.shelf.items["steady"] = steady
    upload(opened, START + 3, name="other", prices=closes(2))
    assert follow(opened) == ["succeeded"]
    upload(opened, START + 5, name="other", prices=closes(2))
    assert follow(opened) == ["succeeded"]
    upload(opened, START + 10)
    assert follow(opened) == ["succeeded"]
    before = get(opened, "/history")
    upload(opened, START + 9, name="other", prices=closes(2))  # late, but for none of its bars
    assert follow(opened) == ["succeeded"]
    after, here = get(opened, "/history"), get(opened, "/current")
    assert after["time"] == before["time"]
    assert after["equity"][:-1] == before["equity"][:-1]
    assert after["equity"][-1] == here["equity"] != before["equity"][-1]
    assert after["pnl"][-1] == pytest.approx(here["pnl"]["day"], rel=1e-9)
    for days in (1, 2, 4, 30):
        found = get(opened, f"/attribution?days={days}")
        assert sum(item["pnl"] for item in found["sleeves"]) == pytest.approx(found["total"], rel=1e-6)
        assert found["end"] == here["as_of"]


def test_a_ledger_that_was_touched_is_found(opened):
    store = opened.services.store
    found = proof.prove(store)
    assert (found.marks, found.differences) == (START + 3, [])
    assert found.equity == get(opened, "/current")["equity"]
    with store.database.write() as tx:
        tx.exec_driver_sql("UPDATE book_fills SET quantity = quantity + 1e-9 WHERE n = 3")
    assert any("units" in text for text in proof.prove(store).differences)


@pytest.mark.parametrize("happens", ["goes on", "is closed", "is closed and opens anew"])
def test_a_book_is_proved_whatever_happens_to_it_meanwhile(opened, monkeypatch, happens):
    """What happens does so between the reads of the proof: of the state, and of the ledger."""
    store, read = opened.services.store, opened.services.store.book.marks

    def marks(**asked):
        monkeypatch.undo()
        if happens != "goes on":
            store.book.close()
        if happens != "is closed":
            upload(opened, START + 5)
            assert follow(opened) == ["succeeded"]
        return read(**asked)

    monkeypatch.setattr(store.book, "marks", marks)
    found = proof.prove(store)
    if happens == "is closed":
        assert found is None
    else:
        assert (found.marks, found.differences) == (START + 3 if happens == "goes on" else START + 5, [])


def test_a_step_that_cannot_be_made_is_not_tried_again_until_something_is_new(here):
    put(here, config={"fill": "next_open"})
    upload(here, START)
    assert follow(here) == ["fill_unavailable"]
    assert "hold only closes" in get(here, "/current", 404)["detail"]
    put(here, config={})
    assert follow(here) == ["succeeded"]


def test_a_book_that_stands_still_says_why(opened):
    assert get(opened, "/current")["halted"] is None
    put(opened, config={"fill": "next_open"})
    upload(opened, START + 4)
    assert follow(opened) == ["fill_unavailable"]
    halted = get(opened, "/current")["halted"]
    assert (halted["code"], halted["at"][:2]) == ("fill_unavailable", "20")
    assert "hold only closes" in halted["message"]
    put(opened, config={})
    assert follow(opened) == ["succeeded"]
    assert get(opened, "/current")["halted"] is None


def test_data_whose_file_is_gone_keep_no_other_strategy_from_speaking(opened):
    opened.services.shelf.items = {"steady": steady, **opened.services.shelf.items}
    kept = upload(opened, START + 3, name="other", prices=closes(2))
    opened.services.catalog.get(f"other@{kept}").path.unlink()
    upload(opened, START + 4)
    assert set(signals.submit_due(opened.services)) == {"fast", "slow"}
    told = opened.get("/api/v1/signals/latest").get_json()
    missing = {item["strategy_id"]: item["reason"] for item in told["missing"]}
    assert missing["steady"] == "dataset_unavailable"
    assert follow(opened)[-1:] == ["succeeded"]


def test_what_a_strategy_held_that_is_gone_is_sold(opened):
    del opened.services.shelf.items["fast"]
    upload(opened, START + 5)
    assert follow(opened) == ["succeeded"]
    assert {name for item in get(opened, "/target")["targets"] for name in item["wants"]} == {"slow"}
    held = [item["weight"] for item in get(opened, "/current")["positions"]]
    wanted = [item["weight"] for item in get(opened, "/target")["targets"]]
    assert held == pytest.approx(wanted, abs=0.02)
    assert proof.prove(opened.services.store).differences == []
    del opened.services.shelf.items["slow"]
    upload(opened, START + 6)
    assert follow(opened) == []  # nobody is left whose word a step would follow


def test_a_strategy_that_is_taken_back_trades_no_bar_of_the_time_without_it(here):
    here.services.shelf.items["steady"] = steady
    rising = np.linspace(100.0, 300.0, 80)[:, None] * np.ones(2)

    def feed(count):
        upload(here, count)
        upload(here, count, name="other", prices=rising)
        assert follow(here) == ["succeeded"]
        return get(here, "/current")

    both, one = [{"strategy_id": "slow"}, {"strategy_id": "steady"}], [{"strategy_id": "slow"}]
    put(here, strategies=both, config={"max_leverage": 3})
    feed(START)
    put(here, strategies=one, config={"max_leverage": 3})
    for count in (START + 1, START + 2, START + 9):
        without = feed(count)
    assert {item["dataset_id"] for item in without["positions"]} == {"prices"}
    put(here, strategies=both, config={"max_leverage": 3})
    marks = get(here, "/history")["bars"]
    back = feed(START + 10)
    assert get(here, "/history")["bars"] == marks + 1
    assert {item["dataset_id"] for item in back["positions"]} == {"prices"}
    assert {item["dataset_id"] for item in feed(START + 11)["positions"]} == {"prices", "other"}
    newest = here.services.store.book.marks(after=marks, limit=99)
    assert all(mark.years > 0.0 for mark in newest)


def test_data_that_join_an_open_book_begin_with_the_bars_that_come_after(opened):
    rising = np.linspace(100.0, 300.0, 80)[:, None] * np.ones(2)
    before = get(opened, "/history")
    opened.services.shelf.items["steady"] = steady
    upload(opened, START + 20, name="other", prices=rising)  # newer than all that the book has seen
    assert follow(opened) == ["succeeded"]  # it takes note of where they begin
    assert follow(opened) == []
    assert get(opened, "/history") == before
    upload(opened, START + 22, name="other", prices=rising)
    assert follow(opened) == ["succeeded"]
    assert get(opened, "/history")["time"][START + 3 :] == [
        f"{day}T00:00:00.000Z" for day in DAYS[START + 20 : START + 22]
    ]
    assert {item["dataset_id"] for item in get(opened, "/current")["positions"]} == {"prices", "other"}
    assert proof.prove(opened.services.store).differences == []


def test_a_daily_bar_counts_at_the_end_of_its_day_beside_intraday_ones(here):
    here.services.shelf.items["steady"] = steady
    hours = [f"{day}T{hour:02}:00:00" for day in DAYS[START - 4 : START] for hour in (14, 16, 18)]
    upload(here, START)
    upload(here, 12, name="other", days=hours)
    put(here, start_date=DAYS[START - 3])
    assert follow(here) == ["succeeded"]
    marks = here.services.store.book.marks(after=0, limit=99)
    told = [np.datetime64(int(mark.bar_at), "s").astype(object).isoformat() for mark in marks]
    assert told == [f"{day}T{hour}:00:00" for day in DAYS[START - 3 : START] for hour in ("14", "16", "18", "00")]
    assert {mark.years for mark in marks[3::4]} == {0.0}  # midnight of a day was before its evening
    found = get(here, "/current")
    assert found["as_of"] == found["live_since"] == f"{hours[-1]}.000Z"  # nothing of it was live
    assert proof.prove(here.services.store).differences == []


def test_a_book_that_has_fallen_holds_less_comes_back_and_its_ledger_is_still_the_book(here):
    body = {"breaker": {"drawdown": 0.01, "cooldown_bars": 2}}
    told = put(here, **body).get_json()
    assert told["breaker"] == {"drawdown": 0.01, "fraction": 0.0, "cooldown_bars": 2}
    assert put(here, **body).get_json()["version"] == 1
    falling, seen = PRICES.copy(), []
    falling[START:] = PRICES[START - 1] ** 3 / PRICES[START:] ** 2  # what these strategies gained of, turned round
    for count in range(START, START + 10):
        upload(here, count, prices=falling)
        assert follow(here) == ["succeeded"]
        asked = sum(abs(item["asked"]) for item in get(here, "/target")["targets"])
        seen.append((get(here, "/current")["breaker"], asked > 0.0))
    statuses = [status for status, _ in seen]
    assert {"open", "recovery"} <= set(statuses)
    assert statuses.index("open") < len(statuses) - 1 - statuses[::-1].index("recovery")
    for (before, _), (_, wants) in pairwise(seen):
        assert wants == (before != "open")  # what is decided at a close counts for the wishes of the next bar
    assert proof.prove(here.services.store).differences == []
    assert put(here, breaker=None).get_json()["breaker"] is None
    upload(here, START + 10, prices=falling)
    assert follow(here) == ["succeeded"]
    assert get(here, "/current")["breaker"] is None
