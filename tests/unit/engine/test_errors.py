"""Errors: what a client may see of them."""

from __future__ import annotations

from engine.errors import BadData, InvalidParameter, UnknownName


def test_an_error_shows_its_code_and_sentence_and_only_what_was_said_beside_them():
    assert BadData("No price.").detail() == {"code": "bad_data", "message": "No price."}
    refused = InvalidParameter("Too large.", pointer="/params/fast", given=900, allowed={"maximum": 200})
    assert refused.detail() == {
        "code": "invalid_parameter",
        "message": "Too large.",
        "pointer": "/params/fast",
        "given": 900,
        "allowed": {"maximum": 200},
    }


def test_a_name_that_looks_like_none_has_no_nearest_one():
    refused = UnknownName.of("strategy", "qqqq", ["sma_cross"])
    assert "nearest" not in refused.detail()
    assert refused.detail()["allowed"] == ["sma_cross"]
    assert UnknownName.of("strategy", "SMA_CRSS", ["sma_cross"]).detail()["nearest"] == "sma_cross"


def test_of_two_letters_one_may_be_wrong_of_more_a_few():
    near = {name: UnknownName.of("metric", name, ["turnover", "DI"]).nearest for name in ("nope", "turnovr", "D1")}
    assert near == {"nope": None, "turnovr": "turnover", "D1": "DI"}
