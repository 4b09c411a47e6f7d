"""Series and curves over HTTP, as they were known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import curves

SERIES = "/api/v1/macro/series"
CURVES = "/api/v1/macro/curves"


def get(web: Any, path: str) -> Any:
    reply = web.get(path)
    assert reply.status_code == 200, reply.text
    return reply.get_json()


def observations(web: Any, key: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(web, f"{SERIES}/{key}?dataset=macro_synthetic&{query}")["observations"]
    return found


def test_every_series_of_the_catalog_is_listed_with_unit_origin_and_quality(web: Any) -> None:
    items = {(item["dataset_id"], item["key"]): item for item in get(web, SERIES)["series"]}
    selic = items["macro_synthetic", "SELIC_TARGET"]
    assert (selic["unit"], selic["frequency"], selic["quality"]) == ("percent", "daily", "synthetic")
    assert (selic["first"], selic["last"], selic["revised"]) == ("2010-01-04", "2024-12-31", False)
    assert "seed" in selic["source"]
    assert items["macro_synthetic", "IBC_BR"]["revised"]
    assert items["ust_par_daily", "UST10Y"]["quality"] == "real"
    only = get(web, f"{SERIES}?dataset=us_core_cpi_monthly")["series"]
    assert [item["key"] for item in only] == ["US_CORE_CPI"]
    assert get(web, selic["links"]["self"])["key"] == "SELIC_TARGET"


def test_a_series_is_read_as_it_was_known_on_a_day(web: Any) -> None:
    march = observations(web, "IPCA_MOM", "as_of=2015-04-08&start=2015-01-01")
    april = observations(web, "IPCA_MOM", "as_of=2015-04-09&start=2015-01-01")
    assert [item["observed"][:7] for item in march] == ["2015-01", "2015-02"]
    assert [item["observed"][:7] for item in april] == ["2015-01", "2015-02", "2015-03"]
    assert april[:2] == march
    assert april[-1]["available"] == "2015-04-09T12:00:00Z"


def test_a_day_means_the_time_of_its_decision_and_a_moment_means_itself(web: Any) -> None:
    """The VIX of a day is published after the session's close at 20:00."""
    last = {
        as_of: observations(web, "VIX", f"as_of={as_of}&start=2015-04-06")[-1]["observed"][:10]
        for as_of in ("2015-04-09", "2015-04-09T21:14:59Z", "2015-04-09T21:15:00Z", "2015-04-10")
    }
    assert list(last.values()) == ["2015-04-08", "2015-04-08", "2015-04-09", "2015-04-09"]


def test_a_revised_value_is_the_newest_one_that_was_known_and_its_vintages_are_all(web: Any) -> None:
    month = "start=2015-03-01&end=2015-03-31"
    vintages = observations(web, "IBC_BR", f"{month}&vintages=true")
    assert len(vintages) == 3
    assert [item["available"] for item in vintages] == sorted(item["available"] for item in vintages)
    for known, vintage in enumerate(vintages):
        as_of = vintage["available"]
        assert observations(web, "IBC_BR", f"{month}&as_of={as_of}") == [vintage]
        assert observations(web, "IBC_BR", f"{month}&as_of={as_of}&vintages=true") == vintages[: known + 1]
    assert observations(web, "IBC_BR", f"{month}&as_of=2015-03-31") == []


def test_pages_of_a_series_join_to_the_whole(web: Any) -> None:
    address = f"{SERIES}/USDBRL?dataset=macro_synthetic&start=2020-01-01&end=2020-12-31"
    whole, pages, cursor = get(web, address)["observations"], [], ""
    while cursor is not None:
        page = get(web, f"{address}&limit=100" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["observations"]) <= 100
        pages += page["observations"]
        cursor = page["next"]
    assert pages == whole
    assert len(whole) > 240


def test_a_monthly_index_is_known_only_when_its_rule_says_that_it_was_published(web: Any) -> None:
    """The month is the reference month; publication is about two weeks into the next one."""
    address = f"{SERIES}/US_CORE_CPI?start=2018-01-01"
    early, late = (get(web, f"{address}&as_of={day}")["observations"] for day in ("2018-03-14", "2018-03-15"))
    assert [item["observed"][:10] for item in early] == ["2018-01-01"]
    assert [item["observed"][:10] for item in late] == ["2018-01-01", "2018-02-01"]


