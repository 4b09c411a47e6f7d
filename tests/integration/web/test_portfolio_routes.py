"""A portfolio through the API and a real worker's hands, and what is refused with a place."""

from __future__ import annotations

import io

import pyarrow.parquet
import pytest

from workers import pipeline

PORTFOLIO = "/api/v1/backtest/portfolio"
BOOK = {
    "strategies": [
        {"strategy_id": "sma_cross", "dataset": "sp500_daily"},
        {"strategy_id": "buy_and_hold", "dataset": "nasdaq_daily"},
        {"strategy_id": "sma_cross", "dataset": "fx_daily", "symbols": ["EURUSD"]},
    ],
    "allocation": "risk_parity",
    "start_date": "2015-01-01",
}


def work(web, reply):
    """Do as a worker does with the job of a reply."""
    assert reply.status_code == 202, reply.text
    claim = web.services.jobs.claim(reply.get_json()["job_id"], lease_owner="test")
    assert web.services.jobs.finish(claim, pipeline.run(claim, web.services, lambda *_: None)) == "succeeded"
    return reply.get_json()["job_id"]


@pytest.fixture(scope="module")
def done(shared):
    web = shared.other()
    return web, work(web, web.post(PORTFOLIO, BOOK))


def test_the_result_says_what_each_strategy_made_of_the_whole(done):
    web, job_id = done
    found = web.get(f"/api/v1/jobs/{job_id}/result").get_json()
    told = found["portfolio"]
    names = ["sma_cross", "buy_and_hold", "sma_cross#2"]
    assert found["kind"] == "portfolio"
    assert set(told["attribution"]) == set(names)
    assert sum(told["attribution"].values()) == pytest.approx(found["metrics"]["total_return"], abs=1e-12)
    assert sum(told["risk_contributions"].values()) == pytest.approx(1.0)
    assert told["correlation"]["sma_cross"]["sma_cross"] == 1.0
    assert told["diversification_ratio"] > 1.0
    assert [sleeve["name"] for sleeve in told["sleeves"]] == names
    assert [sleeve["symbols"] for sleeve in told["sleeves"]] == [["SP500"], ["NASDAQ"], ["EURUSD"]]
    assert (
        {sleeve["lookahead"]["verdict"] for sleeve in told["sleeves"]} == {found["lookahead"]["verdict"]} == {"clean"}
    )
    assert all(sum(row) == pytest.approx(1.0) for row in zip(*told["weights"]["sleeves"].values(), strict=True))
    assert len(told["weights"]["time"]) == told["weights"]["changes"] + 1
    assert found["conventions"]["fill"] == "next_close"  # the exchange rates have no opens
    assert found["request"]["end_date"] == "2018-12-31"  # where the first of them ends
    assert found["provenance"]["quality"] == "real"
    assert any("Shares were equal until" in text for text in found["warnings"])


def test_a_sleeve_alone_is_the_backtest_of_its_own_request(done):
    web, job_id = done
    sleeve = web.get(f"/api/v1/jobs/{job_id}/result").get_json()
    request = sleeve["request"]["sleeves"][0]
    body = {
        "strategy_id": "sma_cross",
        "dataset": "sp500_daily",
        "start_date": request["start_date"],
        "end_date": request["end_date"],
        "config": {"fill": "next_close"},
    }
    alone = work(web, web.post("/api/v1/backtest/run", body))
    assert web.get(f"/api/v1/jobs/{alone}/result").get_json()["metrics"] == sleeve["portfolio"]["sleeves"][0]["metrics"]


def test_curves_trades_and_files_are_there_as_of_a_backtest(done):
    web, job_id = done
    links = web.get(f"/api/v1/jobs/{job_id}").get_json()["links"]
    curve = web.get(f"{links['equity']}?points=50").get_json()
    trades = web.get(links["trades"]).get_json()["trades"]
    assert curve["decimated"]
    assert {trade["symbol"] for trade in trades} == {"SP500", "NASDAQ", "EURUSD"}
    for part, columns in (
        ("weights", ["time", "sleeve", "weight"]),
        ("sleeves", ["time", "sleeve", "contribution", "alone"]),
    ):
        reply = web.get(f"{links['export']}?format=parquet&part={part}")
        table = pyarrow.parquet.ParquetFile(io.BytesIO(reply.data)).read()
        assert table.column_names == columns
        assert table.num_rows == curve["bars"] * 3


