"""The catalog: what data there is, by name and version: what ships, further folders, and the library."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from app.dataset import Dataset
from app.depot import Depot
from app.library import Library
from engine.bars import Bars
from engine.errors import BadData, InvalidInput, UnknownName

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parent / "datasets"


class Catalog:
    """Datasets by id. The roots are read when something is first asked, the library whenever it matters."""

    def __init__(self, roots: Iterable[Path], *, bars_dir: Path | None = None, depot: Depot | None = None) -> None:
        self._roots = tuple(roots)
        self._bars_dir = bars_dir
        self.library = Library(depot, bars_dir=bars_dir, reserved=lambda: self._fixed) if depot else None

    @classmethod
    def standard(
        cls, further: Iterable[str] = (), *, bars_dir: Path | None = None, depot: Depot | None = None
    ) -> Catalog:
        """What Queuant ships, further folders of datasets, and a library; bars are mapped from below `bars_dir`."""
        roots = [SHIPPED, *(Path(root).expanduser() for root in further)]
        return cls(roots, bars_dir=bars_dir, depot=depot)

    @cached_property
    def _fixed(self) -> dict[str, Dataset]:
        found: dict[str, Dataset] = {}
        for root in self._roots:
            for path in sorted(root.glob("*/manifest.json")):
                name = path.parent.name
                if name in found:
                    raise BadData(f"Two folders hold a dataset '{name}': {found[name].folder} and {path.parent}.")
                found[name] = Dataset.described(name, path, self._bars_dir)
        return found

    def fixed_ids(self) -> list[str]:
        """Ids that no dataset of the library may have."""
        return list(self._fixed)

    def ids(self) -> list[str]:
        kept = self.library.ids() if self.library else []
        return [*self._fixed, *(name for name in kept if name not in self._fixed)]

    def versions(self, dataset_id: str) -> list[Dataset]:
        """Every version of a dataset, the present one first. Raises UnknownName."""
        fixed = [self._fixed[dataset_id]] if dataset_id in self._fixed else []
        found = fixed + (self.library.versions(dataset_id) if self.library else [])
        if not found:
            raise UnknownName.of("dataset", dataset_id, self.ids(), pointer="/dataset")
        return found

    def datasets(self) -> list[Dataset]:
        """The present version of each."""
        kept = self.library.present() if self.library else {}
        return [*self._fixed.values(), *(kept[name] for name in sorted(kept) if name not in self._fixed)]

    def preload(self) -> None:
        """Read or map what ships and lies in the roots now: no request waits for it, and what forks has it too."""
        for dataset in self._fixed.values():
            try:
                _ = dataset.version, dataset.kind == "bars" and dataset.findings
            except BadData as error:  # whoever asks for it hears it; the others must not suffer
                log.warning("dataset %s cannot be read: %s", dataset.id, error.message)

    def get(self, name: str) -> Dataset:
        """The dataset of `id` or `id@version`. Raises UnknownName, and InvalidInput for a version that is gone."""
        dataset_id, _, version = name.partition("@")
        fixed = self._fixed.get(dataset_id)
        if fixed and (not version or fixed.version == version):
            return fixed
        if version and self.library and (kept := self.library.get(dataset_id, version)):
            return kept
        found = self.versions(dataset_id)
        if not version:
            return found[0]
        raise InvalidInput(
            f"Dataset '{dataset_id}' has no version '{version[:40]}'.",
            code="unknown_dataset_version",
            pointer="/dataset",
            given=version[:40],
            allowed=[dataset.version for dataset in found],
        )

    def bars(
        self,
        name: str,
        symbols: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> Bars:
        """Bars of some symbols between two dates (ISO, both included).

        Dates of all symbols are a view of the bars that every process shares, a choice of symbols is a copy.
        """
        return self.get(name).all_bars.select(symbols, start, end)
