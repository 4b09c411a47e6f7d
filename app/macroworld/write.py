"""A world as a folder that the catalog reads: two Parquet files and a manifest."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from app.instruments import COST_KEYS
from app.macroworld.calendars import Events
from app.macroworld.days import CLOSE
from app.macroworld.published import Published
from app.macroworld.world import World

ABOUT: dict[str, Any] = {
    "title": "A synthetic macro economy, daily",
    "kind": "bars",
    "frequency": "daily",
    "calendar": "Monday to Friday without the fixed holidays of B3",
    "quality": "synthetic",
    "cite": "None: nothing in it has happened",
    "licence": "As the project's own code",
    "units": "total return over cash, 100 on the first session; USDBRL in reais for one US dollar",
    "notes": "Made by a seed, for running macro strategies offline. No figure of it says anything about a real market.",
    "file": "data.parquet",
    "time": "date",
    "layout": "wide",
    "cost_keys": COST_KEYS,
}
_EVENT = re.compile(r'\{\s+("date"[^}]*?)\s+\}')


def write(world: World, folder: Path) -> None:
    """Write the dataset; its id is the folder's name."""
    folder.mkdir(parents=True, exist_ok=True)
    data, series = folder / "data.parquet", folder / "series.parquet"
    table = pa.table({"date": world.sessions.astype("datetime64[s]"), **world.prices})
    pyarrow.parquet.write_table(table, data, compression="zstd", compression_level=19, **_encoded(world.prices))
    _write_series(world.series, series)
    manifest = ABOUT | {
        "source": f"Queuant's macro world, seed {world.seed}",
        "sha256": _digest(data),
        "series": {
            "file": series.name,
            "sha256": _digest(series),
            "session_close": CLOSE,
            "about": {item.key: _about(item) for item in world.series},
            "calendars": {key: _events(events) for key, events in world.calendars.items()},
        },
    }
    text = _EVENT.sub(lambda found: "{" + re.sub(r"\s+", " ", found[1]) + "}", json.dumps(manifest, indent=2))
    (folder / "manifest.json").write_text(text + "\n", "utf-8")


def _write_series(series: list[Published], path: Path) -> None:
    """One row group for each series: few different values, and times that a delta tells."""
    schema = pa.schema(
        [
            ("key", pa.string()),
            ("observed", pa.timestamp("s")),
            ("available", pa.timestamp("s")),
            ("value", pa.float64()),
        ]
    )
    options: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": ["key", "value"],
        "column_encoding": dict.fromkeys(("observed", "available"), "DELTA_BINARY_PACKED"),
    }
    with pyarrow.parquet.ParquetWriter(path, schema, **options) as writer:
        for item in series:
            times = [values.astype("datetime64[s]") for values in (item.observed, item.available)]
            columns = [[item.key] * len(item.value), *times, item.value]
            writer.write_table(pa.table(columns, schema=schema))


def _encoded(columns: dict[str, Any]) -> dict[str, Any]:
    return {"use_dictionary": False, "column_encoding": dict.fromkeys(columns, "BYTE_STREAM_SPLIT")}


def _about(item: Published) -> dict[str, Any]:
    return {
        "title": item.title,
        "unit": item.unit,
        "frequency": item.frequency,
        "stale_days": item.stale_days,
        "quality": "synthetic",
    }


def _events(events: Events) -> list[dict[str, str]]:
    names = ("date", "announced", "reference")
    return [
        dict(zip(names, map(str, days), strict=True))
        for days in zip(*(array.astype("datetime64[D]").tolist() for array in events), strict=True)
    ]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
