"""What the web process carries: neither the compiler nor pandas, whatever is asked of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import io
import sys
from pathlib import Path
import numpy as np
from app.depot import depot_of
from app import schema
from app.bus import MemoryBus
from app.catalog import Catalog
from app.jobs import Jobs
from app.settings import Settings
from app.shelf import Shelf
from app.store import Store
from app.taskqueue import MemoryQueue
from app.web.comparing import Course, pair
from app.web.factory import create_app
from app.wiring import Services

settings = Settings.from_env({}, home=Path(sys.argv[1]))
store, bus, queue = Store(settings.database_url), MemoryBus(), MemoryQueue()
schema.upgrade(store)
catalog = Catalog.standard(depot=depot_of(settings), bars_dir=settings.bars_dir)
shelf = Shelf(expressions=store.expressions)
app = create_app(Services(settings, store, bus, queue, catalog, Jobs(store, bus, queue), shelf))
headers = {"Authorization": "Bearer " + store.access.create_key("ada")}
client = app.test_client()
body = {"strategy_id": "sma_cross", "dataset": "fx_daily", "symbols": ["EURUSD", "GBPUSD"]}
assert client.post("/api/v1/backtest/run", json=body, headers=headers).status_code == 202
grid = {"fast": [5, 10], "slow": [50]}
assert client.post("/api/v1/backtest/sweep", json=body | {"grid": grid}, headers=headers).status_code == 202
bayesian = body | {"bayesian": {"trials": 5}}
assert client.post("/api/v1/backtest/sweep", json=bayesian, headers=headers).status_code == 202
assert client.post("/api/v1/backtest/montecarlo", json=body | {"method": "costs"}, headers=headers).status_code == 202
book = {"strategies": [body, body], "allocation": "hrp"}
assert client.post("/api/v1/backtest/portfolio", json=book, headers=headers).status_code == 202
rows = b"date,A" + b"".join(b"\\n2020-01-%02d,%d" % (day, day) for day in range(1, 31))
form = {"file": (io.BytesIO(rows), "a.csv"), "name": "mine"}
assert client.post("/api/v1/datasets", data=form, headers=headers).status_code == 201
mine = {"name": "Mine", "entry": "cross_above(rsi(close, 2), 10)", "exit": "macd(close).line < 0"}
for path, status in (("expressions/validate", 200), ("expressions", 201)):
    assert client.post("/api/v1/strategies/" + path, json=mine, headers=headers).status_code == status, path
assert client.post("/api/v1/backtest/run", json=body | {"strategy_id": "mine"}, headers=headers).status_code == 202
for path in ("/openapi.json", "/docs", "/metrics", "/readyz"):
    assert client.get(path).status_code == 200, path
for path in (
    "jobs", "strategies", "strategies/sma_cross", "datasets", "datasets/sources", "macro/series", "macro/curves/DI",
    "backtest/comparison?strategy_ids=sma_cross",
):
    assert client.get("/api/v1/" + path, headers=headers).status_code == 200, path
assert client.put("/api/v1/strategies/sma_cross/params", json={"fast": 10}, headers=headers).status_code == 200
assert client.post("/api/v1/strategies/sma_cross/signal", headers=headers).status_code == 202
assert client.post("/api/v1/reports/daily", headers=headers).status_code == 200
for path in ("reports/daily", "reports/daily.html", "signals/latest", "signals/heatmap", "strategies/sma_cross/params"):
    assert client.get("/api/v1/" + path, headers=headers).status_code == 200, path
for path in ("datasets/mine", "datasets/mine/bars?points=10", "datasets/mine/bars?format=csv"):
    assert client.get("/api/v1/" + path, headers=headers).status_code == 200, path
days, steps = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]"), np.arange(366)
for path in ("risk/var", "risk/stress"):
    assert client.get("/api/v1/" + path, headers=headers).status_code == 404, path  # there is no book
assert client.put("/api/v1/risk/limits", json={"gross": 2}, headers=headers).status_code == 200
courses = [Course(days, 100.0 + np.sin(steps * speed), steps > 9, 0.0) for speed in (1.0, 0.7)]
assert pair("a", "b", *courses)["p_value"] is not None
heavy = {"numba", "llvmlite", "optuna", "pandas", "scipy", "engine.simulation", "engine.kernel"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_the_web_process_never_loads_the_compiler_the_simulator_or_pandas(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
