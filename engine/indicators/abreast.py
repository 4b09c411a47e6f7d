"""Columns that trade in the same rows, side by side: the same operations as column by column, the same bits.

There is no branch over columns, so that they are the lanes of vector instructions, and a row of many is read at once
where column after column would touch every page of the table for eight bytes of it.
"""

from __future__ import annotations

import math

import numpy as np

from engine.bars import Floats
from engine.indicators.moments import deviations as deviations_of
from engine.indicators.moments import following, plus
from engine.indicators.moments import sums as sums_of
from engine.jit import inlined, jit

# Columns side by side, and where the room keeps what of each of them.
ABREAST = 512
SAME, BASE, SUM1, REST1, SUM2, REST2 = range(0, 6 * ABREAST, ABREAST)
ROOM = 6 * ABREAST


@jit
def in_step(values: Floats, n: int) -> int:
    """How many columns from n on, itself included and at most ABREAST, trade in the same rows as column n."""
    width = min(ABREAST, values.shape[1] - n)
    for t in range(values.shape[0] if width > 1 else 0):
        row = values[t, n : n + width]
        missing = 0
        for lane in range(row.shape[0]):
            missing += 1 if math.isnan(row[lane]) else 0
        if missing != 0 and missing != width:
            lane = 1
            while math.isnan(row[lane]) == math.isnan(row[0]):
                lane += 1
            width = lane
    return int(width)


@inlined
def add(row: Floats, sign: float, room: Floats) -> None:
    """Add a row to the sums, or take it away."""
    for lane in range(row.shape[0]):
        total = plus((room[SUM1 + lane], room[REST1 + lane]), sign * row[lane])
        room[SUM1 + lane], room[REST1 + lane] = total


@jit
def sums_abreast(values: Floats, n: int, stop: int, window: int, room: Floats, out: Floats) -> None:
    """`moments.sums` of the columns n to `stop`."""
    first = following(values, 0, n)
    count = 0
    room[:] = 0.0
    for t in range(values.shape[0]):
        now, found = values[t, n:stop], out[t, n:stop]
        traded = not math.isnan(now[0])
        count += 1 if traded else 0
        if not traded or count < window:
            found[:] = np.nan
        if not traded:
            continue
        add(now, 1.0, room)
        if count > window:
            add(values[first, n:stop], -1.0, room)
            first = following(values, first + 1, n)
        if count >= window:
            for lane in range(found.shape[0]):
                found[lane] = room[SUM1 + lane] + room[REST1 + lane]


@jit
def sums(values: Floats, window: int, room: Floats, out: Floats) -> None:
    """Sum of the window."""
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            sums_of(n, values, window, out)
        else:
            sums_abreast(values, n, n + width, window, room, out)
        n += width


@inlined
def count_same(row: Floats, before: Floats, where: int, room: Floats) -> None:
    """How many times the values of a row have now come in a row; `before` is the one before it."""
    for lane in range(row.shape[0]):
        room[where + lane] = room[where + lane] + 1.0 if row[lane] == before[lane] else 1.0


@inlined
def rebase(row: Floats, room: Floats) -> None:
    """Begin anew, with a row as bases."""
    for lane in range(row.shape[0]):
        room[BASE + lane] = row[lane]
        room[SUM1 + lane] = room[REST1 + lane] = room[SUM2 + lane] = room[REST2 + lane] = 0.0


@inlined
def add_powers(row: Floats, room: Floats) -> None:
    """Add the distances of a row from the bases, and their squares, to the sums."""
    for lane in range(row.shape[0]):
        new = row[lane] - room[BASE + lane]
        total = plus((room[SUM1 + lane], room[REST1 + lane]), new)
        squares = plus((room[SUM2 + lane], room[REST2 + lane]), new * new)
        room[SUM1 + lane], room[REST1 + lane] = total
        room[SUM2 + lane], room[REST2 + lane] = squares


@inlined
def deviation_of(lane: int, window: int, share: float, free: float, room: Floats) -> float:
    """Standard deviation of the window of a lane; `share` and `free` are 1 / window and 1 / (window - ddof)."""
    total, squares = room[SUM1 + lane] + room[REST1 + lane], room[SUM2 + lane] + room[REST2 + lane]
    spread = squares - total * (total * share)
    still = (room[SAME + lane] >= window) | (spread <= 0.0)
    return math.sqrt((0.0 if still else spread) * free)


@inlined
def slide(
    row: Floats, before: Floats, gone: Floats, window: int, share: float, free: float, room: Floats, out: Floats
) -> None:
    """A row enters the window, row `gone` leaves it: all in one loop, so that the root overlaps with sums."""
    for lane in range(row.shape[0]):
        value, base = row[lane], room[BASE + lane]
        old, new = gone[lane] - base, value - base
        same = room[SAME + lane] + 1.0 if value == before[lane] else 1.0
        total = plus(plus((room[SUM1 + lane], room[REST1 + lane]), -old), new)
        squares = plus(plus((room[SUM2 + lane], room[REST2 + lane]), -old * old), new * new)
        room[SAME + lane] = same
        room[SUM1 + lane], room[REST1 + lane] = total
        room[SUM2 + lane], room[REST2 + lane] = squares
        out[lane] = deviation_of(lane, window, share, free, room)


@inlined
def score(row: Floats, share: float, room: Floats, out: Floats) -> None:
    """How many of the deviations, which `out` holds, the values of a row are from the means."""
    for lane in range(row.shape[0]):
        mean, deviation = (room[SUM1 + lane] + room[REST1 + lane]) * share, out[lane]
        distance = (row[lane] - room[BASE + lane] - mean) / (deviation if deviation > 0.0 else 1.0)
        out[lane] = distance if deviation > 0.0 else np.nan


@jit
def deviations_abreast(
    values: Floats, n: int, stop: int, window: int, ddof: int, scored: bool, room: Floats, out: Floats
) -> None:
    """`moments.deviations` of the columns n to `stop`."""
    gone = before = following(values, 0, n)
    share, free = 1.0 / window, 1.0 / (window - ddof)
    count = 0
    room[:] = 0.0
    for t in range(values.shape[0]):
        now, found = values[t, n:stop], out[t, n:stop]
        traded = not math.isnan(now[0])
        count += 1 if traded else 0
        if not traded or count < window:
            found[:] = np.nan
        if not traded:
            continue
        last = values[before, n:stop]
        if count > window and count % window != 0:
            slide(now, last, values[gone, n:stop], window, share, free, room, found)
        else:
            count_same(now, last, SAME, room)
        if count > window:
            gone = following(values, gone + 1, n)
        if count % window == 0:
            rebase(now, room)
            for row in range(gone, t + 1):
                if not math.isnan(values[row, n]):
                    add_powers(values[row, n:stop], room)
            for lane in range(found.shape[0]):
                found[lane] = deviation_of(lane, window, share, free, room)
        if scored and count >= window:
            score(now, share, room, found)
        before = t


@jit
def deviations(values: Floats, window: int, ddof: int, scored: bool, room: Floats, out: Floats) -> None:
    """Standard deviation of the window or, when `scored`, how many of them the newest value is from the mean."""
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            deviations_of(n, values, window, ddof, scored, out)
        else:
            deviations_abreast(values, n, n + width, window, ddof, scored, room, out)
        n += width
