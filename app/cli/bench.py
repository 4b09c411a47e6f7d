"""`queuant bench`: what can be measured, and a measurement."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from app.cli.common import console, guarded, json_option, plain_table, print_json

_ROOT = Path(__file__).resolve().parents[2]
_IS_RUN = 'if __name__ == "__main__":'


# What stands after NAME is the measurement's own, its --help too.
@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@json_option
@guarded
def bench(name: str | None, arguments: tuple[str, ...], as_json: bool) -> None:
    """List what can be measured, or measure it.

    Measurements are in a checkout of the repository, where `./run bench NAME` sets up what they need first.
    `queuant bench NAME --help` tells more of one.
    """
    from app.errors import Unknown
    from engine.errors import UnknownName

    found = dict(_measurements(_ROOT / "bench"))
    if not found:
        raise Unknown("Measurements are not installed: they are in a checkout of the repository, as `./run bench`.")
    if name is None:
        _list({each: _said(source).partition("\n")[0] for each, source in found.items()}, as_json=as_json)
        return
    if name not in found:
        raise UnknownName.of("measurement", name, found)
    if "argparse" not in found[name] and {"-h", "--help"} & set(arguments):
        click.echo(_said(found[name]))
        return
    os.chdir(_ROOT)
    os.execv(sys.executable, [sys.executable, "-m", f"bench.{name}", *arguments])  # noqa: S606


def _measurements(folder: Path) -> Iterator[tuple[str, str]]:
    """Each module that can be run, by its name below bench, with its source. None is imported."""
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text("utf-8")
        if _IS_RUN in source:
            yield ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__main__"), source


def _said(source: str) -> str:
    return ast.get_docstring(ast.parse(source)) or ""


def _list(found: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "what": said} for name, said in found.items()])
        return
    table = plain_table("name", "what it measures")
    for name, said in found.items():
        table.add_row(name, said)
    console().print(table)
