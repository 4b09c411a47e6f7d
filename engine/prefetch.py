"""Ask the memory for what is needed soon. It sees what comes next by itself only within a page."""

from __future__ import annotations

from engine.bars import Floats
from engine.jit import inlined, instruction

# Numbers in a line of the cache, and how many rows before it is read a row is asked for.
LINE, AHEAD = 8, 2


@instruction
def prefetch(table: Floats, row: int, column: int) -> None:
    """Ask for a number of a table, or for one beyond its end, and do not wait for it."""


@inlined
def fetch_column(table: Floats, first: int, stop: int) -> None:
    """Ask for some rows of a table of one column."""
    for row in range(first, stop, LINE):
        prefetch(table, row, 0)


@inlined
def fetch_row(table: Floats, t: int) -> None:
    """While row t of a table is read, ask for one that will be."""
    for column in range(0, table.shape[1], LINE):
        prefetch(table, t + AHEAD, column)
