"""What each public source of series says, and since when it was known. The shapes are those of their documentation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.errors import SourceFailed
from app.sources.macro import LISTINGS, NOT_FREE, lagged
from app.sources.tesouro import extended, point

from .conftest import Answer


def days(series, name):
    return [str(day)[:10] for day in getattr(series, name)]


def table(series):
    return list(zip(days(series, "observed"), days(series, "available"), series.value.round(6).tolist(), strict=True))


def sheet(text):
    return Answer(text, kind="text/csv")


def test_fred_without_a_key_gives_what_stands_now_with_an_assumed_lag(outside, fetch):
    outside.says(sheet("observation_date,DFF\n2024-01-05,5.33\n2024-01-06,\n2024-01-08,.\n2024-01-09,5.32\n"))

    found = fetch("fred", "FED_FUNDS", start="2024-01-05", end="2024-01-09")
    (series,) = found.series

    assert outside.asked == [("/graph/fredgraph.csv", {"id": "DFF", "cosd": "2024-01-05", "coed": "2024-01-09"})]
    assert table(series) == [("2024-01-05", "2024-01-08", 5.33), ("2024-01-09", "2024-01-10", 5.32)]
    assert (series.unit, series.quality, series.stale_days) == ("percent", "real", 7)
    assert found.about["FED_FUNDS"]["note"] == "availability: assumed lag of 1 days"


def test_inflation_is_the_change_over_a_year_and_belongs_to_the_end_of_its_month(outside, fetch):
    outside.says(sheet("observation_date,CPIAUCSL\n2023-01-01,300\n2023-03-01,303\n2024-01-01,309\n2024-02-01,310\n"))

    (series,) = fetch("fred", "US_CPI_YOY").series

    assert table(series) == [("2024-01-31", "2024-02-20", 3.0)]
    assert outside.asked[0][1]["cosd"] == "2022-12-31"  # the first year has nothing to be compared with


def test_vintages_of_inflation_tell_what_was_known_when(outside, fetch):
    def row(day, since, value):
        return {"realtime_start": since, "realtime_end": "9999-12-31", "date": day, "value": value}

    rows = [
        row("2023-01-01", "2023-02-14", "300"),
        row("2023-01-01", "2024-02-09", "301"),  # last year's index is revised before this year's comes
        row("2024-01-01", "2024-02-13", "309"),
        row("2024-01-01", "2025-02-07", "310"),
        row("2024-02-01", "2024-03-12", "."),
    ]
    outside.says(Answer(json.dumps({"observations": rows, "count": 5})))

    found = fetch("fred", "US_CPI_YOY", keys={"fred": "k"})
    (series,) = found.series

    path, query = outside.asked[0]
    assert (path, query["series_id"], query["realtime_start"]) == (
        "/fred/series/observations",
        "CPIAUCSL",
        "1776-07-04",
    )
    assert table(series) == [
        ("2024-01-31", "2024-02-14", round(100 * (309 / 301 - 1), 6)),
        ("2024-01-31", "2025-02-08", round(100 * (310 / 301 - 1), 6)),
    ]
    assert "ALFRED" in found.about["US_CPI_YOY"]["note"]


def test_a_series_that_is_never_revised_is_read_without_vintages_even_with_a_key(outside, fetch):
    outside.says(sheet("observation_date,VIXCLS\n2024-01-05,13.35\n"))

    fetch("fred", "VIX", keys={"fred": "k"})

    assert outside.asked[0][0] == "/graph/fredgraph.csv"


def test_a_series_that_is_not_in_the_table_says_its_unit_and_lag_itself(outside, fetch):
    outside.says(sheet("observation_date,UNRATE\n2024-01-01,3.7\n"))

    (series,) = fetch("fred", "UNRATE", unit="percent", frequency="monthly", lag_days=10).series

    assert (series.key, series.unit, table(series)) == ("UNRATE", "percent", [("2024-01-31", "2024-02-12", 3.7)])


@pytest.mark.parametrize(
    ("frequency", "observed"),
    [("weekly", "2024-01-01"), ("monthly", "2024-01-31"), ("quarterly", "2024-03-31"), ("yearly", "2024-12-31")],
)
def test_a_value_belongs_to_the_end_of_its_period(outside, fetch, frequency, observed):
    outside.says(sheet("observation_date,X\n2024-01-01,1\n"))

    (series,) = fetch("fred", "X", frequency=frequency).series

    assert days(series, "observed") == [observed]


def test_sgs_is_asked_ten_years_at_a_time_and_an_empty_decade_is_no_error(outside, fetch):
    def route(path, query):
        if query["dataInicial"] == "01/01/2000":
            return Answer('{"error": "Value(s) not found"}', status=404)
        return Answer(json.dumps([{"data": f"{query['dataInicial'][:6]}{query['dataFinal'][6:]}", "valor": "11.75"}]))

    outside.route = route
    (series,) = fetch("bcb_sgs", "SELIC_TARGET", start="2000-01-01", end="2024-06-30").series

    windows = [(query["dataInicial"], query["dataFinal"]) for _, query in outside.asked]
    assert windows == [("01/01/2000", "31/12/2009"), ("01/01/2010", "31/12/2019"), ("01/01/2020", "30/06/2024")]
    assert outside.asked[0][0] == "/dados/serie/bcdata.sgs.432/dados"
    assert table(series) == [("2019-01-01", "2019-01-01", 11.75), ("2024-01-01", "2024-01-01", 11.75)]


def test_sgs_without_any_value_is_an_error_that_names_the_series(outside, fetch):
    outside.says(Answer('{"error": "Value(s) not found"}', status=404))

    with pytest.raises(SourceFailed, match=r"^IPCA_MOM: the source 'bcb_sgs' has no values") as caught:
        fetch("bcb_sgs", "IPCA_MOM")
    assert caught.value.code == "source_refused"


@pytest.mark.parametrize(
    ("key", "day", "value", "expected"),
    [
        ("CDI", "02/01/2024", "0.043739", ("2024-01-02", "2024-01-03", 11.65)),
        ("PRIMARY_GDP", "01/01/2024", "2.25", ("2024-01-31", "2024-03-06", -2.25)),
        ("IPCA15_MOM", "01/03/2024", "0.36", ("2024-03-15", "2024-03-29", 0.36)),
        ("INFLATION_TARGET", "01/01/2024", "3.00", ("2024-01-01", "2024-01-01", 3.0)),
    ],
)
def test_numbers_of_sgs_become_what_strategies_read(outside, fetch, key, day, value, expected):
    outside.says(Answer(json.dumps([{"data": day, "valor": value}])))

    (series,) = fetch("bcb_sgs", key).series

    observed, available, number = table(series)[0]
    assert (observed, available) == expected[:2]
    assert number == pytest.approx(expected[2], abs=0.005)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('[{"date": "02/01/2024", "value": "1"}]', "source_changed"),
        ('{"data": []}', "source_changed"),
        ('[{"data": "2024-01-02", "valor": "1"}]', "source_changed"),
        ('[{"data": "02/01/2024", "valor": "n/d"}]', "source_changed"),
        ("[]", "source_refused"),
    ],
)
def test_an_answer_of_another_shape_is_told_and_not_guessed_at(outside, fetch, body, code):
    outside.says(Answer(body))

    with pytest.raises(SourceFailed, match=r"^IPCA_MOM: ") as caught:
        fetch("bcb_sgs", "IPCA_MOM")
    assert (caught.value.code, len(outside.asked)) == (code, 1)


def focus(*rows):
    return Answer(json.dumps({"@odata.context": "…", "value": list(rows)}))


def survey(day, median, reference=None):
    return {"Data": day, "Mediana": median} | ({"DataReferencia": reference} if reference else {})


def test_expectations_are_known_on_the_monday_after_the_survey(outside, fetch):
    outside.says(focus(survey("2024-01-04", 3.9), survey("2024-01-05", 3.8), survey("2024-01-08", 3.7)))

    (series,) = fetch("bcb_focus", "FOCUS_IPCA_12M").series

    path, query = outside.asked[0]
    assert path.endswith("/ExpectativasMercadoInflacao12Meses")
    assert query["$filter"] == (
        "Indicador eq 'IPCA' and Suavizada eq 'S' and baseCalculo eq 0 "
        "and Data ge '2024-01-01' and Data le '2024-12-31'"
    )
    assert table(series) == [
        ("2024-01-04", "2024-01-08", 3.9),
        ("2024-01-05", "2024-01-08", 3.8),
        ("2024-01-08", "2024-01-15", 3.7),
    ]


def test_expectations_of_a_year_follow_the_calendar(outside, fetch):
    rows = [survey("2023-12-28", 4.5, "2023"), survey("2023-12-28", 3.9, "2024"), survey("2024-01-04", 3.8, "2024")]
    outside.says(focus(*rows, survey("2024-01-04", 3.5, "2025")))

    first, second = fetch("bcb_focus", "FOCUS_IPCA_Y0", "FOCUS_IPCA_Y1", start="2023-01-01").series

    assert first.value.tolist() == [4.5, 3.8]
    assert second.value.tolist() == [3.9, 3.5]


def test_the_path_of_the_policy_rate_is_a_proxy_and_says_so(outside, fetch):
    outside.says(focus(survey("2024-01-04", 9.0, "2024"), survey("2024-01-04", 8.5, "2025")))

    found = fetch("bcb_focus", "FOCUS_SELIC_Y0", "FOCUS_SELIC_Y1")

    assert [(item.value.tolist(), item.quality) for item in found.series] == [([9.0], "proxy"), ([8.75], "proxy")]
    assert "mean of two ends" in found.about["FOCUS_SELIC_Y1"]["note"]


def test_expectations_of_a_month_keep_one_vintage_for_each_moment_they_can_be_seen(outside, fetch):
    outside.says(
        focus(
            survey("2024-01-02", 0.40, "2/2024"),
            survey("2024-01-10", 0.42, "02/2024"),  # known before the month begins: seen when it does
            survey("2024-02-06", 0.50, "2/2024"),
            survey("2024-02-08", 0.55, "2/2024"),  # of the same report as the one before
            survey("2024-02-13", 0.60, "2/2024"),
        )
    )

    (series,) = fetch("bcb_focus", "FOCUS_IPCA_MONTHLY").series

    assert table(series) == [
        ("2024-02-01", "2024-01-15", 0.42),
        ("2024-02-01", "2024-02-12", 0.55),
        ("2024-02-01", "2024-02-19", 0.6),
    ]


def test_a_long_survey_comes_page_by_page(outside, fetch, monkeypatch):
    monkeypatch.setattr("app.sources.bcb_focus._PAGE", 2)
    rows = [survey(f"2024-01-{day:02}", float(day)) for day in (2, 3, 4, 5, 8)]
    outside.route = lambda _, query: focus(*rows[int(query["$skip"]) : int(query["$skip"]) + 2])

    (series,) = fetch("bcb_focus", "FOCUS_IPCA_12M").series

    assert series.value.tolist() == [2, 3, 4, 5, 8]
    assert [query["$skip"] for _, query in outside.asked] == ["0", "2", "4"]


BONDS = """Tipo Titulo;Data Vencimento;Data Base;Taxa Compra Manha;Taxa Venda Manha;PU Compra Manha;PU Venda Manha
Tesouro Prefixado;01/01/2025;02/01/2024;10,00;10,20;900,00;899,00
Tesouro Prefixado;01/01/2027;02/01/2024;10,50;10,70;740,00;739,00
Tesouro Prefixado com Juros Semestrais;01/01/2026;02/01/2024;99,00;99,00;1,00;1,00
Tesouro Prefixado;01/01/2027;03/01/2024;10,50;10,70;740,00;739,00
Tesouro Prefixado;01/01/2027;02/01/2020;6,00;6,10;740,00;739,00
Tesouro IPCA+;15/05/2026;02/01/2024;5,40;5,52;3.150,10;3.140,10
Tesouro IPCA+;15/05/2035;02/01/2024;5,40;5,52;2.150,10;2.140,10
Tesouro IPCA+;15/05/2035;03/01/2024;0,00;0,00;0,00;0,00
"""


def test_the_curve_lies_between_zero_coupon_bonds_and_nowhere_else(outside, fetch):
    outside.says(Answer(BONDS.encode("latin-1"), kind="text/csv"))

    found = fetch("tesouro", "DI_2Y", "NTNB_5Y")
    two, real = found.series

    # Of 3 January there is one bond, which encloses nothing; that of 2020 lies before the first day.
    assert days(two, "observed") == ["2024-01-02"]
    near, far = 365 / 365.25, 1095 / 365.25
    growth = np.interp(2.0, [near, far], [near * np.log(1.101), far * np.log(1.106)])
    assert two.value[0] == pytest.approx(100 * np.expm1(growth / 2), rel=1e-12)
    assert (two.quality, real.quality) == ("proxy", "real")
    assert "bonds of the Treasury" in found.about["DI_2Y"]["note"]
    assert table(real) == [("2024-01-02", "2024-01-03", 5.46)]


def test_a_tenor_beside_the_last_bond_is_that_bond_and_farther_ones_are_unknown():
    curve = [(1.0, 10.0), (3.0, 11.0)]

    assert point(curve, 3.05) == pytest.approx(11.0)
    assert point(curve, 0.95) == pytest.approx(10.0)
    assert np.isnan(point(curve, 3.2))
    assert np.isnan(point(curve, 0.5))
    assert point(curve, 1.0) == pytest.approx(10.0)


def test_a_coupon_bond_draws_the_curve_on_so_that_it_has_its_price():
    """The rate at its end is put in, its own rate made of it by bisection, and found again."""
    years, wanted = 10.25, 12.0
    times = np.arange(years, 0, -0.5)
    growth = np.interp(times, [0, 1, 3, years], [0, np.log(1.10), 3 * np.log(1.11), years * np.log(1 + wanted / 100)])
    paid = np.where(times == years, 1.0, 0.0) + 1.1**0.5 - 1
    price = (paid * np.exp(-growth)).sum()
    low, high = 0.0, 50.0
    for _ in range(80):
        rate = (low + high) / 2
        low, high = (rate, high) if (paid * (1 + rate / 100) ** -times).sum() > price else (low, rate)

    curve = extended([(1.0, 10.0), (3.0, 11.0)], [(years, rate), (2.0, 99.0)])

    assert curve[:2] == [(1.0, 10.0), (3.0, 11.0)]  # a coupon bond within the zeros changes nothing
    assert curve[2][1] == pytest.approx(wanted, rel=1e-10)
    assert 11.0 < point(curve, 10.0) < 12.0


def test_a_curve_that_no_bond_reaches_is_refused_by_name(outside, fetch):
    outside.says(Answer(BONDS, kind="text/csv"))

    with pytest.raises(SourceFailed, match=r"^NTNB_2Y: the source 'tesouro' has no values"):
        fetch("tesouro", "NTNB_2Y", start="2024-01-03")


def test_what_counts_as_known_on_a_weekend_counts_on_monday():
    days = np.array(["2024-01-04", "2024-01-05", "2024-01-06"], dtype="datetime64[D]")

    assert lagged(days, 1).astype(str).tolist() == ["2024-01-05", "2024-01-08", "2024-01-08"]


def test_the_table_knows_each_series_once_a_source_and_none_that_is_not_free():
    names = [(item.source, item.key) for item in LISTINGS]
    sold = {name for names in NOT_FREE for name in names.replace(",", " ").split()}

    assert len(set(names)) == len(names)
    assert not sold & {item.key for item in LISTINGS}
    assert all(item.lag >= 0 for item in LISTINGS)


def test_progress_counts_series_and_a_cancel_is_seen_between_them(outside, fetch):
    outside.says(sheet("observation_date,DFF,SOFR\n2024-01-05,5.33,5.31\n"))
    told = []

    fetch("fred", "FED_FUNDS", "SOFR", report=lambda *said: told.append(said))

    assert told == [(0, 2, "fetch"), (1, 2, "fetch")]
