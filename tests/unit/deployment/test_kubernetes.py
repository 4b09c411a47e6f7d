"""The manifests for Kubernetes agree with docker-compose.yml, commands and settings, and give no rights away."""

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
from app.web.server import GRACE_SECONDS

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy/kubernetes"
OURS = ("migrate", "api", "relay", "worker", "supervisor")
VARIABLES = {item.metadata["env"] for item in fields(Settings)}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def documents(*names: str) -> list[dict[str, Any]]:
    return [document for name in names for document in yaml.safe_load_all((FOLDER / name).read_text())]


KUSTOMIZATION = documents("kustomization.yaml")[0]
ALL = documents(*KUSTOMIZATION["resources"])
PODS = {
    document["metadata"]["name"]: document["spec"]["template"]["spec"]
    for document in ALL
    if "template" in document.get("spec", {})
}


def found(kind: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in ALL if document["kind"] == kind}


def test_every_manifest_is_applied_but_the_two_that_are_chosen() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert files - set(KUSTOMIZATION["resources"]) == {
        *("kustomization.yaml", "secret.example.yaml", "scaling.yaml"),
        "queue.sh",  # goes into a ConfigMap
    }


def test_every_role_is_there() -> None:
    assert set(PODS) == {*OURS, "queue"}
    assert set(found("Deployment")) == set(OURS) - {"migrate"}


@pytest.mark.parametrize("role", OURS)
def test_every_command_is_that_of_the_compose_file(role: str) -> None:
    (container,) = PODS[role]["containers"]
    words = container["args"]
    assert words == COMPOSE[role]["command"]
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, *words = words
        command = command.commands[name]
    command.make_context(role, list(words))


def test_every_variable_is_a_setting() -> None:
    shared = found("ConfigMap")["queuant"]["data"]
    secrets = {document["metadata"]["name"]: document["stringData"] for document in documents("secret.example.yaml")}
    assert set(shared) <= VARIABLES
    assert set(secrets["queuant"]) == {"DATABASE_URL"}
    assert not any(value for secret in secrets.values() for value in secret.values())
    for role in OURS:
        (container,) = PODS[role]["containers"]
        assert "env" not in container
        wanted = ["queuant"] if role == "migrate" else ["queuant", f"queuant-{role}"]
        assert container["envFrom"] == [
            {"configMapRef": {"name": "queuant"}},
            *({"secretRef": {"name": name}} for name in wanted),
        ]
        assert role == "migrate" or set(secrets[f"queuant-{role}"]) == {"REDIS_URL"}
    assert set(secrets) == {"queuant", "queue", *(f"queuant-{role}" for role in OURS if role != "migrate")}


@pytest.mark.parametrize("role", sorted(PODS))
def test_nobody_has_more_rights_than_needed(role: str) -> None:
    pod = PODS[role]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False  # a Service may have the name of a setting
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    if role in OURS:
        assert f"USER {pod['securityContext']['runAsUser']}\n" in (ROOT / "Dockerfile").read_text()
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} <= set(container["resources"])


@pytest.mark.parametrize("role", sorted(PODS))
def test_what_is_mounted_is_there_and_where_the_image_expects_it(role: str) -> None:
    pod = PODS[role]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    claims = [claim["metadata"]["name"] for claim in found("StatefulSet")["queue"]["spec"]["volumeClaimTemplates"]]
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]} | (set(claims) if role == "queue" else set())
    image = dict(re.findall(r"\b(QUEUANT_\w+)=(/\S+)", (ROOT / "Dockerfile").read_text()))
    for name, variable in {"home": "HOME", "cache": "CACHE_DIR", "datasets": "DATASET_DIR"}.items():
        assert mounts.get(name, image[f"QUEUANT_{variable}"]) == image[f"QUEUANT_{variable}"]


