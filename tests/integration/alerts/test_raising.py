"""Alerts are raised by what really happened: once, at the threshold, and by one supervisor of many."""

from __future__ import annotations

import pytest

from app.alerts import kinds, watching
from app.catalog import Catalog
from app.depot import Folder
from app.errors import Conflict, DatasetsUnavailable, Unknown
from engine.errors import BadData
from tests.alerts import both


def test_a_job_that_fails_raises_an_alert_of_its_owner_and_of_nobody_else(platform):
    job_id = platform.fail(strategy_id="sma_cross", dataset_id="fx_daily")
    assert platform.round() == 1
    assert platform.round() == 0  # the events are read once
    (alert,) = platform.alerts()
    assert (alert.kind, alert.rule_id, alert.entity, alert.severity) == (
        "job_failed",
        "job_failed",
        "sma_cross",
        "warning",
    )
    assert alert.message == "A job (backtest) of sma_cross failed: The strategy raised."
    assert (alert.status, alert.value, alert.raised_at) == ("open", None, platform.clock.now)
    assert alert.data["job_id"] == job_id
    assert platform.alerts("bob") == []


def test_an_alert_is_told_on_the_channel_of_its_owner_and_published(platform):
    platform.fail()
    with platform.world.bus.subscribe() as ear:
        platform.round()
        news = ear.next(0.01)
    (event,) = platform.store.events.since("alerts:ada", 0)
    assert (news.channel, news.seq, news.frame) == (event.channel, event.seq, event.frame())
    assert event.type == "job_failed"
    assert event.data["alert_id"] == platform.alerts()[0].id
    assert {name: event.data[name] for name in ("status", "severity", "rule_id", "kind", "entity")} == {
        "status": "open",
        "severity": "warning",
        "rule_id": "job_failed",
        "kind": "job_failed",
        "entity": "backtest",
    }


def test_no_second_alert_while_one_is_open_nor_while_its_rule_cools_down(platform):
    def fail_and_look():
        platform.fail()
        platform.round()
        return len(platform.alerts())

    assert [fail_and_look(), fail_and_look()] == [1, 1]
    platform.clock.advance(9999)
    assert fail_and_look() == 1  # it is open still
    platform.store.alerts.resolve(platform.alerts()[0].id, "ada")
    assert fail_and_look() == 2
    platform.store.alerts.resolve(platform.alerts()[1].id, "ada")
    platform.clock.advance(599)
    assert fail_and_look() == 2
    platform.clock.advance(1)
    assert fail_and_look() == 3


def test_jobs_of_the_system_that_fail_concern_everybody(platform):
    platform.fail("system", kind="signals", strategy_id="FX_05")
    platform.round()
    assert [len(platform.alerts(owner)) for owner in ("ada", "bob")] == [1, 1]


def test_a_worker_that_is_lost_raises_one_alert_for_all_that_it_held(platform):
    for _ in range(3):
        platform.world.running("node-1")
    stopped = platform.world.running("node-2")
    platform.world.jobs.hand_back(stopped.job_id, lease_owner="node-2")
    platform.world.expire()
    platform.world.jobs.reap()
    platform.round()
    (alert,) = platform.alerts()
    assert (alert.kind, alert.entity, alert.value) == ("worker_lost", "node-1", 1.0)
    assert alert.message.endswith("in attempt 1 of a job, which was queued again.")


def test_a_lost_worker_is_told_with_what_became_of_its_job(platform):
    platform.world.jobs.cancel(platform.world.running("node-1").job_id, "ada")
    platform.world.expire()
    platform.world.jobs.reap()
    platform.round()
    (alert,) = platform.alerts()
    assert alert.message.endswith("of a job, which was cancelled.")


