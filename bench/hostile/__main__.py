"""Hostile input against the code that reads it: nothing but an answer or a refusal, soon, and in little memory.

python -m bench.hostile --uploads 10000 [--http 300]
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from app.client import Client
from app.library import Library, Meaning
from app.uploads.reading import read
from bench.hostile import uploads
from bench.process import forget_peak, peak, resident
from bench.serving import serving
from engine.errors import BadData, InvalidInput

# No upload may take longer on a processor.
MOST_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=0, help="files against the reader in this process")
    parser.add_argument("--http", type=int, default=0, help="files against a real server")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="queuant-hostile-") as folder:
        if asked.uploads:
            in_process(Path(folder), asked.uploads)
        if asked.http:
            over_http(Path(folder) / "home", asked.http)


def in_process(folder: Path, count: int) -> None:
    """Every file is read and kept, or refused with one of our errors. Anything else ends the measurement."""
    library, path = Library(folder / "library"), folder / "upload"
    forget_peak()
    said, slowest, before = Counter[str](), (0.0, -1), resident()
    for seed in range(count):
        path.write_bytes(uploads.file(seed))
        start = time.process_time()  # others may use the machine too
        try:
            found = read(path, symbol="upload")
            library.put(found.table, id="upload", meaning=Meaning("upload"), series=found.series)
            said["kept"] += 1
        except (InvalidInput, BadData) as refusal:
            said[refusal.code] += 1
        slowest = max(slowest, (time.process_time() - start, seed))
    report(f"{count:,} uploads in process", said, slowest)
    print(f"  memory {before / 1e6:.0f} MB before, {peak() / 1e6:.0f} MB at most")
    if slowest[0] > MOST_SECONDS:
        raise SystemExit(f"An upload took more than {MOST_SECONDS:g} s.")


def over_http(home: Path, count: int) -> None:
    said, slowest = Counter[str](), (0.0, -1)
    with serving(home, workers=1), Client(home=home) as client:
        headers = {"Authorization": f"Bearer {(home / 'api_key').read_text().strip()}"}
        with httpx.Client(base_url=client.url, headers=headers, timeout=60, trust_env=False) as http:
            for seed in range(count):
                start = time.perf_counter()
                reply = http.post(
                    "/api/v1/datasets",
                    data={"name": f"upload{seed}"},
                    files={"file": ("../../x.csv", io.BytesIO(uploads.file(seed)))},
                )
                said[str(reply.status_code)] += 1
                if reply.status_code >= 500:
                    raise SystemExit(f"Upload {seed}: {reply.text}")
                slowest = max(slowest, (time.perf_counter() - start, seed))
    report(f"{count:,} uploads over HTTP", said, slowest)


def report(what: str, said: Counter[str], slowest: tuple[float, int]) -> None:
    print(f"{what}: slowest {slowest[0]:.2f} s (seed {slowest[1]})")
    for name, times in said.most_common():
        print(f"  {name:24} {times:,}")


if __name__ == "__main__":
    main()
