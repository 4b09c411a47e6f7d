"""Files that can be made again, and that nobody has used for long."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from app.settings import Settings

# Whoever uses a file touches it. One that nobody has used for so long is of a version that is gone, or not missed.
UNUSED_SECONDS = 7 * 86_400.0


def sweep_caches(settings: Settings) -> None:
    """Delete what has not been used for long of what is kept on this machine only to save work."""
    sweep(settings.bars_dir, UNUSED_SECONDS)
    sweep(settings.mirror_dir, UNUSED_SECONDS)
    sweep(settings.sources_dir, settings.source_cache_seconds)


def sweep(folder: Path, seconds: float) -> int:
    """Delete the files below a folder that were neither written nor touched for so long; how many there were."""
    swept = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            with suppress(OSError):  # somebody else sweeps too, or it is not ours to delete
                if time.time() - path.stat().st_mtime > seconds:
                    path.unlink()
                    swept += 1
    return swept
