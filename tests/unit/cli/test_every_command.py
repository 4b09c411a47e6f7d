"""What holds for every command: it starts at once, explains itself, tells JSON, and guesses what was meant."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import Result

from app import cli


def test_help_starts_at_once_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['queuant', '--help']\n"
        "from app.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'sqlalchemy', 'flask', 'celery', 'httpx', 'rich', 'redis', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    started = time.monotonic()
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "Commands:" in said.stdout
    assert time.monotonic() - started < 5


def test_asking_a_server_loads_neither_the_engine_nor_what_sockets_take() -> None:
    program = (
        "import sys\nfrom app.client import Client, LiveEvent\nClient('http://127.0.0.1:9', 'bt_1_x')\n"
        "heavy = {'numpy', 'websockets', 'asyncio', 'pandas', 'sqlalchemy', 'flask', 'celery', 'redis', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def every(command: click.Command, *words: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command that does something, by what is typed for it."""
    if not isinstance(command, click.Group):
        yield words, command
        return
    for name, inner in command.commands.items():
        yield from every(inner, *words, name)


COMMANDS = dict(every(cli.cli))
# They run until they are stopped, or print what a shell reads.
ENDLESS = {(name,) for name in ("serve", "demo", "api", "relay", "worker", "supervisor", "completion")}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_its_options(run: Callable[..., Result], words: tuple[str, ...]) -> None:
    said = run(*words, "--help")
    assert said.exit_code == 0
    assert f"Usage: cli {' '.join(words)}" in said.output
    command = COMMANDS[words]
    assert command.help
    assert [item.opts for item in command.params if isinstance(item, click.Option) and not item.help] == []


@pytest.mark.parametrize("words", [words for words in COMMANDS if words not in ENDLESS], ids=" ".join)
def test_every_command_that_tells_something_tells_it_as_json(words: tuple[str, ...]) -> None:
    assert any("--json" in item.opts for item in COMMANDS[words].params)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("strategy", "strategies"),
        ("jobs lst", "list"),
        ("data uplod prices.csv", "upload"),
        ("strategies ne mine", "new"),
        ("keys creat", "create"),
        ("run sma_cross --datset x", "--dataset"),
    ],
)
def test_a_misspelt_command_or_option_gets_a_suggestion(run: Callable[..., Result], typed: str, meant: str) -> None:
    said = run(*typed.split())
    assert said.exit_code == 2
    assert f"Did you mean '{meant}'?" in said.output
