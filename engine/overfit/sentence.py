"""What the figures of a search mean, for a reader who knows no statistics."""

from __future__ import annotations

# A deflated (or, of one trial, probabilistic) Sharpe ratio from which luck is an unlikely explanation, and one below
# which there is hardly a sign of anything else.
CONVINCING, FAINT = 0.95, 0.75
# Shares of splits in which the choice was worse than the middle: at most so many where choosing worked, and at least
# so many where it was no better than drawing lots.
WORKED, LOTS = 0.2, 0.5


def verdict(
    *,
    trials: int,
    annual_sharpe: float | None,
    annual_expected_maximum: float | None,
    deflated_sharpe: float | None,
    pbo: float | None,
    missing_bars: int = 0,
) -> str:
    """One or two plain sentences, each with the number that it rests on.

    The first compares the Sharpe ratio of the best trial with what luck alone is expected to find: not above it is
    "no better than luck"; above it, a deflated Sharpe ratio of at least 0.95 is "more than luck explains", at least
    0.75 "some sign", below "hardly a sign". The second says how often a choice by the past held up: a pbo of at most
    0.2 "mostly", below 0.5 "not reliably", from 0.5 on "no better than drawing lots". Without a pbo it says how many
    bars are missing to the minimum track record, if any are. None says that a figure is not defined, and so does the
    sentence.

    Args:
        trials: all that were made, earlier ones included.
        annual_sharpe, annual_expected_maximum: of the best, and of the best of as many worthless ones; a year.
        deflated_sharpe, pbo: between 0 and 1.
        missing_bars: minimum track record less the bars there are.
    """
    if annual_sharpe is None:
        return f"{_made(trials)} The returns do not vary, so there is no Sharpe ratio to judge."
    first = _against_luck(trials, annual_sharpe, annual_expected_maximum, deflated_sharpe)
    second = _held_up(pbo) if pbo is not None else _too_short(missing_bars)
    return f"{_made(trials)} {first}{second}"


def _made(trials: int) -> str:
    return "One trial." if trials == 1 else f"Best of {trials:,} trials."


def _against_luck(trials: int, sharpe: float, expected: float | None, deflated: float | None) -> str:
    if trials == 1:
        if deflated is None:
            return f"Nothing was picked; how sure its Sharpe ratio of {sharpe:.2f} is cannot be said."
        return (
            f"Nothing was picked: its Sharpe ratio is {sharpe:.2f}, and the probability that the true one is above 0 "
            f"is {_percent(deflated)}."
        )
    if expected is None:
        return f"How much of its Sharpe ratio of {sharpe:.2f} is luck cannot be said: too few other trials are known."
    start = (
        f"With that many tries a Sharpe ratio of {expected:.2f} is expected from luck alone; this one is {sharpe:.2f}"
    )
    if sharpe <= expected:
        return f"{start}: no better than luck."
    if deflated is None:
        return f"{start}, but how sure that is cannot be said."
    if deflated >= CONVINCING:
        how = "more than luck explains"
    else:
        how = "some sign of more than luck" if deflated >= FAINT else "hardly a sign of more than luck"
    return f"{start}: {how} (deflated Sharpe ratio {_floored(deflated)}, where {CONVINCING} is convincing)."


def _held_up(pbo: float) -> str:
    how = (
        "choosing by the past mostly worked"
        if pbo <= WORKED
        else "choosing by the past was not reliable"
        if pbo < LOTS
        else "choosing by the past was no better than drawing lots"
    )
    return (
        f" What was best on one half of the time was in the worse half of all trials on the other half in "
        f"{_percent(pbo)} of the splits: {how}."
    )


def _too_short(missing: int) -> str:
    return f" {missing:,} more bars like these are needed before it is convincing." if missing > 0 else ""


def _percent(share: float) -> str:
    """A share in whole percent; never 0 % or 100 % of what is neither."""
    if 0.0 < share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if 0.99 < share < 1.0 else f"{share:.0%}".replace("%", " %")


def _floored(share: float) -> str:
    """Two digits, cut off: 0.949 is not 0.95."""
    return f"{int(share * 100.0) / 100.0:.2f}"
