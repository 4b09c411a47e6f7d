"""Trials side by side: the next orders are looked up (`fill_in`), carried out (`carry_out`), equity between them is
followed (`follow`, `look_back`, `add_unlike`), and a trial that has ended leaves its row of sums behind.
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
    LEAST_BOUND,
    MORE,
    MORE_SQUARED,
    OPENED,
    PAID,
    PEAK,
    SLIPPED,
    SQUARE,
    STATE,
    SUM,
    UNITS,
    UNLIKE,
    WIDTH,
    WORST,
    Lanes,
)
from engine.sweep.orders import Fees, carry_out, fill_in
from engine.sweep.stretches import add_unlike, follow, invested, look_back

# Columns of what a trial leaves behind. SOUND is 0 where the single run has to decide (ruin, overflow, no variance).
FINAL, GAINS, SQUARES, DEPTH, TRADES, COMMISSION, SLIPPAGE, SOUND = range(8)
COLUMNS = 8


@jit
def close_out(lane: int, row: int, course: Course, lanes: Lanes, result: Floats) -> None:
    """Write what a lane leaves behind that has no more orders.

    `row` is its state after the last of them, and the row below has the drawdown after the stretch that follows.
    """
    sheet, marks, table = lanes.sheet, lanes.marks[lane], course.table
    end = row + WIDTH
    cash, units = sheet[row + CASH], sheet[row + UNITS]
    gains, squares = sheet[row + SUM], sheet[row + SQUARE]
    final = cash
    if units != 0.0:
        since, last = lanes.at[lane, lanes.orders[lane] - 1], lanes.end[lane] - 1
        final = cash + units * table[last, CLOSE]
        if invested(cash, units, sheet[row + FLOOR]):
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
        # The stretch after the last order has no order that would have counted it: it is always looked at.
        unlike = sheet[count * WIDTH + lane + UNLIKE] > 0.0
        add_unlike(lane, 0 if unlike else count, stretches, course, lanes)
        row = stretches * WIDTH + lane
        if deep and sheet[row + LEAST_BOUND] < sheet[row + DEEPEST]:
            look_back(lane, stretches, course, lanes)
        if left < CHUNK:
            close_out(lane, left * WIDTH + lane, course, lanes, rows[trial])
            lanes.trial[lane] = -1
        else:
            lanes.done[lane] += CHUNK
            sheet[row + UNLIKE] = 0.0
            sheet[row + LEAST_BOUND] = 1.0
    for field in range(STATE):
        sheet[field] = sheet[CHUNK * WIDTH + field]
