"""A real server for a measurement."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.home import Home
from app.embedded.ports import any_free


@contextmanager
def serving(home: Path, workers: int, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """`queuant serve` in this home, on ports of its own; yields its launcher once a job can be taken."""
    home.mkdir(parents=True, exist_ok=True)
    calm = {"QUEUANT_SIGNALS_SECONDS": "0"}  # nobody works but for what is measured
    # Requests are counted as always, and never too many.
    calm |= {f"QUEUANT_RATE_{kind}": "1000000000" for kind in ("READS", "WRITES", "UPLOADS")}
    ports = {"QUEUANT_PORT": str(any_free()), "QUEUANT_RELAY_PORT": str(any_free())}
    command = [sys.executable, "-m", "app.cli", "serve", "--home", str(home), "--workers", str(workers)]
    with (home / "serve.out").open("wb") as output:
        launcher = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **calm, **ports, **variables},
            start_new_session=True,
        )
    try:
        while (Home(home).server() or {}).get("pid") != launcher.pid:
            if launcher.poll() is not None:
                raise SystemExit((home / "serve.out").read_text())
            time.sleep(0.1)
        yield launcher
    finally:
        launcher.terminate()
        launcher.wait(60)
