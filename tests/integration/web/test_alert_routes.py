"""Alerts over HTTP: raised by what happens, read, acknowledged, resolved; rules and webhooks."""

from __future__ import annotations

import pytest

from app.alerts import watching
from app.store import alerts as store_alerts
from app.store import rules as store_rules

ALERTS = "/api/v1/alerts"


@pytest.fixture
def alert(web):
    """The id of an alert that a failed job has raised."""
    web.fail(web.run())
    watching.evaluate(web.services)
    return web.get(ALERTS).get_json()["alerts"][0]["alert_id"]


def put_rule(web, rule_id, body, **headers):
    return web.call("PUT", f"{ALERTS}/rules/{rule_id}", json=body, headers=headers)


def put_hook(web, name, **body):
    return web.call("PUT", f"{ALERTS}/webhooks/{name}", json={"url": "https://hooks.example.com/x", **body})


def rule(web, rule_id):
    return next(one for one in web.get(f"{ALERTS}/rules").get_json()["rules"] if one["rule_id"] == rule_id)


def test_an_alert_says_what_happened_to_what(web, alert):
    found = web.get(f"{ALERTS}/{alert}").get_json()
    assert {name: found[name] for name in ("kind", "severity", "entity", "strategy_id", "dataset_id", "status")} == {
        "kind": "job_failed",
        "severity": "warning",
        "entity": "sma_cross",
        "strategy_id": "sma_cross",
        "dataset_id": None,
        "status": "open",
    }
    assert found["message"] == "A job (backtest) of sma_cross failed: sma_cross raised ValueError: no"
    assert found["job_id"] == found["data"]["job_id"]
    assert found["deliveries"] == []
    listed = web.get(ALERTS).get_json()["alerts"]
    assert listed == [{name: value for name, value in found.items() if name != "deliveries"}]
    (event,) = web.services.store.events.since(f"alerts:{web.owner}", 0)
    assert event.data == listed[0]


def test_an_alert_is_acknowledged_and_resolved_and_asking_twice_is_no_error(web, alert):
    for _ in range(2):
        reply = web.post(f"{ALERTS}/{alert}/ack")
        assert (reply.status_code, reply.get_json()["status"]) == (200, "acknowledged")
    assert reply.get_json()["acknowledged_by"] == web.owner
    for _ in range(2):
        reply = web.post(f"{ALERTS}/{alert}/resolve")
        assert (reply.status_code, reply.get_json()["status"]) == (200, "resolved")
    refused = web.post(f"{ALERTS}/{alert}/ack")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "illegal_transition")
    told = [event.type for event in web.services.store.events.since(f"alerts:{web.owner}", 0)]
    assert told == ["job_failed", "alert_acknowledged", "alert_resolved"]


