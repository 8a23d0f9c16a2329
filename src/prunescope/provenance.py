"""Where a result comes from: digests of the code and of the files that determine it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
# What a record or a score depends on; nothing that only reads them. A folder is all its modules.
ENGINE = [
    HERE / name
    for name in (
        "criteria",
        "models",
        "answering.py",
        "attention.py",
        "checkpoint.py",
        "decoding.py",
        "dinosiglip.py",
        "draws.py",
        "engine",
        "evaluation.py",
        "extraction.py",
        "hints.py",
        "methods",
        "metrics",
        "numerics.py",
        "prompting.py",
        "pruning.py",
        "shards.py",
        "sharing.py",
        "sources",
        "stock.py",
        "subset.py",
        "tasks.py",
        "together.py",
        "testbed/dataset.py",
        "testbed/frozen.json",
        "testbed/llama_2d.py",
        "testbed/questions.py",
        "testbed/scenes.py",
        "testbed/vocabulary.py",
    )
]


def digest(paths: Iterable[Path | str]) -> str:
    """Hexadecimal digest of the names and bytes of files; a folder counts as its Python files."""
    total = hashlib.blake2b(digest_size=16)
    for path in map(Path, paths):
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            data = file.read_bytes()
            total.update(f"{file.name}:{len(data)}:".encode() + data)
    return total.hexdigest()


def engine_digest() -> str:
    """Digest of the source that records and scores depend on."""
    return digest(ENGINE)


def manifest(stores: Iterable[Path | str]) -> dict[str, str]:
    """What stored scores say about how they came about, for each model, as `model: fact`; of facts
    that differ, such as versions before and after an upgrade, each."""
    import xarray as xr

    facts: dict[str, dict[str, None]] = {}
    for store in stores:
        attrs = dict(xr.open_zarr(store, chunks=None).attrs)
        model = attrs.pop("model")
        for name, value in attrs.items():
            if name != "task":
                facts.setdefault(f"{model}: {name}", {})[str(value)] = None
    return {name: " and ".join(values) for name, values in facts.items()}
