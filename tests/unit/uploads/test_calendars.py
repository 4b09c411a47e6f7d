"""Calendars that somebody sends: events of a row each, known since they were announced."""

from __future__ import annotations

import numpy as np
import pytest

from app.dataset import Dataset
from app.depot import Folder
from app.library import Library, Meaning
from app.uploads import reading
from engine.errors import InvalidInput

MEETINGS = """date,calendar,announced,reference
2024-03-20,FOMC,2023-06-23T14:00:00Z,2024-03
2024-02-08,IBGE_IPCA,2023-11-10T12:00:00Z,2024-01
2024-01-31,FOMC,2023-06-23T14:00:00Z,2024-01
"""


@pytest.fixture
def kept(tmp_path):
    """kept(text): the dataset that an upload of it becomes."""

    def kept(text: str) -> Dataset:
        path = tmp_path / "upload.csv"
        path.write_text(text)
        found = reading.read(path, symbol="mine")
        library = Library(Folder(tmp_path / "library"))
        return library.put(found.table, id="meetings", meaning=Meaning("Meetings"), series=found.series).dataset

    return kept


@pytest.fixture
def noted(tmp_path):
    def noted(text: str) -> tuple[str, ...]:
        path = tmp_path / "upload.csv"
        path.write_text(text)
        return reading.read(path, symbol="mine").warnings

    return noted


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[ns]")


def test_rows_of_events_become_a_dataset_of_calendars(kept):
    found = kept(MEETINGS)

    assert (found.kind, found.symbols, found.start, found.end) == ("series", (), "2024-01-31", "2024-03-20")
    assert found.describe()["calendars"] == {
        "FOMC": {"start": "2024-01-31", "end": "2024-03-20", "events": 2},
        "IBGE_IPCA": {"start": "2024-02-08", "end": "2024-02-08", "events": 1},
    }
    calendar = found.panel.calendar("IBGE_IPCA")
    assert [calendar.date, calendar.announced, calendar.reference] == [
        days("2024-02-08"),
        days("2023-11-10T12:00"),
        days("2024-01-01"),
    ]


def test_the_order_of_rows_and_another_name_of_announced_make_no_other_version(kept):
    head, *rows = MEETINGS.splitlines()
    turned = "\n".join([head.replace("announced", "Available"), *rows[::-1]])

    assert kept(turned).version == kept(MEETINGS).version
    assert kept(MEETINGS.replace("2023-11-10", "2023-11-11")).version != kept(MEETINGS).version


def test_a_meeting_that_is_announced_later_is_not_known_before(kept):
    calendar = kept("calendar,date,announced\nFOMC,2024-01-31,2024-01-29T15:00:00Z\n").panel.calendar("FOMC")
    moments = days("2024-01-26T20:00", "2024-01-29T14:59", "2024-01-29T15:00", "2024-01-31T20:00")

    assert calendar.near(moments, before=5, after=2).tolist() == [-1, -1, 0, 0]
    assert len(calendar.until(moments[1]).date) == 0


def test_an_event_that_nobody_announced_is_known_on_its_date_and_that_is_told(kept, noted):
    text = "calendar,date\nFOMC,2024-01-31\n"
    calendar = kept(text).panel.calendar("FOMC")

    assert calendar.near(days("2024-01-30T20:00", "2024-01-31T20:00"), before=5, after=2).tolist() == [-1, 0]
    assert any("announced" in note for note in noted(text))
    assert noted(MEETINGS) == ("A month is dated by its first day.",)


# Rows below `calendar,date,announced` -> code, row, column.
CELLS = {
    "FOMC,2024-01-31,2023-06-23\nFOMC,31 of March,2023-06-23": ("bad_date", 3, "date"),
    "FOMC,2024-01-31,2023-06-23\nFOMC,2024-02-30,2023-06-23": ("bad_date", 3, "date"),
    "FOMC,2024-01-31,2023-06-23\nFOMC,2024-03-20,": ("bad_date", 3, "announced"),
    "FOMC,2024-01-31,2023-06-23\n,2024-03-20,2023-06-23": ("missing_text", 3, "calendar"),
    "FOMC,2024-01-31,2023-06-23\nCOPOM,2024-01-31,2023-06-23\nFOMC,2024-01-31,2023-07-01": (
        "duplicate_event",
        4,
        "date",
    ),
}


@pytest.mark.parametrize("rows", CELLS)
def test_an_event_that_cannot_be_is_refused_with_its_row_and_column(noted, rows):
    with pytest.raises(InvalidInput) as caught:
        noted(f"calendar,date,announced\n{rows}\n")

    given = caught.value.given
    assert (caught.value.code, given["row"], given["column"]) == CELLS[rows]


def test_a_calendar_beside_prices_is_still_a_column_without_meaning(noted):
    assert any("'calendar'" in note for note in noted("date,calendar,symbol,close\n2024-01-02,XNYS,A,1\n"))


def test_more_events_than_a_strategy_can_go_through_are_refused(noted):
    dates = np.datetime64("1990-01-01") + np.arange(reading.MOST_EVENTS + 1)

    with pytest.raises(InvalidInput, match="more than 10,000"):
        noted("\n".join(["calendar,date", *(f"FOMC,{day}" for day in dates)]))
