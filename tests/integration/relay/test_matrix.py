"""Who hears what: every channel, by socket and by stream, for its owner, for others and for strangers.

A new channel without a line here fails.
"""

from __future__ import annotations

import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from app.bus import publish
from app.events import PORTFOLIO, SIGNALS, alerts_channel, owner_channel
from app.web.feeds import CHANNELS
from app.web.relay import ROUTES

OPENS, STRANGER, FORBIDDEN, UNKNOWN = (None, (401, "unauthorized"), (403, "forbidden"), (404, "unknown_job"))
CALLERS = ("owner", "reader", "runner", "other", "nobody")
# Of each route what who is answered, in the order of CALLERS: the owner with all scopes, with `read` alone, with `run`
# alone; another owner; and whoever has no key.
ANSWERS = {
    **{
        f"/ws/{name}": (OPENS, OPENS, FORBIDDEN, OPENS, STRANGER) for name in ("jobs", "signals", "alerts", "portfolio")
    },
    "/ws/jobs/<job_id>": (OPENS, OPENS, FORBIDDEN, UNKNOWN, STRANGER),
}
# Whose events each channel carries: those of the caller's own, or those of everybody.
HEARD = {"jobs": "own", "alerts": "own", "signals": "all", "portfolio": "all"}


def key_of(live, caller):
    create = live.services.store.access.create_key
    kinds = {"owner": ["read", "run", "admin"], "reader": ["read"], "runner": ["run"], "other": ["read", "run"]}
    return create("bob" if caller == "other" else live.owner, kinds[caller]) if caller in kinds else None


def headers_of(live, caller):
    key = key_of(live, caller)
    return {"Authorization": f"Bearer {key}"} if key else {}


def test_every_route_and_every_channel_has_a_line():
    assert set(ANSWERS) == set(ROUTES)
    assert set(HEARD) == set(CHANNELS)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", sorted(ANSWERS))
def test_a_socket_is_opened_or_refused(relay, route, caller):
    job, _ = relay.services.jobs.submit(relay.owner, "backtest", {"seed": 1})
    path, wanted = route.replace("<job_id>", job.id), ANSWERS[route][CALLERS.index(caller)]
    if wanted is None:
        assert json.loads(relay.connect(path, headers=headers_of(relay, caller)).recv(10))["type"] == "hello"
        return
    with pytest.raises(InvalidStatus) as refused:
        relay.connect(path, headers=headers_of(relay, caller))
    response = refused.value.response
    assert (response.status_code, json.loads(response.body)["code"]) == wanted


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", sorted(ANSWERS))
def test_a_stream_is_opened_or_refused_alike(relay, route, caller):
    job, _ = relay.services.jobs.submit(relay.owner, "backtest", {"seed": 1})
    channel = route.removeprefix("/ws/").replace("<job_id>", job.id)
    wanted = ANSWERS[route][CALLERS.index(caller)]
    url, headers = f"http://127.0.0.1:{relay.port}/events", headers_of(relay, caller)
    with httpx.stream("GET", url, params={"channels": channel}, headers=headers, timeout=10) as reply:
        if wanted is None:
            assert (reply.status_code, reply.headers["Content-Type"].split(";")[0]) == (200, "text/event-stream")
        else:
            reply.read()
            assert (reply.status_code, reply.json()["code"]) == wanted


@pytest.mark.parametrize("caller", ["owner", "other"])
@pytest.mark.parametrize("channel", sorted(HEARD))
def test_who_may_hear_hears_and_nobody_else_does(new_live, channel, caller):
    live = new_live("relay")
    sock = live.connect(f"/ws/{channel}", headers=headers_of(live, caller))
    assert json.loads(sock.recv(10))["type"] == "hello"
    keys = {"jobs": owner_channel, "alerts": alerts_channel}
    log = live.services.store.events
    names = [
        keys[channel](who) if channel in keys else {"signals": SIGNALS, "portfolio": PORTFOLIO}[channel]
        for who in (live.owner, "bob")
    ]
    told = []
    for name, of in zip(names, (live.owner, "bob"), strict=True):
        with live.services.store.database.write() as tx:
            told.append(log.append(tx, name, CHANNELS[channel].types[0], {"of": of}))
    publish(live.services.bus, *told)
    mine = "bob" if caller == "other" else live.owner
    expected = [mine] if HEARD[channel] == "own" else [live.owner, "bob"]
    assert [json.loads(sock.recv(10))["data"]["of"] for _ in expected] == expected
    with pytest.raises(TimeoutError):
        sock.recv(0.3)
