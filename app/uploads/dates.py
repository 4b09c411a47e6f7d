"""Times of a file, in whatever common form all of its rows share, as UTC."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.columns import strings
from app.uploads.figures import Rows
from app.uploads.refusals import cell, refusal
from engine.bars import Times
from engine.errors import InvalidInput
from engine.intake import FIRST, LAST

Whole: TypeAlias = NDArray[np.int64]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAME = f"(?P<month>{'|'.join(MONTHS)})[a-z]*[.]?"
REST = (
    r"(?:(?: +|t)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.](?P<part>[0-9]{1,9}))?)?"
    r" ?(?P<zone>z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?)?)?$"
)
YEAR = "(?P<year>[0-9]{4})"
# The first form that reads the first row must read them all.
FORMS = (
    rf"^{YEAR}[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}}){REST}",
    rf"^{YEAR}(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}){REST}",
    rf"^{YEAR}[-/](?P<month>[0-9]{{1,2}})$",
    rf"^(?P<one>[0-9]{{1,2}})(?P<mark>[-/. ])(?P<two>[0-9]{{1,2}})[-/. ]{YEAR}{REST}",
    rf"^(?P<day>[0-9]{{1,2}})[- ]{NAME}[-, ]+{YEAR}{REST}",
    rf"^{NAME} (?P<day>[0-9]{{1,2}}),? {YEAR}{REST}",
)
EPOCH = r"^-?[0-9]{9,19}(?:\.[0-9]*)?$"
# Digits of seconds, milliseconds, microseconds and nanoseconds since 1970, from 1973 on.
EPOCHS = ((11, "s"), (14, "ms"), (17, "us"), (19, "ns"))
ALLOWED = ["2024-01-31", "2024-01-31T16:00:00Z", "31/01/2024", "01/31/2024", "31 Jan 2024", "20240131", "1706659200"]


class Read(NamedTuple):
    """Times, and what a reader should know of how they were understood."""

    times: Times
    notes: tuple[str, ...] = ()


def read(column: pa.ChunkedArray, name: str, row: Rows) -> Read:
    """The times of a column: texts, timestamps, dates, or numbers since 1970. Without a zone they are UTC.

    Raises:
        InvalidInput: `bad_date` naming the first row that has none or that is not in the form of the others,
            `ambiguous_date` when day and month could be either way round.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Read(_typed(column, name, row))
    if pa.types.is_floating(kind):
        column = column.cast(pa.int64(), safe=False)
    coded = column.cast(pa.string()).dictionary_encode().combine_chunks()
    places = np.from_dlpack(pc.fill_null(coded.indices.cast(pa.int64()), -1))
    texts = pc.utf8_trim_whitespace(coded.dictionary)

    def where(at: int) -> int:
        return row(int(np.argmax(places == at)))

    if (places < 0).any() or pc.any(pc.equal(texts, "")).as_py():
        at = -1 if (places < 0).any() else int(pc.index(texts, "").as_py())
        raise cell("there is no time.", "bad_date", where(at), name)
    found = _since_1970(texts, name, where) if _all(texts, EPOCH) else _written(texts, name, where)
    return Read(found.times[places], found.notes)


def _typed(column: pa.ChunkedArray, name: str, row: Rows) -> Times:
    """Times of a type of their own."""
    unit = column.type.unit if pa.types.is_timestamp(column.type) else "ms"
    stamps = column.cast(pa.timestamp(unit, getattr(column.type, "tz", None))).cast(pa.int64()).combine_chunks()
    counted = np.from_dlpack(pc.fill_null(stamps, np.iinfo(np.int64).min))
    return _within(counted.view(f"datetime64[{unit}]"), name, row)


