"""A tiny random Prismatic checkpoint in the layout of the published ones.

Heads are as wide as in the real models (72, 128), an image has the same 27 x 27 tokens, and there
are enough layers for FEATHER's stages.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from torch import Tensor

VISION, VISION_MLP, VISION_DEPTH, VISION_HEADS = 144, 160, 4, 2
TEXT_MLP = 96
# DINOv2, whose position embeddings are for 37 x 37 patches
DINO, DINO_MLP, DINO_DEPTH, DINO_HEADS, REGISTERS, DINO_TOKENS = 128, 256, 3, 2, 4, 37 * 37
SETTINGS = {
    "model_id": "prism-siglip-controlled+7b",
    "arch_specifier": "no-align+gelu-mlp",
    "vision_backbone_id": "siglip-vit-so400m-384px",
    "llm_backbone_id": "llama2-7b-pure",
    "image_resize_strategy": "resize-naive",
    "llm_max_length": 2048,
}
FUSED = {
    "model_id": "prism-dinosiglip-controlled+7b",
    "arch_specifier": "no-align+fused-gelu-mlp",
    "vision_backbone_id": "dinosiglip-vit-so-384px",
}
MERGES = ("▁ I", "▁I n", "I n", "O u", "Ou t", "▁ a", "▁ t", "▁t h", "▁th e", "▁ Ou", "▁Ou t")
LETTERS = tuple(sorted({"▁", *'abcdefghijklmnopqrstuvwxyzIOWT:?."'}))


@dataclass(frozen=True)
class Layout:
    """Sizes of a checkpoint, and the pieces that its tokenizer knows.

    patch: its side in pixels; tokens: of an image. width, depth: of the language model, whose
    heads are 128 wide.
    """

    patch: int = 14
    tokens: int = 729
    width: int = 256
    depth: int = 18
    merges: tuple[str, ...] = MERGES
    letters: tuple[str, ...] = LETTERS

    @property
    def heads(self) -> int:
        """Heads of the language model."""
        return self.width // 128


TINY = Layout()


class Draw:
    """Random tensors, determined by the seed."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, std: float = 0.1, mean: float = 0.0) -> Tensor:
        return mean + std * torch.randn(*shape, generator=self.generator)

    def linear(self, name: str, out: int, size: int) -> dict[str, Tensor]:
        return {f"{name}.weight": self(out, size, std=size**-0.5), f"{name}.bias": self(out)}

    def norm(self, name: str, size: int) -> dict[str, Tensor]:
        return {f"{name}.weight": self(size, mean=1.0), f"{name}.bias": self(size)}


def timm_weights(layout: Layout = TINY) -> dict[str, Tensor]:
    """Weights with the names of timm's `vit_so400m_patch14_siglip_384`, and of its pooling head."""
    draw, patch = Draw(1), layout.patch
    weights = {
        # small, so that the first norm's epsilon counts
        "pos_embed": draw(1, layout.tokens, VISION, std=0.05),
        "patch_embed.proj.weight": draw(VISION, 3, patch, patch, std=0.005),
        "patch_embed.proj.bias": draw(VISION, std=0.02),
        "attn_pool.latent": draw(1, 1, VISION),
        **draw.norm("norm", VISION),
        **draw.norm("attn_pool.norm", VISION),
    }
    for i in range(VISION_DEPTH):
        weights |= _block(draw, f"blocks.{i}", VISION, VISION_MLP)
    return weights


def timm_dino_weights() -> dict[str, Tensor]:
    """Weights with the names of timm's `vit_large_patch14_reg4_dinov2`."""
    draw, patch = Draw(2), TINY.patch
    weights = {
        "cls_token": draw(1, 1, DINO),
        "reg_token": draw(1, REGISTERS, DINO),
        "pos_embed": draw(1, DINO_TOKENS, DINO, std=0.05),
        "patch_embed.proj.weight": draw(DINO, 3, patch, patch, std=0.005),
        "patch_embed.proj.bias": draw(DINO, std=0.02),
        **draw.norm("norm", DINO),
    }
    for i in range(DINO_DEPTH):
        weights |= _block(draw, f"blocks.{i}", DINO, DINO_MLP)
        weights |= {f"blocks.{i}.ls{n}.gamma": draw(DINO, mean=0.5) for n in (1, 2)}
    return weights


def _block(draw: Draw, name: str, width: int, mlp: int) -> dict[str, Tensor]:
    return {
        **draw.norm(f"{name}.norm1", width),
        **draw.norm(f"{name}.norm2", width),
        **draw.linear(f"{name}.attn.qkv", 3 * width, width),
        **draw.linear(f"{name}.attn.proj", width, width),
        **draw.linear(f"{name}.mlp.fc1", mlp, width),
        **draw.linear(f"{name}.mlp.fc2", width, mlp),
    }


