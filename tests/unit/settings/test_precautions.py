"""A process that other machines reach does not start with what only tests may have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app import precautions
from app.errors import StartRefused
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
SAFE = {
    "QUEUANT_HOST": "0.0.0.0",
    "QUEUANT_PUBLIC_URL": "https://bt.example.org",
    "QUEUANT_RELAY_URL": "wss://live.example.org",
    "DATABASE_URL": "postgresql://queuant:mYq7vUe2@postgres:5432/queuant",
    "REDIS_URL": "redis://:mYq7vUe2@queue:6379/0",
}


def refused(*, public: bool = True, **variables: str) -> list[str]:
    """What a process with these settings, else safe, is told to mend."""
    try:
        precautions.check(Settings.from_env({**SAFE, **variables}), public=public)
    except StartRefused as refusal:
        head, *faults = refusal.message.split("\n- ")
        assert head.startswith("QUEUANT_HOST=")
        return faults
    return []


def test_what_is_safe_starts():
    assert refused() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_loopback_nothing_is_asked(host):
    plain = {"QUEUANT_PUBLIC_URL": "", "REDIS_URL": "redis://queue/0", "QUEUANT_WEBHOOK_LOOPBACK": "1"}
    assert refused(QUEUANT_HOST=host, **plain) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.example.org"])
def test_all_other_addresses_are_of_other_machines(host):
    assert len(refused(QUEUANT_HOST=host, QUEUANT_WEBHOOK_LOOPBACK="1")) == 1


@pytest.mark.parametrize("url", ["redis://queue:6379/0", "redis://user@queue/0", "rediss://:@10.0.0.7/0"])
def test_a_queue_server_on_the_network_needs_a_password(url):
    (fault,) = refused(REDIS_URL=url)
    assert re.match("REDIS_URL has no password for (queue|10.0.0.7)", fault)


@pytest.mark.parametrize("url", ["redis://127.0.0.1/0", "unix:///run/valkey.sock", "redis://queue/0?password=mYq7vUe2"])
def test_a_queue_server_of_this_machine_or_with_a_password_is_fine(url):
    assert refused(REDIS_URL=url) == []


@pytest.mark.parametrize("password", ["short77", "postgres", "changeme", "ChangeMe", "p%61ssword", "queuant-user"])
def test_a_password_that_is_easily_guessed_is_refused_and_not_repeated(password):
    (fault,) = refused(DATABASE_URL=f"postgresql://queuant-user:{password}@postgres/queuant")
    assert fault.startswith("DATABASE_URL has a password for postgres that is easy to guess")
    assert password not in fault.replace("for postgres", "")


@pytest.mark.parametrize(
    "url", ["postgresql://queuant@postgres/queuant", "postgresql:///queuant", "postgresql://a:a@localhost/b", ""]
)
def test_a_database_may_know_its_clients_otherwise_or_be_of_this_machine(url):
    assert refused(DATABASE_URL=url) == []


def test_an_empty_password_of_a_database_is_none():
    assert refused(DATABASE_URL="postgresql://queuant:@postgres/queuant") == [
        "DATABASE_URL has no password for postgres."
    ]


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("QUEUANT_PUBLIC_URL", ""),
        ("QUEUANT_PUBLIC_URL", "http://bt.example.org"),
        ("QUEUANT_RELAY_URL", "ws://10.0.0.7:8001"),
    ],
)
def test_keys_travel_by_tls_unless_somebody_says_that_the_network_is_trusted(variable, url):
    (fault,) = refused(**{variable: url})
    assert variable in fault
    assert "QUEUANT_PLAIN_HTTP=1" in fault
    assert refused(**{variable: url}, QUEUANT_PLAIN_HTTP="1") == []
    assert refused(**{variable: url}, public=False) == []  # no client comes to a worker


@pytest.mark.parametrize("variable", ["REDIS_URL", "DATABASE_URL", "QUEUANT_RELAY_URL"])
def test_what_is_no_address_is_called_so(variable):
    with pytest.raises(StartRefused, match=f"{variable} is no address"):
        precautions.check(Settings.from_env({**SAFE, variable: "redis://[queue/0"}))


def test_all_faults_are_named_at_once():
    faults = refused(
        REDIS_URL="redis://queue/0",
        DATABASE_URL="postgresql://a:a@db/b",
        QUEUANT_WEBHOOK_LOOPBACK="1",
        QUEUANT_PUBLIC_URL="",
        QUEUANT_RELAY_URL="ws://bt",
    )
    assert len(faults) == 5


@pytest.mark.parametrize("role", ["api", "relay", "worker", "supervisor"])
def test_the_compose_file_starts_with_good_passwords_and_not_with_bad_ones(role):
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][role]

    def environment(password: str) -> dict[str, str]:
        given = {name: re.sub(r"\$\{(\w+):\?[^}]*\}", password, text) for name, text in service["environment"].items()}
        defaults = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in given.items()}
        return {"QUEUANT_HOST": "0.0.0.0", **defaults}  # as the image says

    public = role in ("api", "relay")
    precautions.check(Settings.from_env(environment("9f8e7d6c5b4a")), public=public)
    with pytest.raises(StartRefused, match=r"REDIS_URL.*\n.*DATABASE_URL"):
        precautions.check(Settings.from_env(environment("changeme")), public=public)
