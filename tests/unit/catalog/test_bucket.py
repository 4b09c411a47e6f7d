"""A bucket of datasets: what it costs to ask, what is mirrored, and what its server may do."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pyarrow as pa
import pytest

from app.catalog import Catalog
from app.depot import Folder, Place, depot_of
from app.depot import bucket as module
from app.depot.bucket import Bucket
from app.embedded.ports import any_free
from app.errors import DatasetsUnavailable, StartRefused
from app.leftovers import UNUSED_SECONDS, sweep_caches
from app.library import Library, Meaning, Version
from app.settings import Settings
from engine.errors import BadData
from tests.objects import KEYS

MINE = Meaning("mine", quality="synthetic")
TIME = np.busday_offset("2024-01-01", np.arange(60), roll="forward").astype("datetime64[ns]")


def closes(shift=0.0):
    return pa.table({"time": TIME, "A": 100.0 + shift + np.arange(60.0)})


@pytest.fixture
def catalog(bucket):
    return Catalog([], depot=bucket.depot())


@pytest.fixture
def asked(objects):
    """asked(do): what was asked of the server meanwhile."""

    def asked(do):
        before = len(objects.asked())
        do()
        return objects.asked()[before:]

    return asked


@contextmanager
def stub(status, body, *, missing=0):
    """A server that answers everything alike; of its body `missing` bytes do not come."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body) + missing))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.close_connection = bool(missing)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"s3://bucket/x?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://", "s3://bucket/prefix"),
        ("s3:///prefix", "s3://bucket/prefix"),
        ("s3://bucket/../other", "s3://bucket/prefix"),
        ("s3://AKIA:hunter2@bucket/prefix", "AWS_SECRET_ACCESS_KEY instead"),
        ("s3://bucket/prefix?endpoint=hunter2", "did you mean endpoint_override?"),
        ("gs://hunter2", "s3://bucket/prefix are known"),
        ("file://hunter2/folder", "file:///folder"),
        ("file:///", "file:///folder"),
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(tmp_path, url, said):
    with pytest.raises(StartRefused) as caught:
        depot_of(Settings(home=tmp_path, dataset_dir=url))
    assert said in caught.value.message
    assert "hunter2" not in caught.value.message
    assert caught.value.message.startswith("QUEUANT_DATASET_DIR ")


@pytest.mark.parametrize("written", ["{}", "file://{}", "file://localhost{}"])
def test_a_folder_may_be_named_by_its_path_or_by_an_address(tmp_path, written):
    named = depot_of(Settings(home=tmp_path, dataset_dir=written.format(tmp_path / "my data").replace("%", "%25")))
    assert (type(named), named.folder) == (Folder, tmp_path / "my data")


def test_a_process_that_forks_has_no_client_as_its_children_make_their_own(tmp_path):
    depot = Bucket("s3://bucket/x", tmp_path)
    Catalog.standard(depot=depot).preload()
    assert "_files" not in vars(depot)


def test_what_asking_costs(catalog, bucket, asked):
    versions = [catalog.library.put(closes(at), id=f"d{at % 3}", meaning=MINE).dataset.version for at in range(6)]
    other = Catalog.standard(depot=bucket.depot())
    assert len(asked(other.datasets)) == 1 + 2 * 6  # a list, and each manifest once
    assert len(asked(other.datasets)) == len(asked(other.ids)) == len(asked(lambda: other.get("d1"))) == 1
    assert len(asked(lambda: [other.get(f"d0@{versions[0]}") for _ in range(20)])) == 1
    assert asked(lambda: other.get("fx_daily")) == []
    assert len(asked(lambda: other.get(f"d0@{versions[0]}").all_bars)) == 2  # how long the file is, and the file
    again = Catalog([], depot=other.library.depot)
    assert asked(lambda: again.get(f"d0@{versions[0]}").all_bars) == []


