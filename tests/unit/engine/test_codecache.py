"""Compiled code on disk: found again, never mixed up, and never in the way."""

from __future__ import annotations

import fcntl
import os
import runpy

import pytest

from engine import codecache, jit

KERNEL = """
from engine.jit import jit

FACTOR = {factor}

@jit
def inner(x):
    return x * FACTOR

@jit
def scaled(x):
    return inner(x) + 1
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(jit, "_cache_dir", tmp_path / "code")
    return tmp_path / "code"


@pytest.fixture
def scaled(tmp_path):
    """scaled(factor): the kernel of a file that says so, as if by a new process."""

    def read(factor=2.0):
        path = tmp_path / "kernels.py"
        path.write_text(KERNEL.format(factor=factor))
        os.utime(path, (1_000_000_000, 1_000_000_000))
        return runpy.run_path(str(path))["scaled"]

    return read


def counts(kernel):
    """How often compiled code was found on the disk, and how often not."""
    stats = kernel.compile().stats
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_one_process_compiled_the_next_one_loads(folder, scaled):
    first, second = scaled(), scaled()
    assert first.compile()(3.0) == second.compile()(3.0) == second.twin(3.0) == 7.0
    assert (counts(first), counts(second)) == ((0, 1), (1, 0))
    assert second.compile().stats.cache_path == str(files(folder)[0].parent)


def test_each_type_of_argument_has_a_file_of_its_own(folder, scaled):
    assert scaled().compile()(3.0) == 7.0
    one = files(folder)
    assert scaled().compile()(3) == 7
    assert len(files(folder)) == 2 * len(one) > 0
    again = scaled()
    assert (again.compile()(3), again.compile()(3.0)) == (7, 7.0)
    assert counts(again) == (2, 0)


def test_a_constant_that_changed_is_seen_where_size_and_date_of_the_file_did_not(folder, scaled):
    assert scaled(2.0).compile()(3.0) == 7.0
    assert scaled(3.0).compile()(3.0) == 10.0
    assert scaled(2.0).compile()(3.0) == 7.0


def test_code_that_was_imported_before_its_file_changed_is_not_taken_for_the_new_one(folder, scaled):
    old = scaled(2.0)
    new = scaled(3.0)
    assert old.compile()(3.0) == 7.0
    assert new.compile()(3.0) == 10.0
    assert counts(new) == (0, 1)


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: b"", lambda whole: whole[:50] + b"x" * 99])
def test_a_file_that_is_damaged_counts_as_none_and_is_written_anew(folder, scaled, damage):
    scaled().compile()(3.0)
    for path in files(folder):
        path.write_bytes(damage(path.read_bytes()))
    damaged, after = scaled(), scaled()
    assert damaged.compile()(3.0) == 7.0
    assert after.compile()(3.0) == 7.0
    assert (counts(damaged), counts(after)) == ((0, 1), (1, 0))


def test_where_nothing_can_be_written_code_is_compiled_and_not_kept(tmp_path, scaled, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(jit, "_cache_dir", tmp_path / "file" / "folder")
    assert scaled().compile()(3.0) == 7.0


def test_a_disk_that_is_full_leaves_no_half_file(folder, scaled, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(codecache.Path, "replace", full)
    assert scaled().compile()(3.0) == 7.0
    assert files(folder) == []


def test_a_kernel_that_stands_in_no_file_is_not_kept(folder):
    names = {}
    exec(KERNEL.format(factor=2.0), names)  # as a prompt does
    assert names["scaled"].compile()(3.0) == 7.0
    assert files(folder) == []


TABLE = """
import numpy as np
from engine.jit import jit

TABLE = np.arange({size}.0) + {first}

@jit
def entry(at):
    return TABLE[at]
"""


@pytest.mark.parametrize(("size", "kept"), [(10, 2), (200_000, 0)])
def test_a_table_counts_as_what_it_holds_and_a_large_one_is_not_kept(folder, tmp_path, size, kept):
    for first in (0, 5):
        (tmp_path / "table.py").write_text(TABLE.format(size=size, first=first))
        assert runpy.run_path(str(tmp_path / "table.py"))["entry"].compile()(3) == first + 3
    assert len(files(folder)) == kept


def test_code_lies_where_it_is_told_else_beside_the_engine_else_in_the_folder_of_the_user(monkeypatch):
    monkeypatch.setattr(jit, "_cache_dir", None)
    assert jit._folder("").parent == jit._ENGINE / "__pycache__"
    monkeypatch.setattr(jit.os, "access", lambda *_: False)
    jit.set_cache_dir("there")
    assert jit._folder("elsewhere").parent == jit.Path("there")
    monkeypatch.setattr(jit, "_cache_dir", None)
    assert jit._folder("").parent == codecache.user_folder()
    assert "queuant" in codecache.user_folder().parts
    assert jit._folder("elsewhere") == jit.Path("elsewhere") / jit._source()


def said_whole(folder):
    return list(folder.glob("whole-*"))


def test_nobody_waits_once_all_is_compiled_nor_where_nothing_can_be_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("waited")

    with codecache.one_at_a_time(tmp_path / "code"):
        assert not said_whole(tmp_path / "code")
    monkeypatch.setattr(codecache.fcntl, "flock", refuse)
    with codecache.one_at_a_time(tmp_path / "code"):
        pass
    (tmp_path / "file").touch()
    with codecache.one_at_a_time(tmp_path / "file" / "code"):
        pass


def test_what_was_not_finished_is_not_said_to_be_whole(tmp_path):
    with pytest.raises(KeyError), codecache.one_at_a_time(tmp_path):
        raise KeyError
    assert not said_whole(tmp_path)


def test_a_folder_that_knows_no_locks_is_used_without(tmp_path, monkeypatch):
    def unable(*_):
        raise OSError("no locks available")

    monkeypatch.setattr(codecache.fcntl, "flock", unable)
    with codecache.one_at_a_time(tmp_path):
        pass
    assert said_whole(tmp_path)


def test_who_waited_until_all_was_compiled_keeps_nobody_else_waiting(tmp_path, monkeypatch):
    def wait(lock, _):
        monkeypatch.undo()
        with codecache.one_at_a_time(tmp_path):  # what another process does meanwhile
            pass
        fcntl.flock(lock, fcntl.LOCK_EX)

    monkeypatch.setattr(codecache.fcntl, "flock", wait)
    with codecache.one_at_a_time(tmp_path), (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_code_that_is_whole_for_one_python_is_not_for_another(tmp_path, monkeypatch):
    with codecache.one_at_a_time(tmp_path):
        pass
    monkeypatch.setattr(codecache.sys, "version_info", (3, 99, 0, "final", 0))
    with codecache.one_at_a_time(tmp_path):
        assert len(said_whole(tmp_path)) == 1
    assert len(said_whole(tmp_path)) == 2