def hugging_face_dino_weights() -> dict[str, Tensor]:
    """`timm_dino_weights` as in the published files of facebook/dinov2-with-registers.

    The class token has a position embedding, which timm adds to the token itself. There is a token
    for masked patches.
    """
    timm, draw = timm_dino_weights(), Draw(3)
    position = draw(1, 1, DINO)
    weights = {
        "embeddings.cls_token": timm.pop("cls_token") - position,
        "embeddings.mask_token": draw(1, DINO),
        "embeddings.register_tokens": timm.pop("reg_token"),
        "embeddings.position_embeddings": torch.cat([position, timm.pop("pos_embed")], 1),
    }
    for name, tensor in timm.items():
        if ".qkv." in name:
            start, end = name.split("attn.qkv")
            for part, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                weights[f"{start}attention.attention.{part}{end}"] = third.clone()
        else:
            weights[name] = tensor
    return {_hugging_face_dino_name(name): tensor for name, tensor in weights.items()}


def _hugging_face_dino_name(name: str) -> str:
    for timm, other in {
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "blocks.": "encoder.layer.",
        "attn.proj": "attention.output.dense",
        "ls1.gamma": "layer_scale1.lambda1",
        "ls2.gamma": "layer_scale2.lambda1",
    }.items():
        name = name.replace(timm, other)
    return f"layer{name}" if name.startswith("norm.") else name


def projector_weights(layout: Layout = TINY, fused: bool = False) -> dict[str, Tensor]:
    """Weights of the projector, for one vision tower, or for two (`fused`)."""
    draw, text, vision = Draw(0), layout.width, DINO + VISION
    if not fused:
        return draw.linear("projector.0", text, VISION) | draw.linear("projector.2", text, text)
    return {
        **draw.linear("projector.0", 4 * vision, vision),
        **draw.linear("projector.2", text, 4 * vision),
        **draw.linear("projector.4", text, text),
    }


def llm_weights(layout: Layout = TINY) -> dict[str, Tensor]:
    """Weights of the language model."""
    draw, width, count = Draw(4), layout.width, rows(layout)
    llm = {
        "llm.model.embed_tokens.weight": draw(count, width),
        "llm.model.norm.weight": draw(width, mean=1.0),
        "llm.lm_head.weight": draw(count, width, std=width**-0.5),
    }
    for layer in (f"llm.model.layers.{i}" for i in range(layout.depth)):
        for part in "qkvo":
            llm[f"{layer}.self_attn.{part}_proj.weight"] = draw(width, width, std=width**-0.5)
        for part in ("gate", "up"):
            llm[f"{layer}.mlp.{part}_proj.weight"] = draw(TEXT_MLP, width, std=width**-0.5)
        llm[f"{layer}.mlp.down_proj.weight"] = draw(width, TEXT_MLP, std=TEXT_MLP**-0.5)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            llm[f"{layer}.{norm}.weight"] = draw(width, mean=1.0)
    return llm


def vocabulary(layout: Layout = TINY) -> dict[str, int]:
    """Ids of special tokens, bytes, letters and merged letters, in Llama-2's order."""
    merged = [pair.replace(" ", "") for pair in layout.merges]
    byte_tokens = [f"<0x{i:02X}>" for i in range(256)]
    tokens = ["<unk>", "<s>", "</s>", *byte_tokens, *layout.letters, *merged]
    return {token: i for i, token in enumerate(tokens)}


def rows(layout: Layout = TINY) -> int:
    """Rows of the embedding: tokens and <PAD>, padded to a multiple of 64."""
    return -(-(len(vocabulary(layout)) + 1) // 64) * 64


def save_checkpoint(
    folder: Path, fused: bool = False, layout: Layout = TINY, **settings: str
) -> Path:
    """Write a run folder with the trained modules.

    fused: for the model with two towers. settings: values of `config.json` to change.
    """
    (folder / "checkpoints").mkdir(parents=True)
    model = SETTINGS | (FUSED if fused else {}) | settings
    (folder / "config.json").write_text(json.dumps({"model": model, "seed": 7}))
    weights = {
        "projector": projector_weights(layout, fused),
        "llm_backbone": llm_weights(layout),
    }
    torch.save({"model": weights}, folder / "checkpoints" / "latest-checkpoint.pt")
    return folder


def save_vision(file: Path, layout: Layout = TINY) -> Path:
    """Write the weights of SigLIP."""
    save_file(timm_weights(layout), file)
    return file


def save_tokenizer(folder: Path, layout: Layout = TINY) -> Path:
    """Write a tokenizer in the files of meta-llama/Llama-2-7b-hf, with the same steps."""
    folder.mkdir(parents=True)
    merges = [tuple(pair.split()) for pair in layout.merges]
    pieces = models.BPE(
        vocabulary(layout), merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    tokenizer = Tokenizer(pieces)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )  # fmt: skip
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "LlamaTokenizer", "legacy": False, "add_bos_token": True,
        "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "pad_token": None, "padding_side": "right", "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