def test_flips_and_surges_are_told_to_everybody_from_their_threshold_on(platform):
    platform.rule("signal_flip", threshold=0.4)
    platform.rule("conviction_surge", owner="bob", enabled=False)
    platform.speak("FX_05", 0, 0.4, "flip")
    platform.speak("FX_02", 0, -0.39, "flip")
    platform.speak("FX_03", 0, 0.9, "surge")
    platform.speak("FX_04", 0, 0.9)
    platform.round()
    assert [(one.kind, one.data["strategy_id"], one.value) for one in platform.alerts()] == [
        ("conviction_surge", "FX_03", 0.9),
        ("signal_flip", "FX_05", 0.4),
    ]
    assert [one.data["strategy_id"] for one in platform.alerts("bob")] == ["FX_02", "FX_05"]
    assert platform.alerts()[1].message == "FX_05 turned on A: LONG with a conviction of 0.40 at 2025-06-15. Because."


def test_strategies_that_contradict_each_other_raise_an_alert_of_their_symbol(platform):
    platform.speak("FX_05", 0, 0.8)
    platform.speak("FX_02", 0, -0.6)
    platform.round()
    (alert,) = platform.alerts()
    assert (alert.kind, alert.entity, alert.value) == ("signal_divergence", "macro A", 0.6)
    assert alert.message == "FX_05 is long A (0.80), FX_02 is short (-0.60)."


def test_a_rule_of_ones_own_hears_only_what_its_filter_lets_through(platform):
    platform.rule("signal_flip", enabled=False)
    platform.rule("signal_divergence", enabled=False)
    platform.rule("mine", kind="signal_flip", severity="critical", filter={"strategy_id": "sma_cross", "symbol": "A"})
    platform.rule("both", kind="signal_divergence", filter={"strategy_id": "sma_cross"})
    platform.speak("sma_cross", 0, 0.9, "flip")
    platform.speak("FX_05", 0, -0.9, "flip")
    platform.speak("sma_cross", 1, 0.2, "flip", symbol="B")
    platform.round()
    told = [(one.rule_id, one.severity, one.data["symbol"]) for one in platform.alerts()]
    assert told == [("both", "warning", "A"), ("mine", "critical", "A")]


def test_a_job_that_waits_fires_at_the_threshold_and_is_over_when_it_is_taken(platform):
    job_id = platform.world.submit().id
    platform.clock.advance(599)
    assert platform.round() == 0
    platform.clock.advance(1)
    assert platform.round() == 2  # Ada and Bob
    platform.clock.advance(60)
    assert platform.round() == 0
    (alert,) = platform.alerts()
    assert (alert.kind, alert.entity, alert.value, alert.threshold) == ("queue_age", "interactive", 600.0, 600.0)
    platform.world.claim(job_id)
    assert platform.round() == 2
    (alert,) = platform.alerts()
    assert (alert.status, alert.resolved_at) == ("resolved", platform.clock.now)
    assert platform.told() == ["queue_age", "alert_resolved"]


def test_what_was_acknowledged_ends_too_when_its_condition_does(platform):
    job_id = platform.world.submit().id
    platform.clock.advance(600)
    platform.round()
    platform.store.alerts.acknowledge(platform.alerts()[0].id, "ada", by="ada")
    assert platform.round() == 0
    platform.world.claim(job_id)
    platform.round()
    assert platform.told() == ["queue_age", "alert_acknowledged", "alert_resolved"]


def test_data_are_stale_when_sessions_have_passed_without_a_bar(platform):
    platform.keep("live", "2025-06-13")  # a Friday; it is Sunday
    for _ in range(3):  # until Wednesday: Monday and Tuesday are over
        platform.clock.advance(86_400)
        assert platform.round() == 0
    platform.clock.advance(86_400)
    assert platform.round() == 2
    (alert,) = platform.alerts()
    assert (alert.kind, alert.entity, alert.value) == ("stale_data", "live", 3.0)
    assert alert.message == "The newest bar of live is of 2025-06-13: 3 sessions have ended since."
    platform.keep("live", "2025-06-18")
    assert platform.round() == 2
    assert platform.alerts()[0].status == "resolved"


def test_samples_and_synthetic_data_do_not_cry_but_to_rules_that_name_them(platform):
    platform.keep("history", "2020-01-31")
    platform.keep("made_up", "2025-06-13", quality="synthetic")
    platform.clock.advance(30 * 86_400)
    assert platform.round() == 0
    platform.rule("watch_it", kind="stale_data", filter={"dataset_id": "history"})
    platform.rule("stale_data", owner="bob", threshold=1)
    assert platform.round() == 1
    assert [(one.rule_id, one.entity) for one in platform.alerts()] == [("watch_it", "history")]


