"""A book that is closed leaves nothing, and the next one begins as if there had been none."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app import proof
from app.tables import book_fills, book_marks, book_risk, book_state
from tests.book import BOOK, DAYS, START, application, expected, follow, get, open_book, put, upload, work
from workers import supervisor


@pytest.fixture
def here(shared, make_services):
    return application(shared, make_services())


def close(web):
    return web.call("DELETE", "/api/v1/portfolio/book")


def rows(web):
    with web.services.store.database.read() as tx:
        tables = (book_state, book_marks, book_fills, book_risk)
        return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def test_a_book_that_is_closed_is_gone_and_tells_so(here):
    equity = get(open_book(here), "/current")["equity"]
    assert all(rows(here))
    assert close(here).status_code == 204

    assert rows(here) == [0, 0, 0, 0]
    for path in ("/current", "/target", "/attribution", "/history", "/trades"):
        assert get(here, path, 404)["code"] == "no_book"
    told = here.services.store.events.since("portfolio", 0)[-1]
    assert (told.type, told.data) == ("book_closed", {"bar_at": f"{DAYS[START + 2]}T00:00:00.000Z", "equity": equity})


def test_the_next_book_begins_anew_on_the_same_data_with_the_capital_that_is_said_then(here):
    upload(here, START)
    assert follow(here) == ["succeeded"]
    assert put(here, capital=5e5).status_code == 409
    assert close(here).status_code == 204
    assert put(here, capital=2e6).status_code == 200
    assert follow(here) == ["succeeded"]
    twice = expected(START, BOOK).equity * 2.0
    assert get(here, "/history")["equity"] == pytest.approx(twice.tolist(), rel=1e-12)
    assert follow(here) == []
    assert proof.prove(here.services.store).differences == []


def test_a_book_that_is_closed_at_its_first_step_opens_with_the_same_one(here):
    upload(here, START)
    for _ in range(2):
        assert follow(here) == ["succeeded"]
        assert get(here, "/current")["as_of"][:10] == DAYS[START - 1]
        close(here)


def test_there_must_be_a_book_to_close(here):
    reply = close(here)
    assert (reply.status_code, reply.get_json()["code"]) == (404, "no_book")
    assert "no paper book to close" in reply.get_json()["detail"]


def test_a_step_that_was_under_way_when_the_book_was_closed_is_not_stored(here):
    open_book(here)
    upload(here, START + 5)
    supervisor.look(here.services)
    work(here)
    supervisor.follow(here.services)  # it is queued
    close(here)
    assert work(here) == [("book", "book_moved")]
    assert rows(here) == [0, 0, 0, 0]
