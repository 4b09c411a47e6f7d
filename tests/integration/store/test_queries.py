"""Reading: pages, filters, positions, and the walls between owners."""

from __future__ import annotations

import pytest

from app.errors import NotReady, Unknown
from app.store import JobFilter
from engine.errors import InvalidInput


def ids(rows):
    return [row.id for row in rows]


def pages(world, wanted, *, limit, owner="ada", between=lambda: None):
    """Every job of a listing, read page by page."""
    seen, before, more = [], None, True
    while more:
        rows, more = world.jobs.page(owner, wanted, limit=limit, before=before)
        seen += rows
        before = (rows[-1].created_at, rows[-1].id) if rows else None
        between()
    return seen


def test_pages_run_from_the_newest_to_the_oldest_without_a_gap(world):
    made = []
    for _ in range(7):
        made.append(world.submit().id)
        world.clock.advance(1)

    assert ids(pages(world, JobFilter(), limit=3)) == made[::-1]
    assert ids(pages(world, JobFilter(), limit=7)) == made[::-1]
    assert world.jobs.page("bob", JobFilter(), limit=3, before=None) == ([], False)


def test_jobs_of_one_moment_are_neither_lost_nor_repeated_at_a_page_break(world):
    made = {world.submit().id for _ in range(7)}  # the clock stands still

    seen = ids(pages(world, JobFilter(), limit=2))
    assert len(seen) == 7
    assert set(seen) == made


def test_a_listing_is_not_disturbed_by_new_jobs(world):
    made = []
    for _ in range(6):
        made.append(world.submit().id)
        world.clock.advance(1)

    assert ids(pages(world, JobFilter(), limit=2, between=world.submit)) == made[::-1]


def test_a_listing_is_not_disturbed_when_the_last_job_seen_is_deleted(world):
    made = []
    for _ in range(4):
        made.append(world.submit().id)
        world.clock.advance(1)
    rows, _ = world.jobs.page("ada", JobFilter(), limit=2, before=None)
    world.jobs.cancel(rows[-1].id, "ada")
    world.jobs.delete(rows[-1].id, "ada")

    rest, more = world.jobs.page("ada", JobFilter(), limit=2, before=(rows[-1].created_at, rows[-1].id))
    assert ids(rest) == made[1::-1]
    assert not more


def test_real_clocks_make_cursors_that_come_back_unchanged(database_url):
    from app.store import NewJob, Store

    store = Store(database_url)
    for number in range(5):
        job = NewJob(str(number), "ada", "backtest", "interactive", {}, "h", 3)
        store.jobs.submit(job, idempotency=None, reuse=False, max_queued=10)
    seen, before = [], None
    while rows := store.read.page("ada", JobFilter(), limit=1, before=before):
        seen.append(rows[0].id)
        before = (rows[0].created_at, rows[0].id)
    store.close()
    assert seen == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (JobFilter(status="queued"), {"queued", "sweep"}),
        (JobFilter(status="succeeded"), {"done"}),
        (JobFilter(kind="sweep"), {"sweep"}),
        (JobFilter(strategy_id="momentum"), {"done"}),
        (JobFilter(dataset_id="fx"), {"queued", "done"}),
        (JobFilter(dataset_id="fx", status="queued"), {"queued"}),
        (JobFilter(strategy_id="nothing"), set()),
        (JobFilter(), {"queued", "done", "sweep"}),
    ],
)
def test_filters_narrow_a_listing(world, wanted, found):
    jobs = {
        "queued": world.submit(dataset_id="fx", strategy_id="carry").id,
        "done": world.succeeded(dataset_id="fx", strategy_id="momentum").id,
        "sweep": world.submit(kind="sweep", dataset_id="etf").id,
    }

    assert set(ids(pages(world, wanted, limit=10))) == {jobs[name] for name in found}


def test_a_filter_finds_the_jobs_of_an_equal_request(world):
    row = world.submit(seed=1)
    world.submit(seed=2)

    assert ids(pages(world, JobFilter(request_hash=row.request_hash), limit=10)) == [row.id]


TAGS = ["red", "Red", "re", "größe", "50%", "a_c", "abc", 'say "hi"', "back\\slash", "red,blue", ",", "日本", "[]"]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_found_as_it_was_given_and_no_other(world, tag):
    row = world.submit(tags=("first", tag, "last"))
    world.submit(tags=("first", *(other for other in TAGS if other != tag)))
    world.submit()

    assert ids(pages(world, JobFilter(tag=tag), limit=50)) == [row.id]


def test_a_job_without_tags_is_found_by_none(world):
    world.submit(tags=())

    assert pages(world, JobFilter(tag=""), limit=5) == []


