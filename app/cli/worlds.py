"""The command that makes a dataset out of a seed."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.common import guarded, json_option, print_json


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of the world [default: that of macro_synthetic].")
@json_option
@guarded
def synthesize(folder: Path, seed: int | None, as_json: bool) -> None:
    """Make a macro economy and write it to FOLDER as a dataset.

    Its id is the folder's name. Name the folder above in QUEUANT_DATASET_ROOTS to run strategies on it.
    """
    from app.macroworld.world import SEED, generate
    from app.macroworld.write import write

    world = generate(SEED if seed is None else seed)
    write(world, folder)
    instruments, series = len(world.prices), len(world.series)
    if as_json:
        print_json({"folder": str(folder), "instruments": instruments, "series": series, "seed": world.seed})
    else:
        click.echo(f"{folder}: {instruments} instruments and {series} series, seed {world.seed}.")
