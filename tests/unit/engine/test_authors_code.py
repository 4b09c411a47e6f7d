"""What the author of a strategy wrote may raise, and give back, anything: it becomes a refusal or a failed run."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Bars, strategy
from engine.errors import InvalidInput, InvalidParameter, RunFailed
from engine.strategy import Decision

BARS = Bars.from_closes(np.arange("2024-01-01", "2024-01-21", dtype="datetime64[D]"), np.arange(1.0, 21.0), ("A",))


def refuse():
    raise InvalidInput("No.", code="mine")


def made(answer=None, **more):
    def mine(bars):
        """Do as told."""
        return answer() if callable(answer) else answer

    return strategy(family="test", source="none", **more)(mine)


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"check": lambda: 1 // 0}, "strategy_error", "The check of mine raised ZeroDivisionError"),
        ({"check": lambda: exit(3)}, "strategy_error", "The check of mine raised SystemExit"),
        ({"check": lambda: True}, "invalid_parameter", "True"),
        ({"check": refuse}, "mine", "No."),
        ({"lookback": lambda: None}, "strategy_error", "The lookback of mine raised TypeError"),
    ],
)
def test_a_check_or_lookback_that_raises_refuses_the_parameters(more, code, message):
    with pytest.raises(InvalidInput) as refused:
        made(**more).lookback()
    assert refused.value.code == code
    assert refused.value.message.startswith(message)
    assert (refused.value.pointer == "/params") is isinstance(refused.value, InvalidParameter)


def test_a_negative_lookback_is_none():
    assert made(lookback=lambda: -5).lookback() == 0


ONES = np.ones((20, 1))


@pytest.mark.parametrize(
    "answer",
    [
        Decision(ONES, score=np.full(20, "x")),
        Decision(ONES, conviction=np.full((20, 1), 1j)),
        Decision(ONES, raw=np.ones(19)),
        Decision(ONES, reasons=["So."]),
        Decision(ONES, reasons={3: np.ones(20, dtype=bool)}),
        Decision(ONES, reasons={"So\0.": np.ones(20, dtype=bool)}),
        Decision(ONES, reasons={"So.": np.ones(1, dtype=bool)}),
    ],
)
def test_a_decision_that_is_not_made_of_numbers_and_sentences_fails(answer):
    with pytest.raises(RunFailed) as failed:
        made(answer).bind().decide(BARS)
    assert failed.value.code == "bad_weights"


def test_a_strategy_that_ends_the_process_fails_alone():
    with pytest.raises(RunFailed, match="SystemExit: 3") as failed:
        made(lambda: exit(3)).bind()(BARS)
    assert failed.value.code == "strategy_error"


def test_weights_do_not_change_when_the_strategy_writes_over_its_own():
    own = np.ones((20, 1))
    weights = made(own).bind()(BARS)
    own[:] = 0.0
    assert weights.all()
