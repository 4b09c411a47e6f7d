"""A platform in which there is something of everything, and what requests may say that name it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from app.alerts import watching
from app.web.factory import create_app
from tests import sweeps
from tests.book import DAYS, application, fast, open_book, slow

API = "/api/v1"
CLOSES = "\n".join(["time,A", *(f"{day},{100 + at}" for at, day in enumerate(DAYS))])
FORMULA = {"entry": "close > sma(close, 20)", "exit": "close < sma(close, 20)"}
EURUSD = {"dataset": "fx_daily", "symbols": ["EURUSD"]}
ONE = {**EURUSD, "start_date": "2015-01-01", "end_date": "2018-01-01"}
# What exists, by the names under which requests name it.
NAMES: Mapping[str, Any] = {
    "dataset": "fx_daily",
    "dataset_id": "fx_daily",
    "symbol": "EURUSD",
    "symbols": ["EURUSD"],
    "benchmark": "EURUSD",
    "strategy_id": "sma_cross",
    "strategy_ids": "sma_cross",
    "params": {"fast": 5},
    "start": "2015-01-01",
    "start_date": "2015-01-01",
    "end": "2018-01-01",
    "end_date": "2018-01-01",
    "x": "fast",
    "y": "slow",
    "figure": "sharpe",
    "sort": "-sharpe",
    "objective": "sharpe",
    "rule_id": "mine",
    "webhook_id": "mine",
}
MACRO = {"dataset": "macro_synthetic", "key": "CDI", "curve_id": "DI"}
# Bodies that are taken as they are.
RUN = {"strategy_id": "sma_cross", **ONE}
GRID = {"grid": {"fast": [5, 10], "slow": [20, 50]}}
WHOLE: Mapping[str, dict[str, Any]] = {
    f"POST {API}/backtest/run": RUN,
    f"POST {API}/backtest/montecarlo": RUN,
    f"POST {API}/backtest/batch": {"runs": [RUN]},
    f"POST {API}/backtest/sweep": RUN | GRID,
    f"POST {API}/backtest/walkforward": RUN | GRID | {"train_months": 12, "test_months": 6},
    f"POST {API}/backtest/portfolio": {"strategies": [{"strategy_id": "sma_cross", **EURUSD}]},
    f"POST {API}/strategies/expressions": {"name": "made_up", **FORMULA},
    f"POST {API}/strategies/expressions/validate": {"name": "made_up", **FORMULA},
    f"PUT {API}/strategies/{{strategy_id}}/params": {"fast": 5},
    f"POST {API}/datasets": {"file": CLOSES, "name": "made_up"},
    f"POST {API}/datasets/fetch": {"source": "fred", "items": ["UST_2Y"], "name": "made_up"},
    f"POST {API}/datasets/compose": {"datasets": ["macro_synthetic"], "name": "made_up"},
    f"PUT {API}/alerts/rules/{{rule_id}}": {"kind": "job_failed"},
    f"POST {API}/keys": {"owner": "theirs", "scopes": ["read"]},
    f"PUT {API}/alerts/webhooks/{{webhook_id}}": {"url": "https://hooks.example.com/theirs"},
}
# Queries that are, by what they name.
ASKED: Mapping[str, tuple[str, ...]] = {
    f"GET {API}/backtest/results": ("job_id",),
    f"GET {API}/backtest/comparison": ("job_ids",),
    f"GET {API}/datasets/{{dataset_id}}/bars": ("symbol",),
    f"GET {API}/macro/series/{{key}}": ("dataset",),
}


class Populated:
    """An application with jobs, signals, a book, an alert, a rule, a webhook, a report and a dataset of an owner's.

    Args:
        like: an application of the same kind.
        services: its services, of its own.
    """

    def __init__(self, like: Any, services: Any) -> None:
        open_book(application(like, services, fast, slow))
        self.web = web = type(like)(create_app(services), services, scopes=("read", "run", "admin"))
        self.job, self.search = web.run(**ONE), sweeps.submit(web)
        crossed = web.post(f"{API}/backtest/walkforward", RUN | GRID | {"cpcv": {"groups": 4, "test_groups": 2}})
        self.crossed = self._did(crossed).get_json()["job_id"]
        self._did(web.post(f"{API}/strategies/sma_cross/signal"))
        sweeps.work(web)
        self.alert = self._alert()
        self._did(web.call("PUT", f"{API}/alerts/rules/mine", json={"kind": "job_failed"}))
        self._did(web.call("PUT", f"{API}/alerts/webhooks/mine", json={"url": "https://hooks.example.com/mine"}))
        self._did(
            web.post(f"{API}/datasets", data={"file": (io.BytesIO(CLOSES.encode()), "closes.csv"), "name": "mine"})
        )
        self._did(web.post(f"{API}/reports/daily"))
        self._numbers = itertools.count()

    def be_named(self, case: Any, label: str, turn: int) -> None:
        """Let a request that was made up name what there is, and be right but for one field, each time another one."""
        names = self._names(label)
        for part in (case.path_parameters, case.query, case.body):
            _name(part, names)
        case.path_parameters.update(self._fresh(label))
        if label in ASKED:
            case.query = _right_but_for_one({name: names[name] for name in ASKED[label]}, case.query, turn)
        if label in WHOLE:
            case.body = _right_but_for_one(WHOLE[label], case.body, turn)

    def _names(self, label: str) -> dict[str, Any]:
        """What exists, for one route."""
        named = {"job_id": self.job, "job_ids": self.job, "alert_id": self.alert}
        searched = {"trials": self.search, "surface": self.search, "paths": self.crossed}
        last = label.rpartition("/")[2]
        search = {"job_id": searched[last]} if last in searched else {}
        return {**NAMES, **named, **search, **(MACRO if "/macro/" in label else {})}

    def _fresh(self, label: str) -> dict[str, str]:
        """Something new for a request that uses it up."""
        make: Callable[[], dict[str, str]] = {
            f"DELETE {API}/jobs/{{job_id}}": self._failed,
            f"POST {API}/jobs/{{job_id}}/cancel": lambda: {"job_id": self.web.run()},
            f"POST {API}/jobs/{{job_id}}/retry": self._failed,
            f"DELETE {API}/keys/{{key_id}}": self._key,
            f"DELETE {API}/strategies/expressions/{{strategy_id}}": self._formula,
        }.get(label, dict)
        return make()

    def _failed(self) -> dict[str, str]:
        job_id = self.web.run()
        self.web.fail(job_id)
        return {"job_id": job_id}

    def _key(self) -> dict[str, str]:
        reply = self._did(self.web.post(f"{API}/keys", {"owner": "theirs", "scopes": ["read"]}))
        return {"key_id": reply.get_json()["key_id"]}

    def _formula(self) -> dict[str, str]:
        reply = self._did(
            self.web.post(f"{API}/strategies/expressions", {"name": f"f{next(self._numbers)}", **FORMULA})
        )
        return {"strategy_id": reply.get_json()["strategy_id"]}

    def _alert(self) -> str:
        self._failed()
        watching.evaluate(self.web.services)
        return str(self.web.get(f"{API}/alerts").get_json()["alerts"][0]["alert_id"])

    def _did(self, reply: Any) -> Any:
        assert reply.status_code < 300, reply.text
        return reply


def _name(node: Any, names: Mapping[str, Any]) -> None:
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if name in names and value:
            node[name] = names[name]
        else:
            _name(value, names)


def _right_but_for_one(right: Mapping[str, Any], made_up: Any, turn: int) -> dict[str, Any]:
    fields = sorted(made_up) if isinstance(made_up, dict) else []
    changed = [*fields, None][turn % (len(fields) + 1)]
    return {**right, **({changed: made_up[changed]} if changed else {})}
