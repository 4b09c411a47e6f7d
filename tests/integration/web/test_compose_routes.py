"""Datasets composed over HTTP: from uploads of series to a strategy's result, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from app.web.factory import create_app
from app.wiring import Services
from tests.working import Hand

from .conftest import Web

DATASETS = "/api/v1/datasets"
COMPOSE = f"{DATASETS}/compose"
DAYS = np.busday_offset("2023-01-02", np.arange(160), roll="forward")
CARNIVAL = ("2023-02-20", "2023-02-21")
NAMES = ["compose_brazil", "compose_us", "compose_shares"]
BODY = {"name": "composed", "datasets": NAMES, "rename": {"^BVSP": "IBOV"}}


def rows(key: str, values: Any, unit: str = "percent", stale: int = 7, *, without: tuple[str, ...] = ()) -> list[str]:
    """A value of each day, known at noon of the next one."""
    told = zip(DAYS.astype(str), (DAYS + 1).astype(str), values, strict=True)
    return [f"{key},{day},{after}T12:00,{value:.4f},{unit},{stale}" for day, after, value in told if day not in without]


def monthly() -> Iterator[str]:
    """IPCA of each month, released on the 11th of the next one; that of May was late, at the end of June."""
    for month in range(1, 8):
        released = "2023-06-29T12:00" if month == 5 else f"2023-{month + 1:02d}-11T12:00"
        last = np.datetime64(f"2023-{month + 1:02d}", "D") - 1
        yield f"IPCA_MOM,{last},{released},{0.1 * month:.2f},percent,75"


def brazil() -> bytes:
    """Yields that fall far below what a Taylor rule asks for, and the survey and target that it reads."""
    one_year = np.linspace(16.0, 7.0, len(DAYS)) + 0.1 * np.sin(np.arange(len(DAYS)))
    lines = [
        "key,observed,available,value,unit,stale_days",
        *rows("DI_1Y", one_year, without=CARNIVAL),
        *rows("DI_2Y", one_year + 0.5, without=CARNIVAL),
        *rows("NTNB_2Y", one_year - 5.0, without=CARNIVAL),
        *rows("CDI", np.full(len(DAYS), 13.65), without=CARNIVAL),
        *rows("FOCUS_IPCA_12M", np.full(len(DAYS), 5.0)),
        "INFLATION_TARGET,2023-01-01,2020-06-30,3.25,percent,500",
        *monthly(),
    ]
    return "\n".join(lines).encode()


def us() -> bytes:
    lines = [*rows("UST_2Y", np.linspace(4.4, 4.9, len(DAYS))), *rows("SOFR", np.full(len(DAYS), 5.05))]
    return "\n".join(["key,observed,available,value,unit,stale_days", *lines]).encode()


def shares() -> bytes:
    closes = (f"{day},{110_000 + 50 * at},{14 + at / 100}" for at, day in enumerate(DAYS))
    return "\n".join(["date,^BVSP,SOY", *closes]).encode()


@pytest.fixture(scope="module")
def shared(make_services: Callable[..., Services]) -> Web:
    """An application of its own: elsewhere a series is in the dataset alone that ships."""
    services = make_services()
    return Web(create_app(services), services)


@pytest.fixture(scope="module")
def kept(shared: Any) -> dict[str, str]:
    """Three uploads; their versions by name."""
    versions = {}
    for name, content in zip(NAMES, (brazil(), us(), shares()), strict=True):
        form = {"file": (io.BytesIO(content), "x.csv"), "name": name, "source": f"A desk ({name})"}
        reply = shared.post(DATASETS, data=form)
        assert reply.status_code == 201, reply.text
        versions[name] = reply.get_json()["version"]
    return versions


def finished(web: Any, reply: Any) -> dict[str, Any]:
    """The result of a job, run as a worker runs it."""
    assert reply.status_code == 202, reply.text
    job_id = reply.get_json()["job_id"]
    Hand(web.services, "w1").do(job_id)
    job = web.get(f"/api/v1/jobs/{job_id}").get_json()
    assert job["status"] == "succeeded", job["error"]
    found: dict[str, Any] = web.get(job["links"]["result"]).get_json()
    return found


def test_uploads_become_a_dataset_on_which_a_macro_strategy_trades(web: Any, kept: dict[str, str]) -> None:
    made = finished(web, web.post(COMPOSE, BODY))

    assert (made["kind"], made["links"]["dataset"]) == ("compose", f"{DATASETS}/composed")
    assert made["dataset"]["symbols"] == ["DI_1Y", "DI_2Y", "UST_2Y", "NTNB_2Y", "IBOV"]
    assert made["dataset"]["cost_keys"]["UST_2Y"] == "UST"
    assert [(item["dataset_id"], item["dataset_version"]) for item in made["provenance"]["inputs"]] == sorted(
        kept.items()
    )
    described = web.get(f"{DATASETS}/composed").get_json()
    assert (described["version"], described["start"]) == (made["provenance"]["dataset_version"], str(DAYS[0]))
    assert described["origin"]["request"]["datasets"] == [f"{name}@{version}" for name, version in sorted(kept.items())]
    assert described["coverage"]["DI_2Y"]["missing"] == len(CARNIVAL)
    assert described["coverage"]["NTNB_2Y"]["start"] == "2023-02-13"

    run = finished(web, web.post("/api/v1/backtest/run", {"strategy_id": "RATES_BR_02", "dataset": "composed"}))

    assert run["provenance"]["dataset_version"] == made["dataset"]["version"]
    assert "A desk (compose_us)" in run["provenance"]["source"]
    assert (run["request"]["symbols"], run["lookahead"]["verdict"]) == (["DI_1Y"], "clean")
    assert run["trades_summary"]["long"] > 0
    assert run["trades_summary"]["short"] > 0
    assert run["metrics"]["total_commission"] > 0


def test_a_late_figure_is_read_from_its_release_on(web: Any, kept: dict[str, str]) -> None:
    finished(web, web.post(f"{COMPOSE}?fresh=true", BODY))
    address = "/api/v1/macro/series/IPCA_MOM?dataset=composed&as_of="
    last = {day: web.get(f"{address}{day}").get_json()["observations"][-1] for day in ("2023-06-28", "2023-06-30")}

    assert [item["observed"][:10] for item in last.values()] == ["2023-04-30", "2023-05-31"]


def test_the_same_request_is_answered_and_composing_again_makes_no_new_version(web: Any, kept: dict[str, str]) -> None:
    first = finished(web, web.post(f"{COMPOSE}?fresh=true", BODY))
    answered = web.post(COMPOSE, BODY | {"datasets": NAMES[::-1]}).get_json()
    again = finished(web, web.post(f"{COMPOSE}?fresh=true", BODY))

    assert (answered["cached"], answered["job_id"]) == (True, first["job_id"])
    assert again["provenance"]["result_hash"] == first["provenance"]["result_hash"]
    assert len(web.get(f"{DATASETS}/composed").get_json()["versions"]) == 1


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(web: Any, kept: dict[str, str]) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = web.post(COMPOSE, BODY, headers=headers).get_json()
    assert web.post(COMPOSE, BODY, headers=headers).get_json()["job_id"] == first["job_id"]
    other = web.post(COMPOSE, BODY | {"name": "other"}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")


def test_a_dry_run_tells_what_would_be_made_and_queues_nothing(web: Any, kept: dict[str, str]) -> None:
    told = web.post(f"{COMPOSE}?dry_run=true", BODY).get_json()

    assert told["estimate"] == {
        "datasets": 3,
        "series": 11,
        "instruments": ["DI_1Y", "DI_2Y", "UST_2Y", "NTNB_2Y", "IBOV"],
        "lacking": [],
    }
    without_cdi = web.post(f"{COMPOSE}?dry_run=true", BODY | {"datasets": ["compose_us", "compose_shares"]}).get_json()
    assert without_cdi["estimate"]["lacking"] == ["IBOV is not traded: it needs CDI too."]
    assert told["request"]["datasets"] == [f"{name}@{version}" for name, version in sorted(kept.items())]
    assert web.get("/api/v1/jobs").get_json()["jobs"] == []


def test_who_may_only_read_composes_nothing(web: Any, kept: dict[str, str]) -> None:
    assert web.other("read").post(COMPOSE, BODY).status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer", "nearest"),
    [
        ({"datasets": ["compose_brasil"]}, 422, "unknown_dataset", "/datasets/0", "compose_brazil"),
        ({"datasets": ["compose_us@000000000000"]}, 422, "unknown_dataset_version", "/datasets/0", None),
        ({"datasets": []}, 422, "invalid_request", "/datasets", None),
        ({"datasets": [*NAMES, "macro_synthetic"]}, 422, "duplicate_series", "/datasets/3", None),
        ({"datasets": ["compose_shares"]}, 422, "no_instruments", "/datasets", None),
        ({"rename": {"^BVPS": "IBOV"}}, 422, "unknown_series", "/rename/^BVPS", "^BVSP"),
        ({"rename": {"^BVSP": ["IBOV"]}}, 422, "invalid_request", "/rename/^BVSP", None),
        ({"rename": {"^BVSP": "CDI"}}, 422, "duplicate_series", "/datasets/2", None),
        ({"rename": ["^BVSP"]}, 422, "invalid_request", "/rename", None),
        ({"name": "../x"}, 422, "invalid_request", "/name", None),
        ({"name": "fx_daily"}, 409, "dataset_exists", "/name", None),
        ({"symbols": ["DI_1Y"]}, 422, "invalid_request", "/symbols", None),
    ],
)
def test_what_cannot_be_composed_is_refused_with_its_place(
    web: Any,
    kept: dict[str, str],
    change: dict[str, Any],
    status: int,
    code: str,
    pointer: str,
    nearest: str | None,
) -> None:
    reply = web.post(COMPOSE, BODY | change)
    problem = reply.get_json()
    assert (reply.status_code, problem["code"], problem["pointer"]) == (status, code, pointer), problem
    assert nearest is None or problem["nearest"] == nearest
