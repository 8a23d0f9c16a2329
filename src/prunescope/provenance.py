"""Where a result comes from: digests of the code and of the files that determine it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
# Packages and modules that records and scores depend on, and nothing that only reads these.
ENGINE = (
    "architectures",
    "checkpoints",
    "criteria",
    "engine",
    "evaluation",
    "methods",
    "metrics",
    "models",
    "pruning",
    "scores",
    "tasks",
    "testbed",
)


def digest(paths: Iterable[Path | str]) -> str:
    """Hexadecimal digest of the names and bytes of files; a folder counts as all files in it."""
    total = hashlib.blake2b(digest_size=16)
    for path in map(Path, paths):
        for file in _files(path):
            data = file.read_bytes()
            total.update(f"{file.name}:{len(data)}:".encode() + data)
    return total.hexdigest()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and p.parent.name != "__pycache__")


def code_digest(*names: str) -> str:
    """Digest of packages and modules of prunescope, such as "statistics" or "top_k"."""
    return digest(map(code, names))


def code(name: str) -> Path:
    """Folder of a package of prunescope, or file of a module."""
    folder = HERE / name
    return folder if folder.is_dir() else folder.with_suffix(".py")


def engine_digest() -> str:
    """Digest of the code that records and scores depend on."""
    return code_digest(*ENGINE)


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
