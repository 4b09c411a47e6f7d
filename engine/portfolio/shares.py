"""Shares through time: row t is decided at the close of bar t, of the returns up to it.

Between two decisions the sleeves' capital drifts apart as it would on accounts of their own. At a decision the new
shares are compared with what became of the old ones: where they differ, the book is brought back to its targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.figures import Report
from engine.intake import Floats, Times, told
from engine.portfolio.allocation import STILL, Sample, estimate
from engine.portfolio.mandate import Mandate
from engine.simulation import period_starts

_YEAR = np.timedelta64(31_557_600, "s")  # 365.25 days
# Shares that differ by less are equal.
_SAME = 1e-12


class Split:
    """One book's way to split.

    Args:
        time: of the bars [T].
        returns: of each sleeve alone at each bar [T, S].
        fixed: the weights that are fixed, or None.
        leverage: most that all shares may sum to.
    """

    def __init__(
        self, time: Times, returns: Floats, mandate: Mandate, fixed: Sequence[float] | None, leverage: float
    ) -> None:
        self.time, self.returns, self.mandate, self.leverage = time, returns, mandate, leverage
        size = returns.shape[1]
        self.given = np.full(size, 1.0 / size) if fixed is None else np.array(fixed)
        self.ready = mandate.lookback if mandate.estimated or mandate.volatility_target is not None else 0
        self.estimates = 0
        self.still = np.zeros(size, dtype=np.int64)
        self.seen: dict[str, int] = {}

    def through_time(self, report: Report | None = None) -> tuple[Floats, NDArray[np.bool_]]:
        """Shares [T, S], and the rows at which they differ from what became of those before [T]."""
        total, sessions = len(self.returns), self.time.astype("datetime64[D]")
        values, due = np.empty(self.returns.shape), np.zeros(total, dtype=np.bool_)
        asked, band = period_starts(sessions, self.mandate.rebalance), self.mandate.drift_band or 0.0
        shares = drifted = self.given
        for t in range(total):
            if report is not None and t % 16 == 0:
                report(t, total, "allocate")
            drifted = _grown(drifted, self.returns[t])
            if asked[t] or t == self.ready or (band and _apart(drifted, shares) > band):
                found = self.at(t)
                if _apart(found, drifted) > _SAME:
                    shares = drifted = found
                    due[t] = True
            values[t] = shares
        return values, due

    def at(self, t: int) -> Floats:
        """The shares that are right at the close of bar t."""
        if t < self.ready or not self.ready:
            return self.given
        window = self.returns[t - self.mandate.lookback + 1 : t + 1]
        self.estimates += 1
        shares = self.given
        if self.mandate.estimated:
            shares, still, notes = estimate(self.mandate.allocation, window, self.mandate.max_weight or 1.0)
            self.still += still
            self._note(notes)
        if self.mandate.volatility_target is None:
            return shares
        return shares * self._scale(shares, window, t)

    def _scale(self, shares: Floats, window: Floats, t: int) -> float:
        """What brings the trailing volatility of these shares to its target, within the leverage."""
        most = self.leverage / float(shares.sum())
        covariance = Sample(window).covariance
        deviation = float(np.sqrt(max(0.0, (np.outer(shares, shares) * covariance).sum())))
        if deviation <= STILL:
            self._note({"calm"})
            return min(1.0, most)
        # As many bars a year as there were up to now: what comes later is not known yet.
        per_year = t / float((self.time[t] - self.time[0]) / _YEAR)
        scale = float(self.mandate.volatility_target or 0.0) / (deviation * float(np.sqrt(per_year)))
        if scale > most:
            self._note({"leverage"})
        return min(scale, most)

    def _note(self, notes: set[str]) -> None:
        for note in notes:
            self.seen[note] = self.seen.get(note, 0) + 1

    def sentences(self, names: Sequence[str]) -> Iterator[str]:
        """What a reader of the shares should know."""
        if self.ready:
            until = f"until {told(self.time[self.ready])}" if self.ready < len(self.time) else "throughout"
            what = "Shares were equal" if self.mandate.estimated else "Shares were not scaled to volatility_target"
            yield f"{what} {until}: fewer than lookback = {self.mandate.lookback} sessions were known."
        for name, count in zip(names, self.still.tolist(), strict=True):
            if count:
                yield f"{name} stood still through the lookback of {self._of(count)}: it kept an equal share."
        sayings = {
            "singular": "The correlations of {} were singular and shrunk by a thousandth towards none.",
            "no_gain": "No shares had a positive mean in {}: those of min_variance stood in.",
            "leverage": "volatility_target was out of reach of max_leverage in {}.",
            "calm": "Nothing moved through the lookback of {}: shares were not scaled to volatility_target.",
        }
        for note, text in sayings.items():
            if note in self.seen:
                yield text.format(self._of(self.seen[note]))

    def _of(self, count: int) -> str:
        return f"{count} of {self.estimates} estimates"


def _grown(shares: Floats, returns: Floats) -> Floats:
    """What becomes of shares of an account, the rest of which is cash, when each earns its return."""
    whole = 1.0 + float((shares * returns).sum())
    return shares * (1.0 + returns) / whole if whole > 0.0 else shares


def _apart(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).max())
