"""Tensors of the frozen vision towers, under the names of LLaVA."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional

from prunescope.checkpoints.prismatic.weights import Rules, Tensors, rename_all, shape_of
from prunescope.errors import InputError

TOWER = "model.vision_tower."
IMAGE_SIZE = 384
SIGLIP_TIMM: Rules = (
    (r"patch_embed\.proj\.", "embeddings.patch_embedding."),
    (r"pos_embed$", "embeddings.position_embedding.weight"),
    (r"blocks\.(\d+)\.norm(\d)\.", r"encoder.layers.\1.layer_norm\2."),
    (r"blocks\.(\d+)\.attn\.proj\.", r"encoder.layers.\1.self_attn.out_proj."),
    (r"blocks\.(\d+)\.attn\.", r"encoder.layers.\1.self_attn."),
    (r"blocks\.(\d+)\.mlp\.", r"encoder.layers.\1.mlp."),
    (r"norm\.", "post_layernorm."),
)
DINO_TIMM: Rules = (
    (r"patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
    (r"pos_embed$", "embeddings.position_embeddings"),
    (r"cls_token$", "embeddings.cls_token"),
    (r"reg_token$", "embeddings.register_tokens"),
    (r"blocks\.(\d+)\.attn\.proj\.", r"encoder.layer.\1.attention.o_proj."),
    (r"blocks\.(\d+)\.attn\.", r"encoder.layer.\1.attention."),
    (r"blocks\.(\d+)\.ls(\d)\.gamma$", r"encoder.layer.\1.layer_scale\2.lambda1"),
    (r"blocks\.", "encoder.layer."),
    (r"norm\.", "layernorm."),
)
# Names of DINOv2 in the published files, which transformers has since replaced.
DINO_OLD_NAMES: Rules = (
    (r"(.*\.attention)\.attention\.query\.", r"\1.q_proj."),
    (r"(.*\.attention)\.attention\.key\.", r"\1.k_proj."),
    (r"(.*\.attention)\.attention\.value\.", r"\1.v_proj."),
    (r"(.*\.attention)\.output\.dense\.", r"\1.o_proj."),
)
# Pooling heads, by names of Hugging Face and of timm; LLaVA takes the features before them.
SIGLIP_HEADS = ("head.", "attn_pool.")
# Ends of names, of Hugging Face and of timm, that mark a tower among other tensors.
SIGLIP_MARKS = ("embeddings.patch_embedding.weight", "patch_embed.proj.weight")
DINO_MARKS = ("embeddings.register_tokens", "reg_token")


def load_towers(siglip: Path, dino: Path | None) -> Tensors:
    """Weights of SigLIP, or of both towers as `dinosiglip.DinoSiglipVisionModel` names them."""
    if dino is None:
        return _prefixed(TOWER, load_siglip(siglip))
    towers = _prefixed(f"{TOWER}dino.", load_dino(dino))
    return towers | _prefixed(f"{TOWER}siglip.", load_siglip(siglip))


def load_siglip(path: Path) -> Tensors:
    """Weights of SigLIP's vision tower without its pooling head.

    path: a folder or file of safetensors with names of Hugging Face or of timm. The tower may be
    part of a larger model (`vision_model.`, `visual.trunk.`).
    """
    tower = _read(path, "SigLIP vision tower", SIGLIP_MARKS, SIGLIP_HEADS)
    if SIGLIP_MARKS[1] not in tower:
        return tower
    if "pos_embed" in tower:
        tower["pos_embed"] = tower["pos_embed"].squeeze(0)
    return rename_all(dict(_split_projections(tower)), SIGLIP_TIMM)


def load_dino(path: Path) -> Tensors:
    """Weights of DINOv2 with registers, its position embeddings resampled for `IMAGE_SIZE`.

    path: a folder or file of safetensors with names of Hugging Face or of timm.
    """
    tower = _read(path, "DINOv2 with registers", DINO_MARKS)
    if DINO_MARKS[1] in tower:
        tower = rename_all(dict(_split_projections(_completed(tower))), DINO_TIMM)
    tower = rename_all(tower, DINO_OLD_NAMES)
    positions = "embeddings.position_embeddings"
    shape_of(tower, positions, 3)  # three axes, or an InputError
    patch = shape_of(tower, "embeddings.patch_embeddings.projection.weight", 4)[-1]
    return tower | {positions: resample(tower[positions], IMAGE_SIZE // patch)}


def resample(positions: Tensor, side: int) -> Tensor:
    """Position embeddings (1, 1 + n * n, dim) -> (1, 1 + side * side, dim).

    The first is the class token's, the others belong to n x n patches. Bicubic with antialiasing
    in float32, as in timm.
    """
    class_token, patches = positions[:, :1], positions[:, 1:]
    n = math.isqrt(patches.shape[1])
    if n == 0 or n**2 != patches.shape[1]:
        raise InputError(f"weights: {patches.shape[1]} position embeddings make no square")
    if n == side:
        return positions
    square = patches.float().mT.unflatten(2, (n, n))  # (1, dim, n, n)
    square = functional.interpolate(square, size=(side, side), mode="bicubic", antialias=True)
    return torch.cat([class_token, square.flatten(2).mT.to(positions.dtype)], 1)


def _completed(timm: Tensors) -> Tensors:
    """timm's DINOv2 with two tensors that timm leaves out.

    timm adds the class token's position to the token itself, and omits the token for masked
    patches, which only training needs. Zeros have the same effect.
    """
    width = shape_of(timm, "pos_embed", 3)[-1]
    zeros = timm["pos_embed"].new_zeros(1, 1, width)
    positions = torch.cat([zeros, timm["pos_embed"]], 1)
    return timm | {"pos_embed": positions, "embeddings.mask_token": zeros[0]}


def _split_projections(timm: Tensors) -> Iterator[tuple[str, Tensor]]:
    """timm's tensors, with separate projections of queries, keys and values."""
    for name, tensor in timm.items():
        if ".qkv." in name:
            for part, third in zip("qkv", tensor.chunk(3), strict=True):
                yield name.replace("qkv", f"{part}_proj"), third
        else:
            yield name, tensor


def _read(path: Path, tower: str, marks: tuple[str, str], without: tuple[str, ...] = ()) -> Tensors:
    """Tensors of one tower in a folder or file of safetensors, without the prefix of their names.

    The prefix is what stands before a mark; InputError unless exactly one name ends in a mark.
    tower: for the message. without: starts of names, after the prefix, that are left out.
    """
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    names = {name: file for file in files for name in _names(file)}
    prefixes = [name.removesuffix(end) for end in marks for name in names if name.endswith(end)]
    if len(prefixes) != 1:
        raise InputError(
            f"{path}: expected safetensors of one {tower}, in which one name ends in "
            f"one of {list(marks)}; {len(prefixes)} do"
        )
    left_out = tuple(prefixes[0] + start for start in without)
    return {
        name.removeprefix(prefixes[0]): _tensor(file, name)
        for name, file in names.items()
        if name.startswith(prefixes[0]) and not name.startswith(left_out)
    }


def _prefixed(prefix: str, tensors: Tensors) -> Tensors:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _names(file: Path) -> list[str]:
    try:
        with safe_open(file, "pt") as stored:
            return list(stored.keys())
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file}: cannot be read as safetensors: {error}") from None


def _tensor(file: Path, name: str) -> Tensor:
    with safe_open(file, "pt") as stored:
        return stored.get_tensor(name)
