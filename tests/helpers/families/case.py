"""A tiny model of a family, its stock processor, and prompts: what tests of families run on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast, ProcessorMixin

PAD, BOS, EOS, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"
WORDS = "what is where the a of in and left right above below red blue green box dog cat sky two"

# Sizes of a text model: grouped-query attention, and larger weights than the default, so that
# attention is far from uniform.
TEXT: dict[str, Any] = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 6,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "initializer_range": 0.15,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True)
class Prompt:
    """A text with the family's placeholder for each image, and the images."""

    text: str
    images: tuple[Image.Image, ...]


def prompt(text: str, *sizes: tuple[int, int], seed: int = 0) -> Prompt:
    """A prompt about noise; sizes: (height, width) of each image in pixels."""
    draw = np.random.default_rng(seed)
    noise = [draw.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    return Prompt(text, tuple(Image.fromarray(pixels) for pixels in noise))


@dataclass(frozen=True, eq=False)
class Case:
    """One kind of model.

    build: attention backend -> random model, always the same, float32, in eval mode. processor:
    the stock processor with a tiny tokenizer. prompts: at least three, of different lengths, with
    images of different sizes and one with two images where the family allows that. options:
    further arguments of the processor's call.
    """

    name: str
    build: Callable[[str], nn.Module]
    processor: Callable[[], ProcessorMixin]
    prompts: tuple[Prompt, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def inputs(self, *rows: int) -> dict[str, Tensor]:
        """What the processor makes of these prompts together, padded on the left."""
        return self.inputs_of(self.processor(), *rows)

    def inputs_of(self, processor: ProcessorMixin, *rows: int) -> dict[str, Tensor]:
        """What another processor makes of them."""
        chosen = [self.prompts[row] for row in rows]
        batch = processor(
            text=[prompt.text for prompt in chosen],
            images=[list(prompt.images) for prompt in chosen],
            padding=True,
            padding_side="left",
            return_tensors="pt",
            **self.options,
        )
        return dict(batch)


class ImagesOnly:
    """Goes before a processor class that has a video processor, too; that needs torchvision."""

    def __init__(self, image_processor, tokenizer, **options):
        super().__init__(image_processor, tokenizer, None, **options)


def random_model(
    cls: type[PreTrainedModel], config: PreTrainedConfig, backend: str
) -> PreTrainedModel:
    """The same random weights for every backend."""
    torch.manual_seed(0)
    model = cls(config).eval()
    model.set_attn_implementation(backend)
    model.generation_config.pad_token_id = model.config.get_text_config().pad_token_id
    return model


def tokenizer(*special: str, **named: str) -> PreTrainedTokenizerFast:
    """A tokenizer of a few words that begins a text with `BOS`.

    special: further tokens of the family; named: such tokens as attributes of the tokenizer, as
    in `image_token="<image>"`. `PAD` is token 0 and `BOS` token 1; there are `len(tokenizer)`.
    """
    vocabulary = {word: i for i, word in enumerate([PAD, BOS, EOS, UNKNOWN, *WORDS.split()])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, vocabulary[BOS])]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNKNOWN,
        extra_special_tokens=named,
    )
    fast.add_special_tokens({"additional_special_tokens": list(special)})
    return fast
