"""Bayesian sweeps: rounds of trials, each of which is chosen by what those before it have made.

The points of a round are asked for by whoever holds the job, and go with its chunks: a worker that does one needs no
sampler. A round depends on the seed and on the rounds before it alone, so a retry asks for the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from app.store import Chunk
from engine.figures import METRICS
from engine.sweep.asked import Asked, Point, keeps_to_rule
from engine.sweep.search import MOST_DRAWS
from workers.dividing import Piece
from workers.proposing import FORBIDDEN, Past, propose
from workers.ranking import Ranking
from workers.sweeping import SweepWork


@dataclass(frozen=True)
class SearchWork(SweepWork):
    """The trials of a resolved Bayesian sweep, as far as they are known; `made` of them keep to the rule."""

    search: Asked
    made: int = 0

    @property
    def ahead(self) -> int:
        return 0 if self._ended else int(self._asked["trials"]) - self.made

    def points(self, first: int, stop: int) -> list[list[float]]:
        return [list(self.search.points[number]) for number in range(first, stop)]

    def knowing(self, chunk: Chunk) -> SearchWork:
        points = zip(range(chunk.first, chunk.stop), _points(chunk), strict=True)
        return replace(self, search=self.search.knowing(dict(points)))

    def after(self, done: list[Piece]) -> tuple[SearchWork, list[Piece]]:
        """The work with one round more, where it has not ended. A piece that is not of these rounds is left out."""
        points, found = self._begun(done)
        made = found["trial"].unique().to_numpy() if found is not None else np.empty(0, dtype=np.int64)
        size, trials = self._asked["round"], self._asked["trials"]
        # The rounds that have ended: each has so many trials, but for the last one.
        ended = len(made) if len(made) == trials else len(made) // size * size
        known = points[: made[ended - 1] + 1] if ended else []
        more = propose(
            self.search.space,
            self._past(known, found),
            seed=self.request["seed"],
            wanted=min(size, trials - ended),
            most=self._most - len(known),
        )
        points = known + more
        kept = sum(keeps_to_rule(self.search.space, point) for point in more)
        work = replace(self, search=self.search.knowing(dict(enumerate(points))), made=ended + kept)
        return work, [piece for piece in done if points[piece.chunk.first : piece.chunk.stop] == _points(piece.chunk)]

    @property
    def _most(self) -> int:
        return MOST_DRAWS * int(self._asked["trials"])

    @property
    def _ended(self) -> bool:
        """Whether there is no other round."""
        return self.made == self._asked["trials"] or self.units in (self.search.space.size, self._most)

    def _begun(self, done: list[Piece]) -> tuple[list[Point], pa.Table | None]:
        """The points from the first one on that are done, and their rows."""
        points: list[Point] = []
        tables = []
        for piece in sorted(done, key=lambda piece: piece.chunk.first):
            if piece.chunk.first != len(points):
                break
            points += _points(piece.chunk)
            tables.append(piece.table)
        return points, pa.concat_tables(tables) if tables else None

    def _past(self, points: list[Point], found: pa.Table | None) -> list[Past]:
        """What the points gave. A trial is worth what its best row is; one without rows breaks the rule."""
        past = [Past(point, 0.0, FORBIDDEN) for point in points]
        if found is None:
            return past
        ranking = Ranking(found, self._asked)
        worth = ranking.figure(ranking.objective) * (1.0 if METRICS[ranking.objective].better == "higher" else -1.0)
        # A run that failed, or has no objective, tells as much as one that must not be.
        missing = ranking.violation + np.where(np.isnan(worth), np.inf, 0.0)
        violation, worth = np.minimum(missing, FORBIDDEN), np.nan_to_num(worth)
        numbers = found["trial"].to_numpy()
        order = np.lexsort((-worth, violation, numbers))
        best = order[np.unique(numbers[order], return_index=True)[1]]
        for row in best[numbers[best] < len(points)].tolist():
            past[numbers[row]] = Past(points[numbers[row]], float(worth[row]), float(violation[row]))
        return past


def _points(chunk: Chunk) -> list[Point]:
    return [tuple(point) for point in chunk.points or ()]
