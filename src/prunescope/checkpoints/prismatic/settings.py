"""Checks that a Prismatic checkpoint can be converted, by its settings."""

import json
from pathlib import Path

from prunescope.errors import InputError

SIGLIP, DINOSIGLIP = "siglip-vit-so400m-384px", "dinosiglip-vit-so-384px"
# Values that the checkpoint's config.json may have. Other models differ in more than size: in the
# towers, the prompts or the resizing of images.
SUPPORTED = {
    "vision_backbone_id": (SIGLIP, DINOSIGLIP),
    "llm_backbone_id": ("llama2-7b-pure", "llama2-13b-pure"),
    "image_resize_strategy": ("resize-naive",),
}
ARCHITECTURES = {
    SIGLIP: ("no-align+gelu-mlp", "gelu-mlp"),
    DINOSIGLIP: ("no-align+fused-gelu-mlp", "fused-gelu-mlp"),
}


def check_settings(path: Path, dino: Path | str | None) -> None:
    """Raise InputError if the config.json of a checkpoint names unsupported parts.

    Raise it also if weights of DINOv2 (`dino`) are given but not needed, or needed but not given.
    """
    try:
        settings = dict(json.loads(path.read_text())["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected a JSON file with `model`: {error!r}") from None
    for key, allowed in SUPPORTED.items():
        _check(path, key, settings.get(key), allowed)
    backbone = settings["vision_backbone_id"]
    _check(path, "arch_specifier", settings.get("arch_specifier"), ARCHITECTURES[backbone])
    if (backbone == DINOSIGLIP) != (dino is not None):
        hint = "also needs weights of DINOv2: give" if dino is None else "has no DINOv2: omit"
        raise InputError(f"{path}: a model with {backbone!r} {hint} `dino`")


def _check(path: Path, key: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(
            f"{path}: model.{key}: {value!r} is not supported; supported: {list(allowed)}"
        )
