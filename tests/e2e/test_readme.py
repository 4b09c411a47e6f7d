"""The README is true: its snippets run as they stand there."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.catalog import Catalog
from engine import backtest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def block(language: str, holding: str) -> str:
    """The one fenced block of this language that holds these words."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in text]
    assert len(found) == 1, f"{len(found)} {language} blocks hold {holding!r}"
    return found[0]


def run(server, command: list[str]) -> str:
    environment = {**os.environ, "QUEUANT_HOME": str(server.home), "NO_COLOR": "1", "COLUMNS": "120"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shell(server, text: str) -> str:
    text = text.replace("~/.queuant", str(server.home)).replace("http://127.0.0.1:8000", server.note["api_url"])
    text = re.sub(r"^\./run ", f"{Path(sys.executable).parent / 'queuant'} ", text, flags=re.MULTILINE)
    return run(server, ["sh", "-ec", text])


def test_the_curl_door_answers_with_the_finished_job(server):
    answer = json.loads(shell(server, block("sh", "curl")))

    assert answer["status"] == "succeeded"


def test_the_command_line_door_shows_the_figures_with_their_source_and_fill(server):
    shown = shell(server, block("sh", "run sma_cross"))

    assert "ECB" in shown, shown
    assert "next_close" in shown
    assert "Sharpe" in shown


def test_the_python_door_prints_the_sharpe_ratio_and_the_end_of_the_curve(server):
    said = run(server, [sys.executable, "-c", block("python", "from app.client import Client")])

    assert np.isfinite(float(said.split(maxsplit=1)[0]))
    assert "2026-10-30" in said


def test_tables_are_read_without_threads_that_could_abort_the_program_at_its_end(server):
    script = block("python", "from app.client import Client").replace(
        "result = ",
        "import os, pandas, pyarrow.parquet\nbefore = set(os.listdir('/proc/self/task'))\nresult = ",
    )
    said = run(server, [sys.executable, "-c", script + "print(*set(os.listdir('/proc/self/task')) - before)"])

    assert "2026-10-30" in said
    assert said.splitlines()[-1] == ""


def test_the_strategy_of_the_readme_runs_and_does_not_look_ahead(tmp_path, monkeypatch):
    path = tmp_path / "dip_buyer.py"
    path.write_text(block("python", "def dip_buyer"))
    spec = importlib.util.spec_from_file_location("dip_buyer", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "dip_buyer", module)  # other tests begin a strategy of that name
    spec.loader.exec_module(module)
    bound = module.dip_buyer.bind(days=3)
    bars = Catalog.standard().bars("sp500_daily")

    result = backtest(bars, bound)
    earlier = bars.select(end="2005-12-30")

    assert result.metrics["total_trades"] > 100
    assert np.array_equal(bound(earlier), result.weights[: len(earlier)])


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_of_the_readme_leads_somewhere(link):
    assert (ROOT / link).exists()