@pytest.mark.parametrize("text", ["a\x00b", "bt_\x00_x", "\ud800", "x" * 5000, "'; DROP TABLE jobs; --", "%", ""])
def test_strange_text_in_a_read_finds_nothing_and_breaks_nothing(world, text):
    world.submit()
    read = world.store.read
    names = ("status", "kind", "strategy_id", "dataset_id", "tag", "request_hash")
    asks = [lambda name=name: read.page("ada", JobFilter(**{name: text}), limit=5, before=None) for name in names]
    asks += [
        lambda: read.job(text, "ada"),
        lambda: read.artifact(text, text),
        lambda: world.store.events.since(f"jobs/{text}", 0),
    ]
    for ask in asks:
        try:
            assert not ask()
        except InvalidInput:  # what the database cannot even compare
            assert text.startswith(("a\x00", "bt_\x00", "\ud800"))
    assert world.store.access.caller(text) is None


def test_the_position_counts_who_was_there_before(world):
    rows = []
    for owner in ("ada", "bob", "ada"):
        rows.append(world.submit(owner))
        world.clock.advance(1)
    position = world.store.read.queue_position

    assert [position(row) for row in rows] == [1, 2, 3]
    claim = world.claim(rows[0].id)
    assert position(world.row(rows[0].id)) is None
    assert [position(row) for row in rows[1:]] == [1, 2]
    world.jobs.give_back(claim.job_id, lease_owner="w1")  # it keeps its place among ada's; she has had a turn
    assert [position(world.row(row.id)) for row in rows] == [2, 1, 3]


def test_a_job_that_is_queued_again_has_waited_since_then(world):
    claim = world.running()
    world.clock.advance(1000)
    world.jobs.give_back(claim.job_id, lease_owner="w1")
    world.clock.advance(4)
    world.jobs.submit("bob", "backtest", {"seed": -1}, queue="batch")
    world.clock.advance(3)
    assert world.store.read.oldest_wait() == {"interactive": pytest.approx(7), "batch": pytest.approx(3)}


def test_positions_of_one_moment_are_all_different(world):
    rows = [world.submit() for _ in range(4)]

    assert sorted(world.store.read.queue_position(row) for row in rows) == [1, 2, 3, 4]


def test_counts_and_waits_say_what_is_there(world):
    world.submit()
    world.clock.advance(5)
    world.submit()
    world.succeeded()

    assert world.store.read.counts() == {("interactive", "queued"): 2}
    assert world.store.read.oldest_wait() == {"interactive": pytest.approx(5)}


def test_the_latest_success_of_a_strategy(world):
    world.succeeded(strategy_id="s", seed=1)
    world.clock.advance(1)
    newest = world.succeeded(strategy_id="s", seed=2)
    world.clock.advance(1)
    world.submit(strategy_id="s", seed=3)

    assert world.store.read.latest_succeeded("ada", "s").id == newest.id
    assert world.store.read.latest_succeeded("ada", "other") is None
    assert world.store.read.latest_succeeded("bob", "s") is None


def test_a_result_is_stored_as_it_was_given(world):
    row = world.succeeded()

    stored = world.jobs.result(row.id, "ada")
    assert stored.result == world.output.result
    assert stored.result_hash == world.output.result_hash
    assert world.store.read.artifact(row.id, "trades") == b"PAR2"
    assert world.store.read.artifact(row.id, "nothing") is None
    assert row.compute_ms == 12.5


@pytest.mark.parametrize(
    ("end", "code"),
    [("queued", "not_ready"), ("running", "not_ready"), ("fail", "job_failed"), ("cancel", "job_cancelled")],
)
def test_a_missing_result_says_why(world, end, code):
    job_id = world.submit().id
    if end in ("running", "fail"):
        claim = world.claim(job_id)
    if end == "fail":
        world.jobs.fail(claim, world.error)
    if end == "cancel":
        world.jobs.cancel(job_id, "ada")

    with pytest.raises(NotReady) as reason:
        world.jobs.result(job_id, "ada")
    assert reason.value.code == code
    assert reason.value.detail()["job_status"] == world.row(job_id).status


def test_nobody_sees_or_changes_what_belongs_to_another(world):
    waiting, done = world.submit(), world.succeeded(strategy_id="s")
    failed = world.running()
    world.jobs.fail(failed, world.error)
    everything = [waiting.id, done.id, failed.job_id]
    before = [world.row(job_id) for job_id in everything]
    told = world.store.events.head("jobs:ada")

    for job_id in everything:
        for ask in (world.jobs.get, world.jobs.cancel, world.jobs.retry, world.jobs.delete, world.jobs.result):
            with pytest.raises(Unknown):
                ask(job_id, "bob")
    assert world.jobs.page("bob", JobFilter(), limit=9, before=None) == ([], False)
    assert not world.jobs.submit("bob", "backtest", {"strategy_id": "s"})[1]
    assert [world.row(job_id) for job_id in everything] == before
    assert world.store.events.head("jobs:ada") == told
