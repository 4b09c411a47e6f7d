"""Texts that are meant to break the parser of expressions, or what evaluates them."""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient

from app import schema
from app.bus import MemoryBus
from app.catalog import Catalog
from app.jobs import Jobs
from app.settings import Settings
from app.shelf import Shelf
from app.store import Store
from app.taskqueue import MemoryQueue
from app.web.factory import create_app
from app.wiring import Services
from engine import Bars
from engine.errors import QueuantError
from engine.expression import strategy_of
from engine.expression.functions import FUNCTIONS, OPERATORS

VALIDATE = "/api/v1/strategies/expressions/validate"
SLOWEST, MEMORY = 2.0, 300e6
WORDS = (*FUNCTIONS, *OPERATORS, "close", "high", "volume", '["A"]', ".", ",", "(", ")", "=", "1", "0.5", "n", "true")
ALPHABET = "ab_1.(),[]\"'+-*/<>=! \t\n\x00\x7fé\u202e\u2028ßЖ漢😀\ufeff"
FAIR = (
    "cross_above(sma(close, n), sma(close, 50))",
    "macd(close, 12, 26, 9).signal > 0 and not rsi(close, 14) > 70",
    'where(rank(roc(close, 20)) > 0.8, 1 / symbol_count, close["A"] * 0)',
    "latch(close > bollinger(close, 20, width=2).upper, month_ends()) - zscore(log(volume), 20)",
)
HOSTILE = (
    "",
    " " * 2000,
    "(" * 1000,
    "(" * 39 + "1" + ")" * 39,
    "-" * 1999 + "1",
    "not " * 499 + "true",
    "sma(" * 400,
    "1+" * 299 + "1",
    "[" * 2000,
    "x" * 10**6,
    "(" * 10**6,
    "9" * 2000,
    "1e999",
    "1e-999 * 1e15 * 1e15",
    "0x41",
    "1_000",
    "0" * 63 + "1",
    "1" + "*1e15" * 280,
    "exp(" * 20 + "close" + ")" * 20,
    "sma(close, 1e4)",
    "sma(close, 10000)",
    "sma(close, 99999999999999999999)",
    "lag(close, -1)",
    "lag(close, 0 - n)",
    "lag(close, n - n)",
    "cci(" + "cci(high, low, close, 100), " * 3 + "100)",
    "sma(close, 100) + " * 80 + "1",
    "sma(sma(sma(sma(close, 2500), 2500), 2500), 2500)",
    "a" * 2000,
    "__class__",
    "close.__class__.__mro__",
    "().__subclasses__()",
    "__import__('os').system('true')",
    "lambda: 0",
    "[c for c in ().__class__.__bases__]",
    "eval('1')",
    "open('/etc/passwd')",
    "open",
    "close; close",
    "close if 1 else 2",
    "{{7*7}}",
    "%s%s%n",
    "${jndi:ldap://x}",
    "' OR 1=1 --",
    '<script>alert("x")</script>',
    'close["' + "A" * 1900 + '"]',
    'close["\x00"]',
    'close["../../etc/passwd"]',
    "close\x00",
    "\ud800",
    "\u202eesolc",
    "сlose",  # the first letter is Cyrillic
    "close\u00a0> 1",
    "１ + １",
    "٣",
    "close" + "\n" * 1900 + "?",
    "min(" + ", ".join(["close"] * 290) + ")",
    "where(" * 39 + "true, 1, 0" + ")" * 39,
)


def texts(count: int, seed: int) -> Iterator[str]:
    """The table of hostile texts, and then as many more as are asked for: noise, word salad, fair ones damaged."""
    chance = random.Random(seed)
    yield from HOSTILE[:count]
    for _ in range(count - len(HOSTILE)):
        yield chance.choice((_noise, _salad, _damaged, _damaged, _nested))(chance)


def _noise(chance: random.Random) -> str:
    letters = ALPHABET if chance.random() < 0.7 else [chr(chance.randrange(0x20, 0xD7FF)) for _ in range(50)]
    return "".join(chance.choices(letters, k=chance.randrange(1, 200)))


def _salad(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randrange(1, 60)))


def _damaged(chance: random.Random) -> str:
    text = chance.choice(FAIR)
    for _ in range(chance.randrange(0, 4)):
        at, end = sorted(chance.choices(range(len(text) + 1), k=2))
        new = chance.choice((*WORDS, *ALPHABET, text[at:end] * 2))
        text = text[:at] + new + text[at + chance.randrange(0, 4) :]
    return text


