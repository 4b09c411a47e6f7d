"""Texts and numbers of a file as float64, or a refusal that names the cell."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.columns import numbers, strings
from app.uploads.refusals import cell, refusal
from engine.bars import Floats

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
COMMA = r"^[+-]?[0-9]+,[0-9]+$"
# 1,234 may be a thousand and more, or little more than one.
UNCERTAIN = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
THOUSANDS = r"[+-]?[0-9]{1,3}(?:[, '][0-9]{3})+(?:\.[0-9]*)?"
MISSING = strings(["", "na", "n/a", "#n/a", "nan", "null", "none", "-"])

Rows = Callable[[int], int]


class Decimals:
    """Whether the numbers of a file have a point or a comma: one of them throughout.

    A comma may only be one where columns are not divided by it, and only when at least one number shows that it does
    not stand between thousands.
    """

    def __init__(self, *, comma: bool) -> None:
        self._allowed = comma
        self._point: tuple[int, str] | None = None
        self._comma: tuple[int, str] | None = None
        self._certain = False

    def read(self, texts: pa.Array, column: str, row: Rows) -> Floats:
        """The numbers of texts; what says that nothing is there is NaN."""
        texts = pc.utf8_trim_whitespace(texts.cast(pa.string()))
        absent = pc.is_in(pc.utf8_lower(texts), value_set=MISSING)
        texts = pc.if_else(absent, pa.scalar(None, pa.string()), texts)
        if self._allowed:
            texts = self._with_points(texts, column, row)
        try:
            found = texts.cast(pa.float64())
        except pa.ArrowInvalid as error:
            at = _first(pc.invert(pc.match_substring_regex(texts, NUMBER)))
            text = texts[at].as_py()
            hint = " Leave out what stands between thousands." if re.fullmatch(THOUSANDS, text or "") else ""
            raise cell(f"this is no number.{hint}", "bad_number", row(at), column, text) from error
        return numbers(pa.chunked_array([found]))

    def _with_points(self, texts: pa.Array, column: str, row: Rows) -> pa.Array:
        commas = pc.match_substring_regex(texts, COMMA)
        points = pc.match_substring(texts, ".")
        for flags, name in ((commas, "_comma"), (points, "_point")):
            if getattr(self, name) is None and pc.any(flags).as_py():
                setattr(self, name, (row(_first(flags)), column))
        if self._comma and self._point:
            (first, one), (second, other) = self._comma, self._point
            raise refusal(
                f"Row {first}, column '{one}' has a decimal comma, row {second}, column '{other}' a decimal point.",
                "ambiguous_number",
            )
        if self._comma is None:
            return texts
        certain = pc.and_(commas, pc.invert(pc.match_substring_regex(texts, UNCERTAIN)))
        self._certain = self._certain or bool(pc.any(certain).as_py())
        return pc.if_else(commas, pc.replace_substring(texts, ",", "."), texts)

    def settle(self) -> None:
        """At the end of the file: raise InvalidInput when every comma could stand between thousands."""
        if self._comma and not self._certain:
            row, column = self._comma
            raise cell(
                "every comma of the file could stand between thousands; write decimals with a point.",
                "ambiguous_number",
                row,
                column,
            )


def values(array: pa.Array, decimals: Decimals, column: str, row: Rows) -> Floats:
    """The numbers of a column of any type. Raises InvalidInput naming the first cell that is none, or infinite."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        raise cell("expected a number, not a time.", "bad_number", row(0), column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        found = decimals.read(array, column, row)
    else:
        found = numbers(pa.chunked_array([array.cast(pa.float64(), safe=False)]))
    infinite = np.isinf(found)
    if infinite.any():
        raise cell("an infinite number.", "bad_number", row(int(np.argmax(infinite))), column)
    return found


def _first(flags: pa.BooleanArray) -> int:
    """The first true one; the first of all when there is none."""
    return max(0, int(pc.index(flags, True).as_py()))
