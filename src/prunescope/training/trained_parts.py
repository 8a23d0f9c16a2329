"""The small folder of what was trained: tower, projector, low-rank updates, vectors of tokens.

`checkpoints.merging` puts it together with the pretrained decoder. The ideal visual tokens, which
the projector was fitted to, lie beside it for towers that are trained later.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, LlavaConfig, PreTrainedConfig

from prunescope.checkpoints.merging import STORED, UPDATES, WEIGHTS, Merging, weights_digest
from prunescope.training.ideal_tokens import IdealTokens
from prunescope.training.reading import IMAGE, LOCATIONS, Reader, Sight

IDEAL = "ideal_tokens.safetensors"


def write_trained(
    folder: Path, sight: Sight, tokens: IdealTokens, reader: Reader, decoder: str
) -> None:
    """Write the trained weights in two bytes, the configuration of the LLaVA, and how to merge.

    decoder: `merging.weights_digest` of the pretrained decoder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"vision_tower.{k}": v for k, v in sight.tower.state_dict().items()}
    weights |= {f"multi_modal_projector.{k}": v for k, v in sight.projector.state_dict().items()}
    weights |= updates_of(reader) | {"new_tokens": new_tokens(reader)}
    _save(weights, folder / WEIGHTS)
    _save(tokens.state_dict(), folder / IDEAL)
    llava_config(sight.tower.config, reader.decoder.config).save_pretrained(folder)
    Merging(decoder, [IMAGE, *LOCATIONS], IMAGE).write(folder)


def _save(weights: dict[str, Tensor], path: Path) -> None:
    stored = {name: value.detach().to(STORED).contiguous() for name, value in weights.items()}
    save_file(stored, path)


def decoder_digest(folder: Path | str) -> str:
    """`merging.weights_digest` of the pretrained decoder in a folder."""
    return weights_digest(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32))


def updates_of(reader: Reader) -> dict[str, Tensor]:
    """Low-rank updates by the name of their matrix in the decoder."""
    named = reader.decoder.named_parameters()
    return {f"{UPDATES}{k}": v for k, v in named if k.endswith((".up", ".down"))}


def new_tokens(reader: Reader) -> Tensor:
    """Vectors of IMAGE, which visual tokens replace, and of LOCATIONS: (33, width)."""
    image = torch.zeros(1, reader.words.shape[1])
    return torch.cat([image, reader.locations.detach()])


def llava_config(tower: PreTrainedConfig, decoder: LlamaConfig) -> LlavaConfig:
    """Configuration of a LLaVA that takes all features of the tower's last block."""
    known = decoder.vocab_size
    # "_name_or_path" is the decoder's folder on this machine
    settings = {k: v for k, v in decoder.to_dict().items() if k != "_name_or_path"}
    text = LlamaConfig(**settings | {"vocab_size": known + 1 + len(LOCATIONS)})
    return LlavaConfig(
        vision_config=tower,
        text_config=text,
        image_token_index=known,
        projector_hidden_act="gelu",
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        image_seq_length=(tower.image_size // tower.patch_size) ** 2,
        tie_word_embeddings=True,
    )