def _nested(chance: random.Random) -> str:
    """Mostly right: calls in calls, with windows that may be too long together."""
    text = "close"
    for _ in range(int(chance.paretovariate(0.7))):
        name = chance.choice(("sma", "ema", "lag", "rolling_max", "zscore", "percentile_rank", "rsi", "exp", "sqrt"))
        window = "" if name in ("exp", "sqrt") else f", {chance.choice((2, 5, 20, 300, 3000))}"
        text = f"{name}({text}{window})" if chance.random() < 0.8 else f"({text}) * ({text})"
        if len(text) > 3000:
            break
    return text if chance.random() < 0.5 else f"{text} > 50"


def document(text: str, form: int) -> dict[str, Any]:
    """The text in one of its places."""
    params = {"n": {"type": "int", "min": 1, "max": 60, "default": 9}} if "n" in text else {}
    body: dict[str, Any] = {"weight": text} if form % 2 else {"entry": text, "exit": "false"}
    return {"name": "hostile", "params": params, **body}


def withstood(count: int, seed: int) -> bool:
    """Send texts to a server in this process, and evaluate what it takes; print what came of it."""
    with tempfile.TemporaryDirectory() as home:
        services = own_services(Path(home))
        client = create_app(services).test_client()
        headers = {"Authorization": f"Bearer {services.store.access.create_key('stranger')}"}
        bars = some_bars(500)
        load_kernels(bars)
        statuses: Counter[str] = Counter()
        slowest, before = (0.0, ""), _memory()
        for number, text in enumerate(texts(count, seed)):
            for form in (number, number + 1):
                started = time.perf_counter()
                outcome = _sent(client, headers, document(text, form), bars)
                slowest = max(slowest, (time.perf_counter() - started, text[:60]))
                statuses[outcome] += 1
        grown = _memory() - before
    print(f"{count} texts, each as a weight and as an entry: {dict(statuses)}")
    print(f"slowest {slowest[0]:.3f} s ({slowest[1]!r}); memory grew by {grown / 1e6:.0f} MB")
    good = {"refused", "evaluated", "taken, refused with the bars"}
    return not set(statuses) - good and slowest[0] <= SLOWEST and grown <= MEMORY


def _sent(client: FlaskClient, headers: dict[str, str], body: dict[str, Any], bars: Bars) -> str:
    reply = client.post(VALIDATE, json=body, headers=headers)
    if reply.status_code != 200:
        return "refused" if reply.status_code in (400, 422) else f"status {reply.status_code}"
    found = strategy_of(body)
    try:
        found.function(bars, **found.validate())
    except QueuantError:
        return "taken, refused with the bars"
    return "evaluated"


def own_services(home: Path) -> Services:
    """What a server needs, within this process."""
    settings = Settings.from_env({}, home=home, rate_writes=0)
    store, bus, queue = Store(settings.database_url), MemoryBus(), MemoryQueue()
    schema.upgrade(store)
    shelf = Shelf(expressions=store.expressions)
    return Services(settings, store, bus, queue, Catalog.standard(), Jobs(store, bus, queue), shelf)


def load_kernels(bars: Bars) -> None:
    """Call every function once: what it costs to compile is not the fault of a text."""
    takes = {"series": "close", "value": "close", "truth": "close > 1", "whole": "20", "positive": "2"}
    for function in FUNCTIONS.values():
        given = [takes[item.takes] for item in function.arguments if item.takes != "time"]
        if function.name == "macd":
            given = given[:1]
        text = f"{function.name}({', '.join(given)})" + "".join(f".{name}" for name in function.fields[:1])
        strategy_of({"name": "warm", "weight": f"where({text}, 1, 0)" if function.gives == "truth" else text}).bind()(
            bars
        )


def some_bars(count: int) -> Bars:
    """Bars of three symbols, with holes."""
    chance = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(chance.normal(0, 0.01, (count, 3)), axis=0))
    close[chance.random(close.shape) < 0.05] = np.nan
    time = np.busday_offset("2020-01-01", np.arange(count), roll="forward")
    return Bars.from_arrays(time, close, close * 1.01, close * 0.99, close, close * 10, symbols=("A", "B", "C"))


def _memory() -> float:
    """The most that this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)
