"""What the columns of a file mean, from their names alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from app.forms import FIELDS
from app.uploads.refusals import refusal
from engine.errors import nearest
from engine.intake import PRICES

TIME = ("time", "date", "datetime", "timestamp", "day")
SYMBOL = ("symbol", "ticker", "instrument", "asset", "pair")
SERIES = ("key", "observed", "available", "value")
SERIES_MORE = ("unit", "stale_days", "quality")
CALENDAR = ("calendar", "date", "announced", "reference")
# What an index of pandas is called in its files.
INDEX = ("", "index", "__index_level_0__")
SPELLINGS: Mapping[str, str] = {
    "adjclose": "adj_close",
    "adjusted_close": "adj_close",
    "close_adj": "adj_close",
    "vol": "volume",
    "last": "close",
    "price": "close",
}
LETTERS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}


class Layout(NamedTuple):
    """Which column (by position) has which role.

    `kind` is "long" (a row for each symbol and time), "single" (the same of one symbol), "wide", "series" or
    "calendar" (a row for each event); `roles` maps `time`, `symbol` and the fields to columns, or for "wide" `time`
    and each symbol.
    """

    kind: str
    roles: Mapping[str, int]
    ignored: tuple[str, ...]


def layout_of(names: list[str]) -> Layout:
    """The layout of a file with these columns. Raises InvalidInput naming what is missing, and the nearest name."""
    folded = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in names]
    if len({"key", "observed", "available"} & set(folded)) >= 2:
        return _needed(
            "series", {name: folded.index(name) for name in (*SERIES, *SERIES_MORE) if name in folded}, names
        )
    time = _time(folded, names)
    symbol = [at for at, name in enumerate(folded) if name in SYMBOL]
    fields = _fields(folded, names)
    if "calendar" in folded and not symbol and not fields:
        return _calendar(time, folded, names)
    if symbol:
        if len(symbol) > 1:
            raise refusal(f"Columns '{names[symbol[0]]}' and '{names[symbol[1]]}' both name symbols.", "two_columns")
        return _needed("long", {"time": time, "symbol": symbol[0], **fields}, names)
    others = [at for at in range(len(names)) if at != time and at not in fields.values()]
    prices = set(PRICES) & set(fields)
    # LOW and OPEN are symbols too: prices of one symbol they are beside a close, or all four together.
    if set(PRICES) <= prices or ("close" in fields and (not others or len(prices) > 1)):
        return _needed("single", {"time": time, **fields}, names)
    symbols = [at for at in range(len(names)) if at != time and folded[at] not in INDEX]
    blank = [at for at in symbols if not names[at]]
    if blank:
        raise refusal(f"Column {blank[0] + 1} has no name.", "bad_header")
    ignored = tuple(names[at] for at in range(len(names)) if at != time and at not in symbols)
    return Layout("wide", {"time": time, **{names[at]: at for at in symbols}}, ignored)


def _calendar(time: int, folded: list[str], names: list[str]) -> Layout:
    """Events: a column that is none of theirs is refused, as a misspelt `announced` would change what was known."""
    roles = {"time": time, "calendar": folded.index("calendar")}
    for at, name in enumerate(folded):
        meant = "announced" if name == "available" else name
        if at in roles.values() or name in INDEX:
            continue
        if meant not in CALENDAR:
            raise refusal(
                f"Column '{names[at]}' means nothing beside a calendar's dates.",
                "unknown_column",
                allowed=[*CALENDAR],
                nearest=nearest(meant, CALENDAR),
            )
        if meant in roles:
            raise refusal(f"Columns '{names[roles[meant]]}' and '{names[at]}' both mean {meant}.", "two_columns")
        roles[meant] = at
    ignored = tuple(names[at] for at in range(len(names)) if at not in roles.values())
    return Layout("calendar", roles, ignored)


def _time(folded: list[str], names: list[str]) -> int:
    found = [at for at, name in enumerate(folded) if name in TIME]
    if len(found) > 1:
        raise refusal(
            f"Columns '{names[found[0]]}' and '{names[found[1]]}' both say when; leave one of them.", "two_columns"
        )
    if found:
        return found[0]
    if folded[0] in INDEX:
        return 0
    if folded[-1] == INDEX[-1].strip("_"):
        return len(folded) - 1
    near = next((name for name in names if nearest(name, TIME)), None)
    raise refusal(
        f"There is no column that says when: expected one of {', '.join(TIME)}."
        + (f" Is it '{near[:80]}'?" if near else ""),
        "missing_column",
        allowed=list(TIME),
        nearest=near,
    )


def _fields(folded: list[str], names: list[str]) -> dict[str, int]:
    letters = LETTERS if {"o", "h", "l", "c"} <= set(folded) else {}
    found: dict[str, int] = {}
    for at, name in enumerate(folded):
        meant = letters.get(name, SPELLINGS.get(name, name))
        if meant not in FIELDS:
            continue
        if meant in found:
            raise refusal(f"Columns '{names[found[meant]]}' and '{names[at]}' both mean {meant}.", "two_columns")
        found[meant] = at
    return found


def _needed(kind: str, roles: dict[str, int], names: list[str]) -> Layout:
    """A layout in whose roles nothing is missing."""
    if kind == "series":
        needed: tuple[str, ...] = SERIES
    elif set(roles) & {"open", "high", "low", "adj_close"}:
        needed = PRICES
    else:  # closes alone: nothing is filled against their volume
        needed = ("close",)
        roles = {role: at for role, at in roles.items() if role != "volume"}
    left = [name for at, name in enumerate(names) if at not in roles.values()]
    missing = [name for name in needed if name not in roles]
    if missing:
        near = nearest(missing[0], left)
        raise refusal(
            f"There is no column '{missing[0]}'." + (f" Is it '{near}'?" if near else ""),
            "missing_column",
            allowed=list(needed),
            nearest=near,
        )
    return Layout(kind, roles, tuple(left))
