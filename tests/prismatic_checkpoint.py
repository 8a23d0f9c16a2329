"""A random Prismatic checkpoint in the layout of the published ones, small but for its image.

Heads are as wide as in the real models (72, 128) and the image has its 27 x 27 tokens; there are
enough layers for FEATHER's stages.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from torch import Tensor

IMAGE, PATCH, TOKENS = 384, 14, 729
VISION, VISION_MLP, VISION_DEPTH, VISION_HEADS = 144, 160, 4, 2
TEXT, TEXT_MLP, TEXT_DEPTH, TEXT_HEADS = 256, 96, 18, 2
SETTINGS = {
    "model_id": "prism-siglip-controlled+7b",
    "arch_specifier": "no-align+gelu-mlp",
    "vision_backbone_id": "siglip-vit-so400m-384px",
    "llm_backbone_id": "llama2-7b-pure",
    "image_resize_strategy": "resize-naive",
    "llm_max_length": 2048,
}
MERGES = ["▁ I", "▁I n", "I n", "O u", "Ou t", "▁ a", "▁ t", "▁t h", "▁th e", "▁ Ou", "▁Ou t"]
LETTERS = sorted({"▁", *'abcdefghijklmnopqrstuvwxyzIOWT:?."'})


class Draw:
    """Random tensors, the same for the same seed."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, std: float = 0.1, mean: float = 0.0) -> Tensor:
        return mean + std * torch.randn(*shape, generator=self.generator)

    def linear(self, name: str, out: int, size: int) -> dict[str, Tensor]:
        return {f"{name}.weight": self(out, size, std=size**-0.5), f"{name}.bias": self(out)}

    def norm(self, name: str, size: int) -> dict[str, Tensor]:
        return {f"{name}.weight": self(size, mean=1.0), f"{name}.bias": self(size)}


def timm_weights(seed: int = 1) -> dict[str, Tensor]:
    """As in timm's `vit_so400m_patch14_siglip_384`, with something of its pooling head."""
    draw = Draw(seed)
    weights = {
        # small, so that the first norm's epsilon counts
        "pos_embed": draw(1, TOKENS, VISION, std=0.05),
        "patch_embed.proj.weight": draw(VISION, 3, PATCH, PATCH, std=0.005),
        "patch_embed.proj.bias": draw(VISION, std=0.02),
        "attn_pool.latent": draw(1, 1, VISION),
        **draw.norm("norm", VISION),
        **draw.norm("attn_pool.norm", VISION),
    }
    for block in (f"blocks.{i}" for i in range(VISION_DEPTH)):
        weights |= draw.norm(f"{block}.norm1", VISION) | draw.norm(f"{block}.norm2", VISION)
        weights |= draw.linear(f"{block}.attn.qkv", 3 * VISION, VISION)
        weights |= draw.linear(f"{block}.attn.proj", VISION, VISION)
        weights |= draw.linear(f"{block}.mlp.fc1", VISION_MLP, VISION)
        weights |= draw.linear(f"{block}.mlp.fc2", VISION, VISION_MLP)
    return weights


def checkpoint_weights(rows: int, seed: int = 0) -> dict[str, dict[str, Tensor]]:
    """The modules that are saved: those that were trained."""
    draw = Draw(seed)
    projector = draw.linear("projector.0", TEXT, VISION) | draw.linear("projector.2", TEXT, TEXT)
    llm = {
        "llm.model.embed_tokens.weight": draw(rows, TEXT),
        "llm.model.norm.weight": draw(TEXT, mean=1.0),
        "llm.lm_head.weight": draw(rows, TEXT, std=TEXT**-0.5),
    }
    for layer in (f"llm.model.layers.{i}" for i in range(TEXT_DEPTH)):
        for part in "qkvo":
            llm[f"{layer}.self_attn.{part}_proj.weight"] = draw(TEXT, TEXT, std=TEXT**-0.5)
        for part in ("gate", "up"):
            llm[f"{layer}.mlp.{part}_proj.weight"] = draw(TEXT_MLP, TEXT, std=TEXT**-0.5)
        llm[f"{layer}.mlp.down_proj.weight"] = draw(TEXT, TEXT_MLP, std=TEXT_MLP**-0.5)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            llm[f"{layer}.{norm}.weight"] = draw(TEXT, mean=1.0)
    return {"projector": projector, "llm_backbone": llm}


def vocabulary() -> dict[str, int]:
    """Special tokens, bytes, letters and what they merge to, in Llama-2's order."""
    merged = [pair.replace(" ", "") for pair in MERGES]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), *LETTERS, *merged]
    return {token: i for i, token in enumerate(tokens)}


def rows() -> int:
    """Of the embedding: tokens and <PAD>, up to a multiple of 64."""
    return -(-(len(vocabulary()) + 1) // 64) * 64


def save_checkpoint(folder: Path, **settings: str) -> Path:
    """Run folder; settings: what `config.json` says differently."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model": SETTINGS | settings, "seed": 7}))
    weights = checkpoint_weights(rows())
    torch.save({"model": weights}, folder / "checkpoints" / "latest-checkpoint.pt")
    return folder


def save_vision(file: Path, prefix: str = "") -> Path:
    save_file({prefix + name: tensor for name, tensor in timm_weights().items()}, file)
    return file


def save_tokenizer(folder: Path) -> Path:
    """In the files of meta-llama/Llama-2-7b-hf, with its steps."""
    folder.mkdir(parents=True)
    merges = [tuple(pair.split()) for pair in MERGES]
    words = Tokenizer(
        models.BPE(vocabulary(), merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    words.add_special_tokens(["<unk>", "<s>", "</s>"])
    words.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    words.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    words.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )  # fmt: skip
    words.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "LlamaTokenizer", "legacy": False, "add_bos_token": True,
        "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "pad_token": None, "padding_side": "right", "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
