"""The peers' own virtual environment: made once, kept in the user's cache folder, never the project's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# The distributions and their versions, by the name of a library. None of them is a dependency of the project.
PACKAGES = {
    "raptorbt": ("raptorbt==0.13.*", "numpy"),  # which it needs and does not ask for
    "vectorbt": ("vectorbt==1.2.*", "vectorbt-rust==1.2.*"),
    "vectorbt-rust": ("vectorbt==1.2.*", "vectorbt-rust==1.2.*"),
    "backtesting": ("backtesting==0.6.6",),
    "bt": ("bt==1.*",),
    "polars_backtest": ("polars_backtest==0.1.*",),
}


def default() -> Path:
    """Where the environment is unless one says otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "queuant-bench" / "peers"


def prepared(folder: Path, names: list[str], packages: Mapping[str, tuple[str, ...]] = PACKAGES) -> dict[str, str]:
    """The python of the environment by the name of each library that is in it; what is missing is installed once.

    A library that does not install is left out with a word.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return {name: str(python) for name in names if _installed(folder, python, packages[name])}


def _installed(folder: Path, python: Path, packages: tuple[str, ...]) -> bool:
    wanted = "\n".join(packages)
    mark = folder / "installed" / packages[0]
    if mark.exists() and mark.read_text() == wanted:
        return True
    print(f"installing {' '.join(packages)} into {folder}", file=sys.stderr)
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], stdout=sys.stderr)
    if done.returncode:
        print(f"left out: {' '.join(packages)} does not install here", file=sys.stderr)
        return False
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(wanted)
    return True
