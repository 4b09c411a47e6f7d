"""A file as batches of columns, with bounds on what it may make of itself. Nothing here knows what columns mean."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from app.forms import MOST_NUMBERS, MOST_SYMBOLS
from app.uploads.refusals import refusal
from engine.errors import InvalidInput

# The header must end within this part of the file.
HEAD = 262_144
BLOCK = 1_048_576
BATCH = 65_536
MOST_COLUMNS = MOST_SYMBOLS + 16
DELIMITERS = (",", ";", "\t", "|")
# What a file begins with that is no table, and what it is.
FOREIGN = {
    b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file or an Excel sheet",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xd0\xcf\x11\xe0": "an old Excel sheet",
    b"%PDF": "a PDF",
    b"ARROW1": "an Arrow file",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "a SQLite database",
}


class Source(Protocol):
    """Names of the columns, batches of them, and where a row stands in the file."""

    names: list[str]
    decimal_comma: bool

    def batches(self) -> Iterator[pa.RecordBatch]: ...

    def row(self, at: int) -> int:
        """The row of the file, counted from 1, of the data's row `at`, counted from 0."""
        ...


def open_source(path: Path) -> Source:
    """The source that the first bytes tell. Raises InvalidInput for what is neither CSV nor Parquet."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4))
        tail = file.read(4)
    if not head.strip():
        raise refusal("The file is empty.", "empty_file")
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise refusal(
                f"The file is {what}. Send the table itself.", "unsupported_file", allowed=["CSV (UTF-8)", "Parquet"]
            )
    if head.startswith((b"PAR1", b"PARE")):
        if tail != b"PAR1":
            raise refusal("The Parquet file is cut off or encrypted: its end is missing.", "unreadable_parquet")
        return ParquetSource(path)
    return CsvSource(path, head)


class CsvSource:
    """A CSV file whose columns are all texts."""

    def __init__(self, path: Path, head: bytes) -> None:
        self._path = path
        blank, line, cut = _first_line(head)
        self._header_row = blank + 1
        text = _decoded(line, cut=cut)
        self._delimiter = max(DELIMITERS, key=lambda mark: (text.count(mark), -DELIMITERS.index(mark)))
        self.names = self._parsed(text)
        self.decimal_comma = self._delimiter != ","
        self._ragged: tuple[int, int] | None = None

    def _parsed(self, text: str) -> list[str]:
        try:
            names = [name.strip() for name in next(csv.reader([text], delimiter=self._delimiter, strict=True))]
        except (csv.Error, StopIteration) as error:
            raise refusal(f"The header cannot be read: {error}.", "bad_header") from error
        check_columns(names)
        return names

    def batches(self) -> Iterator[pa.RecordBatch]:
        columns = [f"c{at}" for at in range(len(self.names))]
        reading = pyarrow.csv.ReadOptions(
            use_threads=False, block_size=BLOCK, column_names=columns, skip_rows=self._header_row
        )
        parsing = pyarrow.csv.ParseOptions(
            delimiter=self._delimiter, ignore_empty_lines=False, invalid_row_handler=self._invalid
        )
        converting = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, check_utf8=False
        )
        _check_text(self._path)
        try:
            reader = pyarrow.csv.open_csv(
                self._path, read_options=reading, parse_options=parsing, convert_options=converting
            )
            yield from _bounded(reader, len(columns))
        except (pa.ArrowException, OSError) as error:
            raise self._why(error) from error

    def row(self, at: int) -> int:
        return self._header_row + at + 1

    def _invalid(self, row: Any) -> str:
        self._ragged = (self._header_row + row.number - 1, row.actual_columns)
        return "error"

    def _why(self, error: Exception) -> InvalidInput:
        if self._ragged is not None:
            row, count = self._ragged
            return refusal(f"Row {row} has {count} columns, the header has {len(self.names)}.", "ragged_row")
        if "Could not skip" in str(error):  # the header has no end of line
            return no_rows()
        if isinstance(error, pa.ArrowMemoryError):
            return too_much_memory()
        return refusal("The rows cannot be read: a quote is open, or a row is longer than 1 MiB.", "bad_csv")


class ParquetSource:
    """A Parquet file with flat columns."""

    decimal_comma = False

    def __init__(self, path: Path) -> None:
        try:
            self._file = pyarrow.parquet.ParquetFile(
                path, pre_buffer=False, thrift_string_size_limit=8 << 20, thrift_container_size_limit=1_000_000
            )
            schema = self._file.schema_arrow
            rows = self._file.metadata.num_rows
        except (pa.ArrowException, OSError, ValueError, OverflowError, UnicodeDecodeError) as error:
            raise _unreadable(error) from error
        self.names = [name.strip() for name in schema.names]
        check_columns(self.names)
        if rows < 1:
            raise no_rows()
        _check_size(rows, len(self.names))
        for field in schema:
            if not _flat(field.type):
                raise refusal(f"Column '{field.name[:80]}' holds {str(field.type)[:80]}.", "bad_column_type")
        texts = [field.name for field in schema if is_text(field.type)]
        self._open: Callable[[], Any] = lambda: pyarrow.parquet.ParquetFile(
            path, pre_buffer=False, read_dictionary=texts
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in _bounded(self._open().iter_batches(BATCH, use_threads=False), len(self.names)):
                batch.validate(full=True)
                yield batch
        except (pa.ArrowException, OSError, ValueError, OverflowError, UnicodeDecodeError) as error:
            raise _unreadable(error) from error

    def row(self, at: int) -> int:
        return at + 1


def check_columns(names: list[str]) -> None:
    """Refuse too few and too many columns, and names that stand twice."""
    if not 2 <= len(names) <= MOST_COLUMNS:
        raise refusal(
            f"The file has {len(names):,} columns, expected a time and between 1 and {MOST_SYMBOLS:,} others. "
            "A CSV file has its names in the first row, with , ; | or a tab between them.",
            "too_many_columns" if len(names) > 2 else "missing_column",
        )
    for at, name in enumerate(names):
        if not name.isprintable() or len(name) > 80:
            raise refusal(f"The name of column {at + 1} is no printable text of at most 80 characters.", "bad_header")
    folded = [name.lower() for name in names]
    twice = next((name for at, name in enumerate(folded) if name in folded[:at]), None)
    if twice is not None:
        raise refusal(f"Two columns are called '{twice}'.", "duplicate_column")


def no_rows() -> InvalidInput:
    return refusal("The file has no rows.", "no_rows")


def too_much_memory() -> InvalidInput:
    return refusal("Reading this file takes more memory than an upload may have.", "too_much_data")


def _bounded(batches: Any, columns: int) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        _check_size(rows, columns)
        yield batch


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > MOST_NUMBERS:
        raise refusal(
            f"{rows:,} rows of {columns:,} columns are too much; a dataset holds at most {MOST_NUMBERS:,} numbers.",
            "too_much_data",
            allowed={"maximum": MOST_NUMBERS},
        )


def _first_line(head: bytes) -> tuple[int, bytes, bool]:
    """How many blank lines come first, the first line that is not blank, and whether it was cut off."""
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    for at, line in enumerate(lines):
        if line.strip():
            whole = line.endswith((b"\n", b"\r")) or len(head) < HEAD
            return at, line, not whole
    raise refusal(f"The first {HEAD:,} bytes of the file are blank.", "bad_header")


def _decoded(line: bytes, *, cut: bool) -> str:
    if cut:
        raise refusal(f"The header does not end within {HEAD:,} bytes.", "bad_header")
    if b"\x00" in line:
        raise refusal("The header contains NUL. Save the file as UTF-8.", "not_utf8")
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise refusal("The header is not UTF-8. Save the file as UTF-8.", "not_utf8") from error


def _check_text(path: Path) -> None:
    """Refuse what is not UTF-8, naming its first line."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        while True:
            part = file.read(BLOCK)
            try:
                decoder.decode(part, final=not part)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                raise refusal(f"Line {line} is not UTF-8. Save the file as UTF-8.", "not_utf8") from error
            if not part:
                return
            line += part.count(b"\n")


def _flat(kind: pa.DataType) -> bool:
    return (
        is_text(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_date(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _unreadable(error: Exception) -> InvalidInput:
    if isinstance(error, InvalidInput):
        return error
    if isinstance(error, pa.ArrowMemoryError):
        return too_much_memory()
    return refusal("The Parquet file is damaged: what it holds is not what it says.", "unreadable_parquet")
