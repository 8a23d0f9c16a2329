"""The tensors of a Prismatic checkpoint and of SigLIP, under the names of LLaVA."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from prunescope.errors import InputError

Tensors = dict[str, Tensor]
Rules = Sequence[tuple[str, str]]  # pattern at the start of a name, what stands there instead

TOWER = "model.vision_tower."
CHECKPOINT: Rules = (
    (r"projector\.projector\.0\.", "model.multi_modal_projector.linear_1."),
    (r"projector\.projector\.2\.", "model.multi_modal_projector.linear_2."),
    (r"llm_backbone\.llm\.model\.", "model.language_model."),
    (r"llm_backbone\.llm\.lm_head\.", "lm_head."),
)
TIMM: Rules = (
    (r"patch_embed\.proj\.", "embeddings.patch_embedding."),
    (r"pos_embed$", "embeddings.position_embedding.weight"),
    (r"blocks\.(\d+)\.norm(\d)\.", r"encoder.layers.\1.layer_norm\2."),
    (r"blocks\.(\d+)\.attn\.proj\.", r"encoder.layers.\1.self_attn.out_proj."),
    (r"blocks\.(\d+)\.attn\.", r"encoder.layers.\1.self_attn."),
    (r"blocks\.(\d+)\.mlp\.", r"encoder.layers.\1.mlp."),
    (r"norm\.", "post_layernorm."),
)
# The pooling heads (of Hugging Face and of timm) come after the features that LLaVA takes.
HEADS = ("head.", "attn_pool.")
PATCHES = ("embeddings.patch_embedding.weight", "patch_embed.proj.weight")


def of_checkpoint(path: Path) -> Tensors:
    """Projector and language model of `latest-checkpoint.pt`, mapped from the file.

    Only tensors are read from the pickle; InputError for anything else in it.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: is no zip archive of tensors and nothing else: {reason}"
        ) from None
    match stored:
        case {"model": {"projector": dict(), "llm_backbone": dict()} as modules}:
            named = ((f"{m}.{name}", t) for m, part in modules.items() for name, t in part.items())
            return _renamed(dict(named), CHECKPOINT)
    raise InputError(f"{path}: expected {{'model': {{'projector': ..., 'llm_backbone': ...}}}}")


def of_vision(path: Path) -> Tensors:
    """SigLIP's vision tower without its pooling head.

    path: a folder or file of safetensors in the names of Hugging Face or of timm, also among the
    tensors of a larger model (`vision_model.`, `visual.trunk.`).
    """
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    names = {name: file for file in files for name in _names(file)}
    prefixes = [name.removesuffix(end) for end in PATCHES for name in names if name.endswith(end)]
    if len(prefixes) != 1:
        raise InputError(
            f"{path}: expected safetensors of one SigLIP vision tower, in which one name ends in "
            f"one of {list(PATCHES)}; {len(prefixes)} do"
        )
    heads = tuple(prefixes[0] + head for head in HEADS)
    tower = {
        name.removeprefix(prefixes[0]): _read(file, name)
        for name, file in names.items()
        if name.startswith(prefixes[0]) and not name.startswith(heads)
    }
    if PATCHES[1] in tower:
        tower = _renamed(dict(_like_hugging_face(tower)), TIMM)
    return {TOWER + name: tensor for name, tensor in tower.items()}


def _like_hugging_face(timm: Tensors) -> Iterator[tuple[str, Tensor]]:
    """One tensor each for queries, keys and values; positions without a batch axis."""
    for name, tensor in timm.items():
        if ".qkv." in name:
            for part, third in zip("qkv", tensor.chunk(3), strict=True):
                yield name.replace("qkv", f"{part}_proj"), third
        else:
            yield name, tensor.squeeze(0) if name == "pos_embed" else tensor


def _renamed(tensors: Tensors, rules: Rules) -> Tensors:
    """Names by the first rule that fits; those that none fits stay as they are."""
    return {_rename(name, rules): tensor for name, tensor in tensors.items()}


def _rename(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        renamed, count = re.subn(f"^{pattern}", replacement, name)
        if count:
            return renamed
    return name


def _names(file: Path) -> list[str]:
    try:
        with safe_open(file, "pt") as stored:
            return list(stored.keys())
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file}: cannot be read as safetensors: {error}") from None


def _read(file: Path, name: str) -> Tensor:
    with safe_open(file, "pt") as stored:
        return stored.get_tensor(name)
