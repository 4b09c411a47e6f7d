"""A divided job under fire: `python -m bench.chaos_sweep --trials 100000 --seed 1`.

Roles run as processes of their own: a queue server, the API, a supervisor and two worker nodes. One search is posted
over HTTP and heard over its WebSocket. While it runs worker nodes are killed, frozen beyond their lease and stopped,
the queue server is killed and comes back with an empty memory, and whoever gathers the result is killed. At every look
into the database the chunks must be a partition of the search and their job's counts must be theirs. At the end the
result must be that of the same search in this process, to the last bit. `--database` names an empty PostgreSQL.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import redis
from sqlalchemy import select

from app.canonical import canonical_json
from app.client import Client
from app.jobs import Claim
from app.schema import upgrade
from app.settings import Settings
from app.store import TERMINAL
from app.tables import artifacts, jobs, results
from app.taskqueue import PREFIX, QUEUES
from app.wiring import build
from bench.fleet import OWNER, Fleet
from bench.watching import FROZEN, GATHERING, KILLED, QUEUE, STOPPED, Ear, Fault, Ledger, Look
from workers.pipeline import WORKS

LOOK_SECONDS = 0.05
# Seconds that each trial sleeps in a worker: the search lasts as long on a busy machine, and is soon done in process.
NAP = "CHAOS_NAP"
STRATEGY = f'''
import os
import time
from typing import Annotated

import numpy as np

from engine import Range, strategy

NAP = float(os.environ.get("{NAP}", "0"))


@strategy(
    family="house",
    source="house",
    dataset="fx_daily",
    symbols=("EURUSD",),
    lookback=lambda *, days, least: days + 1,
)
def napper(bars, days: Annotated[int, Range(1, 500)] = 5, least: Annotated[int, Range(0, 20_000)] = 0):
    """Hold what has risen by more than so many millionths in some days."""
    time.sleep(NAP)
    rose = bars.close[days:] > (1 + least * 1e-6) * bars.close[:-days]
    return np.vstack([np.zeros((days, 1)), rose])
'''
DAYS = 20
FAULTS = (KILLED, KILLED, QUEUE, FROZEN, STOPPED, GATHERING)


@dataclass
class Report:
    """What happened, and what must not have."""

    kind: str
    units: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    progress: int = 0
    rows: int = 0
    fenced: int = 0

    @property
    def broken(self) -> list[str]:
        return self.ledger.broken


def run(kind: str, trials: int, seed: int, home: Path, *, faults: Sequence[str] = FAULTS, **options: Any) -> Report:
    """Post a search, do the faults while it runs, and check what became of it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "strategies").mkdir(exist_ok=True)
    (home / "strategies" / "napper.py").write_text(STRATEGY)
    report, chance = Report(kind), random.Random(seed)
    with Fleet(home, environ={NAP: str(options.pop("nap"))}, **options) as fleet, fleet.client() as client:
        job = (client.walkforward if kind == "walkforward" else client.sweep)("napper", **asked(kind, trials))
        ear, started = Ear(client, job.id), time.monotonic()
        look = _under_fire(fleet, job.id, list(_planned(faults, chance)), report, chance)
        report.seconds = time.monotonic() - started
        ear.join(10)
        report.fenced = fleet.logged("fenced off", "lost its lease")
        _check_heard(ear, report)
        require = report.ledger.require
        require(look.parent.status == "succeeded", f"the job is {look.parent.status}: {look.parent.error}")
        require(report.ledger.whole, "nobody saw all chunks done")
        require(not any(fault.counted for fault in report.faults), "a stop was counted as an attempt")
        require(report.fenced > 0 or FROZEN not in faults, "who was frozen was not fenced off")
        _check_leftovers(fleet, report)
        if look.parent.status == "succeeded":
            _check_result(fleet, client, look.parent, report, home / "alone")
    return report


