"""A backup: one file that holds all that the platform is, and the way back.

The file is a tar archive: `manifest.json`, `database` (a whole SQLite database, or an archive of pg_dump), `datasets/`
and `strategies/`. It is made while the platform runs: the database is that of one moment, and datasets never change.
Caches, logs and the key of the home are not in it, nor are datasets that lie in a bucket; the hashes of keys are, and
so are the secrets of webhooks.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import schema
from app.depot import DRAFTS, MANIFEST, Depot, Place, depot_of, drafting
from app.embedded.home import Home
from app.errors import StartRefused
from app.events import iso
from app.presence import SILENT_SECONDS
from app.settings import Settings
from app.store import Store

FORMAT = "queuant backup 1"
_NODES_SINCE = "0012"
_LEFT_OUT = frozenset({DRAFTS, "__pycache__"})


@dataclass(frozen=True)
class Backup:
    """What is in the file."""

    made_at: str
    database: str  # sqlite | postgresql
    schema: str
    bytes: int


def write(settings: Settings, file: Path, *, force: bool = False) -> Backup:
    """Make a backup. Nobody ever sees half of it.

    Raises StartRefused where the file is there already and `force` is not said, where the database has no schema, and
    where `pg_dump` is missing or fails.
    """
    if file.exists() and not force:
        raise StartRefused(f"{file} is there already; --force replaces it.")
    store = Store(settings.database_url)
    try:
        revision = schema.current(store)
        if revision is None:
            raise StartRefused("The database is empty: there is nothing to back up.")
        kind = store.database.url.get_backend_name()
        manifest = {"format": FORMAT, "made_at": iso(time.time()), "database": kind, "schema": revision}
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
            dump, draft = Path(folder) / "database", Path(folder) / "draft"
            _dump(settings, store, dump)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as raw:
                with tarfile.open(fileobj=raw, mode="w") as archive:
                    _pack(archive, settings, manifest, dump)
                raw.flush()
                os.fsync(raw.fileno())
            draft.replace(file)
    finally:
        store.close()
    return Backup(str(manifest["made_at"]), kind, revision, file.stat().st_size)


def restore(settings: Settings, file: Path, *, force: bool = False) -> Backup:
    """Make the platform what it was. Its event log gets a new name, so that clients read anew.

    Raises StartRefused where the file is no backup, or one of another kind of database or of a newer version; where
    something is there already and `force` is not said; and where the platform runs.
    """
    home = Home(settings.home)
    home.prepare()
    with home.locked(), tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.home) as folder:
        backup = _unpack(file, Path(folder))
        store = Store(settings.database_url)
        try:
            _require_room(store, backup, force=force)
            # First what is only added: where it fails, what was there is still whole.
            _put_datasets(Path(folder) / "datasets", depot_of(settings))
            _put_strategies(Path(folder) / "strategies", settings.strategy_folders[0], force=force)
            if store.database.is_sqlite:
                _replace_sqlite(store, Path(folder) / "database")
            else:
                _call(settings, store, "pg_restore", *_RESTORING, str(Path(folder) / "database"))
                _renew(store)
        finally:
            store.close()
    return backup


# Results are compressed already: level 1 undoes the digits they are written with, at a third of what level 6 costs.
_DUMPING = ("--format=custom", "--compress=1", "--no-owner", "--no-privileges")
_RESTORING = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")


def _dump(settings: Settings, store: Store, dump: Path) -> None:
    if store.database.is_sqlite:
        store.database.copy_to(dump)
    else:
        _call(settings, store, "pg_dump", *_DUMPING, f"--file={dump}")


def _pack(archive: tarfile.TarFile, settings: Settings, manifest: Mapping[str, Any], dump: Path) -> None:
    text = json.dumps(manifest).encode()
    member = tarfile.TarInfo("manifest.json")
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))
    archive.add(dump, "database")
    for name, folder in (("datasets", depot_of(settings).folder), ("strategies", settings.strategy_folders[0])):
        if folder and folder.is_dir():
            archive.add(folder, name, filter=_kept)


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _LEFT_OUT & set(Path(member.name).parts) else member


def _unpack(file: Path, folder: Path) -> Backup:
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
        manifest = json.loads((folder / "manifest.json").read_text())
        if manifest["format"] != FORMAT or not (folder / "database").is_file():
            raise StartRefused(
                f"{file} is a backup of another format ({manifest['format']}); this version knows {FORMAT}."
            )
        return Backup(manifest["made_at"], manifest["database"], manifest["schema"], file.stat().st_size)
    except (tarfile.TarError, ValueError, KeyError, TypeError, FileNotFoundError) as error:
        if not file.exists():
            raise StartRefused(f"There is no file {file}.") from error
        raise StartRefused(f"{file} is no backup of Queuant, or is cut off.") from error


def _require_room(store: Store, backup: Backup, *, force: bool) -> None:
    kind = store.database.url.get_backend_name()
    if backup.database != kind:
        raise StartRefused(f"This is a backup of a {backup.database} database, and DATABASE_URL names a {kind} one.")
    if not schema.is_known(backup.schema):
        raise StartRefused(f"The backup has schema {backup.schema}, which this version does not know: use a newer one.")
    found = schema.current(store)
    if found is None:
        return
    if not force:
        raise StartRefused("The database is not empty; --force replaces all that is in it.")
    if found >= _NODES_SINCE:
        now, nodes = store.nodes.all()
        if alive := [row.name for row in nodes if now - row.seen_at < SILENT_SECONDS]:
            raise StartRefused(f"The platform runs ({', '.join(alive)}): stop it first.")


def _replace_sqlite(store: Store, dump: Path) -> None:
    """Put the file in place of the database, when it is found whole and brought to the newest schema."""
    target = Path(str(store.database.url.database))
    new = Store(f"sqlite:///{dump}")
    try:
        if wrong := new.database.faults():
            raise StartRefused(f"The database in the backup is damaged: {wrong}.")
        _renew(new)
    finally:
        new.close()
    store.close()
    draft = target.with_name(f".{target.name}.restored")
    shutil.move(dump, draft)  # it may come from another disk
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    draft.replace(target)


def _renew(store: Store) -> None:
    schema.upgrade(store)
    store.events.renew()
    store.nodes.forget()


def _put_datasets(found: Path, depot: Depot) -> None:
    """Versions that are there already stay: they are the same."""
    for version in sorted(found.glob("*/*")):
        place = Place(version.parent.name, version.name)
        if (version / MANIFEST).is_file() and not depot.has(place):
            with drafting(depot.drafts) as draft:  # it may come from another disk
                depot.keep(Path(shutil.move(version, draft)), place)


def _put_strategies(found: Path, folder: Path, *, force: bool) -> None:
    for file in sorted(found.rglob("*")):
        place = folder / file.relative_to(found)
        if file.is_file() and (force or not place.exists()):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, place)


def _call(settings: Settings, store: Store, program: str, *words: str) -> None:
    """Run a program of PostgreSQL on the database. Its password is in no process list."""
    url = store.database.url
    path = shutil.which(program)
    if path is None:
        raise StartRefused(f"This needs `{program}`, which is not on PATH: install the client programs of PostgreSQL.")
    # Not `set`: to SQLAlchemy a password of None there means the one that is there already.
    plain = url._replace(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = settings.environment() | ({"PGPASSWORD": str(url.password)} if url.password else {})
    done = subprocess.run(  # noqa: S603
        [path, f"--dbname={plain}", *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StartRefused(f"{program} failed: {done.stderr.strip()}")
