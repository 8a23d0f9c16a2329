"""A Llama whose RoPE turns the tokens of one image by row and column.

The rotation is that of M-RoPE (Qwen2-VL, arXiv 2409.12191) for a still image: half of the
frequencies count rows and half columns; they alternate, so that both axes have slow and fast
ones. Text counts one step a token on both axes, and after the image goes on from its longer side.
Position ids stay those of the sequence, so that stock `LlavaForConditionalGeneration` runs it
unchanged; they are read as places in the image, hence must not be numbered anew when tokens are
removed.

Importing this module registers the classes with the Auto classes of transformers.
"""

from typing import Any

import torch
from torch import LongTensor, Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
)
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding


class Llama2dConfig(LlamaConfig):
    """image_rows, image_columns: of the visual tokens; image_start: position of the first."""

    model_type = "llama_2d"
    positions_are_places = True

    image_rows: int = 12
    image_columns: int = 12
    image_start: int = 1


class RotaryEmbedding2d(LlamaRotaryEmbedding):
    """Angles of rows for the even frequencies, of columns for the odd ones.

    `from_pretrained` fills in the frequencies of classes with RotaryEmbedding in their name.
    """

    @torch.no_grad()
    def forward(self, x: Tensor, position_ids: LongTensor) -> tuple[Tensor, Tensor]:
        """cos and sin, each (batch, seq, head_dim), of position ids (batch, seq)."""
        row, column = places(position_ids, self.config)
        axis = torch.arange(len(self.inv_freq), device=x.device) % 2
        steps = torch.where(axis == 0, row[..., None], column[..., None])
        angles = (steps * self.inv_freq.to(x.device)).repeat(1, 1, 2)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


def places(position_ids: LongTensor, config: Llama2dConfig) -> tuple[LongTensor, LongTensor]:
    """Row and column of each position; equal for text."""
    rows, columns, start = config.image_rows, config.image_columns, config.image_start
    index = position_ids - start
    after = start + max(rows, columns) + index - rows * columns
    text = torch.where(index < 0, position_ids, after)
    in_image = (index >= 0) & (index < rows * columns)
    row, column = start + index // columns, start + index % columns
    return torch.where(in_image, row, text), torch.where(in_image, column, text)


class Llama2dModel(LlamaModel):
    """LlamaModel with `RotaryEmbedding2d`; counts positions from left padding on."""

    config_class = Llama2dConfig

    def __init__(self, config: Llama2dConfig):
        super().__init__(config)
        self.rotary_emb = RotaryEmbedding2d(config)
        self.register_forward_pre_hook(_count_from_padding, with_kwargs=True)


def _count_from_padding(
    model: LlamaModel, args: tuple, kwargs: dict[str, Any]
) -> tuple[tuple, dict[str, Any]]:
    """Position ids that start after left padding, as `generate` gives, for a call without any.

    Llama counts padding, too, which RoPE on one axis does not notice. A hook, so that hooks that
    come later see what the model will use.
    """
    mask = kwargs.get("attention_mask")
    if kwargs.get("position_ids") is not None or mask is None or mask.ndim != 2:
        return args, kwargs
    given = (*args[:1], kwargs.get("inputs_embeds"), kwargs.get("input_ids"))
    tokens = next(each for each in given if each is not None)
    position_ids = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    return args, {**kwargs, "position_ids": position_ids}


class Llama2dForCausalLM(LlamaForCausalLM):
    """`Llama2dModel` with a head."""

    config_class = Llama2dConfig

    def __init__(self, config: Llama2dConfig):
        super().__init__(config)
        self.model = Llama2dModel(config)


AutoConfig.register(Llama2dConfig.model_type, Llama2dConfig)
AutoModel.register(Llama2dConfig, Llama2dModel)
AutoModelForCausalLM.register(Llama2dConfig, Llama2dForCausalLM)
