"""Random numbers that belong to a path, whatever else is made with it or before it.

Philox (Salmon et al. 2011) makes the numbers of a counter under a key. The key is the seed; each path owns a stretch of
counters, so that any path, or any block of them, can be made alone and again. Words are used as they come: how numpy
turns them into numbers of a distribution may change from one version to the next.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.bars import Floats

Words: TypeAlias = NDArray[np.int64]

# Words that Philox makes of one counter.
_AT_ONCE = 4


def words(seed: int, first: int, paths: int, count: int) -> Words:
    """64 random bits each: at least `count` words of the paths first <= path < first + paths, [paths, ...]."""
    counters = -(-count // _AT_ONCE)
    bits = np.random.Philox(key=[seed, 0], counter=first * counters)
    drawn = bits.random_raw(paths * counters * _AT_ONCE)
    return drawn.view(np.int64).reshape(paths, -1)


def uniform(drawn: Words) -> Floats:
    """Numbers 0 <= u < 1 with 53 random bits, one for each word."""
    top = drawn.view(np.uint64) >> np.uint64(11)
    return top.astype(np.float64) * 2.0**-53
