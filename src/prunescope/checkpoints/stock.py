"""What transformers itself has for the model in a folder: configuration and processor."""

from pathlib import Path
from typing import Any

from transformers import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    PROCESSOR_MAPPING,
    AutoConfig,
    AutoImageProcessor,
    AutoProcessor,
    PreTrainedConfig,
    ProcessorMixin,
)
from transformers.utils import is_torchvision_available

from prunescope.errors import InputError
from prunescope.hub.integrity import PROCESSOR, check_processor, check_settings
from prunescope.models import serving

# Nothing is fetched, and no code of a checkpoint's own is run, nor is anyone asked whether it may.
STOCK = {"local_files_only": True, "trust_remote_code": False}
NEEDS_MORE = (
    "its processor needs torchvision, and some also num2words: pip install -e '.[video]', after "
    "torchvision from where torch is from if that is not PyPI"
)


def config(folder: Path, where: str) -> PreTrainedConfig:
    """The configuration of the model in a folder. InputError, which begins with `where`, if
    transformers has no class for it, as for models that bring code of their own, if it takes no
    images, if no family serves it, or if its processor needs torchvision and that is not here."""
    found = _load(AutoConfig, folder, where)
    if type(found) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise InputError(
            f"{where}: {folder}: a model of type {found.model_type!r} does not read images and "
            "text, or transformers does not know that it does"
        )
    serving(found.model_type, f"{where}: {folder}")
    if not is_torchvision_available() and _reads_videos(found):
        raise InputError(f"{where}: {folder}: {NEEDS_MORE}")
    return found


def _reads_videos(found: PreTrainedConfig) -> bool:
    """Whether the processor of such a model is one of videos, too."""
    try:
        processor = PROCESSOR_MAPPING.get(type(found), None)
        return processor is not None and "video_processor" in processor.get_attributes()
    except ImportError:  # of one that has no class without torchvision
        return True


def processor(folder: Path, where: str) -> ProcessorMixin:
    """The processor of the model in a folder. It resizes images by Pillow, whether torchvision is
    there, whose pixels differ, or not. InputError, which begins with `where`, if there is none, or
    if it needs a package that is not here."""
    found = _load(AutoProcessor, folder, where)
    if not isinstance(found, ProcessorMixin):
        raise InputError(
            f"{where}: {folder}: transformers has no processor of the class that its files name. "
            f"Copy {' and '.join(PROCESSOR)} from where the model comes from"
        )
    if is_torchvision_available():  # processors of videos do not take the argument themselves
        found.image_processor = _load(AutoImageProcessor, folder, where, backend="pil")
    return found


def _load(auto: Any, folder: Path, where: str, **options: Any) -> Any:
    try:
        return auto.from_pretrained(folder, **STOCK, **options)
    except (ImportError, OSError, ValueError) as error:
        if any(name in str(error) for name in ("torchvision", "num2words")):
            raise InputError(f"{where}: {folder}: {NEEDS_MORE}") from None
        if isinstance(error, ImportError):
            said = " ".join(str(error).split())
            raise InputError(f"{where}: {folder}: its processor needs a package: {said}") from None
        check_settings(folder, where)
        if auto is AutoProcessor:
            check_processor(folder, where)
        said = str(error).split("\n")[0]
        raise InputError(
            f"{where}: {folder}: transformers has no class of its own for it ({said}). Code that "
            "comes with a model is never run: give a stock model, often one in -hf"
        ) from None
