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
    for i in range(VISION_DEPTH):
        weights |= _block(draw, f"blocks.{i}", VISION, VISION_MLP)
    return weights


def timm_dino_weights(seed: int = 2) -> dict[str, Tensor]:
    """As in timm's `vit_large_patch14_reg4_dinov2`."""
    draw = Draw(seed)
    weights = {
        "cls_token": draw(1, 1, DINO),
        "reg_token": draw(1, REGISTERS, DINO),
        "pos_embed": draw(1, DINO_TOKENS, DINO, std=0.05),
        "patch_embed.proj.weight": draw(DINO, 3, PATCH, PATCH, std=0.005),
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
    """The same in the published files of facebook/dinov2-with-registers: the class token has a
    position embedding that timm has added to it, and there is a token for masked patches."""
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


def projector_weights(seed: int = 0, fused: bool = False) -> dict[str, Tensor]:
    draw, width = Draw(seed), DINO + VISION
    if not fused:
        return draw.linear("projector.0", TEXT, VISION) | draw.linear("projector.2", TEXT, TEXT)
    return {
        **draw.linear("projector.0", 4 * width, width),
        **draw.linear("projector.2", TEXT, 4 * width),
        **draw.linear("projector.4", TEXT, TEXT),
    }


def llm_weights(rows: int, seed: int = 4) -> dict[str, Tensor]:
    draw = Draw(seed)
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
    return llm


def vocabulary() -> dict[str, int]:
    """Special tokens, bytes, letters and what they merge to, in Llama-2's order."""
    merged = [pair.replace(" ", "") for pair in MERGES]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), *LETTERS, *merged]
    return {token: i for i, token in enumerate(tokens)}


def rows() -> int:
    """Of the embedding: tokens and <PAD>, up to a multiple of 64."""
    return -(-(len(vocabulary()) + 1) // 64) * 64


def save_checkpoint(folder: Path, fused: bool = False, **settings: str) -> Path:
    """Run folder with the modules that were trained; fused: of the model with two towers;
    settings: what `config.json` says differently."""
    (folder / "checkpoints").mkdir(parents=True)
    model = SETTINGS | (FUSED if fused else {}) | settings
    (folder / "config.json").write_text(json.dumps({"model": model, "seed": 7}))
    weights = {"projector": projector_weights(fused=fused), "llm_backbone": llm_weights(rows())}
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
