"""Nobody's first job pays for the compiler: after `engine.warm()` nothing is compiled, nor loaded from the disk."""

from __future__ import annotations

import fcntl
import subprocess
import sys

import numpy as np
import pytest

import engine
from engine import Bars, backtest, jit, warming
from engine.codecache import CodeCache
from engine.sweep import FIGURES, sweep
from engine.warming import crossed, held

# In a fresh process: what the cache of compiled code is asked for after `engine.warm()`. A kernel that meets types of
# arguments for the first time always asks it, whether it then loads or compiles.
COUNTING = """
import itertools, inspect
from dataclasses import fields
import numpy as np
import engine, strategies
from engine import Bars, Config, backtest, indicators
from engine.codecache import CodeCache
from engine.errors import QueuantError
from engine.montecarlo import Plan, montecarlo
from engine.montecarlo.plan import METHODS
from engine.portfolio.allocation import ALLOCATIONS
from engine.portfolio.book import Sleeve, portfolio
from engine.portfolio.mandate import Mandate
from engine.sweep import FIGURES, sweep

engine.warm()
asked, ask = set(), CodeCache.load_overload

def told(cache, sig, context):
    asked.add(f"{cache._name} {sig}")
    return ask(cache, sig, context)

CodeCache.load_overload = told

NAMES = ("A", "B", "C")

def markets():
    "One symbol and several, with opens and without, with holes and without, whole and cut."
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (320, 3)), axis=0))
    time = np.busday_offset("2018-01-01", np.arange(320), roll="forward")
    for prices in (close, np.where(rng.random(close.shape) < 0.05, np.nan, close)):
        five = (prices, prices * 1.02, prices * 0.98, prices * 1.01, prices * 9)
        for bars in (Bars.from_arrays(time, *five, symbols=NAMES), Bars.from_closes(time, prices, NAMES)):
            yield bars
            yield bars.select(("B",), "2018-02-01")
"""

JOBS = """
CONFIGS = (
    {},
    {"fill": "same_close", "rebalance": "daily", "allow_short": False},
    {"fill": "next_close", "rebalance": "weekly", "max_leverage": 2.0, "funding_bps": 100.0, "borrow_bps": 50.0},
    {"rebalance": "monthly", "commission_per_share": 0.01, "commission_minimum": 1.0},
    {"rebalance": "drift", "drift_band": 0.05, "lot_size": 1.0, "initial_capital": 1000},
    {"stop_loss": 0.02, "take_profit": 0.03, "trailing_stop": 0.05, "max_holding_bars": 9},
    {"cost_table": {"unknown": 2.0}, "volume_impact": 0.1, "cash_bps": 100.0},
    {"volume_limit": 0.1, "max_leverage": 1, "slippage_bps": 0, "commission_bps": 0, "risk_free_rate": 0.02},
)
assert {field.name for field in fields(Config)} == set().union(*CONFIGS), "a setting is not tried"

def parameters(item):
    "The defaults, and each other choice of each parameter that is one of a few."
    yield {}
    for name, schema in item.schema()["properties"].items():
        for value in schema.get("enum", ()):
            yield {name: value}

done = 0
for bars, item in itertools.product(markets(), [item for item in strategies.all() if not item.legs]):
    for chosen, config in itertools.product(parameters(item), CONFIGS):
        try:
            backtest(bars, item.bind(**chosen), Config(**config), benchmark=bars.select(bars.symbols[:1])).trade_rows()
            done += 1
        except QueuantError as refused:
            assert refused.code in ("volume_unavailable", "bad_benchmark"), refused.code
    for config, figures in itertools.product(CONFIGS[:3], (FIGURES, ("calmar", "win_rate"))):
        sweep(bars, item, list(parameters(item)), Config(**config), figures=figures)
assert done > 100, done
for bars, method in itertools.product(markets(), METHODS):
    montecarlo(backtest(bars, strategies.get("sma_cross").bind(fast=2, slow=5)), Plan(method, paths=3))

def book(bars, config, allocation):
    config = Config(**config)
    names = ("buy_and_hold", "donchian_breakout")
    sleeves = [Sleeve(name, bars, strategies.get(name).bind(), config) for name in names]
    result = portfolio(sleeves, Mandate(allocation=allocation, volatility_target=0.1), config)
    result.correlation, result.risk_contributions, result.trade_rows(), result.rolling()

for bars, config, allocation in itertools.product(markets(), CONFIGS, ("equal", *ALLOCATIONS)):
    try:
        book(bars, config, allocation)
    except QueuantError as refused:
        assert refused.code == "volume_unavailable", refused.code
print(*sorted(asked), sep="\\n")
"""

INDICATORS = """
for bars in markets():
    values = {
        "int": 4, "float": 4.0, "Bars": bars, "Floats": bars.close, "ArrayLike": bars.close, "Times": bars.time,
        "NDArray[np.bool_]": bars.close > 100.0, "NDArray[np.float64]": bars.close,
    }
    for name in indicators.__all__:
        indicator = getattr(indicators, name)
        if inspect.isfunction(indicator):
            needed = [one for one in inspect.signature(indicator).parameters.values() if one.default is one.empty]
            indicator(*[values[one.annotation] for one in needed])
print(*sorted(asked), sep="\\n")
"""


@pytest.mark.parametrize("work", [JOBS, INDICATORS], ids=["jobs", "indicators"])
def test_after_warming_nothing_is_compiled_or_loaded_any_more(work):
    done = subprocess.run([sys.executable, "-c", COUNTING + work], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n") == ["", ""]


def test_the_count_sees_a_kernel_that_is_not_warm():
    cold = COUNTING.replace("engine.warm()\n", "") + "indicators.lag(np.ones(3), 1)\nprint(*asked)"
    done = subprocess.run([sys.executable, "-c", cold], capture_output=True, text=True, check=True)
    assert "places.lags (" in done.stdout  # and those that it calls, where it is not on the disk


@pytest.mark.usefixtures("compiled")
def test_warming_a_second_time_asks_for_nothing(monkeypatch):
    engine.warm()
    monkeypatch.delattr(CodeCache, "load_overload")
    monkeypatch.delattr(CodeCache, "save_overload")
    engine.warm()


def test_who_warms_lets_no_other_process_compile_the_same(monkeypatch, tmp_path):
    def compile_all():
        with (jit.cache_folder() / "lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        compiled.append("all")

    compiled = []
    monkeypatch.setattr(jit, "_cache_dir", tmp_path)
    monkeypatch.setattr(warming, "_run_all", compile_all)
    engine.warm()
    assert compiled == ["all"]
    assert list(jit.cache_folder().glob("whole-*"))


@pytest.mark.parametrize("item", [crossed, held], ids=lambda item: item.id)
def test_what_is_swept_to_warm_is_what_the_single_run_holds(item):
    """A strategy that said one thing and was swept as another would warm the wrong code."""
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.02, 200)))
    bars = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(200), prices, ("A",))
    found, alone = sweep(bars, item, [{}]), backtest(bars, item.bind()).metrics
    assert found.alone == 0
    assert [found[name][0] for name in FIGURES] == pytest.approx([alone[name] for name in FIGURES], rel=1e-12)
