"""Where a result comes from: digests of the code and of the files that determine it."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
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
    "top_k",
)
NOT_CODE = {".yaml", ".pyi"}  # what YAML says reaches jobs as parameters; stubs are for editors


def digest(paths: Iterable[Path | str]) -> str:
    """Hexadecimal digest of the names and bytes of files; a folder counts as the code in it."""
    total = hashlib.blake2b(digest_size=16)
    for path in map(Path, paths):
        for file in _files(path):
            data = file.read_bytes()
            total.update(f"{file.name}:{len(data)}:".encode() + data)
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of the bytes of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(f for f in files if f.parent.name != "__pycache__" and f.suffix not in NOT_CODE)


def code(name: str) -> Path:
    """Folder of a package of prunescope, or file of a module."""
    folder = HERE / name
    return folder if folder.is_dir() else folder.with_suffix(".py")


def engine_digest() -> str:
    """Digest of the code that records and scores depend on."""
    return digest(map(code, ENGINE))


def script_digest(script: Path | str) -> str:
    """Digest of the code that a script or notebook imports from prunescope."""
    return digest(sorted(imported_files(script)))


def imported_files(script: Path | str, home: Path = HERE) -> set[Path]:
    """Files of prunescope that a script or notebook imports, directly or through other modules.

    Imports inside functions count. So do all modules of a package that discovers plug-ins, and
    files of data beside a module. home: folder of prunescope.
    """
    files: set[Path] = set()
    waiting = set(_imports(Path(script), home))
    while waiting:
        file = waiting.pop()
        if file not in files:
            files.add(file)
            waiting |= _imports(file, home)
    folders = {file.parent for file in files}
    data = {path for folder in folders for path in folder.iterdir() if path.is_file()}
    return files | {path for path in data if path.suffix not in {".py", *NOT_CODE}}


@cache
def _imports(path: Path, home: Path) -> frozenset[Path]:
    """Files that one script or module imports itself."""
    names = set(_imported_names(path))
    files = {file for name in names for file in _module_files(name, home)}
    if path.name == "__init__.py" and "prunescope.plugins" in names:
        files.update(path.parent.glob("*.py"))
    return frozenset(files)


def _imported_names(path: Path) -> Iterator[str]:
    """Dotted names that may be modules: of `from a import b`, both `a` and `a.b`."""
    for node in ast.walk(ast.parse(_python(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _python(path: Path) -> str:
    """Source of a module, or of all code cells of a notebook."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _module_files(name: str, home: Path) -> Iterator[Path]:
    """File of a module of prunescope and of the packages that it lies in; none for other names."""
    first, *parts = name.split(".")
    if first != home.name:
        return
    for depth in range(len(parts) + 1):
        folder = home.joinpath(*parts[:depth])
        for file in (folder / "__init__.py", folder.with_suffix(".py")):
            if file.is_file():
                yield file
