"""How stored scores came about: versions, revisions and settings that they were made with."""

from collections.abc import Iterable
from pathlib import Path

import xarray as xr


def manifest(stores: Iterable[Path | str]) -> dict[str, str]:
    """Facts that stored scores state about themselves, as `model: fact`.

    Facts that differ between stores, such as versions before and after an upgrade, are joined.
    """
    facts: dict[str, dict[str, None]] = {}
    for store in stores:
        attributes = dict(xr.open_zarr(store, chunks=None).attrs)
        model = attributes.pop("model")
        for name, value in attributes.items():
            if name != "task":
                facts.setdefault(f"{model}: {name}", {})[str(value)] = None
    return {name: " and ".join(values) for name, values in facts.items()}
