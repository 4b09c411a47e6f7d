"""What a depot is: versions of datasets at `<id>/<version>/`, each of them there when its `manifest.json` is."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VERSION = re.compile(r"[0-9a-f]{12}")
MANIFEST = "manifest.json"
DRAFTS = ".drafts"

# What a writer has left for so long it has left for ever.
LEFT_SECONDS = 3600.0


class Place(NamedTuple):
    """A version of a dataset."""

    id: str
    version: str


class Depot(Protocol):
    """Versions of datasets, which come whole or not at all and never change.

    Whoever asks sees what is there at this moment. Raises DatasetsUnavailable where nobody answers.
    """

    @property
    def drafts(self) -> Path:
        """A folder of this machine, on the disk of what this depot keeps there: what comes in is written here."""

    @property
    def folder(self) -> Path | None:
        """The folder that holds all of it; None where it lies elsewhere."""

    def places(self, dataset_id: str | None = None) -> list[Place]:
        """All versions, or those of one dataset, in no order."""

    def has(self, place: Place) -> bool:
        """Whether this version is there."""

    def manifest_of(self, place: Place) -> Path:
        """The manifest of a version as a file of this machine, which is not there if the version is not."""

    def bring(self, path: Path, told: Mapping[str, Any]) -> None:
        """See that a file beside a manifest is there; `told` has its `sha256`. Raises BadData for another file."""

    def keep(self, draft: Path, place: Place) -> bool:
        """Keep what was written into a folder below `drafts`; False when that version was there already."""


@contextmanager
def drafting(drafts: Path) -> Iterator[Path]:
    """A new folder below `drafts`, gone afterwards. What writers that died have left is removed."""
    drafts.mkdir(parents=True, exist_ok=True)
    _sweep(drafts)
    draft = Path(tempfile.mkdtemp(prefix="version-", dir=drafts))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(drafts: Path) -> None:
    for path in drafts.iterdir():
        try:
            old = time.time() - path.stat().st_mtime > LEFT_SECONDS
        except FileNotFoundError:  # its writer has just ended
            continue
        if old:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
