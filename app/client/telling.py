"""How a program that waits for a job tells how far it is: a bar in a terminal and in a notebook, lines elsewhere."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Progress = Callable[[Mapping[str, Any]], None]
Tell = Callable[[Mapping[str, Any]], None]
_TENTH = 10


@contextmanager
def teller(progress: Progress | bool) -> Iterator[Tell]:
    """A function to be told each state of a job that is waited for.

    Args:
        progress: True shows it; a function gets what is new of the state's progress; False is for silence.
    """
    if progress is True:
        with progress_shown() as tell:
            yield tell
    elif progress is False:
        yield lambda _: None
    else:
        yield _to_function(progress)


def _to_function(progress: Progress) -> Tell:
    told: Mapping[str, Any] | None = None

    def tell(state: Mapping[str, Any]) -> None:
        nonlocal told
        news = state.get("progress")
        if news and news != told:
            progress(news)
            told = news

    return tell


@contextmanager
def progress_shown() -> Iterator[Tell]:
    """A function to be told each state of a job; what it shows is gone or complete afterwards."""
    if _is_notebook():
        yield _in_notebook()
    elif sys.stderr.isatty():
        with _in_terminal() as tell:
            yield tell
    else:
        yield _in_lines()


def _is_notebook() -> bool:
    # Whoever runs in a kernel has imported it; nobody else need do so.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _in_notebook() -> Tell:
    from IPython.display import HTML, display

    handle = display(HTML(_bar({"status": "queued"})), display_id=True)
    return lambda state: handle.update(HTML(_bar(state)))


def _bar(state: Mapping[str, Any]) -> str:
    fraction = _fraction(state)
    value = "" if fraction is None else f' value="{fraction:.4f}"'
    return f'<progress max="1"{value}></progress> {html.escape(_words(state))}'


@contextmanager
def _in_terminal() -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("queued", total=None)

        def tell(state: Mapping[str, Any]) -> None:
            fraction = _fraction(state)
            bars.update(
                task, description=_words(state), total=None if fraction is None else 1.0, completed=fraction or 0
            )

        yield tell


def _in_lines() -> Tell:
    told: set[tuple[str, int]] = set()

    def tell(state: Mapping[str, Any]) -> None:
        fraction = _fraction(state)
        step = (str(_phase(state)), int((fraction or 0.0) * _TENTH))
        if fraction is not None and step not in told:  # every tenth of a phase, so that a log stays readable
            told.add(step)
            print(_words(state), file=sys.stderr, flush=True)  # noqa: T201 - asked for by `progress=True`

    return tell


def _fraction(state: Mapping[str, Any]) -> float | None:
    if state["status"] == "succeeded":
        return 1.0
    found = (state.get("progress") or {}).get("fraction")
    return None if found is None else float(found)


def _phase(state: Mapping[str, Any]) -> Any:
    return (state.get("progress") or {}).get("phase") or state["status"]


def _words(state: Mapping[str, Any]) -> str:
    fraction = _fraction(state)
    return str(_phase(state)) if fraction is None else f"{_phase(state)}: {fraction:.0%}"
