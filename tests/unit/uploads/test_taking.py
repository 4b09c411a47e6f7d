"""The process that reads an upload: what it may take, and what comes back."""

from __future__ import annotations

import dataclasses
import io
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from app.depot import Folder, Place
from app.library import Library
from app.uploads import taking
from app.uploads.taking import Order, take
from engine.errors import InvalidInput

ROWS = b"date,A\n2024-01-03,1\n2024-01-02,2\n"


@pytest.fixture
def order(tmp_path):
    """order(content, **changes): an order to read a file."""

    def order(content, **changes):
        path = tmp_path / "upload"
        path.write_bytes(content)
        (tmp_path / "draft").mkdir(exist_ok=True)
        told = Order(
            path=str(path),
            id="mine",
            meaning={"title": "Mine"},
            draft=str(tmp_path / "draft"),
            bars_dir=str(tmp_path / "bars"),
            known={},
            memory_mib=3072,
            seconds=60,
        )
        return dataclasses.replace(told, **changes)

    return order


def test_a_file_becomes_a_version_and_its_notes_come_back(order, tmp_path):
    taken = take(order(ROWS))
    assert taken.new
    assert taken.warnings == ("The rows were not in the order of time; they were sorted.",)
    library = Library(Folder(tmp_path / "library"))
    assert library.keep(tmp_path / "draft", Place("mine", taken.version)).new
    (kept,) = library.versions("mine")
    assert kept.version == taken.version
    assert kept.all_bars.close.tolist() == [[2.0], [1.0]]


def test_the_reader_leaves_the_bars_where_processes_map_them(order, tmp_path):
    taken, library = take(order(ROWS)), Library(Folder(tmp_path / "library"), bars_dir=tmp_path / "bars")
    kept = library.keep(tmp_path / "draft", Place("mine", taken.version)).dataset
    (mapped,) = (tmp_path / "bars" / "mine").glob("*.bars")
    assert kept.all_bars.symbols == ("A",)
    assert list((tmp_path / "bars" / "mine").glob("*.bars")) == [mapped]


def test_a_version_that_is_there_is_not_written_again(order, tmp_path):
    taken = take(order(ROWS))
    again = take(order(ROWS, known={taken.version: 1.0}, draft=str(tmp_path / "nowhere")))
    assert (again.version, again.new) == (taken.version, False)


def test_a_refusal_comes_back_as_the_same_error(order):
    with pytest.raises(InvalidInput) as caught:
        take(order(ROWS + b"2024-01-04,x\n"))
    assert (caught.value.code, caught.value.given) == ("bad_number", {"row": 4, "column": "A", "value": "x"})


def test_a_file_that_takes_too_long_is_refused(order):
    with pytest.raises(InvalidInput) as caught:
        take(order(ROWS, seconds=0.01))
    assert caught.value.code == "upload_too_slow"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not bound memory")
def test_a_file_that_becomes_too_much_memory_is_refused(order):
    ones, sink = np.ones(400_000), io.BytesIO()
    table = pa.table({"time": np.arange(400_000) + 10**9, **{f"S{at}": ones for at in range(90)}})
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    assert len(sink.getvalue()) < 4_000_000
    with pytest.raises(InvalidInput) as caught:
        take(order(sink.getvalue(), memory_mib=640))
    assert caught.value.code == "too_much_data"


def test_a_reader_that_breaks_is_the_files_fault_and_one_that_fails_is_ours(order, monkeypatch, tmp_path):
    program = tmp_path / "python"
    monkeypatch.setattr(taking.sys, "executable", str(program))
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    program.chmod(0o700)
    with pytest.raises(InvalidInput) as caught:
        take(order(ROWS))
    assert caught.value.code == "unreadable_file"
    program.write_text("#!/bin/sh\necho disk is full >&2; exit 1\n")
    with pytest.raises(RuntimeError, match="disk is full"):
        take(order(ROWS))
