"""Settings: one place, one variable per field, and an error that names the variable."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from app.errors import StartRefused
from app.settings import Settings, env_example

ROOT = Path(__file__).resolve().parents[3]
FIELDS = {item.name: item for item in fields(Settings)}


def sample(default):
    """A text that is not the default, and what it means."""
    if isinstance(default, tuple):
        return " a , b,,", ("a", "b")
    if isinstance(default, Path):
        return "/srv/other", Path("/srv/other")
    if isinstance(default, float):
        return "2.5", 2.5
    if isinstance(default, int):
        return "7", 7
    text = {"INFO": "ERROR", "text": "json", "22:00": "07:30"}.get(default, "other")
    return text, text


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_is_read_from_its_variable(name):
    text, value = sample(FIELDS[name].default)
    settings = Settings.from_env({FIELDS[name].metadata["env"]: text})

    assert getattr(settings, name) == value
    assert value != FIELDS[name].default


@pytest.mark.parametrize("name", FIELDS)
def test_an_empty_variable_is_as_good_as_none(name):
    assert Settings.from_env({FIELDS[name].metadata["env"]: ""}) == Settings.from_env({})


@pytest.mark.parametrize("name", [name for name, item in FIELDS.items() if type(item.default) in (int, float)])
@pytest.mark.parametrize("text", ["many", "1e", "0x10", " ", "1,5"])
def test_a_bad_number_names_its_variable(name, text):
    variable = FIELDS[name].metadata["env"]
    with pytest.raises(StartRefused, match=rf"^{variable}="):
        Settings.from_env({variable: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (name, text)
        for name, item in FIELDS.items()
        for text in ("-1", "0", "nan", "inf", "-inf")
        if type(item.default) in (int, float) and float(text) != item.metadata["least"]
    ],
)
def test_a_number_without_sense_names_its_variable(name, text):
    variable = FIELDS[name].metadata["env"]
    with pytest.raises(StartRefused, match=rf"^{variable}="):
        Settings.from_env({variable: text})


def test_a_port_and_a_log_level_must_exist():
    with pytest.raises(StartRefused, match="QUEUANT_PORT=65536 must be between 1 and 65535"):
        Settings.from_env({"QUEUANT_PORT": "65536"})
    with pytest.raises(StartRefused, match="QUEUANT_LOG_LEVEL='LOUD' is none of DEBUG, INFO"):
        Settings.from_env({"QUEUANT_LOG_LEVEL": "LOUD"})


@pytest.mark.parametrize("text", ["24:00", "7:30", "22", "22:60", "22:00 ", "\N{ARABIC-INDIC DIGIT TWO}2:00", "off"])
def test_the_hour_of_the_report_is_one_of_the_clock(text):
    with pytest.raises(StartRefused, match=r"QUEUANT_REPORT_AT=.* is neither HH:MM nor 'never'"):
        Settings.from_env({"QUEUANT_REPORT_AT": text})


@pytest.mark.parametrize(("text", "seconds"), [("00:00", 0), ("22:00", 79_200), ("23:59", 86_340), ("never", None)])
def test_the_hour_of_the_report_is_counted_from_midnight(text, seconds):
    assert Settings.from_env({"QUEUANT_REPORT_AT": text}).report_seconds == seconds


def test_no_two_settings_share_a_variable_and_each_says_what_it_is_for():
    assert len({item.metadata["env"] for item in FIELDS.values()}) == len(FIELDS)
    assert all(item.metadata["doc"] for item in FIELDS.values())


def test_overrides_win_and_none_overrides_nothing():
    environ = {"QUEUANT_PORT": "9000", "QUEUANT_HOST": "::"}
    settings = Settings.from_env(environ, port=9100, host=None)

    assert (settings.port, settings.host) == (9100, "::")


def test_the_real_environment_is_read_when_none_is_given(monkeypatch):
    monkeypatch.setenv("QUEUANT_PORT", "9001")
    assert Settings.from_env().port == 9001


def test_the_home_is_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.from_env({}).home == tmp_path / ".queuant"
    monkeypatch.chdir(tmp_path)
    assert Settings.from_env({"QUEUANT_HOME": "here"}).home == tmp_path / "here"


def test_the_home_of_a_user_who_does_not_exist_is_refused():
    with pytest.raises(StartRefused, match="QUEUANT_HOME=~nobody-of-that-name/q"):
        Settings.from_env({}, home="~nobody-of-that-name/q")


def test_without_a_database_url_the_home_holds_one(tmp_path):
    settings = Settings.from_env({"QUEUANT_HOME": str(tmp_path)})

    assert settings.database_url == f"sqlite:///{tmp_path}/queuant.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_name_of_postgresql_gets_the_driver(scheme):
    settings = Settings.from_env({"DATABASE_URL": f"{scheme}://me:postgres://@host/db"})

    assert settings.database_url == "postgresql+psycopg://me:postgres://@host/db"


@pytest.mark.parametrize(
    ("environ", "api", "live"),
    [
        ({}, "http://127.0.0.1:8000", "ws://127.0.0.1:8000"),
        ({"QUEUANT_HOST": "0.0.0.0", "QUEUANT_PORT": "81"}, "http://127.0.0.1:81", "ws://127.0.0.1:81"),
        ({"QUEUANT_HOST": "::"}, "http://[::1]:8000", "ws://[::1]:8000"),
        ({"QUEUANT_PUBLIC_URL": "https://q.example/"}, "https://q.example", "wss://q.example"),
        ({"QUEUANT_RELAY_URL": "wss://live.example/"}, "http://127.0.0.1:8000", "wss://live.example"),
    ],
)
def test_clients_are_told_where_to_go(environ, api, live):
    settings = Settings.from_env(environ)

    assert (settings.api_url, settings.live_url) == (api, live)
    assert api in settings.origins


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1


def test_the_example_file_is_what_the_settings_say():
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example(), (
        "Write it anew: python -c 'from app.settings import env_example; print(env_example(), end=\"\")' > .env.example"
    )


def test_the_example_file_sets_the_defaults_when_its_marks_are_removed():
    lines = [line[2:] for line in env_example().splitlines() if line.startswith("# ") and "=" in line.split(" ")[1]]
    environ = dict(line.split("=", 1) for line in lines)

    assert set(environ) == {item.metadata["env"] for item in FIELDS.values()}
    assert Settings.from_env(environ) == Settings.from_env({})
