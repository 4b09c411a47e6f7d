"""Bars in files: what comes back, what is refused, and what happens when nothing can be kept."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from app import barstore
from app.leftovers import UNUSED_SECONDS, sweep
from engine import Bars
from engine.errors import BadData

ARRAYS = ("time", "open", "high", "low", "close", "volume")


def never():
    raise AssertionError("these bars are there already")


def same(one, other):
    return one.said == other.said and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ARRAYS
    )


@contextmanager
def files_of_at_most(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_put_away_comes_back_to_the_last_bit(bars, tmp_path):
    first = barstore.mapped(tmp_path, "key", lambda: bars)
    again = barstore.mapped(tmp_path, "key", never)
    assert same(first, bars)
    assert same(again, bars)


def test_mapped_bars_are_what_kernels_take_and_nobody_can_write_to_them(bars, tmp_path):
    mapped = barstore.mapped(tmp_path, "key", lambda: bars)
    for name in ARRAYS:
        array = getattr(mapped, name)
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous
        assert array.flags.aligned
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_closes_are_stored_once(tmp_path):
    closes = Bars.from_closes(np.datetime64("2020-01-01") + np.arange(50), np.ones((50, 8)), tuple("ABCDEFGH"))
    mapped = barstore.mapped(tmp_path, "key", lambda: closes)
    assert np.shares_memory(mapped.open, mapped.close)
    assert (tmp_path / "key.bars").stat().st_size < 512 + 50 * 8 + 2 * closes.close.nbytes


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda whole: whole[:-1], "bytes instead of"),
        (lambda whole: whole[:100], "bytes instead of|does not begin"),
        (lambda whole: whole[:20], "does not begin as one"),
        (lambda whole: b"", "does not begin as one"),
        (lambda whole: whole + b"x", "bytes instead of"),
        (lambda whole: b"PAR1" + whole, "does not begin as one"),
        (lambda whole: b"[1, 2]\n" + whole, "does not begin as one"),
        (lambda whole: b'{"format": "another", "key": "key"}\n' + whole, "does not begin as one"),
        (lambda whole: whole.replace(b'"key": "key"', b'"key": "yek"'), "it holds yek"),
        (lambda whole: whole.replace(b"queuant bars 1", b"queuant bars 0"), "as queuant bars 0"),
    ],
)
def test_a_file_that_is_not_whole_or_not_ours_is_refused_by_name_and_made_anew(bars, tmp_path, damage, says, caplog):
    path = tmp_path / "key.bars"
    barstore.write(path, "key", bars)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BadData, match=says) as refused:
        barstore.open_mapped(path, "key")
    assert str(path) in refused.value.message
    assert refused.value.code == "bad_bars_file"
    assert same(barstore.mapped(tmp_path, "key", lambda: bars), bars)
    assert "made anew" in caplog.text
    assert same(barstore.mapped(tmp_path, "key", never), bars)


def test_where_nothing_can_be_kept_the_bars_are_there_and_the_log_says_so(bars, tmp_path, caplog):
    (tmp_path / "file").touch()
    found = barstore.mapped(tmp_path / "file" / "folder", "key", lambda: bars)
    assert found is bars
    assert "cannot be kept" in caplog.text


def test_a_full_disk_leaves_no_half_file(bars, tmp_path, caplog):
    with files_of_at_most(4096):
        found = barstore.mapped(tmp_path, "key", lambda: bars)
    assert found is bars
    assert "cannot be kept" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_made_anew(bars, tmp_path, caplog):
    (tmp_path / "key.bars").mkdir()
    assert same(barstore.mapped(tmp_path, "key", lambda: bars), bars)
    assert "made anew" in caplog.text


def test_what_older_versions_and_dead_writers_left_is_swept_when_it_is_an_hour_old(bars, tmp_path):
    for name in ("old.bars", "draft-dead", "draft-alive"):
        (tmp_path / name).write_bytes(b"x")
    long_ago = time.time() - 4000
    for name in ("old.bars", "draft-dead"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path / "folder", (long_ago, long_ago))
    barstore.mapped(tmp_path, "key", lambda: bars)
    assert {path.name for path in tmp_path.iterdir()} == {"key.bars", "draft-alive", "folder"}


def test_who_has_mapped_a_file_keeps_it_when_another_one_takes_its_place(bars, tmp_path):
    mapped = barstore.mapped(tmp_path, "key", lambda: bars)
    barstore.write(tmp_path / "key.bars", "key", bars.select(end="2020-03-01"))
    (tmp_path / "key.bars").unlink()
    assert same(mapped, bars)


def test_a_file_that_is_mapped_again_and_again_is_not_swept_and_what_nobody_maps_is(bars, tmp_path):
    for name in ("used", "gone"):
        barstore.mapped(tmp_path / name, "key", lambda: bars)
        long_ago = time.time() - UNUSED_SECONDS - 60
        os.utime(tmp_path / name / "key.bars", (long_ago, long_ago))
    barstore.mapped(tmp_path / "used", "key", never)
    assert sweep(tmp_path, UNUSED_SECONDS) == 1
    assert [path.parent.name for path in tmp_path.glob("*/*")] == ["used"]
    assert sweep(tmp_path / "no folder", 0.0) == 0


def first_together(barrier, folder, bars, answers):
    barrier.wait(60)
    found = barstore.mapped(folder, "key", lambda: bars)
    answers.put((found is not bars, found.close.tobytes()))


def test_several_processes_that_come_first_at_once_all_end_with_the_whole_file(bars, tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(6), context.Queue()
    children = [context.Process(target=first_together, args=(barrier, tmp_path, bars, answers)) for _ in range(6)]
    for child in children:
        child.start()
    found = [answers.get(timeout=60) for _ in children]
    for child in children:
        child.join(30)
    assert found == [(True, bars.close.tobytes())] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["key.bars"]


def pages(path):
    """Kilobytes of this process's mapping of a file, by kind."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    assert any(line.endswith(str(path)) for line in lines)
    of_it = [next(lines).split() for _ in range(20)]
    return {row[0].rstrip(":"): int(row[1]) for row in of_it if row[-1] == "kB"}


def look(folder, answers):
    found = barstore.mapped(folder, "key", never)
    answers.put((float(np.nansum(found.volume)), pages(folder / "key.bars")))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it in /proc")
def test_processes_share_one_copy(tmp_path):
    closes = np.ones((2000, 50))
    bars = Bars.from_arrays(
        np.datetime64("2000-01-01") + np.arange(2000), *[closes] * 5, symbols=tuple(map(str, range(50)))
    )
    mapped = barstore.mapped(tmp_path, "key", lambda: bars)
    assert np.nansum(mapped.volume) == closes.size
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    child = context.Process(target=look, args=(tmp_path, answers))
    child.start()
    total, found = answers.get(timeout=60)
    child.join(30)
    assert total == closes.size
    assert found["Rss"] >= closes.nbytes // 1024
    assert found["Private_Clean"] + found["Private_Dirty"] <= 64
    assert found["Shared_Clean"] + found["Shared_Dirty"] >= found["Rss"] - 64
