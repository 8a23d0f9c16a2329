"""A pretrained decoder and what was trained on it -> a stock LLaVA, in a folder of its own.

What was trained lies in a small folder: `config.json` of the finished LLaVA, `trained.safetensors`
and `merging.json`. The weights are the vision tower (`vision_tower.*`), the projector
(`multi_modal_projector.*`), low-rank updates of the decoder's matrices (`updates.*.down` and `.up`)
and the vectors of the new tokens (`new_tokens`, which follow the decoder's vocabulary).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import AddedToken, processors
from torch import Tensor
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    SiglipImageProcessorPil,
)

from prunescope.errors import InputError
from prunescope.provenance import file_sha256

WEIGHTS, SETTINGS = "trained.safetensors", "merging.json"
UPDATES = "updates."
# Merged weights are stored in two bytes and used in float32.
STORED, USED = torch.float16, torch.float32


@dataclass(frozen=True)
class Merging:
    """What merging needs beside the weights; the content of `merging.json`.

    decoder: `weights_digest` of the decoder that the updates were trained on. tokens: new tokens in
    the order of their vectors. image: the one of them that stands for a visual token.
    """

    decoder: str
    tokens: list[str]
    image: str

    @classmethod
    def read(cls, folder: Path) -> "Merging":
        """InputError for a file that is missing or has other keys."""
        path = folder / SETTINGS
        if not path.is_file():
            raise InputError(f"{path}: there is no such file; it tells how to merge the weights")
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: {error}; keys are decoder, tokens, image") from None

    def write(self, folder: Path) -> None:
        (folder / SETTINGS).write_text(json.dumps(asdict(self), indent=2) + "\n")


def merge(decoder: Path, trained: Path, folder: Path) -> str:
    """Write the merged model with its processor to `folder`; returns the SHA-256 of its weights.

    decoder: folder of the pretrained decoder. trained: folder of what was trained on it.
    InputError if the decoder's weights are not those that the updates were trained on.
    """
    merging = Merging.read(trained)
    base = LlamaForCausalLM.from_pretrained(decoder, dtype=USED)
    if (digest := weights_digest(base)) != merging.decoder:
        raise InputError(
            f"{decoder}: the decoder's weights have digest {digest}; those of {trained} were "
            f"trained on a decoder with digest {merging.decoder}"
        )
    config = LlavaConfig.from_pretrained(trained)
    weights = {name: value.to(USED) for name, value in load_file(trained / WEIGHTS).items()}
    model = merged_model(config, base, weights)
    tokenizer = extended_tokenizer(decoder, merging)
    return save(model, build_processor(config.vision_config, tokenizer, merging.image), folder)


def merged_model(
    config: LlavaConfig, decoder: LlamaForCausalLM, weights: dict[str, Tensor]
) -> LlavaForConditionalGeneration:
    """The LLaVA of a configuration, with the weights of both parts; changes `decoder`."""
    add_updates(decoder, weights)
    words = torch.cat([decoder.get_input_embeddings().weight.data, weights["new_tokens"]])
    state = {f"model.language_model.{k}": v for k, v in decoder.model.state_dict().items()}
    state["model.language_model.embed_tokens.weight"] = state["lm_head.weight"] = words
    for part in ("vision_tower", "multi_modal_projector"):
        names = [name for name in weights if name.startswith(f"{part}.")]
        state |= {f"model.{name}": weights[name] for name in names}
    model = LlavaForConditionalGeneration(config)
    model.load_state_dict(state)
    return model.eval()


def add_updates(decoder: LlamaForCausalLM, weights: dict[str, Tensor]) -> None:
    """Add low-rank updates to the matrices of a stock decoder, in place.

    weights: `updates.<matrix>.down` (rank, in) and `updates.<matrix>.up` (out, rank).
    """
    for name in sorted(weights):
        if name.startswith(UPDATES) and name.endswith(".up"):
            stem = name.removesuffix(".up")
            matrix = decoder.get_submodule(stem.removeprefix(UPDATES)).weight
            matrix.data += weights[name] @ weights[f"{stem}.down"]


def extended_tokenizer(decoder: Path, merging: Merging) -> PreTrainedTokenizerBase:
    """The decoder's tokenizer with the new tokens; it puts <bos> first."""
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    # not special, so that answers keep them when special tokens are left out
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in merging.tokens])
    first = tokenizer.bos_token
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A", special_tokens=[(first, tokenizer.bos_token_id)]
    )
    tokenizer.padding_side = "left"
    return tokenizer


def build_processor(
    tower: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, image: str
) -> LlavaProcessor:
    """Processor that resizes images to the tower's size, in [-1, 1], and turns the token `image`
    into one token for each of its patches."""
    side = tower.image_size
    images = SiglipImageProcessorPil(
        size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=tower.patch_size,
        vision_feature_select_strategy="full",
        image_token=image,
    )


def save(model: LlavaForConditionalGeneration, processor: LlavaProcessor, folder: Path) -> str:
    """Write model, processor and `weights.sha256`; returns the SHA-256 of the weights."""
    tokenizer = processor.tokenizer
    model.generation_config = GenerationConfig(
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.to(STORED).save_pretrained(folder)
    model.to(USED)
    for config in (model.config, model.config.text_config, model.config.vision_config):
        config.dtype = USED
    # Saving the weights wrote a configuration with their dtype; this one says float32.
    model.config.save_pretrained(folder)
    processor.save_pretrained(folder)
    digest = file_sha256(folder / "model.safetensors")
    (folder / "weights.sha256").write_text(f"{digest}  model.safetensors\n")
    return digest


def weights_digest(model: LlamaForCausalLM) -> str:
    """SHA-256 of the values of all weights in float32, however the files hold them."""
    state = hashlib.sha256()
    for name, values in sorted(model.state_dict().items()):
        state.update(name.encode() + values.to(torch.float32).contiguous().numpy().tobytes())
    return state.hexdigest()
