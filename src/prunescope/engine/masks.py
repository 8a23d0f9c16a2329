"""Attention masks of pruned sequences, in the form of each attention backend.

eager: float (b, 1, queries, keys), 0 or the lowest number; sdpa: bool (b, 1, queries, keys), or
None for a causal mask; flash: bool (b, keys), False at padding, or None.
"""

import torch
from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.errors import InputError

BACKENDS = ("eager", "sdpa", "flash_attention_2", "flash_attention_3")


def check_backend(backend: str) -> None:
    """Raise InputError for an attention backend whose masks cannot be made."""
    if backend not in BACKENDS:
        raise InputError(f"attention backend {backend!r} is not supported; use one of {BACKENDS}")


def check_windows(backend: str, layers: nn.ModuleList) -> None:
    """Raise InputError where a backend could not keep the windows of sliding layers."""
    if backend.startswith("flash") and any(window_of(layer) for layer in layers):
        raise InputError(
            f"{backend} measures sliding windows in tokens that are left, the model in tokens of "
            "the whole prompt; load the model with attn_implementation='sdpa'"
        )


def window_of(layer: nn.Module) -> int | None:
    """How many tokens back a decoder layer attends, None for all."""
    attention = layer.self_attn
    if hasattr(attention, "sliding_window"):
        return attention.sliding_window
    return getattr(attention.config, "sliding_window", None)  # Mistral's layers keep it there


def causal(
    valid: BoolTensor,
    columns: LongTensor,
    queries: int,
    backend: str,
    dtype: torch.dtype,
    window: int | None = None,
) -> Tensor:
    """A mask by which the last `queries` of the tokens (b, keys) attend to the valid ones up to
    themselves.

    columns: (b, keys) increasing columns in the whole prompt, in which a window is measured.
    """
    if backend.startswith("flash"):
        return valid
    order = torch.arange(valid.shape[1], device=valid.device)
    allowed = (order <= order[-queries:, None]) & valid[:, None]  # (b, queries, keys)
    if window is not None:
        allowed &= columns[:, -queries:, None] - columns[:, None] < window
    allowed = allowed[:, None]
    if backend == "sdpa":
        return allowed
    return torch.zeros_like(allowed, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)


def pick(mask: Tensor, order: LongTensor, valid: BoolTensor) -> Tensor:
    """The rows and columns `order` (b, s) of a mask that the model made; only `valid` keys stay.

    mask: (b or 1, 1, queries, keys), or (b, keys) for flash attention.
    """
    if mask.ndim == 2:
        return valid
    batch = torch.arange(len(order), device=order.device)[:, None, None]
    picked = mask.expand(len(order), -1, -1, -1)[:, 0][batch, order[..., None], order[:, None]]
    blocked = 0 if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
    return picked.masked_fill(~valid[:, None], blocked)[:, None]
