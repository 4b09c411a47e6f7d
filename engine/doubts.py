"""Settings that are allowed one by one and yet stand against each other, the bars, or every order: said, and run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.bars import Bars, Floats
from engine.charges import some, unlisted
from engine.config import Config


def doubts(bars: Bars, config: Config) -> Iterator[str]:
    """What of this configuration will not do what one may think it does on these bars, a sentence each."""
    yield from unlisted(bars, config)
    slippage = config.slippage_bps / 1e4
    if config.stop_loss is not None and (1.0 + slippage) * (1.0 - config.stop_loss) >= 1.0:
        yield f"stop_loss {config.stop_loss:g} is less than slippage costs: a purchase is stopped out at once."
    if config.volume_limit is None and config.volume_impact == 0.0:
        return
    most = np.fmax.reduce(bars.volume, axis=0)
    unknown = [name[:64] for name, volume in zip(bars.symbols, most, strict=True) if np.isnan(volume)]
    if unknown and config.volume_limit is not None:
        yield f"No volume is known of {some(unknown)}: volume_limit lets no order through."
    elif unknown:
        yield f"No volume is known of {some(unknown)}: every fill pays the whole volume_impact."
    if config.volume_limit is not None and config.lot_size is not None:
        least = config.lot_size / config.volume_limit
        stuck = [name[:64] for name, volume in zip(bars.symbols, most, strict=True) if volume < least]
        if stuck:
            yield (
                f"On no bar of {some(stuck)} are {least:g} units traded: volume_limit {config.volume_limit:g} lets not "
                f"one lot of {config.lot_size:g} through."
            )


def idle(weights: Floats, config: Config) -> str:
    """Why no order was filled."""
    if not np.any(np.nan_to_num(weights)):
        return "No order was filled: the strategy took no position in this range."
    limits = {
        f"a lot_size of {config.lot_size} units": config.lot_size is not None,
        f"a volume_limit of {config.volume_limit}": config.volume_limit is not None,
        f"a commission_minimum of {config.commission_minimum:g}": config.commission_minimum > 0.0,
        "shorts that are not allowed": not config.allow_short,
    }
    against = ", ".join(text for text, there in limits.items() if there)
    why = f"What may stand in their way: {against}" if against else "No price came at which they could be"
    return f"No order was filled, though the strategy asked for positions. {why}."
