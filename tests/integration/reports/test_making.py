"""The report of a day is made once, when its hour has come, whoever looks; and what is written stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.errors import StoreUnavailable
from app.reports import daily
from app.reports.parts import Section
from app.tables import reports
from engine.errors import InvalidInput
from tests.alerts import both
from tests.reports import DATE, HOUR, at, reported
from workers import supervisor


def dates(platform):
    return [row.date for row in platform.store.reports.page(limit=100, before=None)]


def test_a_report_is_made_a_minute_after_its_hour_and_once(platform):
    platform.clock.now = at("2025-06-14T22:01:00")
    assert daily.make_due(platform.services) == "2025-06-14"
    for moment, made in (("22:00:59", None), ("22:01:00", DATE), ("22:01:30", None), ("23:59:59", None)):
        platform.clock.now = at(moment)
        assert daily.make_due(platform.services) == made, moment
    kept = platform.store.reports.read("ada")
    assert (kept.date, kept.start_at, kept.end_at, kept.made_at) == (
        DATE,
        at("2025-06-14T22:00:00"),
        at("22:00:00"),
        at("22:01:00"),
    )


@pytest.mark.parametrize(("report_at", "end"), [("00:00", "00:00:00"), ("07:30", "07:30:00"), ("23:59", "23:59:00")])
def test_the_day_ends_when_the_setting_says(platform, report_at, end):
    services = replace(platform.services, settings=platform.services.settings.replace(report_at=report_at))
    platform.clock.now = at(end) + 60
    assert daily.make_due(services) == DATE
    assert platform.store.reports.read("ada").end_at == at(end)


def test_where_nobody_wants_reports_none_is_made(platform):
    services = replace(platform.services, settings=platform.services.settings.replace(report_at="never"))
    assert daily.make_due(services) is None
    with pytest.raises(InvalidInput, match="QUEUANT_REPORT_AT is 'never'"):
        daily.make(services, None)
    assert dates(platform) == []


def test_two_supervisors_that_look_at_once_make_one_report(platform, monkeypatch):
    meet = iter(both(lambda: daily.make_due(platform.services)))
    assert {next(meet), next(meet)} <= {"2025-06-14", None}
    assert dates(platform) == ["2025-06-14"]
    with platform.store.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(reports)).scalar_one() == 3  # everybody's, Ada's, Bob's


def test_of_two_reports_of_a_day_one_is_kept_whole(platform):
    store = platform.store

    def put(name):
        said = [{"name": name}]
        return store.reports.put(DATE, (1.0, 2.0), said, {"ada": said, "bob": said})

    names = iter("xy")
    assert sorted(both(lambda: put(next(names)))) == [False, True]
    kept = [store.reports.read(owner) for owner in ("ada", "bob")]
    assert kept[0].shared == kept[0].own == kept[1].own
    assert put("z") is False
    assert store.reports.read("ada") == kept[0]


def test_a_supervisor_that_was_away_makes_the_last_report_and_others_are_made_by_hand(platform):
    daily.make_due(platform.services)
    platform.clock.advance(7 * 24 * HOUR)
    assert daily.make_due(platform.services) == "2025-06-21"
    assert dates(platform) == ["2025-06-21", "2025-06-14"]
    assert [daily.make(platform.services, day) for day in ("2025-06-18", None)] == ["2025-06-18", "2025-06-21"]
    assert dates(platform) == ["2025-06-21", "2025-06-18", "2025-06-14"]
    assert platform.store.reports.nearest("2025-06-16") == ["2025-06-14", "2025-06-18"]
    assert platform.store.reports.nearest("2025-06-22") == ["2025-06-21"]


@pytest.mark.parametrize("day", [DATE, "2025-06-16", "2024-06-13", "0001-01-01", "9999-12-31"])
def test_no_report_is_made_of_a_day_that_is_not_over_or_long_ago(platform, day):
    with pytest.raises(InvalidInput) as raised:
        daily.make(platform.services, day)
    assert (raised.value.code, raised.value.pointer) == ("not_due", "/date")
    assert raised.value.allowed == {"first": "2024-06-14", "last": "2025-06-14"}
    assert daily.make(platform.services, "2024-06-14") == "2024-06-14"


def test_a_report_says_what_was_and_does_not_change_with_what_follows(platform):
    platform.clock.now = at("12:00:00")
    platform.fail()
    before = reported(platform)
    platform.round()
    platform.fail()
    assert reported(platform) == before
    assert before["own_jobs"]["figures"]["failed"] == 1


def test_a_platform_on_which_nothing_happened_says_so(platform):
    found = reported(platform)
    assert {name: section["nothing"] for name, section in found.items()} == {
        "book": "No book is kept.",
        "risk": "No book is kept.",
        "signals": "No strategy said anything new.",
        "data": "There are no datasets.",
        "jobs": "No job ended.",
        "workers": "No worker was lost.",
        "alerts": "No alert was raised, and none was open.",
        "own_jobs": "No job of yours ended.",
    }
    assert all(not section["figures"] and not section["tables"] for section in found.values())


def test_a_supervisor_makes_the_report_and_outlives_what_goes_wrong_with_it(platform, monkeypatch, caplog):
    supervisor.report(platform.services)
    assert dates(platform) == ["2025-06-14"]
    platform.clock.advance(24 * HOUR)
    for error in (StoreUnavailable("The database did not answer in time."), TypeError("a section")):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(daily, "SHARED", (fail,))
        supervisor.report(platform.services)
        assert str(error) in caplog.text
    assert dates(platform) == ["2025-06-14"]
    monkeypatch.setattr(daily, "SHARED", (lambda *_: Section("one", "One", nothing="Nothing."),))
    supervisor.report(platform.services)
    assert [section["name"] for section in platform.store.reports.read("ada").shared] == ["one"]


def test_a_running_supervisor_looks_after_the_report(platform, monkeypatch):
    monkeypatch.setattr(supervisor, "REPORT_SECONDS", 0.001)
    settings = platform.services.settings.replace(signals_seconds=0.0, alerts_seconds=0.0)

    class Until:
        rounds = 0

        def wait(self, _):
            self.rounds += 1
            return self.rounds > 50 or dates(platform) != []

    supervisor.supervise(replace(platform.services, settings=settings), Until())
    assert dates(platform) == ["2025-06-14"]
