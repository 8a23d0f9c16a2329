"""Images of a data set: opened as stored, and each inspected once (readable, size, digest)."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from prunescope.errors import InputError
from prunescope.provenance import digest
from prunescope.tasks.card import Task

if TYPE_CHECKING:
    from datasets import Dataset, Features


def image_column(rows: "Dataset", column: str) -> "Dataset":
    """The images of the rows, undecoded, as the column `image`.

    column: a name; of a column of lists, name and index with a dot between them.
    """
    name, _, index = column.partition(".")
    if index:
        return rows.map(
            lambda row: {"image": _item(row[name], int(index))},
            remove_columns=rows.column_names,
            features=_undecoded_features(),
        )
    data = rows.select_columns([name])
    return data if name == "image" else data.rename_column(name, "image")


def image_files(task: Task, names: Sequence[str | None]) -> "Dataset":
    """The images at these paths under the folder that the card names; no image for None."""
    from datasets import Dataset

    folder = task.access.folder / task.images["under"]
    if not folder.is_dir():
        raise InputError(f"task {task.name!r}: there is no folder {folder}. {task.images['how']}")
    paths = [None if name is None else {"path": str(folder / name)} for name in names]
    return Dataset.from_dict({"image": paths}, _undecoded_features())


def _undecoded_features() -> "Features":
    from datasets import Features
    from datasets import Image as ImageFeature

    return Features({"image": ImageFeature(decode=False)})


def _item(items: list[Any] | None, index: int) -> Any:
    """The item at an index; None, as for a row without an image, where there are fewer."""
    return items[index] if items and index < len(items) else None


def undecoded(data: Any) -> Any:
    """A Dataset or IterableDataset whose images, and lists of images, stay as they are stored."""
    from datasets import Image as ImageFeature
    from datasets import List

    for name, feature in (data.features or {}).items():
        if isinstance(feature, ImageFeature) and feature.decode:
            data = data.cast_column(name, ImageFeature(decode=False))
        elif isinstance(feature, List) and isinstance(feature.feature, ImageFeature):
            data = data.cast_column(name, List(ImageFeature(decode=False)))
    return data


def open_image(stored: dict[str, Any]) -> Image.Image:
    """An image with its pixels in stored order, whatever rotation its EXIF data ask for.

    Boxes refer to the stored pixels. `datasets` would rotate, so it must not decode images.
    """
    return Image.open(io.BytesIO(stored["bytes"]) if stored["bytes"] else stored["path"])


def to_rgb(stored: dict[str, Any]) -> Image.Image:
    """An image in three channels of 8 bits, its pixels in stored order."""
    with open_image(stored) as image:
        if image.mode.startswith("I"):  # 16 bits; `convert` would make all above 255 white
            scaled = np.asarray(image).clip(0, 65535) / 257
            return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
        return image.convert("RGB")


def inspect_images(images: "Dataset", pixels: int, files: bool = False) -> "Dataset":
    """Facts about the images: problem ("" for none), path, width, height, SHA-256 digest of bytes.

    pixels: the most that an image may have. files: whether the images are files, not columns of
    a data set. Results are kept in the cache of datasets while images or files stay the same.
    """
    from datasets import config
    from datasets.fingerprint import Hasher

    identity = _stamps(images) if files else images._fingerprint
    name = Hasher.hash([identity, pixels, digest([__file__])])
    folder = Path(config.HF_DATASETS_CACHE) / "prunescope"
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    return images.map(
        inspect_image,
        fn_kwargs={"pixels": pixels},
        remove_columns=["image"],
        cache_file_name=str(folder / f"{name}.arrow") if files else None,
        new_fingerprint=name,
    )


def _stamps(images: "Dataset") -> list[Any]:
    """Path, size and time of each file; while these stay the same, so does its content."""
    stamps = []
    for row in images:
        path = Path((row["image"] or {"path": ""})["path"])
        stat = path.stat() if path.is_file() else None
        stamps.append((str(path), stat and (stat.st_size, stat.st_mtime_ns)))
    return stamps


def inspect_image(row: dict[str, Any], pixels: int) -> dict[str, Any]:
    """Facts about one image; the columns are those of `inspect_images`.

    The header is read first, so that an image of more than `pixels` is never unpacked.
    """
    stored = row["image"] or {"path": None, "bytes": None}
    facts = {"problem": "", "path": stored["path"] or "", "width": 0, "height": 0, "digest": ""}
    if not stored["path"] and not stored["bytes"]:
        return facts | {"problem": "there is no image"}
    try:
        data = stored["bytes"] or Path(stored["path"]).read_bytes()
        facts["digest"] = hashlib.sha256(data).hexdigest()
        with Image.open(io.BytesIO(data)) as image:
            facts["width"], facts["height"] = image.size
            if image.width * image.height > pixels:
                return facts | {"problem": f"{image.width} x {image.height} pixels are too many"}
            image.load()
    except UnidentifiedImageError:  # its message has an address in memory
        return facts | {"problem": "it is no image of a known format"}
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        # no path in the message, so that all machines describe a data set alike
        message = getattr(error, "strerror", None) or error
        return facts | {"problem": f"{type(error).__name__}: {message}"}
    return facts
