"""Trials side by side: from order to order, until each has left its row of sums behind.

Lanes know nothing of each other: a trial leaves the same bits behind whatever is beside it.
"""

from __future__ import annotations

import math

from engine.bars import Floats
from engine.jit import jit
from engine.sweep.course import CLOSE, GAINED, SQUARED, Course
from engine.sweep.lanes import (
    CASH,
    CHUNK,
    DEEPEST,
    FLOOR,
    LANES,
    LEAST,
    MORE,
    MORE_SQUARED,
    OPENED,
    OTHERS,
    PAID,
    PEAK,
    SLIPPED,
    SQUARE,
    STATE,
    SUM,
    THREATS,
    UNITS,
    WIDTH,
    WORST,
    Lanes,
)
from engine.sweep.orders import Fees, carry_out, fill_in
from engine.sweep.stretches import INVESTED, earn_back, follow, look_back

# Columns of what a trial leaves behind. SOUND is 0 where the single run has to decide (ruin, overflow, no variance).
FINAL, GAINS, SQUARES, DEPTH, TRADES, COMMISSION, SLIPPAGE, SOUND = range(8)
COLUMNS = 8


@jit
def close_out(lane: int, row: int, course: Course, lanes: Lanes, result: Floats) -> None:
    """Write what a lane leaves behind that has no more orders; `row` is its state after the last of them."""
    sheet, marks, table = lanes.sheet, lanes.marks[lane], course.table
    end = row + WIDTH
    cash, units = sheet[row + CASH], sheet[row + UNITS]
    gains, squares = sheet[row + SUM], sheet[row + SQUARE]
    final = cash
    if units != 0.0:
        since, last = lanes.at[lane, lanes.orders[lane] - 1], lanes.end[lane] - 1
        final = cash + units * table[last, CLOSE]
        if units > 0.0 and abs(cash) <= INVESTED * units * sheet[row + FLOOR]:
            gains += table[last, GAINED] - table[since, GAINED]
            squares += table[last, SQUARED] - table[since, SQUARED]
    gains += marks[MORE]
    squares += marks[MORE_SQUARED]
    result[FINAL] = final
    result[GAINS] = gains
    result[SQUARES] = squares
    result[DEPTH] = sheet[end + DEEPEST]
    result[TRADES] = sheet[row + OPENED]
    result[COMMISSION] = sheet[row + PAID]
    result[SLIPPAGE] = sheet[row + SLIPPED]
    alive = min(sheet[row + WORST], marks[LEAST]) > 0.0
    whole = math.isfinite(squares) and math.isfinite(sheet[end + PEAK]) and math.isfinite(final)
    result[SOUND] = 1.0 if alive and whole else 0.0


@jit
def advance(deep: bool, course: Course, fees: Fees, lanes: Lanes, rows: Floats) -> None:
    """The next CHUNK orders of every lane. A trial that has no more writes its row [COLUMNS] and leaves its lane.

    Without `deep` there is no drawdown. `fees` are those of one symbol.
    """
    sheet = lanes.sheet
    most = fill_in(deep, course, lanes)
    carry_out(most, sheet, fees)
    if deep:
        follow(min(CHUNK, most + 1), sheet)
    for lane in range(LANES):
        trial, left = lanes.trial[lane], lanes.orders[lane] - lanes.done[lane]
        if trial < 0:
            continue
        count, stretches = min(CHUNK, left), min(CHUNK, left + 1)
        others = sheet[count * WIDTH + lane + OTHERS] > 0.0
        earn_back(lane, 0 if others else count, stretches, course, lanes)
        row = stretches * WIDTH + lane
        if deep and sheet[row + THREATS] < sheet[row + DEEPEST]:
            look_back(lane, stretches, course, lanes)
        if left < CHUNK:
            close_out(lane, left * WIDTH + lane, course, lanes, rows[trial])
            lanes.trial[lane] = -1
        else:
            lanes.since[lane] = lanes.at[lane, lanes.done[lane] + CHUNK - 1]
            lanes.done[lane] += CHUNK
            sheet[row + OTHERS] = 0.0
            sheet[row + THREATS] = 1.0
    for field in range(STATE):
        sheet[field] = sheet[CHUNK * WIDTH + field]
