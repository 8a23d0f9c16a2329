"""The tensors of the frozen vision towers, under the names of LLaVA."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional

from prunescope.checkpoints.prismatic.weights import Rules, Tensors, renamed, shape
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
# Names of DINOv2 that are in the published files and that transformers has since given up.
DINO_FORMERLY: Rules = (
    (r"(.*\.attention)\.attention\.query\.", r"\1.q_proj."),
    (r"(.*\.attention)\.attention\.key\.", r"\1.k_proj."),
    (r"(.*\.attention)\.attention\.value\.", r"\1.v_proj."),
    (r"(.*\.attention)\.output\.dense\.", r"\1.o_proj."),
)
# The pooling heads (of Hugging Face and of timm) come after the features that LLaVA takes.
SIGLIP_HEADS = ("head.", "attn_pool.")
# Names, of Hugging Face and of timm, by which a tower is found among other tensors.
SIGLIP_MARKS = ("embeddings.patch_embedding.weight", "patch_embed.proj.weight")
DINO_MARKS = ("embeddings.register_tokens", "reg_token")


def of_towers(siglip: Path, dino: Path | None) -> Tensors:
    """Weights of SigLIP, or of both towers as `dinosiglip.DinoSiglipVisionModel` names them."""
    if dino is None:
        return _under(TOWER, of_siglip(siglip))
    return _under(f"{TOWER}dino.", of_dino(dino)) | _under(f"{TOWER}siglip.", of_siglip(siglip))


def of_siglip(path: Path) -> Tensors:
    """SigLIP's vision tower without its pooling head.

    path: a folder or file of safetensors in the names of Hugging Face or of timm, also among the
    tensors of a larger model (`vision_model.`, `visual.trunk.`).
    """
    tower = _read(path, "SigLIP vision tower", SIGLIP_MARKS, SIGLIP_HEADS)
    if SIGLIP_MARKS[1] not in tower:
        return tower
    if "pos_embed" in tower:
        tower["pos_embed"] = tower["pos_embed"].squeeze(0)
    return renamed(dict(_split_projections(tower)), SIGLIP_TIMM)


def of_dino(path: Path) -> Tensors:
    """DINOv2 with registers, its position embeddings resampled for `IMAGE_SIZE`.

    path: a folder or file of safetensors in the names of Hugging Face or of timm.
    """
    tower = _read(path, "DINOv2 with registers", DINO_MARKS)
    if DINO_MARKS[1] in tower:
        tower = renamed(dict(_split_projections(_complete(tower))), DINO_TIMM)
    tower = renamed(tower, DINO_FORMERLY)
    positions = "embeddings.position_embeddings"
    shape(tower, positions, 3)
    patch = shape(tower, "embeddings.patch_embeddings.projection.weight", 4)[-1]
    return tower | {positions: resample(tower[positions], IMAGE_SIZE // patch)}


def resample(positions: Tensor, side: int) -> Tensor:
    """Position embeddings (1, 1 + n * n, dim) of the class token and of n x n patches ->
    (1, 1 + side * side, dim), bicubic with antialiasing in float32, as timm does it."""
    of_class, of_patches = positions[:, :1], positions[:, 1:]
    before = math.isqrt(of_patches.shape[1])
    if before == 0 or before**2 != of_patches.shape[1]:
        raise InputError(f"weights: {of_patches.shape[1]} position embeddings make no square")
    if before == side:
        return positions
    square = of_patches.float().mT.unflatten(2, (before, before))
    square = functional.interpolate(square, size=(side, side), mode="bicubic", antialias=True)
    return torch.cat([of_class, square.flatten(2).mT.to(positions.dtype)], 1)


def _complete(timm: Tensors) -> Tensors:
    """timm has added the position of the class token to that token, and has left out the token
    for masked patches, which is for training only: zeros do the same."""
    width = shape(timm, "pos_embed", 3)[-1]
    none = timm["pos_embed"].new_zeros(1, 1, width)
    positions = torch.cat([none, timm["pos_embed"]], 1)
    return timm | {"pos_embed": positions, "embeddings.mask_token": none[0]}


def _split_projections(timm: Tensors) -> Iterator[tuple[str, Tensor]]:
    """One tensor each for queries, keys and values."""
    for name, tensor in timm.items():
        if ".qkv." in name:
            for part, third in zip("qkv", tensor.chunk(3), strict=True):
                yield name.replace("qkv", f"{part}_proj"), third
        else:
            yield name, tensor


def _read(path: Path, what: str, marks: tuple[str, str], without: tuple[str, ...] = ()) -> Tensors:
    """A tower among the tensors of safetensors: the name of one of them must end in a mark, and
    what stands before that is left out of all names. without: starts of names that are left out."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    names = {name: file for file in files for name in _names(file)}
    prefixes = [name.removesuffix(end) for end in marks for name in names if name.endswith(end)]
    if len(prefixes) != 1:
        raise InputError(
            f"{path}: expected safetensors of one {what}, in which one name ends in "
            f"one of {list(marks)}; {len(prefixes)} do"
        )
    left_out = tuple(prefixes[0] + start for start in without)
    return {
        name.removeprefix(prefixes[0]): _tensor(file, name)
        for name, file in names.items()
        if name.startswith(prefixes[0]) and not name.startswith(left_out)
    }


def _under(prefix: str, tensors: Tensors) -> Tensors:
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