def asked(kind: str, trials: int) -> dict[str, Any]:
    """The search of so many trials."""
    grid = {"days": {"start": 1, "stop": DAYS}, "least": {"start": 0, "stop": trials // DAYS - 1}}
    months = {"train_months": 48, "test_months": 24} if kind == "walkforward" else {}
    return {"grid": grid, "seed": 7, **months}


def _planned(faults: Sequence[str], chance: random.Random) -> Iterator[Fault]:
    """Faults in some order, at some shares of the work; the gathering comes last."""
    early = [what for what in faults if what != GATHERING]
    chance.shuffle(early)
    for at, what in enumerate(early):
        yield Fault(what, 0.05 + 0.8 * (at + chance.uniform(0, 0.5)) / len(early))
    yield from (Fault(what, 1.0) for what in faults if what == GATHERING)


def _under_fire(fleet: Fleet, job_id: str, plan: list[Fault], report: Report, chance: random.Random) -> Look:
    """Look at the job until it has ended, and do what is planned one after the other."""
    acting: Fault | None = None
    while (look := Look.at(fleet, job_id)).parent.status not in TERMINAL:
        report.units = look.parent.units or 0
        report.ledger.take(look)
        if acting is not None and acting.observe(fleet, look):
            acting = None
        if acting is None and plan and look.share >= plan[0].share and plan[0].begin(fleet, look, chance):
            acting = plan.pop(0)
            report.faults.append(acting)
        time.sleep(LOOK_SECONDS)
    if acting is not None:
        acting.observe(fleet, look)
    report.ledger.require(not plan, f"the job was over before: {', '.join(fault.what for fault in plan)}")
    return look


def _check_heard(ear: Ear, report: Report) -> None:
    """Progress went forward until it was whole, rows came meanwhile, and the job ended once."""
    report.progress, report.rows = len(ear.progress), ear.rows
    require = report.ledger.require
    for sentence in ear.back:
        require(False, sentence)
    require(any(told[1:] == (report.kind, 1.0) for told in ear.progress), "progress did not reach 1")
    require(ear.rows > 0, "no rows were heard")
    require(ear.types[-1:] == ["job_succeeded"] and ear.types.count("job_succeeded") == 1, f"heard {ear.types}")


def _check_leftovers(fleet: Fleet, report: Report) -> None:
    """No chunk is left, and no doorbell."""
    with fleet.store.database.read() as tx:
        left = tx.execute(select(jobs.c.status).where(jobs.c.parent_id.is_not(None))).scalars().all()
    report.ledger.require(not left, f"chunks are left: {dict(Counter(left))}")
    ends = time.monotonic() + 15
    with redis.Redis.from_url(fleet.settings.redis_url, socket_timeout=5) as queue:
        while any(queue.llen(PREFIX + name) for name in QUEUES) and time.monotonic() < ends:
            time.sleep(0.1)
        report.ledger.require(not any(queue.llen(PREFIX + name) for name in QUEUES), "doorbells are left in the queue")


def _check_result(fleet: Fleet, client: Client, row: Any, report: Report, home: Path) -> None:
    """What was stored is what the same search gives in this process, in one piece."""
    settings = Settings.from_env({}, home=home, redis_url="redis://127.0.0.1:1/0")
    services = build(settings.replace(strategy_dirs=(str(fleet.home.path / "strategies"),)))
    upgrade(services.store)
    work = WORKS[row.kind](row.request, services)
    claim = Claim(row.id, OWNER, row.kind, row.request, row.request_hash, 1, 1)
    made = work.gather(claim, work.run(0, work.units), lambda *_: None)
    with fleet.store.database.read() as tx:
        stored = tx.execute(select(results).where(results.c.job_id == row.id)).one()
        parts = dict(tx.execute(select(artifacts.c.name, artifacts.c.data).where(artifacts.c.job_id == row.id)).all())
    require = report.ledger.require
    document: Any = made.document
    require(stored.result_hash == document["provenance"]["result_hash"], "the result hash is another one")
    require(canonical_json(stored.result) == canonical_json(document), "the result is another one")
    require(set(parts) == set(made.parts), f"the parts are {sorted(parts)}")
    for name in made.parts:
        require(_same(_table(parts[name]), _table(made.parts[name])), f"{name} are others")
    if "trials" in parts:
        exported = _table(client.download(f"/jobs/{row.id}/export", query={"part": "trials", "format": "parquet"}))
        numbers = exported["trial"].to_numpy()
        require(np.array_equal(numbers, np.arange(work.units)), "trials are missing or double in the export")
    services.close()


def _table(data: bytes) -> pa.Table:
    return pyarrow.parquet.read_table(pa.BufferReader(data))


def _same(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables are equal to the last bit, undefined figures too."""
    if one.schema != other.schema or one.num_rows != other.num_rows:
        return False
    return all(
        one[name].to_numpy().tobytes() == other[name].to_numpy().tobytes()
        if pa.types.is_floating(one[name].type)
        else one[name].equals(other[name])
        for name in one.column_names
    )


def said(report: Report) -> str:
    """The table of a report."""
    ledger = report.ledger
    lines = [
        f"{report.kind}: {report.units:,} units in {ledger.chunks} chunks, {report.seconds:.1f} s; "
        f"attempts of chunks {dict(sorted(ledger.attempts.items()))}, fenced off {report.fenced}",
        f"heard {report.progress} x job_progress, {report.rows} x trial_rows; {ledger.looks} looks into the database",
        f"{'fault':38}{'at':>6}{'held':>6}{'given back, s':>15}{'as before, s':>14}",
    ]
    for fault in report.faults:
        lines.append(
            f"{fault.what:38}{fault.share:6.0%}{len(fault.held):6}{_seconds(fault.taken):>15}{_seconds(fault.whole):>14}"
        )
    for name in ("taken", "whole"):
        times = [seconds for fault in report.faults if (seconds := getattr(fault, name)) is not None]
        if times:
            lines.append(f"{name}: p50 {median(times):.1f} s, max {max(times):.1f} s")
    return "\n".join([*lines, *(f"BROKEN: {sentence}" for sentence in report.broken)])


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("sweep", "walkforward"), default="sweep")
    parser.add_argument("--trials", type=int, default=100_000, help=f"a multiple of {DAYS}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nap", type=float, default=0.001, help="seconds that each trial sleeps besides")
    parser.add_argument("--lease", type=float, default=15.0, help="seconds")
    parser.add_argument("--database", help="URL of an empty database; default: SQLite")
    parser.add_argument("--home", type=Path, help="keep everything in this folder")
    given = parser.parse_args()
    options = {"nap": given.nap, "lease_seconds": given.lease, "grace_seconds": 1, "database": given.database}
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        report = run(given.kind, given.trials, given.seed, given.home or Path(folder) / "home", **options)
    print(said(report))
    print("Nothing was lost or doubled." if not report.broken else "BROKEN PROMISES, see above.")
    raise SystemExit(1 if report.broken else 0)


if __name__ == "__main__":
    main()
