"""From datasets to one that can be traded: which days, which values, since when they were known, and from where."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

import strategies
from app.instruments import price
from engine import Config, backtest
from engine.errors import BadData, InvalidInput
from engine.panel import Series
from workers.composing import run_compose

NAN = np.nan
DAYS = np.busday_offset("2024-01-01", np.arange(45), roll="forward")
KEYS = ("DI_3M", "DI_6M", "DI_1Y", "DI_2Y", "UST_1Y", "UST_2Y", "UST_5Y", "NTNB_5Y", "CDI", "SOFR", "USDBRL", "CDS_5Y")
HOLIDAY = 6
FIELDS = ("observed", "available", "value")


def wave(level, size=0.2):
    return level + size * np.sin(np.arange(len(DAYS)))


@pytest.fixture
def shelf(shop, make_series):
    """Brazil without a holiday of its own, the US with every weekday, and an index as bars."""
    home = np.delete(np.arange(len(DAYS)), HOLIDAY)
    months = np.array(["2023-11-30", "2023-12-31", "2024-01-31"], dtype="datetime64[ns]")
    released = np.array(["2023-12-12T12:00", "2024-01-11T12:00", "2024-02-08T21:00"], dtype="datetime64[ns]")
    shop.keep(
        "brazil",
        make_series("DI_1Y", DAYS[home], wave(10.0)[home], quality="proxy"),
        make_series("DI_2Y", DAYS[home], wave(11.0)[home]),
        make_series("CDI", DAYS[home], 12.0),
        make_series("NTNB_2Y", DAYS[home], wave(6.0)[home]),
        Series("IPCA_MOM", "percent", months, released, np.array([0.5, 0.2, 1.0]), 75.0),
        quality="proxy",
        source="Banco Central",
    )
    shop.keep("us", make_series("UST_2Y", DAYS, wave(4.0)), make_series("SOFR", DAYS, 5.0), close=None, source="FRED")
    shop.keep_closes("market", DAYS, bvsp=np.linspace(100.0, 120.0, len(DAYS)), SOY=np.linspace(10.0, 9.0, len(DAYS)))
    return shop


def taken(series, rows):
    return replace(series, **{name: getattr(series, name)[rows] for name in FIELDS})


def column(dataset, name):
    bars = dataset.all_bars
    return dict(zip(bars.sessions.astype(str).tolist(), bars.close[:, bars.column(name)].tolist(), strict=True))


def test_instruments_have_prices_on_the_days_of_their_own_series(shelf):
    made = shelf.kept("brazil", "us", "market", rename={"^BVSP": "IBOV"})

    assert made.symbols == ("DI_1Y", "DI_2Y", "UST_2Y", "NTNB_2Y", "IBOV")
    assert made.manifest["cost_keys"]["NTNB_2Y"] == "NTN-B"
    found, home = column(made, "DI_2Y"), np.delete(np.arange(len(DAYS)), HOLIDAY)
    assert list(found) == DAYS.astype(str).tolist()
    assert np.isnan(found[str(DAYS[HOLIDAY])])
    assert not np.isnan(column(made, "UST_2Y")[str(DAYS[HOLIDAY])])
    told = {"DI_1Y": wave(10.0)[home], "DI_2Y": wave(11.0)[home], "CDI": np.full(len(home), 12.0)}
    assert [found[str(day)] for day in DAYS[home]] == price("DI_2Y", told).tolist()


def test_all_series_are_kept_as_they_were_published_and_closes_count_from_the_end_of_their_day(shelf):
    panel = shelf.kept("brazil", "us", "market", rename={"^BVSP": "IBOV"}).all_bars.panel

    assert set(panel.series) == {"DI_1Y", "DI_2Y", "CDI", "NTNB_2Y", "IPCA_MOM", "UST_2Y", "SOFR", "IBOV", "SOY"}
    assert panel.delay == np.timedelta64(20, "h")
    before = shelf.catalog.get("brazil").panel.series["IPCA_MOM"]
    for name in ("observed", "available", "value"):
        assert getattr(panel.series["IPCA_MOM"], name).tolist() == getattr(before, name).tolist()
    soy = panel.series["SOY"]
    assert (soy.unit, soy.stale_days, soy.quality) == ("price", 7.0, "real")
    assert (soy.available - soy.observed).astype("timedelta64[h]").astype(int).tolist() == [24] * len(DAYS)


def test_inflation_counts_from_the_session_by_whose_close_it_was_released(shelf):
    """The figure of January comes at 21:00 of 8 February, after the close at 20:00."""
    found = column(shelf.kept("brazil"), "NTNB_2Y")
    told = {day: wave(6.0)[at] for at, day in enumerate(DAYS.astype(str).tolist())}

    def accrued(before, day):
        y, then = told[day] / 100, told[before] / 100
        change, base = y - then, 1 + then
        return found[day] / found[before] - 1 - (then - 0.12) / 252 + 2 / base * change - 3 / base**2 * change**2

    assert accrued("2024-01-10", "2024-01-11") == pytest.approx(1.002 ** (1 / 21) - 1, rel=1e-8)
    assert accrued("2024-02-07", "2024-02-08") == pytest.approx(1.002 ** (1 / 21) - 1, rel=1e-8)
    assert accrued("2024-02-08", "2024-02-09") == pytest.approx(1.01 ** (1 / 21) - 1, rel=1e-8)


def test_a_stale_input_gives_no_price_and_of_vintages_the_latest_counts(shop, make_series):
    few = make_series("CDI", DAYS[:10], 12.0, stale=4.0)
    corrected = replace(
        few,
        observed=np.append(few.observed, few.observed[3]),
        available=np.append(few.available, few.available[-1] + np.timedelta64(30, "D")),
        value=np.append(few.value, 14.0),
    )
    shop.keep("few", corrected, make_series("DI_1Y", DAYS, 10.0))

    found = column(shop.kept("few"), "DI_1Y")

    known = DAYS[(DAYS - DAYS[9]).astype(int) <= 4]
    assert list(found) == known.astype(str).tolist()
    moved = [found[str(later)] / found[str(day)] - 1 for day, later in pairwise(known)]
    assert moved == pytest.approx([-0.04 / 252 if at == 3 else -0.02 / 252 for at in range(len(moved))], rel=1e-9)


def test_what_was_observed_after_the_close_is_not_in_the_price_of_its_day(shop, make_series):
    late = DAYS.astype("datetime64[h]") + np.timedelta64(21, "h")
    both = np.sort(np.append(DAYS.astype("datetime64[h]"), late))
    shop.keep("late", make_series("DI_1Y", both, np.tile([10.0, 50.0], len(DAYS))), make_series("CDI", DAYS, 10.0))

    assert set(column(shop.kept("late"), "DI_1Y").values()) == {100.0}


def cut(series, day):
    """What had been observed by a day, and of inflation what had been released by its close."""
    seen = np.maximum(series.observed, series.available) if series.key == "IPCA_MOM" else series.observed
    return taken(series, seen <= day.astype("datetime64[ns]") + np.timedelta64(20, "h"))


def a_year_with_holes(panel):
    """2019 of the world that ships, without a seventh of its days; 6 months and SOFR miss weeks, an IPCA is revised."""
    rng = np.random.default_rng(11)
    for key in (*KEYS, "IBOV", "IPCA_MOM"):
        item = panel.series[key]
        rows = item.observed.astype("datetime64[Y]") == np.datetime64("2019")
        if key == "IPCA_MOM":
            again = [item.observed[rows][4], item.available[rows][4] + np.timedelta64(9, "D"), 1.0]
            values = (np.append(getattr(item, name)[rows], new) for name, new in zip(FIELDS, again, strict=True))
            yield replace(item, **dict(zip(FIELDS, values, strict=True)))
            continue
        rows &= rng.random(len(rows)) > 1 / 7
        if key in ("DI_6M", "SOFR"):
            rows &= (item.observed < np.datetime64("2019-05-01")) | (item.observed > np.datetime64("2019-05-20"))
        yield taken(item, rows)


def test_cutting_the_future_off_leaves_every_price_as_it_was(shop):
    series = list(a_year_with_holes(shop.catalog.get("macro_synthetic").panel))
    shop.keep("whole", *series)
    bars = shop.kept("whole").all_bars
    assert len(bars.symbols) == 11
    for day in bars.sessions[[40, 87, 101, 130, 200]]:
        shop.keep(f"until_{day}", *(cut(item, day) for item in series))
        early = shop.kept(f"until_{day}", name=f"mine_{day}").all_bars
        assert early.symbols == bars.symbols
        assert early.time[-1] == day.astype("datetime64[ns]")
        assert early.close.tobytes() == bars.close[: len(early)].tobytes()


def test_the_world_that_ships_composed_again_is_itself(shop):
    """Its prices are made of values before they are rounded in the same way, and all its strategies run on them."""
    shipped, made = shop.catalog.get("macro_synthetic").all_bars, shop.kept("macro_synthetic").all_bars

    assert (made.symbols, made.cost_keys) == (shipped.symbols, shipped.cost_keys)
    assert np.array_equal(made.time, shipped.time)
    assert np.abs(made.close / shipped.close - 1).max() < 1e-4
    assert set(made.panel.series) == set(shipped.panel.series)
    assert set(made.panel.calendars) == {"FOMC", "COPOM", "IBGE_IPCA"}


@pytest.mark.parametrize("name", ["RATES_BR_02", "RATES_BR_03", "RATES_03", "INF_03"])
def test_strategies_trade_legs_that_do_not_share_their_holidays(shop, name):
    panel, strategy = shop.catalog.get("macro_synthetic").panel, strategies.get(name)
    open_days = {market: np.random.default_rng(len(market)).random(5000) > 0.04 for market in ("DI", "UST", "NTNB")}
    everywhere = np.ones(5000, dtype=bool)
    series = panel.series.values()
    shop.keep(
        "holidays",
        *(taken(item, open_days.get(item.key.split("_")[0], everywhere)[: len(item.value)]) for item in series),
    )

    bars = shop.kept("holidays").all_bars.select(strategy.symbols)
    result = backtest(bars, strategy.bind(), Config.parse(dict(strategy.defaults)))

    assert np.isnan(bars.close).any()
    assert result.metrics["total_trades"] > 0


def test_composing_the_same_again_is_the_same_version_whatever_the_order(shelf):
    first = shelf.kept("brazil", "us")
    again = shelf.kept("us", f"brazil@{shelf.catalog.get('brazil').version}")
    other = shelf.kept("us", "brazil", "market", rename={"^BVSP": "IBOV"})

    assert (again.version, other.version == first.version) == (first.version, False)
    assert shelf.asked("us", "brazil") == shelf.asked("brazil", "us")


def test_it_is_as_good_as_the_worst_of_its_inputs_and_says_what_they_were(shelf):
    made = shelf.kept("brazil", "us", "market", rename={"^BVSP": "IBOV"})

    assert (made.quality, made.panel.series["DI_1Y"].quality, made.panel.series["CDI"].quality) == (
        "proxy",
        "proxy",
        "real",
    )
    assert made.manifest["source"] == "Banco Central; not said; FRED"
    inputs = {name: f"{name}@{shelf.catalog.get(name).version}" for name in ("brazil", "market", "us")}
    assert made.manifest["notes"] == f"Composed of {', '.join(inputs.values())}. ^BVSP is called IBOV."
    assert made.about("SOFR")["dataset"] == inputs["us"]
    assert made.about("SOFR")["source"] == "FRED"
    onward = shelf.kept("mine", name="onward")
    assert onward.about("SOFR")["dataset"] == inputs["us"]
    assert onward.all_bars.close.tobytes() == made.all_bars.close.tobytes()


def test_calendars_that_were_uploaded_are_carried_and_composed_again(shelf):
    shelf.keep_calendar("meetings", FOMC="2024-01-31", COPOM="2024-01-30")
    made = shelf.kept("brazil", "us", "meetings")

    assert made.all_bars.panel.calendar("FOMC").date.astype(str).tolist() == ["2024-01-31T00:00:00.000000000"]
    assert set(shelf.kept("mine", name="onward").panel.calendars) == {"COPOM", "FOMC"}
    assert made.all_bars.close.tobytes() == shelf.kept("brazil", "us", name="plain").all_bars.close.tobytes()
    shelf.keep_calendar("again", FOMC="2024-03-20")
    with pytest.raises(InvalidInput, match="have the calendar FOMC"):
        shelf.asked("brazil", "us", "meetings", "again")


def test_what_is_not_traded_is_told_with_what_it_lacks(shop, make_series):
    monthly = np.array(["2023-12-01", "2024-01-01", "2024-02-01"], dtype="datetime64[ns]")
    shop.keep(
        "odd",
        make_series("DI_1Y", DAYS, 10.0),
        make_series("DI_2Y", monthly, 10.0, stale=75.0),
        make_series("CDI", DAYS, 12.0),
        make_series("SOFR", DAYS[:1], 5.0, stale=0.5),
        make_series("UST_2Y", DAYS, 4.0),
        make_series("NTNB_2Y", DAYS, 6.0),
    )

    made = shop.made("odd")

    assert made.table.column_names == ["time", "DI_1Y"]
    assert made.notes == (
        "NTNB_2Y is not traded: it needs IPCA_MOM too.",
        "DI_2Y is not traded: its values are monthly, and a price needs one of every session.",
        "UST_2Y is not traded: it has no two days with a known SOFR.",
    )


def test_values_that_no_price_can_be_are_named(shop, make_series):
    broken = make_series("USDBRL", DAYS, np.where(np.arange(len(DAYS)) == 5, 0.0, 5.0), unit="price")
    shop.keep("broken", broken, make_series("CDI", DAYS, 12.0), make_series("SOFR", DAYS, 5.0))

    with pytest.raises(BadData, match=rf"USDBRL of broken@\w+ is 0 at {DAYS[5]}; it must be above 0"):
        shop.made("broken")


def test_a_rate_beyond_measure_is_named_and_does_not_end_the_prices(shop, make_series):
    slipped = np.where(np.arange(len(DAYS)) == 5, 1e300, 10.0)
    shop.keep("slipped", make_series("DI_1Y", DAYS, slipped), make_series("CDI", DAYS, 12.0))

    with pytest.raises(BadData, match=rf"DI_1Y of slipped@\w+ is 1e\+300 at {DAYS[5]}; it must be at most 1e\+06"):
        shop.made("slipped")


def test_a_symbol_without_any_price_is_left_out(shelf, make_series):
    empty = np.full(len(DAYS), NAN)
    shelf.keep_closes("halted", DAYS, IBOV=np.linspace(100.0, 120.0, len(DAYS)), GONE=empty)

    assert set(shelf.kept("brazil", "halted").panel.series) >= {"IBOV", "CDI"}
    assert "GONE" not in shelf.kept("brazil", "halted").panel.series


# What is asked for -> code, pointer, and words of the message.
REFUSED = {
    "an unknown dataset": ({"datasets": ["us", "brasil"]}, "unknown_dataset", "/datasets/1", "'brazil'"),
    "an unknown version": ({"datasets": ["us@000000000000"]}, "unknown_dataset_version", "/datasets/0", "no version"),
    "the same twice": ({"datasets": ["us", "brazil", "us"]}, "invalid_request", "/datasets/2", "named twice"),
    "itself": ({"datasets": ["brazil", "us"], "name": "us"}, "invalid_request", "/datasets/1", "of itself"),
    "a key of two": (
        {"datasets": ["brazil", "macro_synthetic"]},
        "duplicate_series",
        "/datasets/1",
        "CDI of brazil@.*CDI of macro_synthetic@",
    ),
    "two names that become one": (
        {"datasets": ["brazil", "us"], "rename": {"DI_1Y": "DI_2Y"}},
        "duplicate_series",
        "/datasets/0",
        "DI_1Y of brazil@.*DI_2Y of brazil@",
    ),
    "a name that is not there": (
        {"datasets": ["brazil", "market"], "rename": {"BVSP": "IBOV"}},
        "unknown_series",
        "/rename/BVSP",
        r"'\^BVSP'",
    ),
    "a name with a slash": ({"datasets": ["us"], "rename": {"A/B": "C"}}, "unknown_series", "/rename/A~1B", "A/B"),
    "no name": ({"datasets": ["us"], "rename": {"SOFR": " "}}, "bad_symbol", "/rename/SOFR", "printable"),
    "no text": ({"datasets": ["us"], "rename": {"SOFR": 5}}, "invalid_request", "/rename/SOFR", "text"),
    "another unit": ({"datasets": ["fractions"]}, "unit_mismatch", "/datasets", "CDI of fractions.* is in number"),
    "another close": ({"datasets": ["brazil", "early"]}, "session_close_mismatch", "/datasets", "at 20:00, .*at 18:00"),
    "no instrument": ({"datasets": ["market"]}, "no_instruments", "/datasets", "No instrument"),
    "calendars alone": ({"datasets": ["meetings"]}, "no_instruments", "/datasets", "No instrument"),
    "half an instrument": ({"datasets": ["early"]}, "no_instruments", "/datasets", "UST_5Y .* needs SOFR too"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_composed_is_refused_with_its_place(shelf, make_series, case):
    shelf.keep("fractions", make_series("DI_1Y", DAYS, 0.1), make_series("CDI", DAYS, 0.1, unit="number"))
    shelf.keep("early", make_series("UST_5Y", DAYS, 4.0), close="18:00")
    shelf.keep_calendar("meetings", FOMC="2024-01-31")
    body, code, pointer, words = REFUSED[case]

    with pytest.raises(InvalidInput, match=words) as caught:
        shelf.asked(*body["datasets"], **{name: value for name, value in body.items() if name != "datasets"})

    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_a_job_that_was_cancelled_while_prices_were_made_keeps_nothing(shelf):
    def stopped(done: int, total: int, phase: str) -> None:
        if phase == "store":
            raise InterruptedError

    claim, services = SimpleNamespace(request=shelf.asked("brazil", "us")), SimpleNamespace(catalog=shelf.catalog)
    with pytest.raises(InterruptedError):
        run_compose(claim, services, stopped)

    assert "mine" not in shelf.catalog.library.ids()


def test_what_no_instrument_can_be_made_of_is_told_with_what_each_of_them_needs(shelf):
    with pytest.raises(InvalidInput) as caught:
        shelf.asked("market")

    assert caught.value.allowed["NTNB_2Y"] == ["NTNB_2Y", "CDI", "IPCA_MOM"]
    assert caught.value.given == ["^BVSP", "SOY"]
