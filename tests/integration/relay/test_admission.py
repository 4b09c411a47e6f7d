"""Who may open a socket: everything is refused before the upgrade, as a problem document."""

from __future__ import annotations

import http.client
import json
import time

import httpx
import pytest
from websockets.exceptions import InvalidStatus


def refusal(live, path="/ws/jobs", **kwargs):
    """Status and code of the reply that a client gets instead of a socket."""
    with pytest.raises(InvalidStatus) as caught:
        live.connect(path, **kwargs)
    response = caught.value.response
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, json.loads(response.body)["code"]


def test_without_a_key_there_is_no_socket(live):
    assert refusal(live, headers={}) == (401, "unauthorized")


@pytest.mark.parametrize("value", ["Bearer wrong", "Bearer bt_00000000_wrong", "Basic YTpi", "Bearer"])
def test_a_wrong_key_opens_nothing(relay, value):
    assert refusal(relay, headers={"Authorization": value}) == (401, "unauthorized")


def test_a_key_without_the_scope_opens_nothing(relay):
    key = relay.services.store.access.create_key(relay.owner, ["run"])
    assert refusal(relay, headers={"Authorization": f"Bearer {key}"}) == (403, "forbidden")


def test_a_job_of_another_owner_does_not_exist(live):
    job, _ = live.services.jobs.submit("bob", "backtest", {"seed": 1})
    assert refusal(live, f"/ws/jobs/{job.id}") == (404, "unknown_job")


def test_a_strange_origin_is_refused_even_with_a_key(live):
    headers = {"Authorization": f"Bearer {live.key}", "Origin": "https://evil.example"}
    assert refusal(live, headers=headers) == (403, "origin_refused")


def test_allowed_origins_and_the_own_host_may_open(new_live, hear):
    live = new_live("relay", QUEUANT_ALLOWED_ORIGINS="https://desk.example")
    for origin in ("https://desk.example", f"http://127.0.0.1:{live.port}"):
        sock = live.connect(headers={"Authorization": f"Bearer {live.key}", "Origin": origin})
        assert hear(sock)[0]["type"] == "hello"


def test_a_ticket_opens_one_socket(live, hear):
    access = live.services.store.access
    ticket = access.issue_ticket(access.caller(live.key), "ws", seconds=30)
    assert hear(live.connect(headers={}, ticket=ticket))[0]["type"] == "hello"
    assert refusal(live, headers={}, ticket=ticket) == (401, "unauthorized")
    assert ticket not in live.log.read_text()


def test_a_ticket_for_something_else_opens_nothing(relay):
    access = relay.services.store.access
    ticket = access.issue_ticket(access.caller(relay.key), "login", seconds=30)
    assert refusal(relay, headers={}, ticket=ticket) == (401, "unauthorized")


def test_a_session_cookie_opens_a_socket_from_an_allowed_origin_only(relay, hear):
    access = relay.services.store.access
    session = access.issue_ticket(access.caller(relay.key), "session", seconds=300)
    cookie = {"Cookie": f"queuant_session={session}"}
    ours = {"Origin": f"http://127.0.0.1:{relay.port}"}
    assert hear(relay.connect(headers=cookie | ours))[0]["type"] == "hello"
    assert refusal(relay, headers=cookie) == (403, "origin_refused")
    assert refusal(relay, headers=cookie | {"Origin": "https://evil.example"}) == (403, "origin_refused")
    assert refusal(relay, headers={"Cookie": "queuant_session=wrong"} | ours) == (401, "unauthorized")


@pytest.mark.parametrize("query", [{"seq": 5}, {"epoch": "e"}, {"epoch": "e", "seq": "-1"}])
def test_half_a_position_is_refused(relay, query):
    assert refusal(relay, **query) == (422, "invalid_request")


@pytest.mark.parametrize(("role", "variable"), [("api", "QUEUANT_API_SOCKETS"), ("relay", "QUEUANT_RELAY_SOCKETS")])
def test_a_full_server_says_so_and_serves_again_when_one_leaves(new_live, hear, role, variable):
    live = new_live(role, **{variable: "2"})
    first, second = live.connect(), live.connect()
    hear(first)
    hear(second)
    assert refusal(live) == (503, "too_many_sockets")
    assert httpx.get(f"http://127.0.0.1:{live.port}/healthz").status_code == 200
    first.close()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert hear(live.connect())[0]["type"] == "hello"
            break
        except InvalidStatus:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_in_the_api_sockets_never_take_the_last_threads(new_live, hear):
    live = new_live("api", QUEUANT_API_THREADS="6", QUEUANT_API_SOCKETS="50")
    for _ in range(2):
        hear(live.connect())
    assert refusal(live) == (503, "too_many_sockets")
    assert httpx.get(f"http://127.0.0.1:{live.port}/healthz", timeout=5).status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Key": "short"}, {}])
def test_a_broken_handshake_is_refused(relay, headers):
    client = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=5)
    good = {"Upgrade": "websocket", "Connection": "Upgrade", "Authorization": f"Bearer {relay.key}"}
    client.request("GET", "/ws/jobs", headers=good | headers)
    assert client.getresponse().status == 422
    client.close()


def test_compression_is_not_agreed_on(relay):
    sock = relay.connect(options={"compression": "deflate"})
    assert "Sec-WebSocket-Extensions" not in sock.response.headers
