"""Strategies of the user's own: found, versioned by their bytes, and left out by name when they cannot be used."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from app import wiring
from app.catalog import Catalog
from app.contracts import resolve_backtest
from app.settings import Settings
from app.shelf import Shelf
from app.usercode import UserCode, load, place_of
from engine import Bars
from engine.errors import InvalidInput, RunFailed, UnknownName
from workers import pipeline

HOLD = '''"""Hold everything."""

import numpy as np

from engine import Bars, strategy


@strategy(family="house", source="house"{more})
def {name}(bars: Bars) -> np.ndarray:
    """Hold every symbol."""
    return np.full(bars.close.shape, {weight})
'''


def write(folder: Path, name: str, *, weight: float = 0.5, more: str = "") -> Path:
    path = folder / f"{name}.py"
    path.write_text(HOLD.format(name=name, weight=weight, more=more))
    return path


def later(path: Path) -> None:
    """A change that even a clock of whole seconds sees."""
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 2_000_000_000))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(user_code=UserCode([tmp_path]))


def test_a_file_is_found_without_a_restart_and_runs(shelf: Shelf, tmp_path: Path) -> None:
    assert "mine" not in {item.id for item in shelf.all()}
    write(tmp_path, "mine", weight=0.25)

    found = shelf.get("mine")
    bars = Bars.from_closes(np.datetime64("2024-01-01") + np.arange(5), np.ones(5), ("A",))
    assert found.bind()(bars).tolist() == [[0.25]] * 5
    assert [item.id for item in shelf.all()] == sorted(item.id for item in shelf.all())
    assert shelf.broken() == ()


def test_the_version_is_that_of_the_bytes_and_changes_with_them(shelf: Shelf, tmp_path: Path) -> None:
    path = write(tmp_path, "mine")
    first = shelf.get("mine").version
    assert first == hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert shelf.get("mine") is shelf.get("mine")

    write(tmp_path, "mine", weight=0.75)
    later(path)
    assert shelf.get("mine").version == hashlib.sha256(path.read_bytes()).hexdigest()[:12] != first


def test_two_processes_give_a_file_one_version(tmp_path: Path) -> None:
    """The API names the version and the worker refuses another: both read the same bytes."""
    write(tmp_path, "mine")
    api, worker = (Shelf(user_code=UserCode([tmp_path])) for _ in range(2))
    assert api.get("mine").version == worker.get("mine").version


def test_a_file_that_is_gone_is_gone_from_the_shelf(shelf: Shelf, tmp_path: Path) -> None:
    path = write(tmp_path, "mine")
    assert shelf.get("mine")
    path.unlink()
    with pytest.raises(UnknownName):
        shelf.get("mine")


def test_a_misspelt_name_gets_the_nearest_of_all(shelf: Shelf, tmp_path: Path) -> None:
    write(tmp_path, "dip_buyer")
    with pytest.raises(UnknownName) as unknown:
        shelf.get("dip_byuer")
    assert (unknown.value.code, unknown.value.nearest) == ("unknown_strategy", "dip_buyer")
    assert "sma_cross" in unknown.value.allowed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\n\nif:\n", "line 3: SyntaxError: invalid syntax"),
        ("import numpy\n\nnumpy.nothing\n", "line 3: AttributeError: module 'numpy' has no attribute 'nothing'"),
        ("import no_such_package\n", "line 1: ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)\n", "line 1: SystemExit: 3"),
        ("x = 1\n", "LookupError: it defines no strategy"),
        ("from strategies.sma_cross import sma_cross\n", "LookupError: it defines no strategy"),
        (HOLD.format(name="mine", weight=1, more=', id="a/b"'), "The id 'a/b' is not a letter and up to 63 letters"),
        (HOLD.format(name="sma_cross", weight=1, more=""), "The id sma_cross is that of a strategy that Queuant ships"),
        (HOLD.format(name="good", weight=1, more=""), "The id good is that of another strategy"),
    ],
)
def test_a_file_that_cannot_be_used_disables_only_itself(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, reason: str
) -> None:
    write(tmp_path, "good")
    (tmp_path / "worse.py").write_text(text)
    caplog.set_level(logging.WARNING)

    assert shelf.get("good")
    assert shelf.get("sma_cross").parameters
    ((file, error),) = shelf.broken()
    assert file == "worse.py"
    assert error.startswith(reason)
    assert "Traceback" not in error
    shelf.all()
    assert [record.message for record in caplog.records] == [f"worse.py is left out: {error}"]


def test_a_file_that_was_good_and_is_broken_runs_no_more_until_it_is_mended(shelf: Shelf, tmp_path: Path) -> None:
    path = write(tmp_path, "mine")
    assert shelf.get("mine")
    path.write_text("def mine(:\n")
    with pytest.raises(UnknownName, match=r"There is no strategy 'mine': mine\.py is left out: line 1: SyntaxError"):
        shelf.get("mine")
    assert [item.file for item in shelf.broken()] == ["mine.py"]
    write(tmp_path, "mine", weight=0.125)
    assert shelf.get("mine")
    assert shelf.broken() == ()


def test_an_error_of_a_strategy_is_told_with_the_line_of_its_file(shelf: Shelf, tmp_path: Path) -> None:
    path = write(tmp_path, "mine")
    path.write_text(path.read_text().replace("np.full(", "np.no_such("))
    bars = Bars.from_closes(np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]"), np.ones((5, 1)), ("A",))
    with pytest.raises(RunFailed) as failed:
        shelf.get("mine").bind()(bars)
    assert failed.value.__cause__
    assert place_of(failed.value.__cause__) == "mine.py, line 11"
    assert place_of(ValueError("of nobody's file")) is None


def test_tests_and_helpers_in_the_folder_are_no_strategies(shelf: Shelf, tmp_path: Path) -> None:
    for name in ("test_mine.py", "_shared.py", "conftest.py", "notes.txt"):
        (tmp_path / name).write_text("raise RuntimeError\n")
    (tmp_path / "folder").mkdir()
    assert shelf.broken() == ()


def test_a_folder_that_was_named_and_is_not_there_is_told_and_the_default_one_is_not(tmp_path: Path) -> None:
    named = Shelf(user_code=UserCode([tmp_path / "nowhere"]))
    assert [tuple(item) for item in named.broken()] == [("nowhere", "There is no such folder.")]
    assert Shelf(user_code=UserCode([tmp_path / "nowhere"], required=False)).broken() == ()


@pytest.mark.parametrize("named", [True, False])
def test_the_settings_say_where_strategies_lie(tmp_path: Path, named: bool) -> None:
    folder = tmp_path / ("mine" if named else "home/strategies")
    folder.mkdir(parents=True)
    write(folder, "mine")
    environment = {"QUEUANT_HOME": str(tmp_path / "home"), "REDIS_URL": "redis://127.0.0.1:1/0"}
    services = wiring.build(Settings.from_env(environment | ({"QUEUANT_STRATEGY_DIRS": str(folder)} if named else {})))
    assert services.shelf.get("mine").family == "house"
    services.close()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package: a folder on the path with a module and its entry points."""
    place = tmp_path / "site"
    (place / "desk-1.0.dist-info").mkdir(parents=True)
    (place / "desk-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: desk\nVersion: 1.0\n")
    (place / "desk-1.0.dist-info" / "entry_points.txt").write_text(
        "[queuant.strategies]\nall = desk\none = desk:other\nbad = desk:nothing\n"
    )
    (place / "desk.py").write_text(HOLD.format(name="desk_hold", weight=1, more="") + "\n\nother = 3\n")
    monkeypatch.syspath_prepend(str(place))
    yield place
    sys.modules.pop("desk", None)


