"""The documents are true: what a reader may copy out of docs/ runs as it stands there."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from app.alerts.kinds import KINDS
from app.cli import cli
from app.web.feeds import CHANNELS
from tests.serving import Server

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
BARS = (
    "from app.catalog import Catalog\nfrom engine.intake import FIELDS\nbars = Catalog.standard().bars('sp500_daily')\n"
)
PRICES = "time,A\n2020-01-01,1.5\n2020-01-02,1.6\n2020-01-03,1.7\n"
# What a page takes for granted: bars of the reader's own, returns of his own search, a file of his.
GIVEN = {
    "data": f"open('prices.csv', 'w').write({PRICES!r})\n",
    "engine": f"{BARS}time = bars.time\nopen, high, low, close, volume = (getattr(bars, name) for name in FIELDS)\n",
    "indicators": f"{BARS}import numpy as np\nreturns = np.diff(np.log(bars.close), axis=0)\n",
    "jobs": "from app.client import Client\n",
    "statistics": (
        "import numpy as np\nreturns = np.random.default_rng(1).normal(0, 0.01, (500, 20))\n"
        "annual_sharpes = returns.mean(0) / returns.std(0, ddof=1) * 252**0.5\n"
        "best_returns = returns[:, annual_sharpes.argmax()]\n"
    ),
}  # fmt: skip
ENDLESS = {"events"}  # it listens for ever
IN_ORDER = "quick-start"  # its blocks follow from each other
OF_THE_SCRIPT = {"help", "test", "coverage", "chaos", "bench", "lock", "fuzz"}  # `./run` does these itself


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (page, text)
        for page, content in PAGES.items()
        for text in re.findall(rf"```{language}\n(.*?)```", content, re.DOTALL)
    ]


def run(server: Server, command: list[str], folder: Path) -> str:
    environment = {**os.environ, "QUEUANT_HOME": str(server.home), "PYTHONPATH": str(ROOT)}
    environment["QUEUANT_API_KEY"] = (server.home / "api_key").read_text().strip()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", sorted({page for page, _ in blocks("python")} - ENDLESS - {IN_ORDER}))
def test_the_python_of_a_page_runs_from_top_to_bottom(page: str, server: Server, tmp_path: Path) -> None:
    program = GIVEN.get(page, "") + "\n".join(text for name, text in blocks("python") if name == page)
    run(server, [sys.executable, "-c", program], tmp_path)


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, text) for page, text in blocks("sh") if "curl" in text and page not in ENDLESS | {IN_ORDER}],
)
def test_what_a_page_asks_for_with_curl_is_done(page: str, text: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(PRICES)
    here = text.replace("http://127.0.0.1:8000", server.note["api_url"])
    answer = json.loads(run(server, ["sh", "-ec", here], tmp_path))
    assert "code" not in answer, answer
    assert "/backtest/" not in text or answer["status"] == "succeeded", answer


def test_the_quick_start_runs_from_its_first_block_to_its_last(server: Server, tmp_path: Path) -> None:
    queuant = f"{Path(sys.executable).parent / 'queuant'} "
    said = ""
    for language, text in re.findall(r"```(sh|python)\n(.*?)```", PAGES[IN_ORDER], re.DOTALL):
        file = re.match(r"# ~/\.queuant/(\S+)\n", text)
        if file:
            (server.home / file[1]).write_text(text)
            continue
        here = text.replace("~/.queuant", str(server.home)).replace("http://127.0.0.1:8000", server.note["api_url"])
        here = re.sub(r"^\./run ", queuant, here, flags=re.MULTILINE)
        said += run(server, ["sh", "-ec", here] if language == "sh" else [sys.executable, "-c", here], tmp_path)
    shutil.rmtree(server.home / "strategies")
    for part in ("EURUSD of fx_daily", "my_prices@", "dips is on the shelf", "trials by sharpe", "folds", "my-flips"):
        assert part in said
    assert b"<svg" in (tmp_path / "report.html").read_bytes()


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in an address, as GitHub does it."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = ROOT / "docs" / (name or f"{page}.md")
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


def test_every_kind_of_alert_and_of_event_stands_on_its_page() -> None:
    rows = {page: " ".join(re.findall(r"^\| (`[^|]+)", PAGES[page], re.MULTILINE)) for page in ("alerts", "events")}
    assert not {name for name in KINDS if f"`{name}`" not in rows["alerts"]}
    types = {name for family in CHANNELS.values() for name in family.types} - set(KINDS)
    assert not {name for name in types if f"`{name}`" not in rows["events"]}


def commands() -> list[tuple[str, str]]:
    """Every line of a shell block, and every phrase in the text, that begins with `./run` or `queuant`."""
    found = []
    for page, content in PAGES.items():
        lines = [
            line
            for text in re.findall(r"```sh\n(.*?)```", content, re.DOTALL)
            for line in text.replace("\\\n", " ").splitlines()
        ]
        lines += re.findall(r"`((?:\./run|queuant) [^`\n]+)`", content)
        found += [(page, line.split(" #")[0].strip()) for line in lines if line.startswith(("./run ", "queuant "))]
    return sorted(set(found))


def words_of(line: str) -> list[str]:
    """A line as the shell takes it apart, up to where another command or a file begins."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&>")
    lexer.whitespace_split = True
    return list(itertools.takewhile(lambda word: word[0] not in "|;&>", lexer))


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_of_a_page_is_one_that_there_is(page: str, line: str) -> None:
    words = words_of(line)[1:]
    if words[0] in OF_THE_SCRIPT or "…" in line:
        return
    command: click.Command = cli
    while isinstance(command, click.Group):
        default = getattr(command, "default", None)
        name = words.pop(0) if words and words[0] in command.commands else default
        if name is None and command.invoke_without_command:
            break
        assert name is not None, f"{line}: there is no command {words[:1]}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts} | {
        "--help"
    }
    asked = [word.split("=")[0] for word in words if word.startswith("-") and not re.fullmatch(r"-\d.*", word)]
    assert {word for word in asked if word != "-"} <= known
