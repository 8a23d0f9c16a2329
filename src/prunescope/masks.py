"""Attention masks for pruned sequences, as each attention backend wants them.

eager: float (b, 1, q, keys), 0 or the lowest number; sdpa: bool (b, 1, q, keys) or None for
causal; flash: bool (b, keys) of valid keys or None.
"""

import torch
from torch import BoolTensor, LongTensor, Tensor

from prunescope.errors import InputError

BACKENDS = ("eager", "sdpa", "flash_attention_2", "flash_attention_3")


def check_backend(backend: str) -> None:
    """Raise InputError for an attention backend whose masks are not known here."""
    if backend not in BACKENDS:
        raise InputError(f"attention backend {backend!r} is not supported; use one of {BACKENDS}")


def causal(valid: BoolTensor, queries: int, backend: str, dtype: torch.dtype) -> Tensor:
    """The last `queries` columns look at the valid (b, keys) columns up to themselves."""
    if backend.startswith("flash"):
        return valid
    columns = torch.arange(valid.shape[1], device=valid.device)
    allowed = (columns <= columns[-queries:, None]) & valid[:, None, None]
    if backend == "sdpa":
        return allowed
    return torch.zeros_like(allowed, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)


def pick(mask: Tensor, order: LongTensor, valid: BoolTensor) -> Tensor:
    """The rows and columns `order` (b, s) of a mask that the model made; only `valid` keys."""
    if mask.ndim == 2:
        return valid
    mask = mask.expand(len(order), -1, -1, -1)
    rows = order[:, None, :, None].expand(-1, mask.shape[1], -1, mask.shape[3])
    mask = mask.gather(2, rows)
    mask = mask.gather(3, order[:, None, None].expand(-1, *mask.shape[1:3], -1))
    blocked = 0 if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
    return mask.masked_fill(~valid[:, None, None], blocked)
