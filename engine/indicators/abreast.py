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
    for t in range(values.shape[0]):
        missing = 0
        for lane in range(width):
            missing += 1 if math.isnan(values[t, n + lane]) else 0
        if missing != 0 and missing != width:
            lane = 1
            while math.isnan(values[t, n + lane]) == math.isnan(values[t, n]):
                lane += 1
            width = lane
    return int(width)


@inlined
def unknown(t: int, n: int, width: int, out: Floats) -> None:
    """NaN in row t."""
    for lane in range(width):
        out[t, n + lane] = np.nan


@inlined
def add(t: int, n: int, width: int, sign: float, values: Floats, room: Floats) -> None:
    """Add row t to the sums, or take it away."""
    for lane in range(width):
        total = plus((room[SUM1 + lane], room[REST1 + lane]), sign * values[t, n + lane])
        room[SUM1 + lane], room[REST1 + lane] = total


@jit
def sums_abreast(n: int, width: int, values: Floats, window: int, room: Floats, out: Floats) -> None:
    """`moments.sums` of so many columns from n on."""
    n = max(n, 0)  # said to the compiler, which else would have to look at every index
    first = following(values, 0, n)
    count = 0
    room[:] = 0.0
    for t in range(values.shape[0]):
        traded = not math.isnan(values[t, n])
        count += 1 if traded else 0
        if not traded or count < window:
            unknown(t, n, width, out)
        if not traded:
            continue
        add(t, n, width, 1.0, values, room)
        if count > window:
            add(first, n, width, -1.0, values, room)
            first = following(values, first + 1, n)
        if count >= window:
            for lane in range(width):
                out[t, n + lane] = room[SUM1 + lane] + room[REST1 + lane]


@jit
def sums(values: Floats, window: int, room: Floats, out: Floats) -> None:
    """Sum of the window."""
    n = 0
    while n < values.shape[1]:
        width = in_step(values, n)
        if width == 1:
            sums_of(n, values, window, out)
        else:
            sums_abreast(n, width, values, window, room, out)
        n += width


@inlined
def count_same(t: int, before: int, n: int, width: int, values: Floats, room: Floats) -> None:
    """How many times the value of row t has now come in a row; row `before` is the one before it."""
    for lane in range(width):
        same = values[t, n + lane] == values[before, n + lane]
        room[SAME + lane] = room[SAME + lane] + 1.0 if same else 1.0


@inlined
def rebase(t: int, n: int, width: int, values: Floats, room: Floats) -> None:
    """Begin anew, with row t as bases."""
    for lane in range(width):
        room[BASE + lane] = values[t, n + lane]
        room[SUM1 + lane] = room[REST1 + lane] = room[SUM2 + lane] = room[REST2 + lane] = 0.0


@inlined
def add_powers(t: int, n: int, width: int, values: Floats, room: Floats) -> None:
    """Add the distances of row t from the bases, and their squares, to the sums."""
    for lane in range(width):
        new = values[t, n + lane] - room[BASE + lane]
        total = plus((room[SUM1 + lane], room[REST1 + lane]), new)
        squares = plus((room[SUM2 + lane], room[REST2 + lane]), new * new)
        room[SUM1 + lane], room[REST1 + lane] = total
        room[SUM2 + lane], room[REST2 + lane] = squares


@inlined
def deviation_of(lane: int, window: int, ddof: int, room: Floats) -> float:
    """Standard deviation of the window of a lane."""
    total, squares = room[SUM1 + lane] + room[REST1 + lane], room[SUM2 + lane] + room[REST2 + lane]
    spread = squares - total * (total / window)
    still = (room[SAME + lane] >= window) | (spread <= 0.0)
    return math.sqrt((0.0 if still else spread) / (window - ddof))


@inlined
def slide(
    t: int,
    before: int,
    gone: int,
    n: int,
    width: int,
    values: Floats,
    window: int,
    ddof: int,
    room: Floats,
    out: Floats,
) -> None:
    """Row `gone` leaves the window, row t enters it: all in one loop, so that divisions overlap with sums."""
    for lane in range(width):
        value, base = values[t, n + lane], room[BASE + lane]
        old, new = values[gone, n + lane] - base, value - base
        same = room[SAME + lane] + 1.0 if value == values[before, n + lane] else 1.0
        total = plus(plus((room[SUM1 + lane], room[REST1 + lane]), -old), new)
        squares = plus(plus((room[SUM2 + lane], room[REST2 + lane]), -old * old), new * new)
        room[SAME + lane] = same
        room[SUM1 + lane], room[REST1 + lane] = total
        room[SUM2 + lane], room[REST2 + lane] = squares
        out[t, n + lane] = deviation_of(lane, window, ddof, room)


@inlined
def score(t: int, n: int, width: int, values: Floats, window: int, room: Floats, out: Floats) -> None:
    """How many of the deviations in row t the values are from the means."""
    for lane in range(width):
        mean, deviation = (room[SUM1 + lane] + room[REST1 + lane]) / window, out[t, n + lane]
        distance = (values[t, n + lane] - room[BASE + lane] - mean) / (deviation if deviation > 0.0 else 1.0)
        out[t, n + lane] = distance if deviation > 0.0 else np.nan


@jit
def deviations_abreast(
    n: int, width: int, values: Floats, window: int, ddof: int, scored: bool, room: Floats, out: Floats
) -> None:
    """`moments.deviations` of so many columns from n on."""
    n = max(n, 0)  # said to the compiler, which else would have to look at every index
    gone = before = following(values, 0, n)
    count = 0
    room[:] = 0.0
    for t in range(values.shape[0]):
        traded = not math.isnan(values[t, n])
        count += 1 if traded else 0
        if not traded or count < window:
            unknown(t, n, width, out)
        if not traded:
            continue
        if count > window and count % window != 0:
            slide(t, before, gone, n, width, values, window, ddof, room, out)
        else:
            count_same(t, before, n, width, values, room)
        if count > window:
            gone = following(values, gone + 1, n)
        if count % window == 0:
            rebase(t, n, width, values, room)
            for row in range(gone, t + 1):
                if not math.isnan(values[row, n]):
                    add_powers(row, n, width, values, room)
            for lane in range(width):
                out[t, n + lane] = deviation_of(lane, window, ddof, room)
        if scored and count >= window:
            score(t, n, width, values, window, room, out)
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
            deviations_abreast(n, width, values, window, ddof, scored, room, out)
        n += width