def test_positions_through_time_are_what_the_account_held(done):
    web, job_id = done
    export = web.get(f"/api/v1/jobs/{job_id}").get_json()["links"]["export"]
    held, shares, curve = (
        pyarrow.parquet.ParquetFile(io.BytesIO(web.get(f"{export}?part={part}").data)).read().to_pydict()
        for part in ("positions", "weights", "equity")
    )
    rows = list(zip(*(held[name] for name in ("time", "symbol", "quantity", "weight")), strict=True))
    exposure = dict(zip(curve["time"], curve["exposure"], strict=True))
    everything = {"SP500", "NASDAQ", "EURUSD"}
    assert set(held["symbol"]) == everything
    for time in set(held["time"]):
        changed = {symbol: abs(weight) for at, symbol, _, weight in rows if at == time}
        if set(changed) == everything:  # all of them traded, so all weights are there
            assert sum(changed.values()) == pytest.approx(exposure[time], abs=1e-12)
    page = web.get(f"/api/v1/jobs/{job_id}/positions?limit=2").get_json()
    assert [(row["symbol"], row["quantity"]) for row in page["positions"]] == [row[1:3] for row in rows[:2]]
    assert set(shares["time"]) == set(curve["time"])


def test_a_benchmark_is_compared_with_as_in_a_backtest(web):
    hold = {"strategy_id": "buy_and_hold", "dataset": "nasdaq_daily"}
    dates = {"start_date": "2016-01-01", "end_date": "2018-06-29"}
    names = ("alpha", "beta", "information_ratio", "tracking_error", "up_capture", "down_capture")
    book = {"strategies": [hold], "benchmark": "NASDAQ"} | dates
    run, own, other, without = (
        web.get(f"/api/v1/jobs/{work(web, reply)}/result").get_json()
        for reply in (
            web.post("/api/v1/backtest/run", hold | dates | {"benchmark": "NASDAQ"}),
            web.post(PORTFOLIO, book),
            web.post(PORTFOLIO, book | {"benchmark": "sp500_daily:SP500"}),
            web.post(PORTFOLIO, book | {"benchmark": None}),
        )
    )
    told = [{name: each["metrics"][name] for name in names} for each in (run, own, other, without)]
    assert told[0] == told[1] != told[2]
    assert 0.5 < told[2]["beta"] < 2.0
    assert set(told[3].values()) == {None}
    assert "benchmark" not in without["request"]
    assert other["request"]["benchmark"]["dataset_id"] == "sp500_daily"
    assert [name.partition("@")[0] for name in other["provenance"]["datasets"]] == ["nasdaq_daily", "sp500_daily"]
    assert web.get(f"/api/v1/jobs/{other['job_id']}/equity").get_json()["rolling_beta"][-1] is not None


def test_the_same_book_is_answered_from_the_store(done):
    web, job_id = done
    again = web.post(PORTFOLIO, BOOK | {"lookback": 126}).get_json()
    assert (again["job_id"], again["cached"]) == (job_id, True)


def test_a_dry_run_validates_and_queues_nothing(web):
    reply = web.post(f"{PORTFOLIO}?dry_run=true", BOOK).get_json()
    assert reply["valid"] is True
    assert reply["request"]["mandate"]["lookback"] == 126
    assert reply["estimate"]["sleeves"] == reply["estimate"]["symbols"] == 3
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_an_idempotency_key_gives_the_same_book(web):
    headers = {"Idempotency-Key": "one"}
    ids = {web.post(f"{PORTFOLIO}?fresh=true", BOOK, headers=headers).get_json()["job_id"] for _ in range(2)}
    assert len(ids) == 1


