"""Child processes: restarted when they die, stopped within their time, never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.embedded import keeper as keeper_module
from app.embedded.keeper import LEASH, Keeper, Role

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FAMILY = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)"
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(said: list[str]) -> Iterator[Keeper]:
    keeper = Keeper(said.append)
    yield keeper
    keeper.kill()


@pytest.fixture
def role(tmp_path: Path) -> Callable[..., Role]:
    def make(program: str, name: str = "worker", grace_seconds: float = 5.0) -> Role:
        command = [sys.executable, "-c", program]
        return Role(name, command, dict(os.environ), tmp_path / "logs" / f"{name}.log", grace_seconds)

    return make


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    if Path("/proc").is_dir():
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, check=False).returncode == 0


def test_a_role_that_dies_is_started_again_and_that_is_said(
    keeper: Keeper, role: Callable[..., Role], said: list[str]
) -> None:
    kept = keeper.add(role(SLEEP))
    assert kept.process is not None
    first = kept.process.pid
    until(lambda: "up" in kept.log_tail())
    os.kill(first, signal.SIGKILL)
    until(lambda: keeper.tick() or (kept.running and kept.process.pid != first))
    assert said == ["The worker ended (signal SIGKILL); it starts again in 0.1 s."]


def test_the_pause_before_a_restart_grows(keeper: Keeper, role: Callable[..., Role], said: list[str]) -> None:
    kept = keeper.add(role("raise SystemExit(3)"))
    until(lambda: keeper.tick() or kept.deaths == 3)
    assert [text.rpartition(" in ")[2] for text in said] == ["0.1 s.", "0.2 s.", "0.5 s."]
    assert "exit code 3" in said[0]


def test_stopping_takes_no_longer_than_the_grace(keeper: Keeper, role: Callable[..., Role]) -> None:
    kept = keeper.add(role(STUBBORN, grace_seconds=0.3))
    until(lambda: "up" in kept.log_tail())
    started = time.monotonic()
    keeper.stop("worker")
    assert time.monotonic() - started < 5
    assert not kept.running
    assert keeper.roles == []


def test_grandchildren_do_not_stay_behind(keeper: Keeper, role: Callable[..., Role]) -> None:
    kept = keeper.add(role(FAMILY))
    until(lambda: kept.log_tail().strip().isdigit())
    grandchild = int(kept.log_tail())
    keeper.stop("worker")
    until(lambda: not alive(grandchild))


def test_the_log_of_the_last_time_stays_beside_the_new_one(keeper: Keeper, role: Callable[..., Role]) -> None:
    kept = role(SLEEP)
    kept.log.parent.mkdir()
    kept.log.write_text("old\n")
    keeper.add(kept)
    until(lambda: "up" in kept.log_tail())
    assert "old" not in kept.log_tail()
    assert kept.log.with_suffix(".log.1").read_text() == "old\n"


def test_a_log_does_not_grow_without_bound(
    keeper: Keeper, role: Callable[..., Role], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "LOG_BYTES", 1000)
    kept = keeper.add(role("import time\nprint('x' * 2000, flush=True)\ntime.sleep(60)"))
    until(lambda: kept.log.stat().st_size > 1000)
    keeper.tick()
    assert kept.log.stat().st_size == 0


def test_whoever_deletes_the_logs_does_not_end_the_server(keeper: Keeper, role: Callable[..., Role]) -> None:
    kept = keeper.add(role(SLEEP))
    until(lambda: "up" in kept.log_tail())
    shutil.rmtree(kept.log.parent)
    keeper.tick()
    assert kept.process is not None
    kept.process.kill()
    until(lambda: keeper.tick() or (kept.running and "up" in kept.log_tail()))


@pytest.mark.parametrize("watching", [False, pytest.param(True, id="without the kernel's help")])
def test_a_child_dies_with_its_parent(tmp_path: Path, watching: bool) -> None:
    if not watching and sys.platform != "linux":
        pytest.skip("only Linux does it by itself")
    call = "watch" if watching else "become"
    program = (
        f"import os, runpy, subprocess, sys\n"
        f"leash = f\"import runpy, sys; runpy.run_path({str(LEASH)!r})['{call}'](int(sys.argv[1]), sys.argv[2:])\"\n"
        f"child = [sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)']\n"
        f"command = [sys.executable, '-c', leash, str(os.getpid()), *child]\n"
        f"subprocess.Popen(command, start_new_session=True).wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    until(lambda: not alive(child))
