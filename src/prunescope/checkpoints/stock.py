"""Configuration and processor that transformers itself has for the model in a folder."""

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

# Nothing is fetched. Code that comes with a checkpoint is never run, and transformers does not
# ask whether it may be.
STOCK = {"local_files_only": True, "trust_remote_code": False}
VIDEO_EXTRA = (
    "its processor needs torchvision, and some also num2words: pip install -e '.[video]', after "
    "torchvision from where torch is from if that is not PyPI"
)


def load_config(folder: Path, where: str) -> PreTrainedConfig:
    """Configuration of the model in a folder.

    InputError if transformers has no class of its own for the model, if the model takes no images,
    if no family serves it, or if its processor needs torchvision and that is not installed.
    where: start of the message.
    """
    config = _load(AutoConfig, folder, where)
    if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
        raise InputError(
            f"{where}: {folder}: a model of type {config.model_type!r} does not read images and "
            "text, or transformers does not know that it does"
        )
    serving(config.model_type, f"{where}: {folder}")
    if not is_torchvision_available() and _reads_videos(config):
        raise InputError(f"{where}: {folder}: {VIDEO_EXTRA}")
    return config


def _reads_videos(config: PreTrainedConfig) -> bool:
    """Whether the processor for this configuration also processes videos."""
    try:
        processor = PROCESSOR_MAPPING.get(type(config), None)
        return processor is not None and "video_processor" in processor.get_attributes()
    except ImportError:  # without torchvision, some processors have no class at all
        return True


def load_processor(folder: Path, where: str) -> ProcessorMixin:
    """Processor of the model in a folder; it always resizes images by Pillow.

    With torchvision, pixels would differ. InputError if there is no processor, or if it needs a
    package that is not installed; where: start of the message.
    """
    processor = _load(AutoProcessor, folder, where)
    if not isinstance(processor, ProcessorMixin):
        raise InputError(
            f"{where}: {folder}: transformers has no processor of the class that its files name. "
            f"Copy {' and '.join(PROCESSOR)} from where the model comes from"
        )
    if is_torchvision_available():  # processors of videos do not take `backend` themselves
        processor.image_processor = _load(AutoImageProcessor, folder, where, backend="pil")
    return processor


def _load(auto: Any, folder: Path, where: str, **options: Any) -> Any:
    """Load by one of transformers' `Auto` classes; InputError says why it fails."""
    try:
        return auto.from_pretrained(folder, **STOCK, **options)
    except (ImportError, OSError, ValueError) as error:
        if not isinstance(error, ImportError) and not _names_video_packages(error):
            check_settings(folder, where)
            if auto is AutoProcessor:
                check_processor(folder, where)
        raise InputError(f"{where}: {folder}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Why transformers cannot load a configuration or a processor."""
    if _names_video_packages(error):
        return VIDEO_EXTRA
    if isinstance(error, ImportError):
        return f"its processor needs a package: {' '.join(str(error).split())}"
    first_line = str(error).split("\n")[0]
    return (
        f"transformers has no class of its own for it ({first_line}). Code that comes with a "
        "model is never run: give a stock model, often one in -hf"
    )


def _names_video_packages(error: Exception) -> bool:
    return any(name in str(error) for name in ("torchvision", "num2words"))
