"""The page about data is true: its files are read, its limits are the reader's, and its codes are raised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import forms, quality
from app.depot import Folder
from app.library import Library, Meaning
from app.settings import Settings
from app.uploads.reading import read

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/data.md").read_text("utf-8")
FILES = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
SOURCES = "".join(path.read_text("utf-8") for path in (*(ROOT / "app").rglob("*.py"), ROOT / "engine/checks.py"))


@pytest.mark.parametrize("text", FILES, ids=["long", "wide", "single", "series", "calendar"])
def test_every_file_of_the_page_is_taken_without_a_guess(tmp_path, text):
    path = tmp_path / "upload"
    path.write_text(text)
    found = read(path, symbol="mine")
    kept = Library(Folder(tmp_path / "library")).put(
        found.table, id="mine", meaning=Meaning("mine"), series=found.series
    )
    assert kept.dataset.kind == ("series" if found.table is None else "bars")
    first = 1 if found.table is None else 0
    assert kept.dataset.describe()["bars"] == len({re.split("[,;]", line)[first] for line in text.splitlines()[1:]})


def test_the_limits_of_the_page_are_those_of_the_reader():
    settings = Settings()
    for number in (forms.MOST_SYMBOLS, forms.MOST_NUMBERS, settings.upload_memory_mib, settings.upload_seconds):
        assert f"{number:,}" in PAGE
    assert f"`QUEUANT_MAX_UPLOAD_MIB` ({settings.max_upload_mib})" in PAGE
    assert f"| {quality.LONG_HOLIDAY} | {quality.LONGEST_HOLIDAY} |" in PAGE
    assert f"| {quality.STALE} sessions | {quality.LONGEST_STALE} sessions |" in PAGE
    assert f"1 in a row | {quality.LONGEST_GAP} in a row" in PAGE


def test_every_code_of_the_page_is_raised_somewhere():
    refused = PAGE.partition("### What is refused")[2].partition("## Versions")[0]
    codes = set(re.findall(r"`([a-z0-9]+_[a-z_]+)`", refused))
    assert len(codes) > 25
    assert {code for code in codes if f'"{code}"' not in SOURCES} == set()