def test_weights_that_are_given_are_fixed_ones(web):
    book = {"strategies": [BOOK["strategies"][0] | {"weight": 0.4}, BOOK["strategies"][1] | {"weight": 0.2}]}
    reply = web.post(f"{PORTFOLIO}?dry_run=true", book).get_json()
    assert reply["request"]["mandate"]["allocation"] == "fixed"
    assert [sleeve["weight"] for sleeve in reply["request"]["sleeves"]] == [0.4, 0.2]


def sleeve(**more):
    return {"strategy_id": "sma_cross", "dataset": "sp500_daily"} | more


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"strategies": [sleeve(), sleeve(params={"fast": 1000})]}, "/strategies/1/params/fast", "invalid_parameter"),
        ({"strategies": [sleeve(strategy_id="sma_crss")]}, "/strategies/0/strategy_id", "unknown_strategy"),
        ({"strategies": [sleeve(dataset="sp500")]}, "/strategies/0/dataset", "unknown_dataset"),
        ({"strategies": [sleeve(symbols=["SPX"])]}, "/strategies/0/symbols/0", "unknown_symbol"),
        ({"strategies": [sleeve(name="a"), sleeve(name="a")]}, "/strategies/1/name", "invalid_request"),
        ({"strategies": [sleeve(weight=-1)]}, "/strategies/0/weight", "invalid_request"),
        ({"strategies": [sleeve(weight=0.8), sleeve(weight=0.8)]}, "/strategies/0/weight", "invalid_weight"),
        ({"strategies": [sleeve(weight=0.8), sleeve()]}, "/strategies/1/weight", "invalid_weight"),
        ({"strategies": [sleeve(weight=0.8)], "allocation": "hrp"}, "/strategies/0/weight", "invalid_weight"),
        ({"strategies": [sleeve()], "allocation": "best"}, "/allocation", "invalid_request"),
        ({"strategies": [sleeve()], "volatility_target": 9}, "/volatility_target", "invalid_config"),
        ({"strategies": [sleeve()], "config": {"fill": "next"}}, "/config/fill", "invalid_config"),
        ({"strategies": []}, "/strategies", "invalid_request"),
        ({"strategies": [sleeve()] * 51}, "/strategies", "invalid_request"),
        ({"strategies": [sleeve(benchmark="SP500")]}, "/strategies/0/benchmark", "invalid_request"),
        ({"strategies": [sleeve()], "benchmark": "SP50"}, "/benchmark", "unknown_symbol"),
        ({"strategies": [sleeve()], "benchmark": "nasdaq:NASDAQ"}, "/benchmark", "unknown_dataset"),
        ({"strategies": [sleeve()], "benchmark": "nasdaq_daily:NDX"}, "/benchmark", "unknown_symbol"),
        (
            {"strategies": [sleeve(dataset="fx_daily", symbols=["EURUSD"])], "benchmark": "sp500_daily:SP500"},
            "/benchmark",
            "bad_benchmark",
        ),
        ({"strategies": [sleeve()], "start_date": "2018-12-01"}, "/start_date", "not_enough_bars"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(web, body, pointer, code):
    reply = web.post(PORTFOLIO, body)
    found = reply.get_json()
    assert (reply.status_code, found["pointer"], found["code"]) == (422, pointer, code), reply.text


def test_sleeves_without_a_day_in_common_are_refused(web, monkeypatch):
    monkeypatch.setattr(
        "app.portfolios._shared_range", lambda *_: {"start_date": "2018-01-01", "end_date": "2018-12-31"}
    )
    assert web.post(f"{PORTFOLIO}?dry_run=true", BOOK).status_code == 200
    monkeypatch.undo()
    from app import portfolios
    from engine.errors import BadData

    ranges = [
        {"start_date": "2010-01-04", "end_date": "2012-01-04"},
        {"start_date": "2015-01-05", "end_date": "2016-01-04"},
    ]
    with pytest.raises(BadData) as caught:
        portfolios._shared_range(("a", "b"), ranges)
    assert (caught.value.code, caught.value.pointer) == ("no_common_range", "/strategies/1/dataset")


def test_a_book_that_is_too_large_is_refused(web, monkeypatch):
    monkeypatch.setattr("app.portfolios.MOST_CELLS", 100)
    reply = web.post(PORTFOLIO, BOOK)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "too_much_data")