def test_who_puts_a_version_need_not_fetch_it(catalog, asked):
    kept = catalog.library.put(closes(), id="mine", meaning=MINE).dataset
    assert asked(lambda: kept.all_bars) == []


def test_objects_have_the_names_of_files_in_a_folder(catalog, bucket, tmp_path):
    kept = catalog.library.put(closes(), id="mine", meaning=MINE).dataset
    copied = Library(Folder(tmp_path / "library")).put(closes(), id="mine", meaning=MINE).dataset
    assert bucket.names(kept) == sorted(path.name for path in copied.folder.iterdir())
    assert bucket.objects.names(bucket.prefix) == [f"mine/{kept.version}/{name}" for name in bucket.names(kept)]


def test_the_mirror_may_be_deleted_while_processes_run(catalog, bucket):
    catalog.library.put(closes(), id="mine", meaning=MINE)
    other = Catalog([], depot=bucket.depot())
    assert other.get("mine").path.is_file()
    shutil.rmtree(bucket.mirrors)
    assert other.get("mine").all_bars.close[0, 0] == 100.0


def test_what_nobody_has_asked_for_in_a_week_leaves_the_mirror(catalog, bucket, tmp_path):
    settings = Settings(home=tmp_path, dataset_dir=bucket.objects.url(bucket.prefix))
    here = Catalog([], depot=depot_of(settings))
    used, unused = (catalog.library.put(closes(), id=name, meaning=MINE).dataset for name in ("used", "unused"))
    for one in (used, unused):
        assert here.get(f"{one.id}@{one.version}").path.is_file()
    for path in settings.mirror_dir.rglob("*"):
        os.utime(path, (0, time.time() - UNUSED_SECONDS - 60))
    assert here.get(f"used@{used.version}").path.is_file()
    sweep_caches(settings)
    assert [path.name for path in settings.mirror_dir.rglob("*") if path.is_file()] == [used.path.name]
    assert here.get(f"unused@{unused.version}").all_bars.close[0, 0] == 100.0


def test_a_manifest_whose_file_is_gone_or_was_put_again_is_read_anew_by_the_next_process(catalog, bucket, monkeypatch):
    old = catalog.library.put(closes(), id="mine", meaning=MINE).dataset
    depot = bucket.depot()
    behind = Catalog([], depot=depot).get("mine")
    for name in bucket.names(old):
        bucket.remove(old, name)
    monkeypatch.setattr(pa.parquet, "write_table", _written_otherwise(pa.parquet.write_table))
    new = Library(bucket.depot()).put(closes(), id="mine", meaning=MINE)
    assert (new.new, new.dataset.version) == (True, old.version)
    assert new.dataset.path.name != old.path.name
    with pytest.raises(BadData) as caught:
        _ = behind.all_bars
    assert caught.value.code == "dataset_unavailable"
    assert Catalog([], depot=depot).get("mine").all_bars.close[0, 0] == 100.0


def test_two_who_write_other_bytes_of_the_same_version_at_once_do_not_spoil_it(catalog, bucket, monkeypatch, tmp_path):
    version = Version(closes(), meaning=MINE)
    place = Place("mine", version.name)
    late, early = tmp_path / "late", tmp_path / "early"
    for draft in (late, early):
        draft.mkdir()
        version.write(draft, "mine", after=0.0)
        monkeypatch.setattr(pa.parquet, "write_table", _written_otherwise(pa.parquet.write_table))
    slow, sent = bucket.depot(), Bucket._send

    def send(self, path, place):
        if self is slow and path.name == "manifest.json":
            assert bucket.depot().keep(early, place)
        sent(self, path, place)

    monkeypatch.setattr(Bucket, "_send", send)
    assert slow.keep(late, place)
    assert len(bucket.names(catalog.get("mine"))) == 3
    assert catalog.get("mine").all_bars.close[0, 0] == 100.0


def _written_otherwise(write):
    return lambda table, path, **options: write(table, path, **(options | {"compression": "snappy"}))


