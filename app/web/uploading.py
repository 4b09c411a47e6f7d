"""From a request with a file to a dataset. The file goes to disk as it comes in and is read by a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any

from flask import Request, Response, jsonify
from werkzeug.datastructures import FileStorage

from app.dataset import Dataset
from app.depot import ID, Place
from app.errors import Overloaded
from app.library import Library, id_of
from app.uploads.taking import Order, Taken, take
from app.web import presenters
from app.web.context import context, services
from engine.errors import InvalidInput

# What a form may hold beside its file.
FORM_BYTES = 65_536
# Seconds that an upload waits for those before it.
LONGEST_WAIT = 20.0


class StreamedRequest(Request):
    """A request whose file goes to disk, beside the datasets."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        folder = library().depot.drafts
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(prefix="upload-", dir=folder)


def library() -> Library:
    found = services().catalog.library
    assert found is not None  # noqa: S101 - wiring gives every process one
    return found


def upload(form: Mapping[str, Any]) -> Response:
    """Keep a file as a version of a dataset: 201, or 200 for what is there already."""
    file: FileStorage = form["file"]
    dataset_id = id_of(form["name"])
    if not ID.fullmatch(dataset_id):
        raise InvalidInput("name must have a letter or a digit in it.", pointer="/name", given=form["name"])
    taken = _taken(dataset_id, file, form)
    dataset = services().catalog.get(f"{dataset_id}@{taken.version}")
    response = jsonify(_told(dataset, taken))
    response.status_code = 201 if taken.new else 200
    response.headers["Location"] = presenters.dataset_link(dataset)
    return response


def _taken(dataset_id: str, file: FileStorage, form: Mapping[str, Any]) -> Taken:
    settings, place = services().settings, library()
    said = {name: form[name] for name in ("frequency", "calendar", "units", "source", "licence") if name in form}
    file.stream.flush()
    place.check_id(dataset_id)
    # One at a time: what a file may take, several must not take at once.
    if not context().uploading.acquire(timeout=LONGEST_WAIT):
        raise Overloaded("Other files are being read; send this one again.", retry_after=10, code="uploads_busy")
    try:
        with place.draft() as draft:
            order = Order(
                path=file.stream.name,
                id=dataset_id,
                meaning={"title": form["name"], "quality": form["quality"], **said},
                draft=str(draft),
                bars_dir=str(settings.bars_dir),
                known=place.known(dataset_id),
                memory_mib=settings.upload_memory_mib,
                seconds=settings.upload_seconds,
            )
            taken = take(order)
            if not taken.new:
                return taken
            return replace(taken, new=place.keep(draft, Place(dataset_id, taken.version)).new)
    finally:
        context().uploading.release()


def _told(dataset: Dataset, taken: Taken) -> dict[str, Any]:
    present = services().catalog.get(dataset.id)
    warnings = [*taken.warnings, *(item.told() for item in dataset.findings)]
    if present.version != dataset.version:
        warnings.append(
            f"'{dataset.id}' means version {present.version}; this one is '{dataset.id}@{dataset.version}'."
        )
    return presenters.uploaded(dataset, warnings)
