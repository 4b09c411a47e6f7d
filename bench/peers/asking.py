"""The other end of `bench.peers.answer`: starts a library's process, asks, waits so long and no longer."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Compiled code of the first run, and imports, take their time.
START = 120.0


class Failed(Exception):
    """The process ended, or did not answer in time."""


class Asked:
    """One library's process."""

    def __init__(self, name: str, python: str, size: str, log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "bench.peers.answer", name, size],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "RAPTORBT_NO_VERSION_CHECK": "1", "PYTHONPATH": str(ROOT)},
            )
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._answer(START)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def ask(self, timeout: float, **question: Any) -> dict[str, Any]:
        """The answer to a question.

        Raises:
            Failed: when there is none after `timeout` seconds; then the process is gone.
        """
        assert self._process.stdin is not None
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
        except (BrokenPipeError, ValueError):  # gone by itself, or ended by us
            raise Failed(f"{self.name} has ended:\n{self._said()}") from None
        return self._answer(timeout)

    def _answer(self, timeout: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.end()
            raise Failed(f"{self.name} did not answer within {timeout:.0f} s") from None
        if not line:
            self.end()
            raise Failed(f"{self.name} has ended:\n{self._said()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _said(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-12:])

    def end(self) -> None:
        """End the process, and close what led to it; a second time does nothing."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@contextlib.contextmanager
def asked(names: dict[str, str], size: str, logs: Path) -> Iterator[dict[str, Asked]]:
    """The processes of these libraries, by name the python that runs each; all of them end with the block."""
    running: dict[str, Asked] = {}
    try:
        for name, python in names.items():
            running[name] = Asked(name, python, size, logs / f"{name}.log")
        yield running
    finally:
        for process in running.values():
            process.end()
