"""Files that can be made again, and that nobody has used for long."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path


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
