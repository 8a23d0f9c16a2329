"""A Llama whose RoPE turns the tokens of one image by row and column.

The rotation is that of M-RoPE (Qwen2-VL, arXiv 2409.12191) for a still image: half of the
frequencies count rows and half columns; they alternate, so that both axes have slow and fast
ones. Text counts one step a token on both axes, and after the image goes on from its longer side.
Position ids stay those of the sequence, so that stock `LlavaForConditionalGeneration` runs it
unchanged; they are read as places in the image, hence must not be numbered anew when tokens are
removed.

Importing this module registers the classes with the Auto classes of transformers.
"""

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

    image_rows: int = 12
    image_columns: int = 12
    image_start: int = 1


class Rotary2d(LlamaRotaryEmbedding):
    """Angles of rows for the even frequencies, of columns for the odd ones."""

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
    config_class = Llama2dConfig

    def __init__(self, config: Llama2dConfig):
        super().__init__(config)
        self.rotary_emb = Rotary2d(config)


class Llama2dForCausalLM(LlamaForCausalLM):
    config_class = Llama2dConfig

    def __init__(self, config: Llama2dConfig):
        super().__init__(config)
        self.model = Llama2dModel(config)


AutoConfig.register(Llama2dConfig.model_type, Llama2dConfig)
AutoModel.register(Llama2dConfig, Llama2dModel)
AutoModelForCausalLM.register(Llama2dConfig, Llama2dForCausalLM)
