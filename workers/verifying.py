"""Nobody trades on tomorrow's paper: every strategy is checked on the data that it runs on, once for each version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from app import usercode
from app.canonical import digest
from app.jobs import Claim
from app.store.verdicts import CLEAN, LOOKS_AHEAD, Checked
from app.wiring import Services
from engine.bars import Bars
from engine.errors import RunFailed
from engine.figures import Report
from engine.lookahead import CUTS, Leak, find_leak
from engine.strategy import BoundStrategy, Decision
from workers.versions import load

# Places at which a strategy is checked whose version is known to be clean with other parameters.
CUTS_AGAIN = 4


def run_verify(claim: Claim, services: Services, report: Report) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Check a strategy anew, whatever is known of it, and remember what was found."""
    request = claim.request
    bars, bound = load(request, services)
    found = _told(find_leak(bars, bound, report=report, anew=_anew(bound)), CUTS)
    _remember(services, about(request), bars, bound, found)
    names = ("engine_version", "strategy_version", "dataset_id", "dataset_version")
    provenance = {name: request[name] for name in names} | {
        "request_hash": claim.request_hash,
        "result_hash": digest({"request": claim.request_hash, "found": found}),
    }
    return {"request": dict(request), "provenance": provenance, "lookahead": found}, {}


def require_honest(
    services: Services, request: Mapping[str, Any], bars: Bars, bound: BoundStrategy, decision: Decision, report: Report
) -> dict[str, Any]:
    """The verdict on this strategy, version, parameters and data, found now unless it is known.

    A look ahead is in the code: where other parameters of this version were found clean on the same data, a few places
    do. Raises RunFailed (`lookahead_detected`) saying which decision changed.
    """
    key = about(request)
    known = services.store.verdicts.get(key)
    if known is None:
        places = CUTS_AGAIN if services.store.verdicts.clean_otherwise(key) else CUTS
        found = _told(find_leak(bars, bound, decision, cuts=places, report=report, anew=_anew(bound)), places)
        _remember(services, key, bars, bound, found)
    else:
        found = known.detail
    if found["verdict"] == LOOKS_AHEAD:
        raise RunFailed(found["sentence"], code="lookahead_detected", given=found["leak"])
    return dict(found)


def about(request: Mapping[str, Any]) -> Checked:
    """What a verdict on a resolved request stands for."""
    chosen = ("params", "symbols", "start_date", "end_date")
    return Checked(
        strategy_id=request["strategy_id"],
        strategy_version=request["strategy_version"],
        dataset_id=request["dataset_id"],
        dataset_version=request["dataset_version"],
        params_hash=digest({name: request[name] for name in chosen}),
    )


def _remember(services: Services, key: Checked, bars: Bars, bound: BoundStrategy, found: Mapping[str, Any]) -> None:
    """Keep a verdict; a good one only where there were bars for all places: one on few is soon found anew."""
    if found["verdict"] == LOOKS_AHEAD or len(bars) > bound.lookback + 2 + CUTS:
        services.store.verdicts.put(key, found["verdict"], found)


def _anew(bound: BoundStrategy) -> Callable[[], BoundStrategy]:
    return lambda: replace(bound, strategy=usercode.anew(bound.strategy))


def _told(leak: Leak | None, places: int) -> dict[str, Any]:
    if leak is not None:
        return {"verdict": LOOKS_AHEAD, "sentence": leak.sentence, "leak": asdict(leak)}
    text = f"Its decisions stood when the future was taken away, at up to {places} places."
    return {"verdict": CLEAN, "sentence": text, "leak": None}
