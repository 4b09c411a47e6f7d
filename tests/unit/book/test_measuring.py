"""What positions depend on, and what they are measured by, at the last bar that the book has taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.catalog import Catalog
from app.exposures import Unmapped, exposure
from app.instruments import COST_KEYS
from engine import Bars
from engine.paper.state import State
from engine.risk.stress import Pair, Price, Rate
from workers.bookkeeping import Source, _pasts
from workers.measuring import WINDOW, Past, measure

LEVELS = {"DI_2Y": 12.0, "NTNB_5Y": 6.0, "UST_5Y": 4.0, "CUPOM_1Y": 5.0, "CDS_5Y": 200.0}


def known(key):
    return LEVELS.get(key, float("nan"))


def state_of(held, at):
    """A state that holds money by (sleeve, name), at prices of 2."""
    symbols = tuple(dict.fromkeys(name for _, name in held))
    legs = tuple(sorted(held, key=lambda leg: symbols.index(leg[1])))
    sleeves = tuple(dict.fromkeys(sleeve for sleeve, _ in held))
    empty = State.opening(1e6).fitted(symbols, legs, sleeves)
    units = np.array([held[leg] / 2.0 for leg in legs])
    numbers = dict(empty.numbers) | {"held": units, "mark": np.full(len(symbols), 2.0)}
    return replace(empty, numbers=numbers, clock=int(np.datetime64(at, "ns").astype(np.int64)))


@pytest.fixture(scope="module")
def macro():
    return Past("macro_synthetic", Catalog.standard().get("macro_synthetic").all_bars)


def days(count, end="2025-12-31"):
    return np.busday_offset(end, np.arange(1 - count, 1), roll="backward").astype("datetime64[ns]")


def past(count=150, name="d", symbols=("A",), end="2025-12-31", seed=1):
    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, (count, len(symbols))), axis=0))
    return Past(name, Bars.from_closes(days(count, end), closes, symbols))


@pytest.mark.parametrize(
    ("symbol", "curve", "years", "duration"),
    [
        ("DI_2Y", "brl_nominal", 2.0, 2.0 / 1.12),
        ("NTNB_5Y", "brl_real", 5.0, 5.0 / 1.06),
        ("UST_5Y", "usd_rates", 5.0, 5.0 / 1.04),
        ("CUPOM_1Y", "usd_onshore", 1.0, 1.0 / 1.05),
    ],
)
def test_a_rate_depends_on_its_curve_by_the_duration_of_its_zero(symbol, curve, years, duration):
    found = exposure("macro_synthetic", symbol, COST_KEYS[symbol], known)
    assert found == Rate(curve, years, pytest.approx(duration, rel=1e-12))


def test_bought_protection_gains_by_its_risky_duration():
    found = exposure("macro_synthetic", "CDS_5Y", "CDS", known)
    rate = 0.04 + 0.02 / 0.75
    assert found == Rate("credit", 5.0, pytest.approx(-(1.0 - np.exp(-5.0 * rate)) / rate, rel=1e-12))


@pytest.mark.parametrize(
    ("dataset", "symbol", "cost_key", "found"),
    [
        ("macro_synthetic", "USDBRL", "DOL", Pair("USD", "BRL")),
        ("macro_synthetic", "IBOV", "IBOV", Price("equity_br")),
        ("fx_daily", "EURUSD", None, Pair("EUR", "USD")),
        ("sp500_daily", "SP500", None, Price("equity_us")),
        ("wti_daily", "WTI", None, Price("oil")),
        ("stocks", "WTI", None, Unmapped("No scenario has a factor for it.")),
        ("stocks", "DI_2Y", None, Unmapped("No scenario has a factor for it.")),
        ("stocks", "GOOGLE", None, Unmapped("No scenario has a factor for it.")),
    ],
)
def test_each_symbol_depends_on_what_it_is(dataset, symbol, cost_key, found):
    assert exposure(dataset, symbol, cost_key, known) == found


def test_a_rate_whose_yield_is_not_known_has_no_duration():
    found = exposure("macro_synthetic", "DI_5Y", "DI", known)
    assert isinstance(found, Unmapped)
    assert "not known" in found.reason


def test_every_instrument_of_the_macro_dataset_is_mapped(macro):
    for symbol in macro.bars.symbols:
        assert not isinstance(macro.exposure(symbol), Unmapped), symbol


def test_rates_up_hurt_who_receives_and_help_who_pays_in_a_book(macro):
    held = {("one", "macro_synthetic:DI_5Y"): 1e5, ("two", "macro_synthetic:DI_2Y"): -2e5}
    told = measure(state_of(held, macro.bars.time[-1]), [macro])
    up = next(item for item in told["stress"]["scenarios"] if item["scenario"] == "rates_up")
    assert [item["pnl"] < 0.0 for item in up["instruments"]] == [True, False]
    by_name = {item["symbol"]: item for item in told["stress"]["exposures"]}
    assert by_name["DI_5Y"]["factor"] == "brl_nominal 5y"
    assert up["strategies"][0]["pnl"] == pytest.approx(-by_name["DI_5Y"]["dv01"] * 200.0, rel=1e-12)
    assert up["strategies"][1]["pnl"] == pytest.approx(-by_name["DI_2Y"]["dv01"] * 200.0, rel=1e-12)
    assert up["pnl"] == pytest.approx(sum(item["pnl"] for item in up["strategies"]), rel=1e-12)
    yield_of = macro.known("DI_5Y")
    assert by_name["DI_5Y"]["dv01"] == pytest.approx(5.0 / (1.0 + yield_of / 100.0) * 1e5 / 1e4, rel=1e-12)


def test_what_two_strategies_hold_against_each_other_is_no_risk_of_the_book():
    told = measure(state_of({("one", "d:A"): 500.0, ("two", "d:A"): -500.0}, "2025-12-31"), [past()])
    assert told["gross"] == [{"strategy_id": "one", "gross": 500.0}, {"strategy_id": "two", "gross": 500.0}]
    for figure in told["var"]["figures"]:
        assert figure["cvar"] == pytest.approx(0.0, abs=1e-9)


def test_the_same_book_is_measured_alike_to_the_last_bit():
    state = state_of({("one", "d:A"): 500.0, ("one", "d:B"): 300.0}, "2025-12-31")
    pasts = [past(symbols=("A", "B"))]
    assert measure(state, pasts) == measure(state, pasts)


def test_what_comes_later_changes_nothing():
    later, earlier = past(300), past(300)
    cut = earlier.bars.time[199]
    seen = {"d": float(cut.astype(np.int64)) / 1e9}
    state = state_of({("one", "d:A"): 500.0}, cut)
    rows = np.zeros(0, dtype=np.intp)
    source = Source("d", "v", "real", later.bars, rows, rows.astype(np.int64))
    assert measure(state, _pasts([source], seen)) == measure(state, [Past("d", earlier.bars.select(end=cut))])
    assert list(_pasts([source], {"d": 0.0})) == []


def test_returns_are_those_between_days_that_all_have_and_no_more_than_two_years():
    first, other = past(700), past(700, name="e", symbols=("B",), seed=2)
    holiday = np.delete(np.arange(700), 650)
    other = Past("e", Bars.from_closes(other.bars.time[holiday], other.bars.close[holiday], ("B",)))
    told = measure(state_of({("one", "d:A"): 1.0, ("one", "e:B"): 1.0}, "2025-12-31"), [first, other])["var"]
    assert (told["observations"], told["end"]) == (WINDOW, "2025-12-31")
    assert told["start"] == str(first.bars.time[700 - WINDOW - 2].astype("datetime64[D]"))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (past(60, name="e", symbols=("B",)), "It has 59 returns; 60 are needed."),
        (past(150, name="e", symbols=("B",), end="2025-12-19"), "Its last bar is of 2025-12-19."),
        (past(150, name="e", symbols=("C",)), "It has 0 returns; 60 are needed."),
        (
            Past("e", Bars.from_closes(days(700)[::-7][::-1], np.linspace(1.0, 2.0, 100), ("B",))),
            "Its bars are 9 days apart.",
        ),
    ],
)
def test_a_past_that_is_no_measure_is_left_out_and_named(other, reason):
    told = measure(state_of({("one", "d:A"): 3.0, ("one", "e:B"): -1.0}, "2025-12-31"), [past(), other])
    assert told["var"]["unmeasured"] == [{"dataset_id": "e", "symbol": "B", "value": -1.0, "reason": reason}]
    assert told["var"]["coverage"] == 0.75
    assert [item["symbol"] for item in told["var"]["figures"][0]["instruments"]] == ["A"]
    if "C" in other.bars.symbols:
        assert told["stress"]["unmapped"][1]["reason"] == "Its dataset has no bars of it."


def test_of_an_intraday_session_the_last_close_counts():
    hours = np.array([f"2025-12-{day:02d}T{hour}:00" for day in (1, 2, 3) for hour in (10, 15)], dtype="datetime64[ns]")
    closes = np.array([1.0, 2.0, 3.0, np.nan, np.nan, 6.0])
    found, values = Past("d", Bars.from_closes(hours, closes, ("A",))).closes("A")
    assert (found.astype(str).tolist(), values.tolist()) == (
        ["2025-12-01", "2025-12-02", "2025-12-03"],
        [2.0, 3.0, 6.0],
    )
