"""Files that no reader expects: CSV and Parquet, broken in every way that a seed finds; a seed stands for a file."""

from __future__ import annotations

import gzip
import io
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from app.client import Client
from app.depot import Folder
from app.library import Library, Meaning
from app.uploads.reading import read
from bench.process import forget_peak, peak, resident
from bench.serving import serving
from engine.errors import BadData, InvalidInput

# No upload may take longer on a processor.
MOST_SECONDS = 2.0

WORDS = (
    *("", " ", "nan", "-nan", "inf", "-inf", "1e999", "-1", "0", "1e-300", "1e300", "1,5", "1.234,56", "0x10", "1_000"),
    *("=1+1", "@SUM(A1)", "\x00", "\ufeff", "\u202e", "😀", "é", "\t", '"', '""', "'", "\\", "NULL", "null", "#N/A"),
    *("2020-02-30", "0000-00-00", "9999-12-31", "1-1-1", "01/02/2020", "31/12/2020", "12/31/2020", "2020-01-01T25:00"),
    *("1577836800", "1577836800000", "99999999999999999999", "-9223372036854775808", "9" * 400, "x" * 5000, "../../x"),
    *("true", "[]", "{}", "2020-W01-1", "now", "１２３", "٣", "1.5.2", "+-1", "--", ".", "e5", "5e", "12:00", "2020"),
)
NAMES = (
    *("time", "date", "Date", "timestamp", "symbol", "ticker", "open", "high", "low", "close", "volume", "adj_close"),
    *("Adj Close", "key", "observed", "available", "value", "unit", "stale_days", "", "A", "B", "price", "o", "h", "l"),
    *("c", "Unnamed: 0", "index", "\x00", "x" * 100, "=cmd", "close ", "CLOSE"),
)


def file(seed: int) -> bytes:
    """A hostile file."""
    rng = random.Random(seed)
    return rng.choice(KINDS)(rng)


def csv(rng: random.Random) -> bytes:
    """A table of few rows with any words in it."""
    mark = rng.choice(",;\t|,,,")
    names = list(_header(rng))
    rows = [names, *([_word(rng, name, at) for name in names] for at in range(rng.randint(0, 8)))]
    if rng.random() < 0.2 and len(rows) > 1:
        rng.choice(rows[1:]).append("1")
    ends = rng.choice(("\n", "\r\n", "\r", "\n\n"))
    return ends.join(mark.join(row) for row in rows).encode("utf-8", "surrogatepass") + rng.choice(
        (b"", b"\n", b"\n\n")
    )


def sound(rng: random.Random) -> bytes:
    """A file that is right but for a few bytes."""
    days = np.busday_offset("2020-01-01", np.arange(rng.randint(2, 40)), roll="forward")
    lines = ["date,symbol,open,high,low,close,volume"]
    lines += [
        f"{day},{symbol},{at + 1},{at + 2},{at + 1},{at + 1.5},{at}" for at, day in enumerate(days) for symbol in "AB"
    ]
    return _damaged(rng, "\n".join(lines).encode())


def parquet(rng: random.Random) -> bytes:
    """A Parquet file of odd types, perhaps damaged."""
    rows = rng.randint(0, 30)
    columns = {name or "none": _column(rng, name, rows) for name in _header(rng)}
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), sink, compression=rng.choice(("zstd", "snappy", "none", "gzip")))
    data = sink.getvalue()
    return _damaged(rng, data) if rng.random() < 0.7 else data


def bomb(rng: random.Random) -> bytes:
    """Few bytes that become many: equal rows, and one text that stands in all of them."""
    rows = 1 << rng.randint(14, 20)
    zeros = np.zeros(rows, np.int64)
    values: pa.Array = pa.array(zeros)
    if rng.random() < 0.5:
        values = pa.DictionaryArray.from_arrays(pa.array(zeros), pa.array(["x" * (1 << rng.randint(0, 20))]))
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"time": pa.array(zeros), "A": values}), sink, compression="zstd")
    return sink.getvalue()


def foreign(rng: random.Random) -> bytes:
    """No table at all."""
    noise = rng.randbytes(rng.randint(0, 2000))
    return rng.choice(
        (
            noise,
            b"PAR1" + noise + b"PAR1",
            b"PAR1" + noise + rng.randbytes(4) + b"PAR1",
            b"PARE" + noise,
            gzip.compress(noise),
            b"PK\x03\x04" + noise,
            "date,A\n2020-01-01,1".encode("utf-16"),
            b"\n" * rng.randint(1, 300_000),
            b"a," * rng.randint(1, 200_000),
            b'date,A\n"' + b"x" * rng.randint(1, 3_000_000),
            b"date,A\n" + b"2020-01-01," + b"9" * rng.randint(1, 2_000_000),
            b"date," + b",".join(b"S%d" % at for at in range(rng.randint(900, 3000))) + b"\n2020-01-01" + b",1" * 2000,
        )
    )


KINDS: tuple[Callable[[random.Random], bytes], ...] = (csv, csv, csv, sound, sound, parquet, parquet, foreign, bomb)