def test_of_data_that_cannot_be_read_any_more_nothing_is_known_to_be_over(platform, tmp_path):
    platform.keep("live", "2025-06-13")
    platform.clock.advance(5 * 86_400)
    platform.round()
    (path,) = (tmp_path / "datasets" / "live").rglob("data-*.parquet")
    whole = path.read_bytes()
    for part in (whole[:100], whole):
        path.write_bytes(part)
        catalog = Catalog([], depot=Folder(tmp_path / "datasets"))
        object.__setattr__(platform.services, "catalog", catalog)
        platform.round()
        assert [(one.kind, one.status) for one in platform.alerts()] == [("stale_data", "open")]
    platform.keep("live", "2025-06-20")
    platform.round()
    assert [one.status for one in platform.alerts()] == ["resolved"]


@pytest.mark.parametrize("file", ["data-*.parquet", "manifest.json"])
def test_data_that_were_cut_off_silence_no_other_alerts(platform, tmp_path, file):
    platform.keep("broken", "2025-06-13")
    platform.keep("live", "2025-06-13")
    platform.world.submit()
    platform.clock.advance(5 * 86_400)
    (path,) = (tmp_path / "datasets" / "broken").rglob(file)
    path.write_bytes(path.read_bytes()[:100])
    catalog = Catalog([], depot=Folder(tmp_path / "datasets"))  # as a supervisor finds it that is started now
    object.__setattr__(platform.services, "catalog", catalog)
    platform.round()
    told = {(one.kind, one.entity) for one in platform.alerts()}
    assert "queue_age" in {kind for kind, _ in told}
    assert (("stale_data", "live") in told) == (file != "manifest.json")


def test_a_store_of_datasets_that_is_away_silences_no_other_alerts(platform, monkeypatch):
    def away():
        raise DatasetsUnavailable("The bucket of datasets cannot be used.")

    platform.world.submit()
    platform.clock.advance(5 * 86_400)
    monkeypatch.setattr(platform.services.catalog, "datasets", away)
    platform.round()
    assert "queue_age" in {one.kind for one in platform.alerts()}


def test_a_rule_that_is_switched_off_raises_nothing_resolves_nothing_and_does_not_catch_up(platform):
    job_id = platform.world.submit().id
    platform.clock.advance(600)
    platform.round()
    for name in kinds.KINDS:
        platform.rule(name, enabled=False)
    platform.world.claim(job_id)
    platform.fail()
    platform.round()
    assert [(one.kind, one.status) for one in platform.alerts()] == [("queue_age", "open")]
    for name in kinds.KINDS:
        platform.rule(name)
    platform.round()
    assert [(one.kind, one.status) for one in platform.alerts()] == [("queue_age", "resolved")]


def test_where_nobody_can_say_how_things_stand_nothing_is_raised_or_resolved(platform, monkeypatch):
    platform.world.submit()
    platform.clock.advance(600)
    platform.round()

    def blind():
        raise BadData("The data cannot be read.")

    monkeypatch.setattr(platform.store.read, "oldest_wait", blind)
    assert platform.round() == 0
    assert platform.alerts()[0].status == "open"


@pytest.mark.parametrize("cause", ["event", "state"])
def test_two_supervisors_at_once_raise_one_alert(platform, cause):
    for number in range(5):
        platform.fail(strategy_id=f"FX_0{number}") if cause == "event" else platform.keep(f"set_{number}", "2025-06-13")
    platform.clock.advance(5 * 86_400)
    changed = both(platform.round)
    wanted = 5 if cause == "event" else 10
    assert sum(changed) == wanted
    assert len(platform.alerts()) == len({one.entity for one in platform.alerts()}) == 5
    seqs = [event.seq for event in platform.store.events.since("alerts:ada", 0)]
    assert seqs == [1, 2, 3, 4, 5]


def test_two_supervisors_at_once_resolve_an_alert_once(platform):
    job_id = platform.world.submit().id
    platform.clock.advance(600)
    platform.round()
    platform.world.claim(job_id)
    assert sum(both(platform.round)) == 2
    assert platform.told() == ["queue_age", "alert_resolved"]


