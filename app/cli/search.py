"""Commands that search among parameters: a sweep, and walking forward."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from app.cli.common import asks_server, parsed
from app.cli.jobs import describes_run, fields_of, follow_job

if TYPE_CHECKING:
    from app.client import Client

_RANGE = re.compile(r"([^:,\[]+):([^:,]+)(?::([^:,]+))?")
_LIMIT = re.compile(r"\s*([a-z0-9_]+)\s*(>=|<=)\s*([^\s<>=]+)\s*")
_SIDES = {">=": "min", "<=": "max"}
_SEARCH = (
    click.option(
        *("-g", "--grid", "grid"),
        multiple=True,
        metavar="NAME=VALUES",
        help="5,10,20 or FIRST:LAST:STEP; LOW:HIGH and LOW:HIGH:log are all between. Again for another parameter.",
    ),
    click.option("--random", "random", type=int, metavar="N", help="Draw N trials of the grid, or of everything."),
    click.option("--objective", multiple=True, metavar="METRIC", help="What ranks trials [default: sharpe]."),
    click.option(
        "--constraint",
        "constraints",
        multiple=True,
        metavar="METRIC>=NUMBER",
        help="Or <=. Trials that break it are told and not ranked.",
    ),
)


def _describes_search(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that describe a search among the parameters of a run."""
    return describes_run(reduce(lambda made, option: option(made), reversed(_SEARCH), command))


@click.command()
@_describes_search
@click.option("--bayesian", type=int, metavar="N", help="Choose N trials of the grid by what those before have made.")
@click.option("--each-symbol", is_flag=True, default=None, help="Every trial on each symbol, with its own account.")
@click.option("--top", type=int, help="How many of the best are shown [default: 10].")
@asks_server
def sweep(client: Client, *, strategy_id: str, wait: bool, as_json: bool, **given: Any) -> None:
    """Search among parameters, and show the best trials and what they are worth."""
    fields = _searched(given)
    follow_job(client, lambda: client.sweep(strategy_id, **fields), wait=wait, as_json=as_json)


@click.command()
@_describes_search
@click.option("--train-months", type=int, help="Months on which a trial is chosen.")
@click.option("--test-months", type=int, help="Months after them on which it is tested.")
@click.option("--step-months", type=int, help="How much later the next fold is [default: the months of a test].")
@click.option("--anchored", is_flag=True, default=None, help="Let every training begin with the first bar.")
@click.option("--purge", type=int, help="Bars left out between a training and its test.")
@click.option("--embargo", type=int, help="Bars left out of a training after a test.")
@click.option("--cpcv", metavar="GROUPS:TESTED", help="Test every combination of groups of bars instead, as 6:2.")
@asks_server
def walkforward(client: Client, *, strategy_id: str, wait: bool, as_json: bool, **given: Any) -> None:
    """Choose parameters on some months, test them on later ones, again and again."""
    given["cpcv"] = _groups(given["cpcv"])
    fields = _searched(given)
    follow_job(client, lambda: client.walkforward(strategy_id, **fields), wait=wait, as_json=as_json)


def _searched(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a search that options have given."""
    objective = list(given.pop("objective"))
    counted = {name: given.pop(name, None) for name in ("random", "bayesian")}
    made = {
        "grid": _grid(given.pop("grid")),
        **{name: {"trials": trials} for name, trials in counted.items() if trials is not None},
        "objective": objective[0] if len(objective) == 1 else objective,
        "constraints": _constraints(given.pop("constraints")),
    }
    return fields_of(given) | {name: value for name, value in made.items() if value}


def _grid(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`fast=5,10` as {"fast": [5, 10]}; `fast=5:50:5` as a range with its step, `fast=5:50` as all between."""
    axes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not (name and equals and text):
            raise click.BadParameter(
                f"'{pair}' is not NAME=VALUES, as fast=5,10,20 or fast=5:50:5", param_hint="--grid"
            )
        if name in axes:
            raise click.BadParameter(f"'{name}' is given twice", param_hint="--grid")
        axes[name] = _range(pair, text) if ":" in text and not text.startswith("[") else _values(text)
    return axes


def _range(pair: str, text: str) -> dict[str, Any]:
    match = _RANGE.fullmatch(text)
    if match is None:
        wrong = f"'{pair}' is not NAME=FIRST:LAST:STEP, NAME=LOW:HIGH or NAME=LOW:HIGH:log"
        raise click.BadParameter(wrong, param_hint="--grid")
    first, last, step = match.groups()
    if step is None or step == "log":
        between = {"low": _number(first, pair, "--grid"), "high": _number(last, pair, "--grid")}
        return between | ({"log": True} if step else {})
    found = zip(("start", "stop", "step"), (first, last, step), strict=True)
    return {name: _number(part, pair, "--grid") for name, part in found}


def _values(text: str) -> list[Any]:
    """Values are JSON where they can be, else text; a list in brackets is JSON as a whole."""
    if text.startswith("["):
        whole = _value(text)
        if isinstance(whole, list):
            return whole
    return [_value(part.strip()) for part in text.split(",")]


def _value(text: str) -> Any:
    try:
        return parsed(text)
    except ValueError:
        return text


def _constraints(limits: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """`total_trades>=10` as {"total_trades": {"min": 10}}."""
    found: dict[str, dict[str, float]] = {}
    for limit in limits:
        match = _LIMIT.fullmatch(limit)
        if match is None:
            wrong = f"'{limit}' is not METRIC>=NUMBER or METRIC<=NUMBER"
            raise click.BadParameter(wrong, param_hint="--constraint")
        name, side, number = match.groups()
        if _SIDES[side] in found.setdefault(name, {}):
            raise click.BadParameter(f"'{name}{side}' is given twice", param_hint="--constraint")
        found[name][_SIDES[side]] = _number(number, limit, "--constraint")
    return found


def _groups(text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+):([0-9]+)", text)
    if match is None:
        raise click.BadParameter(f"'{text}' is not GROUPS:TESTED, as 6:2", param_hint="--cpcv")
    return {"groups": int(match[1]), "test_groups": int(match[2])}


def _number(text: str, given: str, option: str) -> float | int:
    value = _value(text.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise click.BadParameter(f"'{text}' in '{given}' is no number", param_hint=option)
    return value
