"""The process that reads one upload: an order comes in, and what became of it goes out, both as JSON."""

from __future__ import annotations

import json
import resource
import sys
from importlib.abc import MetaPathFinder

from app.process import die_with_parent
from app.uploads.source import too_much_memory
from app.uploads.taking import REFUSALS, Order, read_one
from engine.errors import QueuantError


class NoPandas(MetaPathFinder):
    """Arrow asks every scalar whether it is pandas', and would import that: half of the time of a small upload."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def main() -> None:
    die_with_parent()
    sys.meta_path.insert(0, NoPandas())
    order = Order(**json.load(sys.stdin))
    memory = order.memory_mib << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        taken = read_one(order)
        answer: dict[str, object] = {"version": taken.version, "new": taken.new, "warnings": taken.warnings}
    except MemoryError:
        answer = _refused(too_much_memory())
    except tuple(REFUSALS.values()) as error:
        answer = _refused(error)
    json.dump(answer, sys.stdout)


def _refused(error: QueuantError) -> dict[str, object]:
    kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in REFUSALS)
    return {"refused": kind, "detail": error.detail()}


main()
