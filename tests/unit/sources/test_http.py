"""Manners: how often, how long and how much is asked; what is told when it is in vain; what is kept."""

from __future__ import annotations

import email.utils
import logging
import os
import time

import pytest

from app.errors import JobCancelled, SourceFailed
from app.sources.http import ATTEMPTS, Origin
from app.sources.texts import json_of, rows_of

from .conftest import Answer

PLACE = Origin("bcb_sgs", "bcb_sgs", "http://nowhere.invalid", pause=0.0, most_bytes=1000)
SHEET = Origin("fred", "fred", "http://nowhere.invalid", answers="csv", pause=0.0, most_bytes=1000)
GOOD = Answer('[{"data": "02/01/2024", "valor": "11.75"}]')


def get(http, origin=PLACE, read=json_of, path="/x", **query):
    return http.get(origin, path, query, read, item="SELIC_TARGET")


def refused(http, **given):
    with pytest.raises(SourceFailed) as caught:
        get(http, **given)
    detail = caught.value.detail()
    assert (detail["source"], detail["item"]) == (given.get("origin", PLACE).source, "SELIC_TARGET")
    return caught.value


def test_an_error_of_the_source_is_asked_again_after_a_pause_that_grows(outside, new_http, passing):
    outside.says(Answer(status=500), Answer(status=503), GOOD)

    assert get(new_http())[0]["valor"] == "11.75"
    assert len(outside.asked) == 3
    assert passing.slept == [0.25, 0.5]  # half of 0.5 and of 1: without luck


def test_attempts_are_counted_and_then_it_is_said_who_did_not_answer(outside, new_http):
    outside.says(Answer(status=502))

    error = refused(new_http())

    assert len(outside.asked) == ATTEMPTS
    assert error.code == "source_unavailable"
    assert "bcb_sgs" in error.message
    assert f"HTTP 502), after {ATTEMPTS} attempts" in error.message


def test_who_asks_to_wait_is_waited_for(outside, new_http, passing):
    outside.says(Answer(status=429, headers=(("Retry-After", "7"),)), GOOD)

    get(new_http())

    assert passing.now == pytest.approx(7)
    assert max(passing.slept) <= 0.5  # in breaths, so that a cancel is seen


def test_a_date_to_come_back_at_is_understood(outside, new_http, passing):
    soon = email.utils.formatdate(time.time() + 20, usegmt=True)
    outside.says(Answer(status=503, headers=(("Retry-After", soon),)), GOOD)

    get(new_http())

    assert 15 < passing.now <= 20


def test_who_asks_to_wait_too_long_is_left_alone_at_once(outside, new_http, passing):
    outside.says(Answer(status=429, headers=(("Retry-After", "3600"),)))

    assert refused(new_http()).code == "rate_limited"
    assert (len(outside.asked), passing.slept) == (1, [])


def test_asked_too_often_to_the_end_is_a_code_of_its_own(outside, new_http):
    outside.says(Answer(status=429))

    assert refused(new_http()).code == "rate_limited"
    assert len(outside.asked) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 451])
def test_a_refusal_is_not_asked_again(outside, new_http, status):
    outside.says(Answer(status=status))

    assert refused(new_http()).code == "source_refused"
    assert len(outside.asked) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer('[{"data": "02/01'), "JSON that cannot be read"),
        (Answer('[{"data": "02/01', promised=500), "did not answer (RemoteProtocolError)"),
        (Answer("<html>maintenance</html>", kind="text/html; charset=utf-8"), "text/html instead of application/json"),
        (Answer("[]", kind=""), "something instead of application/json"),
        (Answer(""), "an empty answer"),
        (Answer(silent=True), "did not answer (RemoteProtocolError)"),
        (Answer("[]", headers=(("Content-Encoding", "gzip"),)), "cannot be unpacked"),
    ],
)
def test_a_broken_answer_is_asked_again_and_named(outside, new_http, answer, said):
    outside.says(answer)

    error = refused(new_http())

    assert (error.code, len(outside.asked)) == ("source_unavailable", ATTEMPTS)
    assert said in error.message


def test_a_broken_answer_may_be_followed_by_a_good_one(outside, new_http):
    outside.says(Answer("[{"), Answer(silent=True), GOOD)

    assert len(get(new_http())) == 1


def test_nobody_there_is_said_as_such(new_http, outside):
    http = new_http()
    http._access.urls["bcb_sgs"] = "http://127.0.0.1:1"

    assert "ConnectError" in refused(http).message