def test_a_curve_has_the_yields_of_its_day_and_what_rolling_down_it_earns(web: Any) -> None:
    found = get(web, f"{CURVES}/DI?date=2016-06-15")
    assert [point["tenor"] for point in found["points"]] == ["1M", "3M", "6M", "1Y", "2Y", "3Y", "5Y", "10Y"]
    assert (found["unit"], found["quality"], found["as_of"]) == ("percent", "synthetic", "2016-06-15T20:00:00Z")
    said = observations(web, "DI_2Y", "start=2016-06-15&end=2016-06-15")[0]
    two = next(point for point in found["points"] if point["tenor"] == "2Y")
    assert (two["yield"], two["observed"]) == (said["value"], said["observed"])
    tenors = np.array([point["years"] for point in found["points"]])
    yields = np.array([point["yield"] for point in found["points"]])
    assert two["roll_down"] == pytest.approx(float(curves.roll_down(tenors, yields, 2.0, 21)), rel=1e-12)
    assert get(web, f"{CURVES}/UST")["as_of"].startswith("2024-12-31")
    assert len(get(web, f"{CURVES}/NTNB?date=2016-06-15")["points"]) == 3


def test_a_curve_of_a_day_without_a_session_is_that_of_the_last_one(web: Any) -> None:
    sunday, friday = (get(web, f"{CURVES}/DI?date={day}") for day in ("2016-06-19", "2016-06-17"))
    assert sunday["points"] == friday["points"]


@pytest.mark.parametrize(
    ("path", "status", "code", "pointer", "nearest"),
    [
        (f"{SERIES}/SELIC_TARGT", 404, "unknown_series", None, "SELIC_TARGET"),
        (f"{SERIES}/SELIC_TARGET?dataset=macro_sinthetic", 422, "unknown_dataset", "/dataset", "macro_synthetic"),
        (f"{SERIES}/SELIC_TARGET?dataset=fx_daily", 404, "unknown_series", None, None),
        (f"{SERIES}/SELIC_TARGET?as_of=yesterday", 422, "invalid_request", "/as_of", None),
        (f"{SERIES}/SELIC_TARGET?as_of=2015-02-30", 422, "invalid_request", "/as_of", None),
        (f"{SERIES}/SELIC_TARGET?asof=2015-02-03", 422, "invalid_request", "/asof", "as_of"),
        (f"{SERIES}/SELIC_TARGET?cursor=x", 422, "invalid_cursor", "/cursor", None),
        (f"{SERIES}/SELIC_TARGET?limit=9999", 422, "invalid_request", "/limit", None),
        (f"{CURVES}/D1", 404, "unknown_curve", None, "DI"),
        (f"{CURVES}/DI?date=1999-01-01", 422, "no_data_in_range", "/date", None),
        (f"{CURVES}/DI?date=0001-01-01", 422, "no_data_in_range", "/date", None),
        (f"{CURVES}/DI?date=9999-01-01", 422, "no_data_in_range", "/date", None),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    web: Any, path: str, status: int, code: str, pointer: str | None, nearest: str | None
) -> None:
    reply = web.get(path)
    told = reply.get_json()
    assert (reply.status_code, told["code"], told.get("pointer")) == (status, code, pointer), told
    if nearest:
        assert told["nearest"] == nearest


def test_a_series_before_all_times_has_no_values_and_after_them_all(web: Any) -> None:
    assert observations(web, "IPCA_MOM", "as_of=0001-01-01") == []
    assert observations(web, "IPCA_MOM", "as_of=9999-12-31") == observations(web, "IPCA_MOM")


def test_a_series_that_several_datasets_have_asks_which_one(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = web.services.catalog
    twice = [*catalog.datasets(), catalog.get("us_core_cpi_monthly")]
    monkeypatch.setattr(catalog, "datasets", lambda: twice)
    told = web.get(f"{SERIES}/US_CORE_CPI").get_json()
    assert (told["code"], told["pointer"]) == ("ambiguous_series", "/dataset")
    assert "?dataset=us_core_cpi_monthly" in told["detail"]


def test_a_thinned_series_keeps_its_ends_and_its_extremes(web: Any) -> None:
    whole = observations(web, "USDBRL", "limit=5000")
    thinned = observations(web, "USDBRL", "points=50")
    assert len(thinned) <= 50
    assert (thinned[0], thinned[-1]) == (whole[0], whole[-1])
    for extreme in (min, max):
        assert extreme(whole, key=lambda item: item["value"]) in thinned
    assert observations(web, "IPCA_MOM", "points=20000") == observations(web, "IPCA_MOM", "limit=5000")


def test_curves_are_listed_with_their_tenors_and_days(web: Any) -> None:
    items = {item["curve"]: item for item in get(web, CURVES)["curves"]}
    assert sorted(items) == ["CUPOM", "DI", "NTNB", "UST"]
    di = items["DI"]
    assert di["tenors"] == ["1M", "3M", "6M", "1Y", "2Y", "3Y", "5Y", "10Y"]
    assert (di["dataset_id"], di["quality"], di["last"]) == ("macro_synthetic", "synthetic", "2024-12-31")
    assert get(web, f"{di['links']['self']}&date={di['first']}")["curve"] == "DI"
    assert get(web, f"{CURVES}?dataset=fx_daily")["curves"] == []
