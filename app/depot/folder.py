"""A depot in a folder, which several machines may share."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.depot.base import DRAFTS, ID, MANIFEST, VERSION, Place, sync


class Folder:
    """Versions below a folder, which is made when the first one comes. A version gets its place by a rename."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drafts = folder / DRAFTS

    def __str__(self) -> str:
        return str(self.folder)

    def places(self, dataset_id: str | None = None) -> list[Place]:
        """A folder that does not exist holds none, and neither does one that somebody is just deleting."""
        ids = _names(self.folder, ID) if dataset_id is None else [dataset_id]
        found = [Place(name, version) for name in ids for version in _names(self.folder / name, VERSION)]
        return [place for place in found if self.has(place)]

    def has(self, place: Place) -> bool:
        return os.path.isfile(os.path.join(self.folder, *place, MANIFEST))  # a Path would take twice as long

    def manifest_of(self, place: Place) -> Path:
        return self._of(place) / MANIFEST

    def bring(self, path: Path, told: Mapping[str, Any]) -> None:
        """It lies here."""

    def keep(self, draft: Path, place: Place) -> bool:
        target = self._of(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(draft)
        try:
            draft.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            if self.has(place):  # somebody else was here a moment before
                return False
            shutil.rmtree(target)  # half deleted
            draft.rename(target)
        sync(target.parent)
        return True

    def _of(self, place: Place) -> Path:
        return self.folder.joinpath(*place)


def _names(folder: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from filter(pattern.fullmatch, names)