def test_an_answer_that_never_ends_is_not_read_to_its_end(outside, new_http):
    outside.says(Answer("[" + "1," * 5000 + "1]"))

    error = refused(new_http())

    assert (error.code, len(outside.asked)) == ("source_refused", 1)
    assert "1000 bytes" in error.message


def test_a_redirect_is_followed_on_the_same_host_only(outside, new_http):
    outside.says(Answer(status=302, headers=(("Location", "/y?z=1"),)), GOOD)
    get(new_http())
    assert [path for path, _ in outside.asked] == ["/x", "/y"]

    outside.says(Answer(status=302, headers=(("Location", "http://169.254.169.254/latest"),)))
    assert "another host" in refused(new_http()).message

    outside.says(Answer(status=302, headers=(("Location", "/x"),)))
    assert "in a circle" in refused(new_http()).message


def test_a_column_that_is_gone_is_not_asked_for_again(outside, new_http):
    outside.says(Answer("observation_date,OTHER\n2024-01-02,5.33\n", kind="text/csv"))

    error = refused(new_http(), origin=SHEET, read=lambda body: rows_of(body, ["DFF"]))

    assert (error.code, len(outside.asked)) == ("source_changed", 1)
    assert "'DFF'" in error.message
    assert "OTHER" in error.message


def test_a_line_that_was_cut_off_is_asked_for_again(outside, new_http):
    outside.says(
        Answer("observation_date,DFF\n2024-01", kind="text/csv"), Answer("observation_date,DFF\n", kind="text/csv")
    )

    assert get(new_http(), origin=SHEET, read=lambda body: rows_of(body, ["DFF"])) == []


def test_requests_keep_the_pause_that_their_source_wants(outside, new_http, passing):
    outside.says(GOOD)
    http = new_http()
    slow = Origin("bcb_sgs", "bcb_sgs", "", pause=2.0)

    for page in range(3):
        get(http, origin=slow, page=page)

    assert passing.now == pytest.approx(4)


def test_what_is_kept_is_not_asked_for(outside, new_http):
    outside.says(GOOD)

    first = get(new_http(cache=True), page=1)
    again = get(new_http(cache=True), page=1)
    get(new_http(cache=True), page=2)

    assert first == again
    assert len(outside.asked) == 2


def test_what_is_kept_grows_old(outside, new_http, tmp_path):
    outside.says(GOOD)
    get(new_http(cache=True))
    (kept,) = (tmp_path / "answers").iterdir()
    old = time.time() - 3601
    os.utime(kept, (old, old))

    get(new_http(cache=True), page=2)

    assert len(outside.asked) == 2
    assert not kept.exists()


def test_a_broken_answer_is_not_kept(outside, new_http, tmp_path):
    outside.says(Answer("[{"))

    refused(new_http(cache=True))

    assert not (tmp_path / "answers").exists()


def test_a_folder_that_takes_nothing_costs_no_job(outside, new_http, tmp_path, caplog):
    (tmp_path / "answers").write_text("a file in the way")
    outside.says(GOOD)

    assert len(get(new_http(cache=True))) == 1
    assert "cannot be kept" in caplog.text


def test_a_cancel_is_seen_between_requests_and_while_waiting(outside, new_http, passing):
    outside.says(Answer(status=503, headers=(("Retry-After", "50"),)))

    def alive():
        if passing.now >= 2:
            raise JobCancelled("enough")

    with pytest.raises(JobCancelled):
        get(new_http(alive=alive))
    assert (len(outside.asked), passing.now) == (1, 2)


def test_a_key_is_sent_and_seen_nowhere(outside, new_http, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    place = Origin("fred", "fred_api", "", key_as="api_key", pause=0.0)
    outside.says(GOOD)
    http = new_http(cache=True, keys={"fred": "s3cr3t"})
    http.get(place, "/x", {"id": "DFF"}, json_of, item="FED_FUNDS")
    outside.says(Answer(status=400))
    with pytest.raises(SourceFailed) as caught:
        http.get(place, "/y", {"id": "DFF"}, json_of, item="FED_FUNDS")

    assert [query["api_key"] for _, query in outside.asked] == ["s3cr3t", "s3cr3t"]
    (kept,) = (tmp_path / "answers").iterdir()
    seen = [caplog.text, repr(http._access), str(http.asked), str(caught.value.detail()), kept.name, kept.read_text()]
    assert http.asked
    assert "/x" in caplog.text
    assert not any("s3cr3t" in text for text in seen)
