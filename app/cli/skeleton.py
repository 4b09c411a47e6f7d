"""`queuant strategies new`: a strategy of the user's own that works, and its test, to be changed from there."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Collection
from itertools import count
from pathlib import Path

import click

from app.cli.common import guarded, home_option, json_option, print_json, settings_of

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# What the skeleton itself calls so.
_WORDS = ("annotations", "first_decision", "indicators", "np", "strategy")

_STRATEGY = '''"""A strategy of your own: say here what it is about."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine import Bars, Range, indicators, strategy


def first_decision(*, window: int, **_: Any) -> int:
    """How many bars the first decision needs, the deciding one included."""
    return window


@strategy(
    family="house",
    source="Say here where the idea is from",
    dataset="sp500_daily",
    lookback=first_decision,
)
def NAME(
    bars: Bars,
    window: Annotated[int, Range(2, 400), "Bars of the average."] = 100,
) -> np.ndarray:
    """Hold a symbol while its close is above its average.

    Row t of the weights is decided with what is known at the close of bar t, and says
    which fraction of equity each symbol should have: negative is short, NaN keeps what
    there is. The engine fills it later. Each of N symbols gets 1/N of equity.
    """
    average = indicators.sma(bars.close, window)
    held = indicators.latch(bars.close > average, bars.close < average)
    return held / len(bars.symbols)
'''

_TEST = '''"""What the strategy beside this file must do: change it with the strategy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.usercode import load
from engine import Bars

HERE = Path(__file__)
(STRATEGY,) = load(HERE.with_name(HERE.name.removeprefix("test_")))


def bars_of(closes):
    time = np.busday_offset("2024-01-01", np.arange(len(closes)), roll="forward")
    return Bars.from_closes(time, np.asarray(closes, dtype=float), ("A",))


def test_it_holds_what_is_above_its_average():
    weights = STRATEGY.bind(window=3)(bars_of([10, 10, 10, 12, 13, 9]))
    assert weights[:, 0].tolist() == [0, 0, 0, 1, 1, 0]


def test_it_does_not_see_the_future():
    steps = np.random.default_rng(1).normal(0, 0.02, 300)
    bars, bound = bars_of(100 * np.exp(np.cumsum(steps))), STRATEGY.bind()
    weights = bound(bars)
    for row in (150, 200, 299):
        assert bound(bars.until(row)).tobytes() == weights[:row].tobytes()
'''


@click.command()
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where [default: the first of QUEUANT_STRATEGY_DIRS, or strategies in the home folder].",
)
@json_option
@home_option
@guarded
def new(name: str, folder: Path | None, as_json: bool, home: str | None) -> None:
    """Begin a strategy of your own: a file that works, and its test."""
    from app.shelf import Shelf
    from app.usercode import UserCode

    folders = settings_of(home).strategy_folders
    place = (folder or folders[0]).expanduser().absolute()
    shelf = Shelf(user_code=UserCode(dict.fromkeys((*folders, place)), required=False))
    check(name, {item.id for item in shelf.all()} | {path.stem for path in place.glob("*.py")})
    place.mkdir(parents=True, exist_ok=True)
    written = {place / f"{name}.py": _STRATEGY, place / f"test_{name}.py": _TEST}
    for path, text in written.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("NAME", name))
    if as_json:
        print_json({"strategy_id": name, "files": [str(path) for path in written]})
        return
    for path in written:
        click.echo(f"Written: {path}")
    if place not in [each.absolute() for each in folders]:
        click.echo(f"The server looks there when it starts with QUEUANT_STRATEGY_DIRS={place}")
    click.echo(f"Run it:  queuant run {name}")


def check(name: str, taken: Collection[str]) -> None:
    """Refuse what cannot be the name of a new strategy, with a name that can. Raises InvalidInput."""
    from engine.errors import InvalidInput

    if not _NAME.fullmatch(name):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:64]
        near = plain if _NAME.fullmatch(plain) else f"strategy_{plain}"[:64].rstrip("_")
        wrong = "a name is a lower-case letter and up to 63 lower-case letters, digits or underscores"
    elif name in taken or f"test_{name}" in taken:
        near = next(f"{name[:60]}_{number}" for number in count(2) if f"{name[:60]}_{number}" not in taken)
        wrong = "there is one of that name"
    elif name.startswith("test_") or name == "conftest":
        near, wrong = f"my_{name.removeprefix('test_')}", "files of that name are tests"
    elif keyword.iskeyword(name) or name in _WORDS:
        near, wrong = f"my_{name}", "the word has a meaning in the file"
    elif importlib.util.find_spec(name) is not None:
        near, wrong = f"my_{name}", "the file would hide a Python module of that name"
    else:
        return
    raise InvalidInput(f"'{name[:80]}' cannot be a new strategy: {wrong}. Try '{near}'.", given=name[:80], nearest=near)
