"""RoPE in the arithmetic of FEATHER's published runs, to measure its effect on the results.

FEATHER runs transformers 4.38.1 under `torch.autocast` in bfloat16, which rounds the product of
frequencies and positions. The 729 image tokens of its model then have only 438 different rotations;
in the bottom rows, four tokens share one. Later transformers compute the product in float32.
"""

import torch
from torch import LongTensor, Tensor, nn

from prunescope.errors import InputError
from prunescope.models import family_of


class RoundedRotary(nn.Module):
    """The rotary embedding of a Llama-like decoder with angles in bfloat16."""

    def __init__(self, rotary: nn.Module):
        super().__init__()
        self.rotary = rotary

    @torch.no_grad()
    def forward(self, x: Tensor, position_ids: LongTensor) -> tuple[Tensor, Tensor]:
        """cos and sin, each (batch, seq, head_dim), of position ids (batch, seq)."""
        frequencies = self.rotary.inv_freq.bfloat16()
        angles = (position_ids[..., None].bfloat16() * frequencies).repeat(1, 1, 2)
        scaling = self.rotary.attention_scaling
        return (angles.cos() * scaling).to(x.dtype), (angles.sin() * scaling).to(x.dtype)


def round_rotary(model: nn.Module) -> None:
    """Make a model's decoder rotate by rounded angles, from now on.

    InputError for a decoder whose rotation is not Llama's plain one.
    """
    family = family_of(model)
    decoder = family.decoder(model)
    rotary = getattr(decoder, "rotary_emb", None)
    if len(family.axes) > 1 or getattr(rotary, "rope_type", None) != "default":
        raise InputError(
            f"numerics: {type(decoder).__name__} does not have the plain RoPE of Llama that "
            "`numerics: feather` rounds; allowed: 'exact'"
        )
    decoder.rotary_emb = RoundedRotary(rotary)
