"""Images of a data set, each looked at once: can it be read, how large is it, which one is it?"""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from prunescope.errors import InputError
from prunescope.provenance import digest

if TYPE_CHECKING:
    from datasets import Dataset, Features

    from prunescope.tasks.card import Task


def of_rows(rows: "Dataset", column: str) -> "Dataset":
    """The column `image` of the rows, undecoded. `column` may go on with a number, after a dot:
    which one of a list."""
    name, _, index = column.partition(".")
    if index:
        return rows.map(
            lambda row: {"image": _nth(row[name], int(index))},
            remove_columns=rows.column_names,
            features=_undecoded(),
        )
    data = rows.select_columns([name])
    return data if name == "image" else data.rename_column(name, "image")


def of_files(task: "Task", names: Sequence[str | None]) -> "Dataset":
    """The images of these paths under the folder that the card names; None for None."""
    from datasets import Dataset

    folder = task.access.folder / task.images["under"]
    if not folder.is_dir():
        raise InputError(f"task {task.name!r}: there is no folder {folder}. {task.images['how']}")
    paths = [None if each is None else {"path": str(folder / each)} for each in names]
    return Dataset.from_dict({"image": paths}, _undecoded())


def _undecoded() -> "Features":
    from datasets import Features
    from datasets import Image as ImageFeature

    return Features({"image": ImageFeature(decode=False)})


def _nth(listed: list[Any] | None, index: int) -> Any:
    """None, as for a row without an image, where there are not as many."""
    return listed[index] if listed and index < len(listed) else None


def undecoded(data: Any) -> Any:
    """The same Dataset or IterableDataset with images, and lists of them, as they are stored."""
    from datasets import Image as ImageFeature
    from datasets import List

    for name, feature in (data.features or {}).items():
        if isinstance(feature, ImageFeature) and feature.decode:
            data = data.cast_column(name, ImageFeature(decode=False))
        elif isinstance(feature, List) and isinstance(feature.feature, ImageFeature):
            data = data.cast_column(name, List(ImageFeature(decode=False)))
    return data


def opened(stored: dict[str, Any]) -> Image.Image:
    """An image as its pixels are stored: boxes are told in these, whatever EXIF says of how to turn
    them, so `datasets`, which turns them, must not decode it."""
    return Image.open(io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"])


def rgb(stored: dict[str, Any]) -> Image.Image:
    """The same in three channels of 8 bits."""
    with opened(stored) as image:
        if image.mode.startswith("I"):  # 16 bits, of which `convert` makes white what is above 255
            scaled = np.asarray(image).clip(0, 65535) / 257
            return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
        return image.convert("RGB")


def inspect(images: "Dataset", pixels: int, files: bool = False) -> "Dataset":
    """For each image: problem ("" for none), path, width, height, and SHA-256 of its bytes as
    digest.

    What is found is kept in the cache of datasets, where the images are in it or have files.
    """
    from datasets import config
    from datasets.fingerprint import Hasher

    of = _stamps(images) if files else images._fingerprint
    name = Hasher.hash([of, pixels, digest([__file__])])
    folder = Path(config.HF_DATASETS_CACHE) / "prunescope"
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    return images.map(
        look,
        fn_kwargs={"pixels": pixels},
        remove_columns=["image"],
        cache_file_name=str(folder / f"{name}.arrow") if files else None,
        new_fingerprint=name,
    )


def _stamps(images: "Dataset") -> list[Any]:
    """Path, size and time of each file: while these stay, so does what is in it."""
    stamps = []
    for row in images:
        path = Path((row["image"] or {"path": ""})["path"])
        stat = path.stat() if path.is_file() else None
        stamps.append((str(path), stat and (stat.st_size, stat.st_mtime_ns)))
    return stamps


def look(row: dict[str, Any], pixels: int) -> dict[str, Any]:
    """One image: its header first, so that one that unpacks to more than `pixels` never does."""
    stored = row["image"] or {"path": None, "bytes": None}
    found = {"problem": "", "path": stored["path"] or "", "width": 0, "height": 0, "digest": ""}
    if not stored["path"] and not stored["bytes"]:
        return found | {"problem": "there is no image"}
    try:
        data = stored["bytes"] or Path(stored["path"]).read_bytes()
        found["digest"] = hashlib.sha256(data).hexdigest()
        with Image.open(io.BytesIO(data)) as image:
            found["width"], found["height"] = image.size
            if image.width * image.height > pixels:
                return found | {"problem": f"{image.width} x {image.height} pixels are too many"}
            image.load()
    except UnidentifiedImageError:  # its text has an address in memory
        return found | {"problem": "it is no image of a known format"}
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        # without the path, so that what is said of a data set is the same on all machines
        said = getattr(error, "strerror", None) or error
        return found | {"problem": f"{type(error).__name__}: {said}"}
    return found
