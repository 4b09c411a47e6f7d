"""Where versions of datasets lie: in a folder, or in a bucket of an object store that machines share."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.depot.base import DRAFTS, ID, MANIFEST, VERSION, Depot, Place, drafting, sync
from app.depot.bucket import Bucket
from app.depot.folder import Folder
from app.errors import StartRefused
from app.settings import Settings

__all__ = ["DRAFTS", "ID", "MANIFEST", "VERSION", "Depot", "Folder", "Place", "depot_of", "drafting", "sync"]


def depot_of(settings: Settings) -> Depot:
    """The depot that QUEUANT_DATASET_DIR names. Nothing connects before it is used.

    Raises StartRefused for an address that is none. What it says never holds the address, which may hold keys.
    """
    scheme, colon, _ = settings.dataset_dir.partition("://")
    if not colon:
        named = settings.dataset_dir
        return Folder(Path(named).expanduser() if named else settings.home / "datasets")
    if scheme == "file":
        parts = urlsplit(settings.dataset_dir)
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
            raise StartRefused("QUEUANT_DATASET_DIR begins with file:// and names no folder: file:///folder does.")
        return Folder(Path(unquote(parts.path)))
    if scheme == "s3":
        return Bucket(settings.dataset_dir, settings.mirror_dir)
    raise StartRefused(
        f"QUEUANT_DATASET_DIR begins with {scheme[:20]}://; a folder, file:///folder and s3://bucket/prefix are known."
    )