@pytest.mark.parametrize(("role", "port", "ready"), [("api", "port", "/readyz"), ("relay", "relay_port", "/healthz")])
def test_ports_and_probes_are_those_of_the_settings_and_of_the_compose_file(role: str, port: str, ready: str) -> None:
    number = getattr(Settings(), port)
    (container,) = PODS[role]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": number}]
    assert found("Service")[role]["spec"]["ports"] == [{"name": "http", "port": number, "targetPort": "http"}]
    assert container["readinessProbe"]["httpGet"] == {"path": ready, "port": "http"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert f"127.0.0.1:{number}{ready}'" in COMPOSE[role]["healthcheck"]["test"][-1]


def test_workers_and_supervisors_are_ready_when_the_compose_file_says_so() -> None:
    assert PODS["worker"]["containers"][0]["readinessProbe"]["exec"]["command"] == [
        "sh",
        "-c",
        COMPOSE["worker"]["healthcheck"]["test"][1],
    ]
    probe = PODS["supervisor"]["containers"][0]["readinessProbe"]
    assert probe["exec"]["command"] == COMPOSE["supervisor"]["healthcheck"]["test"][1:]


def test_nobody_is_killed_before_it_has_ended() -> None:
    assert f"{PODS['worker']['terminationGracePeriodSeconds']}s" == COMPOSE["worker"]["stop_grace_period"]
    assert PODS["worker"]["terminationGracePeriodSeconds"] >= Settings().grace_seconds + 10
    for role in ("api", "relay"):
        wait = PODS[role]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert PODS[role]["terminationGracePeriodSeconds"] >= wait + GRACE_SECONDS + 10


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_every_selector_finds_pods(kind: str) -> None:
    templates = [document["spec"]["template"] for document in ALL if "template" in document.get("spec", {})]
    labels = [template["metadata"]["labels"] for template in templates]
    for document in found(kind).values():
        spec = document["spec"]
        selector = spec.get("podSelector", spec.get("selector"))
        wanted = selector if kind == "Service" else selector.get("matchLabels", {})
        assert any(wanted.items() <= each.items() for each in labels)
        for expression in selector.get("matchExpressions", []):
            assert set(expression["values"]) <= {each[expression["key"]] for each in labels}


def test_the_queue_is_configured_as_in_the_compose_file() -> None:
    compose, (container,) = COMPOSE["queue"], PODS["queue"]["containers"]
    assert (container["command"], container["workingDir"]) == (compose["entrypoint"], compose["working_dir"])
    assert container["image"] == compose["image"]
    assert KUSTOMIZATION["configMapGenerator"] == [{"name": "queue-script", "files": ["queue.sh"]}]
    assert {"name": "queue-script", "configMap": {"name": "queue-script"}} in PODS["queue"]["volumes"]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "queue-script"]
    assert (mount["mountPath"], mount["subPath"]) == (container["command"][-1], "queue.sh")
    secrets = {document["metadata"]["name"]: document["stringData"] for document in documents("secret.example.yaml")}
    assert set(secrets["queue"]) == set(compose["environment"])


def test_a_budget_keeps_each_role_and_supervisors_are_two() -> None:
    assert set(found("PodDisruptionBudget")) == set(found("Deployment"))
    replicas = {name: document["spec"].get("replicas") for name, document in found("Deployment").items()}
    assert replicas == {"api": 2, "relay": 2, "supervisor": 2, "worker": None}


def test_workers_are_scaled_by_a_figure_that_exists() -> None:
    (scaled,) = documents("scaling.yaml")
    assert scaled["spec"]["scaleTargetRef"]["name"] in found("Deployment")
    assert scaled["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
    queries = [trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"]]
    assert [re.findall(r'queue="(\w+)"', query) for query in queries] == [["interactive"], ["batch"]]
    figures = {name for query in queries for name in re.findall(r"queuant_\w+", query)}
    source = (ROOT / "app/web/metrics.py").read_text()
    assert all(f'"{figure}"' in source for figure in figures)
