"""A depot in a bucket of an object store that speaks S3, with a mirror on this machine of what was asked for.

Objects have the names that files have in a folder. The manifest of a version comes last and so makes it whole; what it
names is there by then, under a name that says what is in it, so that two who write the same version at once cannot
spoil it. The mirror holds files that never change, each checked when it came. They may be deleted at any time, and are
when nobody has asked for them for long (`app.leftovers`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from app.depot.base import DRAFTS, ID, LEFT_SECONDS, MANIFEST, VERSION, Place
from app.errors import DatasetsUnavailable, StartRefused
from engine.errors import BadData, nearest

log = logging.getLogger(__name__)

OPTIONS = ("endpoint_override", "region", "scheme")
# Arrow's own patience with a server that is silent is a hundred seconds.
_CONNECT_SECONDS, _SILENT_SECONDS, _ATTEMPTS = 3.0, 5.0, 2
# A version that was there a moment ago is there: a job asks for its own a dozen times.
_SURE_SECONDS = 5.0
_PIECE = 1 << 20
_HELP = {
    "NO_SUCH_BUCKET": "there is no such bucket: make it, or name another one in QUEUANT_DATASET_DIR",
    "ACCESS_DENIED": "it refuses this key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to one that may list, read, "
    "write and delete there",
    "INVALID_ACCESS_KEY_ID": "it does not know AWS_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH": "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
    "NETWORK_CONNECTION": "it does not answer where QUEUANT_DATASET_DIR says that it is",
}


class Bucket:
    """Versions below `s3://bucket/prefix?endpoint_override=host:port&scheme=http&region=…`.

    Keys come from where those of other S3 clients come from, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

    Args:
        url: the address, without keys.
        mirror: a folder of this machine, below which files are put that come from there.

    Raises StartRefused for an address that is none.
    """

    folder = None

    def __init__(self, url: str, mirror: Path) -> None:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise _refused("has a key in it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead")
        self._root = "/".join([parts.netloc, *filter(None, unquote(parts.path).split("/"))])
        if not parts.netloc or parts.fragment or {".", ".."} & set(self._root.split("/")):
            raise _refused("is no address of a bucket, which is s3://bucket/prefix")
        self._options = _options(parts.query)
        self._mirror = mirror / hashlib.sha256(url.encode()).hexdigest()[:16]
        self._seen: dict[Place, float] = {}
        self.drafts = self._mirror / DRAFTS

    def __str__(self) -> str:
        return f"s3://{self._root}"

    @cached_property
    def _files(self) -> Any:
        """The client. It has threads of its own and is made by whoever asks first, which no process does that forks."""
        import pyarrow.fs  # 20 MiB that only those need who ask

        return pyarrow.fs.S3FileSystem(
            **self._options,
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_SILENT_SECONDS,
            retry_strategy=pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
            allow_delayed_open=True,  # small files by one request
        )

    def places(self, dataset_id: str | None = None) -> list[Place]:
        under = self._root if dataset_id is None else f"{self._root}/{dataset_id}"
        return [place for place, files in self._all(under).items() if MANIFEST in files]

    def _all(self, under: str) -> dict[Place, dict[str, Any]]:
        """What there is by version and name: one request for each thousand files."""
        from pyarrow.fs import FileSelector

        selector = FileSelector(under, recursive=True)
        found: dict[Place, dict[str, Any]] = defaultdict(dict)
        with suppress(FileNotFoundError), _asking():
            for info in self._files.get_file_info(selector):
                match info.path.removeprefix(f"{self._root}/").split("/"):
                    case [id, version, name] if info.is_file and ID.fullmatch(id) and VERSION.fullmatch(version):
                        found[Place(id, version)][name] = info
        return found

    def has(self, place: Place) -> bool:
        if time.monotonic() - self._seen.get(place, -_SURE_SECONDS) < _SURE_SECONDS:
            return True
        if there := self._is_whole(place):
            self._seen[place] = time.monotonic()
        return there

    def _is_whole(self, place: Place) -> bool:
        with _asking():
            return bool(self._files.get_file_info(self._key(place, MANIFEST)).is_file)

    def manifest_of(self, place: Place) -> Path:
        path = self._mirror / place.id / place.version / MANIFEST
        if not _is_here(path):
            self._fetch(path)
        return path

    def bring(self, path: Path, told: Mapping[str, Any]) -> None:
        if not _is_here(path) and not self._fetch(path, told["sha256"]):
            # Somebody has put the version again after deleting it: it is described anew by whoever starts next.
            path.with_name(MANIFEST).unlink(missing_ok=True)

    def _fetch(self, path: Path, sha256: str | None = None) -> bool:
        """Put an object into the mirror, whole or not at all; False where there is none."""
        key = f"{self._root}/{path.relative_to(self._mirror).as_posix()}"
        self.drafts.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix="fetch-", dir=self.drafts)
        try:
            with os.fdopen(handle, "w+b") as file:
                if not self._receive(key, file):
                    return False
                file.seek(0)
                if sha256 not in (None, hashlib.file_digest(file, "sha256").hexdigest()):
                    text = f"A file of dataset '{path.parts[-3]}' is not the one that its manifest describes."
                    raise BadData(text, code="dataset_changed")
                os.fsync(file.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
        return True

    def _receive(self, key: str, file: BinaryIO) -> bool:
        with suppress(FileNotFoundError), _asking(), self._files.open_input_file(key) as source:
            shutil.copyfileobj(source, file, _PIECE)
            return True
        return False

    def keep(self, draft: Path, place: Place) -> bool:
        self._sweep()
        for path in draft.iterdir():
            if path.name != MANIFEST:
                self._send(path, place)
        if self._is_whole(place):  # somebody else was here a moment before
            return False
        self._send(draft / MANIFEST, place)
        target = self._mirror / place.id / place.version
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a mirror that is there already serves as well
            draft.rename(target)
        return True

    def _send(self, path: Path, place: Place) -> None:
        key = self._key(place, path.name)
        with _asking(), path.open("rb") as source, self._files.open_output_stream(key) as sink:
            shutil.copyfileobj(source, sink, _PIECE)

    def _sweep(self) -> None:
        """Remove what writers left that died before the manifest."""
        for place, files in self._all(self._root).items():
            if MANIFEST not in files and all(map(_is_left, files.values())):
                for info in files.values():
                    with suppress(FileNotFoundError), _asking():  # somebody else sweeps too
                        # Asked once more, as somebody may just be writing the same version.
                        if _is_left(self._files.get_file_info(info.path)) and not self._is_whole(place):
                            self._files.delete_file(info.path)

    def _key(self, place: Place, name: str) -> str:
        return f"{self._root}/{place.id}/{place.version}/{name}"


def _is_left(info: Any) -> bool:
    return bool(info.is_file and info.mtime.timestamp() < time.time() - LEFT_SECONDS)


def _is_here(path: Path) -> bool:
    """Whether the mirror has a file, which stays there as long as somebody asks for it."""
    with suppress(OSError):  # it is not there, or somebody else's, who sweeps it
        os.utime(path)
    return path.exists()


def _options(query: str) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    for name in found:
        if name not in OPTIONS:
            near = nearest(name, OPTIONS)
            hint = f" (did you mean {near}?)" if near else ""
            raise _refused(f"has an option that is not known{hint}; {', '.join(OPTIONS)} are")
    return found


def _refused(why: str) -> StartRefused:
    return StartRefused(f"QUEUANT_DATASET_DIR {why}.")


@contextmanager
def _asking() -> Iterator[None]:
    """What the store of objects does not do is told in our words; its own are for the log."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # of this machine's disk, or that there is no such object
            raise
        _tell(error)


def _tell(error: OSError) -> NoReturn:
    named = re.search(r"AWS Error ([A-Z_]+)", str(error))
    said = named[1] if named else "something else"
    log.warning("the bucket of datasets: %s", error)
    why = _HELP.get(said, f"it said {said}, of which the log has more")
    raise DatasetsUnavailable(f"The bucket of datasets cannot be used: {why}.") from error