def _header(rng: random.Random) -> list[str]:
    if rng.random() < 0.5:
        return ["date", *rng.sample(NAMES, rng.randint(1, 6))]
    return rng.choices(NAMES, k=rng.randint(0, 8))


def _word(rng: random.Random, name: str, at: int) -> str:
    if rng.random() < 0.3:
        return rng.choice(WORDS)
    if name.lower() in ("date", "time", "timestamp", "observed", "available"):
        return f"2020-01-{at + 1:02d}"
    return rng.choice(("A", "B")) if name in ("symbol", "ticker", "key") else f"{rng.random() * 100:.4f}"


def _column(rng: random.Random, name: str, rows: int) -> pa.Array:
    whole = np.arange(rows)
    kinds: list[Callable[[], pa.Array]] = [
        lambda: pa.array(whole * 86_400_000).cast(pa.timestamp(rng.choice(("ms", "us")), rng.choice((None, "UTC")))),
        lambda: pa.array(whole.astype(np.int32)).cast(pa.date32()),
        lambda: pa.array(rng.choices(WORDS[:8], k=rows), pa.string()),
        lambda: pa.array(rng.choices(WORDS[:8], k=rows), pa.string()).dictionary_encode(),
        lambda: pa.array(whole + 1.5),
        lambda: pa.array(whole - 3),
        lambda: pa.array([[1]] * rows, pa.list_(pa.int64())),
        lambda: pa.array([b"\xff"] * rows, pa.binary()),
        lambda: pa.array([None] * rows),
        lambda: pa.array([True] * rows),
        lambda: pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int64())])),
        lambda: pa.array(np.full(rows, 1 << 60)).cast(pa.timestamp("us")),
        lambda: pa.array([1] * rows, pa.decimal128(38, 10)),
        lambda: pa.array(np.full(rows, np.inf)),
    ]
    if rng.random() < 0.5:
        return kinds[0]() if name in ("date", "time", "observed", "available") else kinds[4]()
    return rng.choice(kinds)()


def _damaged(rng: random.Random, data: bytes) -> bytes:
    """Some bytes changed, cut out or repeated."""
    found = bytearray(data)
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(found) or 1)
        match rng.randrange(4):
            case 0:
                found[at : at + 1] = rng.randbytes(1)
            case 1:
                del found[at : at + rng.randint(1, 40)]
            case 2:
                found[at:at] = found[max(0, at - 30) : at]
            case _:
                found[at:at] = rng.choice(WORDS).encode("utf-8", "surrogatepass")
    return bytes(found)


def withstood(count: int, seed: int) -> bool:
    """Every file is read and kept, or refused with one of our errors, soon. Anything else ends the measurement."""
    with tempfile.TemporaryDirectory(prefix="queuant-hostile-") as folder:
        slowest = _in_process(Path(folder), range(seed, seed + count))
    return slowest < MOST_SECONDS


def withstood_over_http(count: int, seed: int) -> bool:
    """The same against a real server: no reply is a server error."""
    with tempfile.TemporaryDirectory(prefix="queuant-hostile-") as folder:
        return _over_http(Path(folder) / "home", range(seed, seed + count))


def _in_process(folder: Path, seeds: range) -> float:
    library, path = Library(Folder(folder / "library")), folder / "upload"
    forget_peak()
    said, slowest, before = Counter[str](), (0.0, -1), resident()
    for seed in seeds:
        path.write_bytes(file(seed))
        start = time.process_time()  # others may use the machine too
        said[outcome(library, path)] += 1
        slowest = max(slowest, (time.process_time() - start, seed))
    _report(f"{len(seeds):,} uploads in process", said, slowest)
    print(f"  memory {before / 1e6:.0f} MB before, {peak() / 1e6:.0f} MB at most")
    return slowest[0]


def outcome(library: Library, path: Path) -> str:
    """Read a file and keep it: "kept", or the code of the refusal. Whatever else is raised is an accident."""
    try:
        found = read(path, symbol="upload")
        library.put(found.table, id="upload", meaning=Meaning("upload"), series=found.series)
    except (InvalidInput, BadData) as refusal:
        return refusal.code
    return "kept"


def _over_http(home: Path, seeds: range) -> bool:
    said, slowest = Counter[str](), (0.0, -1)
    with serving(home, workers=1), Client(home=home) as client:
        headers = {"Authorization": f"Bearer {(home / 'api_key').read_text().strip()}"}
        with httpx.Client(base_url=client.url, headers=headers, timeout=60, trust_env=False) as http:
            for seed in seeds:
                start = time.perf_counter()
                reply = http.post(
                    "/api/v1/datasets",
                    data={"name": f"upload{seed}"},
                    files={"file": ("../../x.csv", io.BytesIO(file(seed)))},
                )
                said[str(reply.status_code)] += 1
                slowest = max(slowest, (time.perf_counter() - start, seed))
    _report(f"{len(seeds):,} uploads over HTTP", said, slowest)
    return not any(status.startswith("5") for status in said)


def _report(what: str, said: Counter[str], slowest: tuple[float, int]) -> None:
    print(f"{what}: slowest {slowest[0]:.2f} s (seed {slowest[1]})")
    for name, times in said.most_common():
        print(f"  {name:24} {times:,}")
