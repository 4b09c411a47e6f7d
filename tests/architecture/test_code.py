"""Rules of the source text: what linters do not know."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "strategies", "app", "workers", "migrations")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

READS_THE_ENVIRONMENT = {
    "app/settings.py": "the one place of settings",
    "workers/__main__.py": "a launcher: Celery reads this variable while it is imported",
}
# The borders: behind each of them stands code that may raise anything, and a process that must go on.
CATCHES_EVERYTHING = {
    "workers/tasks.py": "the worker's task",
    "workers/supervisor.py": "the checks of a user's strategy, whose signals are asked for; alerts and their receivers",
    "app/web/hub.py": "the relay's loop",
    "app/web/session.py": "a conversation: once its socket is open, the HTTP error handler cannot answer",
    "engine/strategy.py": "a user's strategy",
    "app/usercode.py": "a user's file, which runs when it is read",
}
LOCKS = ("requirements.lock", "requirements-dev.lock")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def reads_environment(node):
    if isinstance(node, ast.Attribute):
        return node.attr in ("environ", "environb", "getenv", "putenv") and getattr(node.value, "id", "") == "os"
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and {"environ", "getenv"} & {alias.name for alias in node.names}
    )


def catches_everything(node):
    """A broad handler that does not end by raising again."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    broad = any(kind is None or getattr(kind, "id", "") in ("Exception", "BaseException") for kind in kinds)
    return broad and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)


def offenders(found):
    return {name_of(path) for path in SOURCES if any(map(found, ast.walk(tree_of(path))))}


def test_there_is_source_to_check():
    assert len(SOURCES) > 50


def test_only_the_settings_read_the_environment():
    assert offenders(reads_environment) <= set(READS_THE_ENVIRONMENT)


def test_everything_is_caught_only_at_the_borders():
    assert offenders(catches_everything) <= set(CATCHES_EVERYTHING)


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: pass", True),
        ("try: f()\nexcept (OSError, BaseException): x = 1", True),
        ("try: f()\nexcept BaseException:\n    undo()\n    raise", False),
        ("try: f()\nexcept OSError: pass", False),
    ],
)
def test_the_check_of_handlers_sees_what_it_should(code, caught):
    assert any(map(catches_everything, ast.walk(ast.parse(code)))) == caught


def test_no_file_is_too_long_to_be_read_at_once():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*SOURCES, *TESTS]}

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_no_error_is_made_and_not_raised():
    """`ValueError("…")` alone on a line does nothing."""

    def forgotten(node):
        call = getattr(node, "value", None)
        function = getattr(call, "func", None)
        name = getattr(function, "id", "")
        return isinstance(node, ast.Expr) and isinstance(call, ast.Call) and name.endswith(("Error", "Exception"))

    assert offenders(forgotten) == set()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_host(name):
    """Who installs may have a mirror: where packages come from is not the project's business."""
    text = (ROOT / name).read_text(encoding="utf-8")

    assert "://" not in text
    assert re.findall(r"^\s*-.*(index|find-links|trusted-host)", text, re.MULTILINE) == []
    assert "--hash=sha256:" in text


def test_the_lock_of_the_resolver_stays_at_home():
    """It records the address of every file, which may be somebody's mirror."""
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    page = (ROOT / "docs/decisions/dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z][^|]*) \|", page, re.MULTILINE)[1:]

    assert {name for row in rows for name in row.split(", ")} == needed
