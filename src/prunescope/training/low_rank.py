"""Low-rank updates of a frozen decoder (LoRA, arXiv 2106.09685)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaForCausalLM

UPDATED = {
    "self_attn": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
}


class LowRankLinear(nn.Module):
    """A frozen linear layer W with a trained update: W x + up (down x); `up` starts at zero."""

    def __init__(self, base: nn.Linear, rank: int):
        super().__init__()
        # products are computed in bfloat16 under autocast: stored so, they are cast once
        self.base = base.requires_grad_(False).to(torch.bfloat16)
        scale = base.in_features**-0.5
        self.down = nn.Parameter(scale * torch.randn(rank, base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, hidden: Tensor) -> Tensor:
        return self.base(hidden) + F.linear(F.linear(hidden, self.down), self.up)


def add_updates(decoder: LlamaForCausalLM, rank: int) -> None:
    """Freeze a decoder and give a low-rank update to all seven matrices of each of its layers."""
    decoder.requires_grad_(False)
    for layer in decoder.model.layers:
        for block, names in UPDATED.items():
            part = getattr(layer, block)
            for name in names:
                setattr(part, name, LowRankLinear(getattr(part, name), rank))
