"""Keys over HTTP: who may see, make and close them, and that their secrets are said once."""

from __future__ import annotations

import logging
from typing import Any

import pytest

KEYS = "/api/v1/keys"
CURRENT = f"{KEYS}/current"


@pytest.fixture
def admin(web: Any) -> Any:
    return web.other("admin")


def test_a_new_key_opens_what_it_was_made_for(web: Any, admin: Any) -> None:
    reply = admin.post(KEYS, {"owner": web.owner, "label": "notebook", "scopes": ["read"], "expires_in_seconds": 3600})
    assert reply.status_code == 201, reply.text
    made = reply.get_json()
    job_id = web.run()
    assert web.get(f"/api/v1/jobs/{job_id}", key=made["key"]).status_code == 200
    assert web.post(f"/api/v1/jobs/{job_id}/cancel", key=made["key"]).status_code == 403
    told = web.get(CURRENT, key=made["key"]).get_json()
    assert (told["owner"], told["scopes"], told["key"]["label"]) == (web.owner, ["read"], "notebook")
    assert told["jobs_today"] == {"limit": None, "used": None, "reset_seconds": None}
    assert made["created_at"] < made["expires_at"] == told["key"]["expires_at"]
    assert made["open"]


def test_what_is_left_out_of_a_new_key(admin: Any) -> None:
    made = admin.post(KEYS, {"owner": "ada", "scopes": ["run", "read", "run"]}).get_json()
    assert (made["scopes"], made["label"], made["expires_at"]) == (["read", "run"], None, None)
    assert admin.post(KEYS, {"owner": "ada"}).get_json()["scopes"] == ["read", "run"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/owner"),
        ({"owner": ""}, "/owner"),
        ({"owner": "a b"}, "/owner"),
        ({"owner": "ada", "scopes": []}, "/scopes"),
        ({"owner": "ada", "scopes": ["root"]}, "/scopes/0"),
        ({"owner": "ada", "label": "two\nlines"}, "/label"),
        ({"owner": "ada", "expires_in_seconds": 1}, "/expires_in_seconds"),
        ({"owner": "ada", "expires": 60}, "/expires"),
    ],
)
def test_what_no_key_may_be_is_refused(admin: Any, body: dict[str, Any], pointer: str) -> None:
    reply = admin.post(KEYS, body)
    assert (reply.status_code, reply.get_json()["pointer"]) == (422, pointer)


def test_keys_are_listed_without_what_opens_them(web: Any, admin: Any) -> None:
    reply = admin.get(KEYS)
    mine = [key for key in reply.get_json()["keys"] if key["owner"] == web.owner]
    assert [key["key_id"] for key in mine] == [web.key.split("_")[1]]
    assert web.key.split("_", 2)[2] not in reply.text
    assert "key" not in mine[0]


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(web: Any, admin: Any) -> None:
    key_id = web.key.split("_")[1]
    assert admin.call("DELETE", f"{KEYS}/{key_id}").status_code == 204
    assert web.get(CURRENT).status_code == 401
    told = next(key for key in admin.get(KEYS).get_json()["keys"] if key["key_id"] == key_id)
    assert not told["open"]
    assert told["revoked_at"]
    again = admin.call("DELETE", f"{KEYS}/{key_id}")
    assert (again.status_code, again.get_json()["code"]) == (404, "unknown_key")


def test_a_whole_key_in_an_address_is_no_id_and_is_not_repeated(web: Any, admin: Any) -> None:
    reply = admin.call("DELETE", f"{KEYS}/{web.key}")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_key")
    assert web.key not in reply.get_json()["detail"]
    assert web.get(CURRENT).status_code == 200


def test_the_log_names_keys_by_their_ids(admin: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="app.web.keys")
    made = admin.post(KEYS, {"owner": "ada"}).get_json()
    admin.call("DELETE", f"{KEYS}/{made['key_id']}")
    mine = admin.key.split("_")[1]
    assert [record.getMessage() for record in caplog.records] == [
        f"key {made['key_id']} of ada is created by key {mine} of {admin.owner}",
        f"key {made['key_id']} of ada is revoked by key {mine} of {admin.owner}",
    ]


def test_a_session_is_told_of_the_key_that_opened_it(web: Any) -> None:
    client = web.app.test_client()
    client.post("/login", data={"key": web.key})
    told = client.get(CURRENT).get_json()
    assert told["key"]["key_id"] == web.key.split("_")[1]


def test_the_limits_tell_what_is_used_and_looking_counts_once(make_web: Any) -> None:
    web = make_web(rate_reads=10, rate_writes=0)
    web.get("/api/v1/jobs")
    for used in (2, 3):
        limits = {item["name"]: item for item in web.get(CURRENT).get_json()["limits"]}
        assert (limits["reads"]["limit"], limits["reads"]["used"]) == (10, used)
    assert limits["writes"] == {"name": "writes", "limit": None, "used": None, "reset_seconds": None}
    assert limits["uploads"]["used"] == 0
