"""RoPE as FEATHER's environment computes it, to see how much of its published rows comes from it.

Its code runs transformers 4.38.1 under `torch.autocast` in bfloat16, where the product of
frequencies and positions is rounded: the 729 image tokens of its model have 438 different
rotations, those of the bottom rows share one by fours (later transformers compute it in float32).
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
    """From now on the model's decoder rotates by rounded angles. InputError for a decoder whose
    rotation is not the plain one of Llama."""
    family = family_of(model)
    decoder = family.decoder(model)
    rotary = getattr(decoder, "rotary_emb", None)
    if len(family.axes) > 1 or getattr(rotary, "rope_type", None) != "default":
        raise InputError(
            f"numerics: {type(decoder).__name__} does not have the plain RoPE of Llama that "
            "`numerics: feather` rounds; allowed: 'exact'"
        )
    decoder.rotary_emb = RoundedRotary(rotary)