def _since_1970(texts: pa.Array, name: str, row: Rows) -> Read:
    whole = pc.replace_substring_regex(texts, r"\..*$", "")
    lengths = np.from_dlpack(pc.utf8_length(pc.utf8_ltrim(whole, "-")).cast(pa.int64()))
    units = {next(unit for most, unit in EPOCHS if length <= most) for length in np.unique(lengths).tolist()}
    if len(units) > 1:
        raise refusal(f"Column '{name}' counts time since 1970 in {' and '.join(sorted(units))}.", "bad_date")
    unit = units.pop()
    try:
        counted = np.from_dlpack(whole.cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise _bad(0, texts, name, row) from error
    return Read(_within(counted.view(f"datetime64[{unit}]"), name, row), (f"Times are counted since 1970 in {unit}.",))


def _written(texts: pa.Array, name: str, row: Rows) -> Read:
    """Different texts, all of the form of the first."""
    lowered = pc.utf8_lower(texts)
    form = next((form for form in FORMS if _all(lowered[:1], form)), None)
    if form is None:
        raise _bad(0, texts, name, row)
    parts = pc.extract_regex(lowered, form)
    if parts.null_count:
        raise _bad(int(pc.index(parts.is_null(), True).as_py()), texts, name, row)
    said = {field.name: pc.struct_field(parts, [field.name]) for field in parts.type}
    notes: tuple[str, ...] = ()
    if "one" in said:
        day_first = _is_day_first(said, texts, name, row)
        said |= {"day": said["one" if day_first else "two"], "month": said["two" if day_first else "one"]}
        notes = (f"Dates are read as {'day, month, year' if day_first else 'month, day, year'}.",)
    elif "day" not in said:
        notes = ("A month is dated by its first day.",)
    times, wrong = _composed(said)
    if "zone" in said and pc.any(pc.not_equal(said["zone"], "")).as_py():
        wrong |= np.from_dlpack(pc.equal(said["zone"], "").cast(pa.int8())) == 1  # in whose time?
    if wrong.any():
        raise _bad(int(np.argmax(wrong)), texts, name, row)
    return Read(_within(times, name, row), notes)


def _is_day_first(said: dict[str, Any], texts: pa.Array, name: str, row: Rows) -> bool:
    """The one order of day and month that fits all rows; with points between them the day is always first."""
    one, two = _numbers(said["one"]), _numbers(said["two"])
    day_first, month_first = bool((two <= 12).all()), bool((one <= 12).all())
    if not day_first and not month_first:
        at = max(int(np.argmax(one > 12)), int(np.argmax(two > 12)))
        raise cell("rows before have day and month the other way round.", "bad_date", row(at), name, texts[at].as_py())
    dotted = pc.all(pc.equal(said["mark"], ".")).as_py()
    if day_first and month_first and not dotted and (one != two).any():
        at = int(np.argmax(one != two))
        raise cell(
            "day and month could be either way round in every row; write YYYY-MM-DD.",
            "ambiguous_date",
            row(at),
            name,
            texts[at].as_py(),
        )
    return day_first


def _composed(said: dict[str, Any]) -> tuple[Times, NDArray[np.bool_]]:
    """Times in UTC out of their parts, and which of them are none (a 30th of February, an hour 25)."""
    year, month = _numbers(said["year"]), _month(said["month"])
    day = _numbers(said["day"]) if "day" in said else np.ones_like(year)
    none = np.zeros_like(year)
    hour, minute, second = (_numbers(said[part]) if part in said else none for part in ("hour", "minute", "second"))
    months: Any = (year - 1970) * 12 + month - 1
    first = months.view("datetime64[M]")
    length = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    wrong = (month < 1) | (month > 12) | (day < 1) | (day > length.astype(np.int64))
    wrong |= (hour > 23) | (minute > 59) | (second > 59)
    seconds = first.astype("datetime64[s]").astype(np.int64) + (day - 1) * 86_400
    seconds += hour * 3600 + minute * 60 + second - _offset(said.get("zone"), year)
    part = _numbers(pc.utf8_rpad(said["part"], 9, "0")) if "part" in said else none
    beyond = (seconds < _FIRST) | (seconds >= _LAST)
    times = (np.where(beyond, 0, seconds) * 1_000_000_000 + part).view("datetime64[ns]")
    return times, wrong | beyond


_FIRST, _LAST = (int(day.astype("datetime64[s]").astype(np.int64)) for day in (FIRST, LAST))


def _month(texts: pa.Array) -> Whole:
    named = _whole(pc.index_in(texts, value_set=strings(MONTHS)).fill_null(-1).cast(pa.int64()))
    return named + 1 if (named >= 0).all() else _numbers(texts)


def _offset(zones: pa.Array | None, like: Whole) -> Whole:
    """Seconds east of Greenwich; without a zone, and for a name of UTC, 0."""
    if zones is None:
        return np.zeros_like(like)
    parts = pc.extract_regex(zones, r"^(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?$")
    west = _whole(pc.equal(pc.struct_field(parts, ["sign"]), "-").fill_null(False).cast(pa.int64()))
    minutes = _numbers(pc.struct_field(parts, ["hours"])) * 60 + _numbers(pc.struct_field(parts, ["minutes"]))
    return (1 - 2 * west) * minutes * 60


def _numbers(texts: pa.Array) -> Whole:
    """Digits as numbers; what is empty is 0."""
    filled = pc.if_else(pc.equal(texts, ""), "0", texts).fill_null("0")
    return _whole(filled.cast(pa.int64()))


def _whole(array: pa.Array) -> Whole:
    """An array of int64 without missing values. numpy does not say what type it finds."""
    return cast("Whole", np.from_dlpack(array))


def _within(times: Times, name: str, row: Rows) -> Times:
    wrong = np.isnat(times) | (times < FIRST) | (times >= LAST)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise cell("expected a time between 1678 and 2261.", "bad_date", row(at), name, times[at])
    return times.astype("datetime64[ns]")


def _all(texts: pa.Array, pattern: str) -> bool:
    return len(texts) > 0 and bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def _bad(at: int, texts: pa.Array, name: str, row: Rows) -> InvalidInput:
    what = "this is no date in the form of the first row." if at else "this is no date in a form that is read here."
    error = cell(what, "bad_date", row(at), name, texts[at].as_py())
    error.allowed = ALLOWED
    return error