@pytest.mark.usefixtures("package")
def test_an_installed_package_offers_strategies_by_its_entry_points() -> None:
    shelf = Shelf()
    assert shelf.get("desk_hold").summary == "Hold every symbol."
    assert [(item.file, item.error) for item in shelf.broken()] == [
        ("package desk (desk:nothing)", "AttributeError: module 'desk' has no attribute 'nothing'"),
        ("package desk (desk:other)", "TypeError: the entry point names neither a strategy nor a module"),
    ]


def test_a_file_alone_is_read_with_its_reason(tmp_path: Path) -> None:
    (found,) = load(write(tmp_path, "mine"))
    assert found.id == "mine"
    with pytest.raises(InvalidInput) as refused:
        load(tmp_path / "nothing.py")
    assert (refused.value.code, refused.value.message) == (
        "bad_strategy_file",
        "FileNotFoundError: No such file or directory",
    )


@pytest.mark.parametrize("kind", ["backtest", "signals", "verify"])
def test_a_worker_with_other_bytes_refuses_the_job(shelf: Shelf, tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "mine")
    catalog = Catalog.standard()
    request = resolve_backtest({"strategy_id": "mine", "dataset": "fx_daily"}, catalog, shelf)
    write(tmp_path, "mine", weight=0.75)
    later(path)
    worker: Any = SimpleNamespace(catalog=catalog, shelf=Shelf(user_code=UserCode([tmp_path])))
    with pytest.raises(RunFailed) as refused:
        pipeline.RUNNERS[kind](cast(Any, SimpleNamespace(request=request)), worker, lambda *_: None)
    assert (refused.value.code, refused.value.given) == ("version_changed", request["strategy_version"])
