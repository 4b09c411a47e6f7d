"""Importing does nothing, and the API never loads the simulator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "strategies", "app", "workers")

IMPORT_EVERYTHING = """
import importlib, json, sys, threading

seen = []
WATCHED = {"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir", "os.fork"}
sys.addaudithook(lambda event, args: seen.append(event) if event in WATCHED else None)
foreign = json.loads(sys.argv[2])
for name in foreign:  # what a third party does while it is imported is not ours to change
    importlib.import_module(name)
seen.clear()
threads = threading.active_count()
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps({"events": seen, "threads": threading.active_count() - threads}))
"""
FOREIGN = ("numba", "celery", "kombu", "redis", "sqlalchemy", "alembic", "flask", "flask_smorest", "pyarrow", "httpx")

SERVE_STRATEGIES = """
import sys
from app import schema
from app.settings import Settings
from app.web.factory import create_app
from app.wiring import build

home = sys.argv[1]
services = build(Settings.from_env({"QUEUANT_HOME": home, "REDIS_URL": "redis://127.0.0.1:1/0"}))
schema.upgrade(services.store)
key = services.store.access.create_key("ada")
client = create_app(services).test_client()
reply = client.get("/api/v1/strategies", headers={"Authorization": f"Bearer {key}"})
assert reply.status_code == 200, reply.text
assert len(reply.text) > 100, reply.text
loaded = [name for name in ("numba", "engine.simulation") if name in sys.modules]
services.close()
assert not loaded, f"listing strategies has loaded {loaded}"
"""


def modules():
    """Every module but the `__main__`s: those are programs."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] != "__main__":
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run(script, *arguments):
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_opens_no_connection_and_starts_nothing():
    names = list(modules())
    assert len(names) > 50

    found = json.loads(run(IMPORT_EVERYTHING, json.dumps(names), json.dumps(FOREIGN)))
    assert found == {"events": [], "threads": 0}


def test_the_api_lists_strategies_without_compiler_or_simulator(tmp_path):
    """They cost seconds at the start and a hundred megabytes; only workers simulate."""
    run(SERVE_STRATEGIES, str(tmp_path))
