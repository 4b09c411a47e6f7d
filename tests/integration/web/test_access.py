"""Who may call what. The matrix is read from the routes: one that says nothing about its scope fails here."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import Rule

SCOPES = {"read", "run", "admin", "public", "self"}
PUBLIC = {"/healthz", "/readyz", "/", "/sign-in", "/docs", "/openapi.json", "/static/<path:name>"}
PUBLIC |= {"/vendor/<package>/<name>", "/login", "/logout"}
SELF = {"/metrics", "/events", "/ws/jobs", "/ws/jobs/<job_id>", "/ws/signals", "/ws/alerts", "/ws/portfolio"}
FILLED = {"strategy_id": "sma_cross", "dataset_id": "fx_daily"}


def operations(web: Any) -> list[tuple[Rule, str, str | None]]:
    """Every route with each of its methods and its scope."""
    found = []
    for rule in web.app.url_map.iter_rules():
        scope = getattr(web.app.view_functions[rule.endpoint], "scope", None)
        found += [(rule, method, scope) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def address(web: Any, rule: Rule, job_id: str) -> str:
    values = {name: FILLED.get(name, job_id) for name in rule.arguments}
    return str(web.app.url_map.bind("localhost").build(rule.endpoint, values))


def test_every_route_says_which_scope_it_needs(web: Any) -> None:
    for rule, method, scope in operations(web):
        assert scope in SCOPES, f"{method} {rule}"


def test_only_the_known_routes_are_open(web: Any) -> None:
    told = operations(web)
    assert {rule.rule for rule, _, scope in told if scope == "public"} == PUBLIC
    assert {rule.rule for rule, _, scope in told if scope == "self"} == SELF


def test_reading_needs_read_and_changing_needs_run(web: Any) -> None:
    for rule, method, scope in operations(web):
        if scope in ("read", "run"):
            wanted = "read" if method == "GET" or rule.rule.endswith("/ws-tickets") else "run"
            assert scope == wanted, f"{method} {rule}"


def test_only_keys_need_admin(web: Any) -> None:
    told = {f"{method} {rule}" for rule, method, scope in operations(web) if scope == "admin"}
    assert told == {"GET /api/v1/keys", "POST /api/v1/keys", "DELETE /api/v1/keys/<key_id>"}


def test_without_a_key_every_closed_route_is_401(web: Any) -> None:
    job_id = web.finished()
    for rule, method, scope in operations(web):
        if scope in ("read", "run", "admin"):
            reply = web.call(method, address(web, rule, job_id), key=None)
            assert (reply.status_code, reply.get_json()["code"]) == (401, "unauthorized"), f"{method} {rule}"
            assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_without_the_scope_is_403(web: Any) -> None:
    job_id = web.finished()
    keys = {"read": web.other("run"), "run": web.other("read"), "admin": web.other("read", "run")}
    for rule, method, scope in operations(web):
        if scope in keys:
            reply = keys[scope].call(method, address(web, rule, job_id))
            assert (reply.status_code, reply.get_json()["code"]) == (403, "forbidden"), f"{method} {rule}"


def test_a_new_route_that_says_nothing_is_closed(make_web: Any) -> None:
    web = make_web()
    web.app.add_url_rule("/forgotten", view_func=lambda: "secret", endpoint="forgotten")
    assert web.get("/forgotten", key=None).status_code == 401
    assert web.other("read", "run", "admin").get("/forgotten").status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "bt_00000000_x",
        "Bearer bt_00000000_x",
        "Bearer \xff",
        "Bearer " + "a" * 5000,
    ],
)
def test_a_wrong_key_is_401_and_not_repeated(web: Any, header: str) -> None:
    reply = web.get("/api/v1/jobs", key=None, headers={"Authorization": header})
    assert reply.status_code == 401
    assert "00000000" not in reply.text


def test_an_expired_key_is_told_so(web: Any) -> None:
    access = web.services.store.access
    key = access.create_key(web.owner, seconds=-1)
    reply = web.get("/api/v1/jobs", key=key)
    assert (reply.status_code, reply.get_json()["code"]) == (401, "key_expired")
    assert web.get("/api/v1/jobs", key=f"{key}x").get_json()["code"] == "unauthorized"


def test_metrics_are_open_to_this_machine_only(web: Any) -> None:
    def status(key: str | None, remote: str, **headers: str) -> int:
        options = {"environ_base": {"REMOTE_ADDR": remote}, "headers": headers}
        return int(web.get("/metrics", key=key, **options).status_code)

    assert status(None, "127.0.0.1") == 200
    assert status(None, "::1") == 200
    assert status(None, "10.0.0.7") == 401
    assert status(None, "127.0.0.1", **{"X-Forwarded-For": "10.0.0.7"}) == 401  # a proxy speaks for somebody else
    assert status(None, "") == 401
    assert status("", "10.0.0.7") == 200


def test_a_login_link_works_once_and_opens_a_session(web: Any) -> None:
    access = web.services.store.access
    ticket = access.issue_ticket(access.caller(web.key), "login", seconds=60)
    client = web.app.test_client()
    assert client.head(f"/login?ticket={ticket}").status_code == 303  # a look does not use it up
    reply = client.get(f"/login?ticket={ticket}")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/")
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("queuant_session=")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert client.get("/api/v1/jobs").status_code == 200
    assert web.app.test_client().get(f"/login?ticket={ticket}").headers["Location"] == "/sign-in?used=1"


def test_a_socket_ticket_is_no_login(web: Any) -> None:
    ticket = web.post("/api/v1/ws-tickets").get_json()["ticket"]
    assert web.get(f"/login?ticket={ticket}", key=None).headers["Location"] == "/sign-in?used=1"


def test_the_sign_in_form_takes_a_key(web: Any) -> None:
    client = web.app.test_client()
    assert client.post("/login", data={"key": "bt_00000000_x"}).headers["Location"] == "/sign-in?wrong=1"
    assert client.post("/login", data={"key": f" {web.key}\n"}).headers["Location"] == "/"
    assert client.get("/api/v1/jobs").status_code == 200
    foreign = web.app.test_client()
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert foreign.post("/login", data={"key": web.key}, headers=headers).headers["Location"] == "/sign-in?wrong=1"


def test_a_cookie_alone_changes_nothing(web: Any) -> None:
    client = web.app.test_client()
    client.post("/login", data={"key": web.key})
    body = {"strategy_id": "sma_cross"}
    ours = {"X-Queuant-Request": "1", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/v1/backtest/run", json=body).status_code == 403
    assert client.post("/api/v1/backtest/run", json=body, headers={"X-Queuant-Request": "1"}).status_code == 403
    foreign = {"X-Queuant-Request": "1", "Origin": "https://evil.example"}
    assert client.post("/api/v1/backtest/run", json=body, headers=foreign).status_code == 403
    assert client.post("/api/v1/backtest/run", json=body, headers=ours).status_code == 202


def test_signing_out_ends_the_session_for_good(web: Any) -> None:
    client = web.app.test_client()
    cookie = client.post("/login", data={"key": web.key}).headers["Set-Cookie"].partition(";")[0]
    assert client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/logout").headers["Location"] == "/sign-in"
    assert client.get("/api/v1/jobs").status_code == 401
    assert web.get("/api/v1/jobs", key=None, headers={"Cookie": cookie}).status_code == 401
