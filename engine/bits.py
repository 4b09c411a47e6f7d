"""Sixty-four flags in one word: most words hold nothing that has to be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.jit import inlined, instruction

# Flags of one word.
WORD = 64
ONE = np.uint64(1)
# Set bits that are written without a branch, which would be mispredicted.
_FEW = 3


@instruction
def equal_mask(flags: NDArray[np.int8], at: int, value: int) -> np.uint64:
    """The word of the 64 flags from `at` on: bit k is set where flag at + k has this value.

    `flags` is contiguous and at + 64 <= its length: compiled code checks neither.
    """
    return np.uint64(sum(1 << k for k in range(WORD) if flags[at + k] == value))


@instruction
def trailing_zeros(word: np.uint64) -> int:
    """The lowest bit that is set; 64 where none is."""
    return (int(word) & -int(word)).bit_length() - 1 if word else WORD


@instruction
def popcount(word: np.uint64) -> int:
    """How many bits are set."""
    return int(word).bit_count()


@inlined
def append_set_bits(word: np.uint64, start: int, count: int, places: NDArray[np.int32]) -> int:
    """Append `start` + k for every set bit k to the first `count` of `places`; says how many there are then.

    Some more are overwritten: make them with `places_for`.
    """
    found = popcount(word)
    for k in range(_FEW):
        places[count + k] = start + trailing_zeros(word)
        word &= word - ONE
    for k in range(_FEW, found):
        places[count + k] = start + trailing_zeros(word)
        word &= word - ONE
    return count + found


def places_for(count: int) -> NDArray[np.int32]:
    """Room for so many places, as `append_set_bits` needs it."""
    return np.empty(count + _FEW, dtype=np.int32)


def flags_for(count: int) -> NDArray[np.int8]:
    """Zeros for so many flags and at least one more, in whole words."""
    return np.zeros(WORD * (count // WORD + 1), dtype=np.int8)
