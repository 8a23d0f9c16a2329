"""A Llama whose rotary embedding turns the tokens of one image by row and column.

The rotation is that of M-RoPE (Qwen2-VL, arXiv 2409.12191) for a still image: half of the
frequencies count rows and half columns. They alternate, so that both axes have slow and fast
frequencies. Text counts one step per token on both axes; after the image it continues from the
longer side. Position ids remain those of the sequence, so that stock
`LlavaForConditionalGeneration` runs this model. The model reads them as places in the image, so
they must not be renumbered when tokens are removed.

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
    """image_rows, image_columns: grid of visual tokens; image_start: position id of the first."""

    model_type = "llama_2d"
    positions_are_places = True

    image_rows: int = 12
    image_columns: int = 12
    image_start: int = 1


class RotaryEmbedding2d(LlamaRotaryEmbedding):
    """Rotary embedding whose even frequencies count rows and whose odd ones count columns.

    The name has to contain RotaryEmbedding: `from_pretrained` fills in the frequencies of such
    classes.
    """

    @torch.no_grad()
    def forward(self, x: Tensor, position_ids: LongTensor) -> tuple[Tensor, Tensor]:
        """cos and sin, each (batch, seq, head_dim), at position ids (batch, seq)."""
        row, column = places(position_ids, self.config)
        axis = torch.arange(len(self.inv_freq), device=x.device) % 2
        steps = torch.where(axis == 0, row[..., None], column[..., None])
        angles = (steps * self.inv_freq.to(x.device)).repeat(1, 1, 2)
        return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


def places(position_ids: LongTensor, config: Llama2dConfig) -> tuple[LongTensor, LongTensor]:
    """Positions on the axes of rows and columns, by position id; text has equal ones."""
    rows, columns, start = config.image_rows, config.image_columns, config.image_start
    index = position_ids - start
    after = start + max(rows, columns) + index - rows * columns
    text = torch.where(index < 0, position_ids, after)
    in_image = (index >= 0) & (index < rows * columns)
    row, column = start + index // columns, start + index % columns
    return torch.where(in_image, row, text), torch.where(in_image, column, text)


class Llama2dModel(LlamaModel):
    """LlamaModel with `RotaryEmbedding2d`; positions start after left padding."""

    config_class = Llama2dConfig

    def __init__(self, config: Llama2dConfig):
        super().__init__(config)
        self.rotary_emb = RotaryEmbedding2d(config)
        self.register_forward_pre_hook(_count_from_padding, with_kwargs=True)


def _count_from_padding(
    model: LlamaModel, args: tuple, kwargs: dict[str, Any]
) -> tuple[tuple, dict[str, Any]]:
    """Add position ids to a call without any: they start after left padding, as in `generate`.

    Llama itself counts padding, too, which does not matter to RoPE on one axis. This is a hook and
    not part of `forward`, so that later hooks see the position ids that the model uses.
    """
    mask = kwargs.get("attention_mask")
    if kwargs.get("position_ids") is not None or mask is None or mask.ndim != 2:
        return args, kwargs
    inputs = (*args[:1], kwargs.get("inputs_embeds"), kwargs.get("input_ids"))
    tokens = next(tensor for tensor in inputs if tensor is not None)
    position_ids = (mask.long().cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    return args, {**kwargs, "position_ids": position_ids}


class Llama2dForCausalLM(LlamaForCausalLM):
    """`Llama2dModel` with a language model head."""

    config_class = Llama2dConfig

    def __init__(self, config: Llama2dConfig):
        super().__init__(config)
        self.model = Llama2dModel(config)


AutoConfig.register(Llama2dConfig.model_type, Llama2dConfig)
AutoModel.register(Llama2dConfig, Llama2dModel)
AutoModelForCausalLM.register(Llama2dConfig, Llama2dForCausalLM)