def test_what_a_writer_left_that_died_is_removed_after_an_hour(catalog, bucket, monkeypatch):
    kept = catalog.library.put(closes(), id="mine", meaning=MINE).dataset
    bucket.objects.write(f"{bucket.prefix}/mine/{'0' * 12}/data-000000000000.parquet", b"half")
    bucket.objects.write(f"{bucket.prefix}/of_somebody_else", b"stays")
    catalog.library.put(closes(1.0), id="mine", meaning=MINE)
    assert len(bucket.objects.names(bucket.prefix)) == 6
    monkeypatch.setattr(module, "LEFT_SECONDS", -60.0)
    catalog.library.put(closes(2.0), id="mine", meaning=MINE)
    assert len(bucket.objects.names(bucket.prefix)) == 7
    assert not [name for name in bucket.objects.names(bucket.prefix) if "0" * 12 in name]
    assert kept.version in {one.version for one in catalog.versions("mine")}


def test_what_is_written_anew_while_somebody_sweeps_stays(catalog, bucket, monkeypatch):
    """The sweeper has listed files as old; before it deletes them somebody begins to write, or ends, the version."""
    began, ended = ("mine/" + digit * 12 for digit in "01")
    for place in (began, ended):
        bucket.objects.write(f"{bucket.prefix}/{place}/data-000000000000.parquet", b"half")
    asked_again = set()

    def is_left(info):
        if info.path not in asked_again:
            asked_again.add(info.path)
            return True
        if ended in info.path:
            bucket.objects.write(f"{bucket.prefix}/{ended}/manifest.json", b"{}")
        return ended in info.path

    monkeypatch.setattr(module, "_is_left", is_left)
    catalog.library.put(closes(), id="mine", meaning=MINE)
    names = bucket.objects.names(bucket.prefix)
    assert {f"{place}/data-000000000000.parquet" for place in (began, ended)} <= set(names)
    assert len(asked_again) == 2


def test_a_bucket_that_is_not_there_is_no_empty_one(objects, tmp_path):
    nowhere = Bucket(objects.url("x", bucket="nowhere"), tmp_path)
    for do in (nowhere.places, lambda: Catalog([], depot=nowhere).get("mine@000000000000")):
        with pytest.raises(DatasetsUnavailable, match=r"there is no such bucket: make it, or name another one"):
            do()


ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>hunter2</Message></Error>"


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "refuses this key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (403, "InvalidAccessKeyId", "does not know AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID"),
        (418, "Teapot", "of which the log has more"),
    ],
)
def test_what_a_server_refuses_is_told_in_our_words(objects, tmp_path, caplog, status, code, said):
    with stub(status, ERROR.format(code).encode()) as url, pytest.raises(DatasetsUnavailable) as caught:
        Bucket(url, tmp_path).places()
    assert said in caught.value.message
    assert "hunter2" not in caught.value.message
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_a_server_that_is_away_is_told_at_once(objects, tmp_path):
    url = f"s3://bucket/x?endpoint_override=127.0.0.1:{any_free()}&scheme=http&region=us-east-1"
    with pytest.raises(DatasetsUnavailable, match="does not answer") as caught:
        Bucket(url, tmp_path).places()
    assert caught.value.code == "datasets_unavailable"


def test_a_file_that_is_cut_off_on_its_way_is_none(objects, tmp_path):
    with stub(200, b"half", missing=4) as url:
        depot = Bucket(url, tmp_path)
        with pytest.raises(DatasetsUnavailable):
            depot.manifest_of(Place("mine", "0" * 12))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_of_other_bytes_is_refused_and_not_kept(objects, tmp_path):
    with stub(200, b"something else") as url:
        depot = Bucket(url, tmp_path)
        path = depot.manifest_of(Place("mine", "0" * 12)).with_name("data.parquet")
        with pytest.raises(BadData) as caught:
            depot.bring(path, {"sha256": "0" * 64})
    assert caught.value.code == "dataset_changed"
    assert not path.exists()