def test_acknowledging_and_resolving_happen_once_whoever_asks_how_often(platform):
    platform.fail()
    platform.round()
    alert_id = platform.alerts()[0].id
    for row, _ in both(lambda: platform.store.alerts.acknowledge(alert_id, "ada", by="ada", note="Seen.")):
        assert (row.status, row.acknowledged_by, row.acknowledged_at) == ("acknowledged", "ada", platform.clock.now)
        assert row.note == "Seen."
    with pytest.raises(Conflict, match="ada has acknowledged the alert already: this note was not taken"):
        platform.store.alerts.acknowledge(alert_id, "ada", by="ada", note="Seen again.")
    for row, _ in both(lambda: platform.store.alerts.resolve(alert_id, "ada")):
        assert row.status == "resolved"
    assert platform.told() == ["job_failed", "alert_acknowledged", "alert_resolved"]
    with pytest.raises(Conflict) as refused:
        platform.store.alerts.acknowledge(alert_id, "ada", by="ada")
    assert (refused.value.code, refused.value.given) == ("illegal_transition", "resolved")


def test_the_alerts_of_others_do_not_exist(platform):
    platform.fail()
    platform.round()
    alert_id = platform.alerts()[0].id
    for act in (
        lambda: platform.store.alerts.get(alert_id, "bob"),
        lambda: platform.store.alerts.acknowledge(alert_id, "bob", by="bob"),
        lambda: platform.store.alerts.resolve(alert_id, "bob"),
    ):
        with pytest.raises(Unknown):
            act()
    assert platform.alerts()[0].status == "open"


class Interrupted(Exception):
    """Stands for whatever may go wrong between two statements."""


def test_a_round_that_breaks_leaves_nothing_and_the_next_one_does_it(platform, monkeypatch):
    platform.fail()
    append = platform.store.events.append

    def append_then_break(tx, channel, type, data):
        append(tx, channel, type, data)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(platform.store.events, "append", append_then_break)
        with pytest.raises(Interrupted):
            platform.round()
    assert platform.alerts() == []
    assert platform.round() == 1


def test_a_job_may_fail_with_any_characters(platform):
    claim = platform.world.running()
    platform.world.jobs.fail(claim, {"code": "strategy_error", "message": "no\0 \ud800 " + "x" * 2000})
    assert platform.round() == 1
    (alert,) = platform.alerts()
    assert alert.message.startswith("A job (backtest) of backtest failed: no? ? xxx")
    assert len(alert.message) == 1000


def test_a_long_log_is_read_in_parts_and_each_part_once(platform, monkeypatch):
    monkeypatch.setattr(watching, "MOST_EVENTS", 4)
    for number in range(4):
        platform.fail(strategy_id=f"FX_0{number}")  # three events each
    assert [platform.round() for _ in range(4)] == [1, 1, 2, 0]


def test_alerts_that_were_over_long_ago_are_forgotten_and_no_others(platform, hook):
    hook()
    platform.rule("waits", kind="job_failed")
    platform.fail()
    platform.round()
    built_in, waits = sorted(platform.alerts(), key=lambda row: row.rule_id)
    for row in (built_in, waits):
        platform.store.alerts.resolve(row.id, "ada")
    (sent,) = platform.store.deliveries.of_alert(built_in.id)
    platform.store.deliveries.sent(platform.store.deliveries.take(sent.id)[0])
    platform.clock.advance(100)
    platform.fail(strategy="other")
    assert platform.store.alerts.forget(200) == 0
    platform.clock.advance(101)
    assert platform.store.alerts.forget(200) == 1
    assert [row.id for row in platform.alerts()] == [waits.id], "it has still to be sent"
    assert platform.store.deliveries.of_alert(built_in.id) == []
    assert len(platform.store.deliveries.of_alert(waits.id)) == 1


def test_an_alert_that_is_open_is_never_forgotten(platform):
    platform.fail()
    platform.round()
    platform.clock.advance(1e9)
    assert platform.store.alerts.forget(1.0) == 0
    assert [row.status for row in platform.alerts()] == ["open"]