def test_a_note_of_whoever_acknowledged_an_alert_is_told_with_it(web, alert):
    reply = web.post(f"{ALERTS}/{alert}/ack", {"note": "x" * 501})
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, "/note")
    assert web.post(f"{ALERTS}/{alert}/ack", {"notes": "x"}).get_json()["nearest"] == "note"
    assert web.get(f"{ALERTS}/{alert}").get_json()["status"] == "open"
    for body in ({"note": "The feed is down."}, {"note": "The feed is down."}, {"note": None}, {}):
        reply = web.post(f"{ALERTS}/{alert}/ack", body)
        assert (reply.status_code, reply.get_json()["note"]) == (200, "The feed is down.")
    refused = web.post(f"{ALERTS}/{alert}/ack", {"note": "Or is it?"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "illegal_transition")
    (*_, event) = web.services.store.events.since(f"alerts:{web.owner}", 0)
    assert (event.type, event.data["note"]) == ("alert_acknowledged", "The feed is down.")
    assert web.post(f"{ALERTS}/{alert}/ack", "none").status_code == 422


def test_the_alerts_rules_and_webhooks_of_others_do_not_exist(web, alert):
    put_rule(web, "mine", {"kind": "job_failed"})
    put_hook(web, "ops")
    other = web.other()
    for path in (alert, f"{alert}/ack", f"{alert}/resolve"):
        reply = other.call("GET" if path == alert else "POST", f"{ALERTS}/{path}")
        assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_alert")
    assert other.get(ALERTS).get_json()["alerts"] == []
    for path in ("rules/mine", "webhooks/ops"):
        assert other.call("DELETE", f"{ALERTS}/{path}").status_code == 404
    assert other.get(f"{ALERTS}/webhooks/ops").status_code == 404
    assert other.get(f"{ALERTS}/webhooks").get_json() == {"webhooks": []}
    assert {one["rule_id"] for one in other.get(f"{ALERTS}/rules").get_json()["rules"]} == set(watching.KINDS)


@pytest.mark.parametrize("alert_id", ["x", "0" * 33, "%00", "g" * 32])
def test_an_id_that_cannot_be_is_unknown(web, alert_id):
    assert web.get(f"{ALERTS}/{alert_id}").get_json()["code"] == "unknown_alert"


def test_alerts_come_in_pages_newest_first_and_are_filtered(web):
    new = [
        store_alerts.NewAlert(
            web.owner, f"r{n}", "queue_age", ("info", "critical")[n % 2], "q", "m", 1.0, 1.0, 60.0, {}
        )
        for n in range(5)
    ]
    for one in new:
        web.services.store.alerts.raise_all([one])
    first = web.get(f"{ALERTS}?limit=2").get_json()
    second = web.get(f"{ALERTS}?limit=2&cursor={first['next']}").get_json()
    third = web.get(f"{ALERTS}?limit=2&cursor={second['next']}").get_json()
    seen = [one["rule_id"] for page in (first, second, third) for one in page["alerts"]]
    assert seen == ["r4", "r3", "r2", "r1", "r0"]
    assert third["next"] is None

    def found(query):
        return sorted(one["rule_id"] for one in web.get(f"{ALERTS}?{query}").get_json()["alerts"])

    web.post(f"{ALERTS}/{first['alerts'][0]['alert_id']}/resolve")
    assert found("severity=critical") == ["r1", "r3"]
    assert found("status=resolved") == ["r4"]
    assert found("kind=queue_age&rule_id=r2") == ["r2"]
    assert found("kind=stale_data") == []
    assert len(found("since=2020-01-01")) == 5
    assert found("since=2099-01-01T00:00:00Z") == []
    newest = web.get(f"{ALERTS}?limit=1").get_json()["alerts"][0]
    assert newest["rule_id"] in found(f"since={newest['raised_at']}")
    assert web.get(f"{ALERTS}?status=shut").get_json()["allowed"] == ["open", "acknowledged", "resolved"]
    assert web.get(f"{ALERTS}?cursor=xyz").get_json()["code"] == "invalid_cursor"


def test_a_built_in_rule_is_changed_in_part_and_taken_back(web):
    before = rule(web, "queue_age")
    assert (before["built_in"], before["threshold"], before["changed_at"]) == (True, 600.0, None)
    changed = put_rule(web, "queue_age", {"threshold": 30, "severity": "critical"}).get_json()
    assert (changed["threshold"], changed["severity"], changed["cooldown_seconds"]) == (30.0, "critical", 900.0)
    assert changed["changed_by"] == web.owner
    assert rule(web, "queue_age") == changed
    assert put_rule(web, "queue_age", {"threshold": 30, "severity": "critical"}).get_json() == changed
    for _ in range(2):
        assert web.call("DELETE", f"{ALERTS}/rules/queue_age").status_code == 204
    assert rule(web, "queue_age") == before


def test_a_rule_of_ones_own_stands_beside_the_built_in_one_until_it_is_deleted(web):
    body = {"kind": "signal_flip", "threshold": 0.5, "filter": {"strategy_id": "sma_cross", "symbol": "EURUSD"}}
    made = put_rule(web, "my-flips", body).get_json()
    assert (made["built_in"], made["kind"], made["filter"]) == (False, "signal_flip", body["filter"])
    assert made["severity"] == "info"  # as the kind has it
    kinds = {one["kind"]: one for one in web.get(f"{ALERTS}/rules").get_json()["kinds"]}
    assert (kinds["signal_flip"]["unit"], kinds["signal_flip"]["resolves"]) == ("conviction", False)
    assert kinds["stale_data"]["resolves"] is True
    assert put_rule(web, "my-flips", {"kind": "stale_data"}).get_json()["code"] == "kind_fixed"
    assert web.call("DELETE", f"{ALERTS}/rules/my-flips").status_code == 204
    gone = web.call("DELETE", f"{ALERTS}/rules/my-flips")
    assert (gone.status_code, gone.get_json()["code"]) == (404, "unknown_rule")


@pytest.mark.parametrize(
    ("rule_id", "body", "wanted"),
    [
        ("mine", {}, ("missing_kind", "/kind", None)),
        ("stale_dat", {}, ("missing_kind", "/kind", "stale_data")),
        ("mine", {"kind": "stale_date"}, ("unknown_kind", "/kind", "stale_data")),
        ("queue_age", {"kind": "stale_data"}, ("kind_fixed", "/kind", None)),
        ("queue_age", {"treshold": 1}, ("invalid_request", "/treshold", "threshold")),
        ("queue_age", {"threshold": -1}, ("invalid_threshold", "/threshold", None)),
        ("queue_age", {"threshold": None}, ("invalid_threshold", "/threshold", None)),
        ("queue_age", {"threshold": "1"}, ("invalid_request", "/threshold", None)),
        ("signal_flip", {"threshold": 1.5}, ("invalid_threshold", "/threshold", None)),
        ("job_failed", {"threshold": 1}, ("invalid_threshold", "/threshold", None)),
        ("queue_age", {"severity": "loud"}, ("invalid_request", "/severity", None)),
        ("queue_age", {"cooldown_seconds": -1}, ("invalid_request", "/cooldown_seconds", None)),
        ("queue_age", {"enabled": "no"}, ("invalid_request", "/enabled", None)),
        ("queue_age", {"filter": {"symbl": "A"}}, ("invalid_request", "/filter/symbl", "symbol")),
        (
            "queue_age",
            {"filter": {"strategy_id": "sma_cros"}},
            ("unknown_strategy", "/filter/strategy_id", "sma_cross"),
        ),
        ("queue_age", {"filter": {"symbol": "A"}}, ("invalid_filter", "/filter/symbol", None)),
        ("stale_data", {"filter": {"strategy_id": "sma_cross"}}, ("invalid_filter", "/filter/strategy_id", None)),
        ("queue_age", {"filter": {"dataset_id": "fx_dayly"}}, ("unknown_dataset", "/filter/dataset_id", "fx_daily")),
        ("no name", {}, ("invalid_name", None, None)),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_place_and_what_was_meant(web, rule_id, body, wanted):
    reply = put_rule(web, rule_id, body)
    told = reply.get_json()
    assert (reply.status_code, told["code"], told.get("pointer"), told.get("nearest")) == (422, *wanted)


def test_a_change_of_a_rule_that_was_changed_meanwhile_is_refused(web):
    first = put_rule(web, "queue_age", {"threshold": 30}, **{"If-Match": '""'}).get_json()
    stale = put_rule(web, "queue_age", {"threshold": 40}, **{"If-Match": '""'})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "rule_changed")
    assert stale.get_json()["allowed"] == [first["changed_at"]]
    again = put_rule(web, "queue_age", {"threshold": 40}, **{"If-Match": f'"{first["changed_at"]}"'})
    assert again.get_json()["threshold"] == 40.0


def test_an_owner_has_so_many_rules_and_no_more(web, monkeypatch):
    monkeypatch.setattr(store_rules, "MOST_RULES", 1)
    assert put_rule(web, "one", {"kind": "job_failed"}).status_code == 200
    assert put_rule(web, "one", {"kind": "job_failed", "severity": "info"}).status_code == 200
    assert put_rule(web, "two", {"kind": "job_failed"}).get_json()["code"] == "too_many_rules"


def test_a_webhook_shows_its_secret_once_and_only_where_it_was_made_for_it(web):
    made = put_hook(web, "ops", severity="warning").get_json()
    assert len(made["secret"]) >= 32
    assert put_hook(web, "ops").get_json()["secret"] is None
    assert put_hook(web, "own", secret="a secret of my own".replace(" ", "-")).get_json()["secret"] is None
    told = web.get(f"{ALERTS}/webhooks").get_json()["webhooks"]
    assert [one["webhook_id"] for one in told] == ["ops", "own"]
    assert "secret" not in told[0]
    read = web.get(f"{ALERTS}/webhooks/ops").get_json()
    assert (read["url"], read["severity"], read["enabled"]) == ("https://hooks.example.com/x", "info", True)
    assert web.call("DELETE", f"{ALERTS}/webhooks/ops").status_code == 204
    assert web.call("DELETE", f"{ALERTS}/webhooks/ops").get_json()["code"] == "unknown_webhook"


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://169.254.169.254/", "https://[::1]/", "x"])
def test_a_webhook_into_a_private_network_is_refused(web, url):
    reply = put_hook(web, "ops", url=url)
    assert (reply.status_code, reply.get_json()["code"], reply.get_json()["pointer"]) == (
        422,
        "invalid_webhook",
        "/url",
    )


def test_an_alert_shows_where_it_was_sent(web):
    put_hook(web, "ops")
    web.fail(web.run())
    watching.evaluate(web.services)
    (listed,) = web.get(ALERTS).get_json()["alerts"]
    (delivery,) = web.get(f"{ALERTS}/{listed['alert_id']}").get_json()["deliveries"]
    assert (delivery["webhook_id"], delivery["status"], delivery["attempt"]) == ("ops", "pending", 0)


def test_a_webhook_shows_what_was_sent_to_it_last(web):
    for name in ("ops", "other"):
        put_hook(web, name)
    for strategy in ("sma_cross", "buy_and_hold"):
        web.fail(web.run(strategy_id=strategy))
        watching.evaluate(web.services)
    shown = web.get(f"{ALERTS}/webhooks/ops/deliveries").get_json()["deliveries"]
    assert [(one["webhook_id"], one["status"], one["message"].split(" failed")[0]) for one in shown] == [
        ("ops", "pending", "A job (backtest) of buy_and_hold"),
        ("ops", "pending", "A job (backtest) of sma_cross"),
    ]
    newest = web.get(f"{ALERTS}/{shown[0]['alert_id']}").get_json()
    assert newest["raised_at"] == shown[0]["raised_at"]
    assert shown[0]["delivery_id"] in {one["delivery_id"] for one in newest["deliveries"]}
    assert web.other().get(f"{ALERTS}/webhooks/ops/deliveries").get_json()["code"] == "unknown_webhook"


def test_alerts_are_found_by_their_strategy(web, alert):
    assert [one["alert_id"] for one in web.get(f"{ALERTS}?strategy_id=sma_cross").get_json()["alerts"]] == [alert]
    assert web.get(f"{ALERTS}?strategy_id=FX_02").get_json()["alerts"] == []


def test_only_who_may_run_may_change_anything(web, alert):
    reader = web.other("read")
    assert reader.post(f"{ALERTS}/{alert}/ack").status_code == 403
    assert put_rule(reader, "queue_age", {}).status_code == 403
    assert put_hook(reader, "ops").status_code == 403
    assert reader.get(ALERTS).status_code == 200
