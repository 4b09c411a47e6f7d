"""What the commands share: options, the client, output, and errors as sentences with an exit code."""

from __future__ import annotations

import functools
import itertools
import json
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from app.client import ApiError
    from app.settings import Settings
    from engine.errors import QueuantError

FAILED_JOB, USAGE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130
_PLAIN_WIDTH = 140
_BUSY = 429

home_option = click.option("--home", type=click.Path(), help="Home folder [default: QUEUANT_HOME or ~/.queuant].")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Shown(click.Group):
    """A group one of whose commands need not be named: `queuant data fx_daily` is `queuant data show fx_daily`.

    Where there are more words than that command takes, the first one was meant for a command, and click says which.
    """

    def __init__(self, *args: Any, default: str = "show", **options: Any) -> None:
        super().__init__(*args, **options)
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = len(list(itertools.takewhile(lambda word: not word.startswith("-"), args)))
        taken = sum(isinstance(item, click.Argument) for item in self.commands[self.default].params)
        named = bool(args) and args[0] in (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, args if named or words > taken else [self.default, *args])


def asks_server(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a `client`, the options to say which, and `as_json`."""

    @home_option
    @click.option("--url", help="Server [default: QUEUANT_URL or the one in the home folder].")
    @json_option
    @guarded
    @functools.wraps(command)
    def wrapped(*, home: str | None, url: str | None, **given: Any) -> None:
        from app.client import Client

        with Client(url, home=home) as client:
            command(client=client, **given)

    return wrapped


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn every error of ours into sentences on standard error and the right exit code."""

    @functools.wraps(command)
    def wrapped(*args: Any, **given: Any) -> None:
        from app.client.errors import ApiError, ClientError, Unreachable

        try:
            command(*args, **given)
        except ApiError as error:
            fail(problem_text(error), UNREACHABLE if error.status >= 500 or error.status == _BUSY else USAGE)
        except Unreachable as error:
            fail(f"{error}\nStart a server with `./run serve`, or name one with --url or QUEUANT_URL.", UNREACHABLE)
        except ClientError as error:
            fail(str(error), FAILED_JOB)
        except _own() as error:
            fail(error.message, USAGE)
        except OSError as error:
            if isinstance(error, BrokenPipeError):  # click knows how to end
                raise
            where = "" if error.filename is None else f"{error.filename}: "
            fail(f"{where}{error.strerror or error}.", USAGE)

    return wrapped


def _own() -> type[QueuantError]:
    """The root of our errors. It brings the engine, and is asked for only when something was raised."""
    from engine.errors import QueuantError

    return QueuantError


def fail(text: str, code: int) -> NoReturn:
    """Say why and leave."""
    click.echo(text, err=True)
    sys.exit(code)


def problem_text(error: ApiError) -> str:
    """A problem document as a person reads it."""
    lines = [error.detail or error.code, *(f"  {line}" for line in str(error.problem.get("caret", "")).splitlines())]
    if len(error.errors) > 1:
        return "\n".join(
            [lines[0], *(f"  {item.get('pointer', '')}  {item.get('message', '')}" for item in error.errors)]
        )
    if error.pointer:
        lines.append(f"  at       {error.pointer}")
    if error.given is not None:
        lines.append(f"  given    {_short(error.given)}")
    if error.allowed is not None:
        lines.append(f"  allowed  {_short(error.allowed)}")
    if error.nearest and error.nearest not in error.detail:
        lines.append(f"  nearest  {error.nearest}")
    if error.status in (401, 403):
        lines.append("The key is read from QUEUANT_API_KEY; without --url also from api_key in the home folder.")
    return "\n".join(lines)


def settings_of(home: str | None = None, **overrides: Any) -> Settings:
    from app.settings import Settings

    return Settings.from_env(home=home, **overrides)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def read_object(file: TextIO) -> dict[str, Any]:
    """The one object that a JSON file holds."""
    try:
        found = parsed(file.read())
    except ValueError as error:
        raise click.BadParameter(f"{file.name} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.BadParameter(f"{file.name} needs one object, as in {{…}}")
    return found


def console(*, stderr: bool = False) -> Console:
    """A terminal as wide as it is; a file or pipe gets plain text that is not cut."""
    from rich.console import Console

    terminal = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if terminal.is_terminal:
        return terminal
    return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=_PLAIN_WIDTH)


def plain_table(*columns: str) -> Table:
    """A table with a head and no walls. Where a terminal is too narrow words are folded, never cut."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].no_wrap = True
    return table


def key_values(pairs: tuple[str, ...], option: str) -> dict[str, Any]:
    """`fast=10` as {"fast": 10}: a value is JSON where it can be, else text. Each name is given once."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"'{pair}' is not NAME=VALUE", param_hint=option)
        if name in values:
            raise click.BadParameter(f"'{name}' is given twice", param_hint=option)
        try:
            values[name] = parsed(text)
        except ValueError:
            values[name] = text
    return values


def parsed(text: str) -> Any:
    """JSON as it is defined. NaN, and what is too large for a number, which Python would read, raise ValueError."""
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _short(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(map(str, value))
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + " …"
