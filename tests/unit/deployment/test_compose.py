"""The files for containers name real commands and settings, and keep their promises about rights and secrets."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from app.cli import cli
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
ROLES = ("migrate", "api", "relay", "worker", "supervisor")
MONITORING = ("prometheus", "grafana")
VARIABLES = {item.metadata["env"] for item in fields(Settings)}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_all_services_are_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"queue", "postgres", *ROLES, *MONITORING}


@pytest.mark.parametrize("role", ROLES)
def test_every_command_is_one_of_ours(compose: dict[str, Any], role: str) -> None:
    words = compose["services"][role]["command"]
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, *words = words
        command = command.commands[name]
    command.make_context(role, list(words))


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_a_setting(compose: dict[str, Any], role: str) -> None:
    environment = compose["services"][role]["environment"]
    assert {"DATABASE_URL"} <= set(environment) <= VARIABLES


@pytest.mark.parametrize("role", ROLES)
def test_every_role_but_the_one_that_needs_no_queue_is_a_user_of_its_own(compose: dict[str, Any], role: str) -> None:
    password = f"REDIS_{role.upper()}_PASSWORD"
    url = compose["services"][role]["environment"].get("REDIS_URL")
    assert url == (None if role == "migrate" else f"redis://{role}:${{{password}:?set {password}}}@queue:6379/0")


def test_the_image_sets_only_settings(dockerfile: str) -> None:
    named = set(re.findall(r"\b(QUEUANT_\w+)=", dockerfile))
    assert named
    assert named <= VARIABLES


def test_every_service_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert check.get("test") or (name == "migrate" and check == {"disable": True})


def test_services_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for role in ("api", "relay", "worker", "supervisor"):
        assert services[role]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "queue": {"condition": "service_healthy"},
        }
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_nobody_has_more_rights_than_needed(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service


def test_the_image_does_not_run_as_root(dockerfile: str) -> None:
    assert re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE) == ["10001"]
    assert "--require-hashes requirements.lock" in dockerfile


def test_it_refuses_to_start_without_passwords() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"\$\{(\w+_PASSWORD)([^}]*)\}", text)
    assert used
    assert [name for name, rest in used if rest != f":?set {name}"] == []


def test_the_comment_makes_every_password_that_is_asked_for() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    (made,) = re.findall(r"^#   for name in (.*); do$", text, re.MULTILINE)
    assert {f"{name}_PASSWORD" for name in made.split()} == set(re.findall(r"\$\{(\w+_PASSWORD)", text))


def test_only_loopback_is_published_and_the_stores_stay_inside(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        # The supervisor sends alerts to webhooks; what publishes a port cannot be of an internal network alone.
        reaches_out = name in ("api", "relay", "supervisor", "grafana")
        assert service["networks"] == (["inside", "outside"] if reaches_out else ["inside"])
        assert bool(service.get("ports")) == (name in ("api", "relay", "grafana"))
    assert compose["networks"]["inside"] == {"internal": True}


def test_who_watches_comes_only_when_asked_for_at_a_version_that_is_named(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service.get("profiles", []) == (["monitoring"] if name in MONITORING else [])
        assert re.search(r":v?[\d.]+(-alpine)?$", service["image"]) or service["image"] == "queuant"


def test_what_watches_is_told_where_everything_is(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in MONITORING:
        for source in (volume.partition(":")[0] for volume in services[name]["volumes"]):
            assert (ROOT / source).exists() if source.startswith("./") else source in compose["volumes"]
        assert set(services[name]["secrets"]) <= set(compose["secrets"])
    scraped = yaml.safe_load((ROOT / "deploy/monitoring/prometheus.yml").read_text())
    assert f"./deploy/monitoring/{scraped['rule_files'][0]}" in " ".join(services["prometheus"]["volumes"])
    for one, port in zip(scraped["scrape_configs"], (Settings().port, Settings().relay_port), strict=True):
        assert one["dns_sd_configs"] == [{"names": [one["job_name"]], "type": "A", "port": port}]
        assert one["job_name"] in services
        assert one["authorization"] == {"credentials_file": f"/run/secrets/{services['prometheus']['secrets'][0]}"}
    provisioned = ROOT / "deploy/monitoring/grafana"
    (source,) = yaml.safe_load((provisioned / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (boards,) = yaml.safe_load((provisioned / "dashboards/queuant.yml").read_text())["providers"]
    assert f"./docs/grafana.json:{boards['options']['path']}/grafana.json:ro" in services["grafana"]["volumes"]


def test_the_queue_loses_nothing_and_evicts_nothing(compose: dict[str, Any]) -> None:
    queue = compose["services"]["queue"]
    assert queue["entrypoint"] == ["sh", "/etc/queue.sh"]
    assert "./deploy/kubernetes/queue.sh:/etc/queue.sh:ro" in queue["volumes"]
    script = (ROOT / "deploy/kubernetes/queue.sh").read_text().splitlines()
    assert {"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"} <= set(script)
    assert set(re.findall(r"\w+_PASSWORD", "\n".join(script))) == set(queue["environment"])


def test_the_image_gets_everything_that_runs(dockerfile: str) -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"engine", "strategies", "app", "workers", "migrations", "requirements.lock"} <= kept
    assert all((ROOT / name).exists() for name in kept)
