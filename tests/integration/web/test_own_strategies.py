"""What a file of somebody's own may do wrong: it is refused by name, looks ahead in vain, and harms nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import signals
from app.shelf import Shelf
from app.usercode import UserCode
from app.web.factory import create_app
from engine.errors import QueuantError
from workers import pipeline, signalling

RUN = "/api/v1/backtest/run?fresh=true"

FILE = '''
import numpy as np

from engine import strategy
from engine.strategy import Decision

{before}

@strategy(family="house", source="house", dataset="fx_daily", symbols=("EURUSD",){more})
def mine(bars):
    """Do what is wrong."""
{body}
'''
AHEAD = "    found = np.zeros(bars.close.shape)\n    found[:-1] = bars.close[1:] > bars.close[:-1]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strategies")


@pytest.fixture(scope="module")
def here(shared: Any, folder: Path) -> Any:
    services = replace(shared.services, shelf=Shelf(user_code=UserCode([folder])))
    return type(shared)(create_app(services), services)


@pytest.fixture
def write(folder: Path) -> Callable[..., None]:
    def write(body: str, *, before: str = "", more: str = "") -> None:
        (folder / "mine.py").write_text(FILE.format(body=body, before=before, more=more))

    return write


def work(web: Any, reply: Any) -> dict[str, Any]:
    """Do as a worker does with the job of a reply."""
    assert reply.status_code == 202, reply.text
    claim = web.services.jobs.claim(reply.get_json()["job_id"], lease_owner="test")
    try:
        output = pipeline.run(claim, web.services, lambda *_: None)
    except QueuantError as error:
        web.services.jobs.fail(claim, error.detail())
    else:
        web.services.jobs.finish(claim, output)
    job: dict[str, Any] = web.get(f"/api/v1/jobs/{claim.job_id}").get_json()
    return job


@pytest.mark.parametrize(
    ("before", "rest"),
    [
        ("kept = {}", "    return kept.setdefault(0, found)[: len(bars)]"),
        ("kept = np.zeros((20_000, 1))", "    kept[: len(bars)] = found\n    return kept[: len(bars)]"),
    ],
)
def test_what_is_kept_between_calls_hides_no_look_ahead(here: Any, write: Any, before: str, rest: str) -> None:
    write(AHEAD + rest, before=before)
    job = work(here, here.post(RUN, {"strategy_id": "mine"}))
    assert job["error"]["code"] == "lookahead_detected"


def test_a_run_compares_all_that_signals_will_say(here: Any, write: Any) -> None:
    write(AHEAD + "    return Decision(np.ones(bars.close.shape), conviction=found)")
    job = work(here, here.post(RUN, {"strategy_id": "mine"}))
    assert job["error"]["code"] == "lookahead_detected"
    assert job["error"]["given"]["what"] == "conviction"
    assert work(here, here.post("/api/v1/strategies/mine/signal"))["error"]["code"] == "lookahead_detected"


def test_a_verdict_on_few_bars_is_none_on_many(here: Any, write: Any) -> None:
    write(AHEAD + "    return found")
    few = {"strategy_id": "mine", "start_date": "2020-01-02", "end_date": "2020-01-06"}
    assert work(here, here.post(RUN, few))["status"] == "succeeded"
    job = work(here, here.post(RUN, {"strategy_id": "mine"}))
    assert job["error"]["code"] == "lookahead_detected"


def test_a_file_that_changes_while_its_check_waits_is_not_checked_in_its_place(here: Any, write: Any) -> None:
    write("    return np.ones(bars.close.shape)")
    reply = here.post("/api/v1/strategies/mine/verify", {})
    write("    return np.zeros(bars.close.shape) + 0.5")
    assert work(here, reply)["error"]["code"] == "version_changed"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (", check=lambda: 1 // 0", "The check of mine raised ZeroDivisionError"),
        (", lookback=lambda: None", "The lookback of mine raised TypeError"),
        (", lookback=lambda: exit(3)", "The lookback of mine raised SystemExit: 3"),
    ],
)
def test_a_check_that_raises_is_refused_and_lets_the_others_speak(
    here: Any, write: Any, more: str, message: str
) -> None:
    write("    return np.ones(bars.close.shape)", more=more)
    refused = here.post(RUN, {"strategy_id": "mine"})
    told = refused.get_json()
    assert (refused.status_code, told["code"], told["pointer"]) == (422, "strategy_error", "/params")
    assert told["detail"].startswith(message)
    signals.submit_due(here.services)
    assert "sma_cross" in here.services.store.signals.runs()
    missing = here.get("/api/v1/signals/latest").get_json()["missing"]
    assert {"strategy_id": "mine", "reason": "strategy_error", "message": told["detail"]} in missing


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("    raise SystemExit(3)", "strategy_error"),
        ("    return Decision(np.ones(bars.close.shape), score=np.full(len(bars), 'x'))", "bad_weights"),
        ("    return Decision(np.ones(bars.close.shape), conviction=np.full(len(bars), 1j))", "bad_weights"),
        ("    return Decision(np.ones(bars.close.shape), reasons={'So.': np.array([True])})", "bad_weights"),
        ("    return Decision(np.ones(bars.close.shape), reasons=['So.'])", "bad_weights"),
        ("    return Decision(np.ones(bars.close.shape), reasons={3: np.ones(len(bars), bool)})", "bad_weights"),
    ],
)
def test_what_is_no_decision_fails_the_job_with_a_reason(here: Any, write: Any, body: str, code: str) -> None:
    write(body)
    job = work(here, here.post(RUN, {"strategy_id": "mine"}))
    assert job["error"]["code"] == code
    assert "mine" in job["error"]["message"]


def test_of_very_many_signals_the_newest_are_kept(here: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "MOST_ROWS", 10)
    write("    return np.full(bars.close.shape, 0.25)")
    job = work(here, here.post("/api/v1/strategies/mine/signal"))
    assert here.get(f"/api/v1/jobs/{job['job_id']}/result").get_json()["signals"]["rows"] == 10
    assert here.get("/api/v1/strategies/mine/signal/latest").get_json()["signals"][0]["time"].startswith("2026-10-30")


@pytest.mark.parametrize("tag", ["*", 'W/"1"', "abc", "-1", '"1", "2"', "9" * 30])
def test_an_if_match_that_is_no_version_is_refused(here: Any, tag: str) -> None:
    reply = here.call("PUT", "/api/v1/strategies/sma_cross/params", json={}, headers={"If-Match": tag})
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, "/If-Match")


@pytest.mark.parametrize("moment", ["2016-06-15T12:00:00", "2016-06-15T12:00:00+05:00"])
def test_a_moment_that_is_not_utc_is_refused(here: Any, moment: str) -> None:
    reply = here.get("/api/v1/macro/series/IPCA_12M", query_string={"as_of": moment})
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, "/as_of")
