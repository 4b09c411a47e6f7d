"""A step of the paper book: what the stored signals decided, filled and marked at the bars that have come since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import paper
from app.canonical import digest
from app.events import iso
from app.jobs import Claim
from app.store.paper import Step
from app.wiring import Services
from engine.bars import Bars, Floats, Times
from engine.config import Config
from engine.errors import RunFailed
from engine.figures import Report
from engine.intake import FIELDS
from engine.panel import QUALITIES
from engine.paper.state import Leg, State
from engine.paper.stepping import Feed, Wishes, step
from engine.portfolio.joining import fitted
from workers.measuring import Past, measure
from workers.packing import Made
from workers.telling import Told

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Source:
    """A dataset of the book: its bars after the last one that was taken, and when each of them counts.

    A daily bar counts at the end of its UTC date, an intraday one at its time.
    """

    name: str
    version: str
    quality: str
    bars: Bars
    rows: NDArray[np.intp]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Voice:
    """What a sleeve said: at bars of its dataset (seconds, [K]) the weights of its symbols [K, M]."""

    sleeve: str
    dataset: str
    share: float
    symbols: tuple[str, ...]
    at: Floats
    weights: Floats
    quality: str


def run_book(claim: Claim, services: Services, report: Report) -> Made:
    """The step that a request names, as the transaction that finishes the job stores it. The document counts it.

    Raises RunFailed: `book_moved` where the book stands elsewhere by now, `no_bars`.
    """
    request, row = claim.request, services.store.book.state()
    _require_same(request, 0 if row is None else row.number)
    report(0, 1, "load")
    book = paper.standing(services.store, request["book_version"])
    state = State.opening(book.capital) if row is None else State.of(row.state)
    voices = [_voice(services, item, request["since"][item["dataset_id"]], book.config) for item in request["sleeves"]]
    names = _symbols(state, voices)
    sources = list(_sources(services, request, names))
    if not sources:
        raise RunFailed("No dataset of the book has bars of what its strategies trade.", code="no_bars")
    config = fitted(book.config, [source.bars for source in sources])
    feed = _feed(sources, names)
    report(0, 1, "simulate")
    told: dict[str, Any] = {"bars": len(feed.time), "fills": 0}
    left = None
    if len(feed.time):
        wishes = _wishes(state, voices, sources, feed, request["since"])
        after, marks = step(state, feed, wishes, config, book.breaker)
        left = _left(request, book.capital, sources, Told(after, marks, wishes, _qualities(names, voices, sources)))
        told |= {"fills": len(left.fills), "equity": marks[-1].equity, "time": iso(left.marks[-1]["bar_at"])}
    elif row is not None and (seen := _seen(request, names, sources)) != row.seen:  # it says where new data begin
        left = Step(request["after"], book.capital, row.state, seen, marks=[], fills=[], events=[])
    provenance = {
        "engine_version": request["engine_version"],
        "datasets": [f"{name}@{version}" for name, version in request["datasets"].items()],
        "request_hash": claim.request_hash,
        "result_hash": digest({"marks": left.marks, "fills": left.fills, "state": left.state} if left else told),
    }
    return Made({"request": dict(request), "provenance": provenance, "book": told}, {}, book=left)


def _require_same(request: Mapping[str, Any], number: int) -> None:
    if request["after"] != number:
        text = f"The book stands at mark {number}; this step follows mark {request['after']}."
        raise RunFailed(text, code="book_moved", given=request["after"], allowed=[number])


def _voice(services: Services, item: Mapping[str, Any], since: float, config: Config) -> Voice:
    """The standing word at a time and the later ones, within the limits of the book, as parts of its equity."""
    rows = services.store.signals.since((item["strategy_id"], item["dataset_id"]), since)
    legs = {row.symbol: row.leg for row in rows}
    symbols = tuple(sorted(legs, key=lambda name: (legs[name], name)))
    at = np.unique([row.at for row in rows])
    weights = np.zeros((len(at), len(symbols)))
    for row in rows:
        weights[at.searchsorted(row.at), symbols.index(row.symbol)] = row.weight
    if not config.allow_short:
        weights = np.maximum(weights, 0.0)
    gross = np.abs(weights).sum(axis=1, keepdims=True)
    scale = np.divide(config.max_leverage, gross, out=np.ones(gross.shape), where=gross > config.max_leverage)
    return Voice(
        sleeve=item["strategy_id"],
        dataset=item["dataset_id"],
        share=item["share"],
        symbols=symbols,
        at=at,
        weights=item["share"] * (weights * scale),
        quality=max((row.quality for row in rows), key=QUALITIES.index),
    )


def _symbols(state: State, voices: Sequence[Voice]) -> tuple[str, ...]:
    """The symbols of the book: those that are held or wanted, the known ones in their order, then the new ones."""
    wanted = [f"{voice.dataset}:{symbol}" for voice in voices for symbol in voice.symbols]
    kept = {*state.held[0], *wanted}
    return tuple(dict.fromkeys([name for name in state.symbols if name in kept] + wanted))


def _sources(services: Services, request: Mapping[str, Any], names: Sequence[str]) -> Iterator[Source]:
    for name, version in request["datasets"].items():
        dataset = services.catalog.get(f"{name}@{version}")
        own = [key.partition(":")[2] for key in names if key.partition(":")[0] == name]
        own = [symbol for symbol in own if symbol in dataset.all_bars.symbols]  # another version may know fewer
        if not own:
            continue
        bars = dataset.all_bars.select(own)
        last = max((item["newest"] for item in request["sleeves"] if item["dataset_id"] == name), default=np.inf)
        seconds = _seconds(bars.time)
        rows = np.flatnonzero((seconds > request["since"][name]) & (seconds <= last))
        daily = bool((bars.sessions[1:] != bars.sessions[:-1]).all())
        counts = (bars.sessions + _DAY).astype("datetime64[ns]") if daily else bars.time
        yield Source(name, version, dataset.quality, bars, rows, counts.astype(np.int64)[rows])


def _feed(sources: Sequence[Source], names: tuple[str, ...]) -> Feed:
    """The new bars of all datasets, one for each moment at which some count, at the latest of their times."""
    moments = np.unique(np.concatenate([source.counts for source in sources]))
    time = np.zeros(len(moments), dtype="datetime64[ns]")
    values = [np.full((len(moments), len(names)), np.nan) for _ in FIELDS]
    keys: dict[str, str | None] = {}
    for source in sources:
        at = moments.searchsorted(source.counts)
        time[at] = np.maximum(time[at], source.bars.time[source.rows])
        columns = np.array([names.index(f"{source.name}:{symbol}") for symbol in source.bars.symbols])
        for field, name in enumerate(FIELDS):
            values[field][np.ix_(at, columns)] = getattr(source.bars, name)[source.rows]
        keys |= {f"{source.name}:{s}": key for s, key in zip(source.bars.symbols, source.bars.cost_keys, strict=True)}
    return Feed(time, names, values, tuple(keys.get(name) for name in names))


def _wishes(
    state: State, voices: Sequence[Voice], sources: Sequence[Source], feed: Feed, since: Mapping[str, float]
) -> Wishes:
    """What each leg wants at each bar of the feed: the last word of its sleeve by then; nothing without one."""
    words: dict[Leg, Floats] = {}
    for voice in voices:
        now = _clock(voice.dataset, sources, feed, since[voice.dataset])
        last = voice.at.searchsorted(now, side="right") - 1
        said = np.where(last[:, None] >= 0, voice.weights[np.maximum(last, 0)], 0.0)
        words |= {(voice.sleeve, f"{voice.dataset}:{name}"): said[:, m] for m, name in enumerate(voice.symbols)}
    nothing = np.zeros(len(feed.time))
    words |= {leg: nothing for leg in state.held[1] if leg not in words}
    sleeves = tuple(dict.fromkeys([voice.sleeve for voice in voices] + [sleeve for sleeve, _ in words]))
    legs = tuple((sleeve, name) for name in feed.symbols for sleeve in sleeves if (sleeve, name) in words)
    given = {voice.sleeve: voice.share for voice in voices}
    shares = np.array([given.get(sleeve, 0.0) for sleeve in sleeves])
    if not shares.any():  # what cash earns is somebody's all the same
        shares[:] = 1.0
    return Wishes(legs, np.column_stack([words[leg] for leg in legs]), sleeves, shares)


def _clock(dataset: str, sources: Sequence[Source], feed: Feed, since: float) -> Floats:
    """The last bar of a dataset that had come by each bar of the feed, in seconds."""
    now = np.full(len(feed.time), since)
    moments = np.unique(np.concatenate([source.counts for source in sources]))
    for source in sources:
        if source.name == dataset:
            now[moments.searchsorted(source.counts)] = _seconds(source.bars.time[source.rows])
    return np.maximum.accumulate(now)


def _qualities(names: Sequence[str], voices: Sequence[Voice], sources: Sequence[Source]) -> dict[str, str]:
    """Of each symbol the worst of what it was decided from, and of its own dataset."""
    found = dict.fromkeys(names, QUALITIES[0])
    told = [(f"{source.name}:{symbol}", source.quality) for source in sources for symbol in source.bars.symbols]
    told += [(f"{voice.dataset}:{symbol}", voice.quality) for voice in voices for symbol in voice.symbols]
    for name, quality in told:
        found[name] = max(found[name], quality, key=QUALITIES.index)
    return found


def _seen(request: Mapping[str, Any], names: Sequence[str], sources: Sequence[Source]) -> dict[str, float]:
    """The last bar that was taken of each dataset that the book follows.

    What it neither holds nor wants by now it does not follow: who comes back to it begins at the present.
    """
    followed = {name.partition(":")[0] for name in names}
    seen = {name: at for name, at in request["since"].items() if name in followed}
    for source in sources:
        if len(source.rows):
            seen[source.name] = float(_seconds(source.bars.time[source.rows])[-1])
    return seen


def _left(request: Mapping[str, Any], capital: float, sources: Sequence[Source], told: Told) -> Step:
    seen = _seen(request, told.after.symbols, sources)
    read = {"book_version": request["book_version"], "datasets": request["datasets"]}
    marks = [told.mark(at) | read for at in range(len(told.marks))]
    return Step(
        after=request["after"],
        capital=capital,
        state=told.after.as_dict(),
        seen=seen,
        marks=marks,
        fills=told.fills(),
        events=told.events(first=request["after"] == 0),
        risk=measure(told.after, _pasts(sources, seen)),
    )


def _pasts(sources: Sequence[Source], seen: Mapping[str, float]) -> Iterator[Past]:
    """What the book has taken of each dataset: no bar after that is in it."""
    for source in sources:
        if count := int(_seconds(source.bars.time).searchsorted(seen[source.name], side="right")):
            yield Past(source.name, source.bars.between(0, count))


def _seconds(times: Times) -> Floats:
    """Seconds since 1970, as signals have them."""
    return times.astype(np.int64) / 1e9
