"""Memory that a run gives back stays with the process for its next run.

By default the C library returns every large array to the system, and the system clears each page anew when it is first
touched: a quarter of the time of a run over a million bars.
"""

from __future__ import annotations

import ctypes

# The names of glibc's mallopt(3), in its malloc.h. Arrays of up to ONE bytes come out of memory that was used before;
# of what is unused at its end at most KEPT bytes stay.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
ONE, KEPT = 32 << 20, 128 << 20


def keep_memory() -> bool:
    """Keep up to KEPT bytes that were given back. False where the C library has no such setting: nothing changes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, ONE) and mallopt(_TRIM_THRESHOLD, KEPT))
