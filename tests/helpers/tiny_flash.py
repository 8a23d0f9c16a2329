"""Stands in for the package flash_attn: PyTorch's kernels on a GPU, plain attention on a CPU."""

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers import modeling_flash_attention_utils as stock


def install(patch) -> None:
    """Let models be loaded with flash_attention_2. patch: pytest's monkeypatch."""
    functions = (
        flash_attn_func,
        flash_attn_varlen_func,
        None,
        stock._pad_input,
        stock._unpad_input,
    )
    patch.setattr(PreTrainedModel, "_flash_attn_can_dispatch", lambda *_, **__: True)
    patch.setattr(stock, "_lazy_imports", lambda *_, **__: functions)
    patch.setattr(stock, "_loaded_implementation", None)


def flash_attn_func(
    q: Tensor, k: Tensor, v: Tensor, dropout_p=0.0, softmax_scale=None, causal=False
) -> Tensor:
    """Attention of (b, s, heads, dim) queries, keys and values."""
    starts = [
        torch.arange(len(x) + 1, dtype=torch.int32, device=q.device) * x.shape[1] for x in (q, k)
    ]
    flat = [x.flatten(0, 1) for x in (q, k, v)]
    lengths = q.shape[1], k.shape[1]
    return flash_attn_varlen_func(*flat, *starts, *lengths, 0.0, softmax_scale, causal).view_as(q)


def flash_attn_varlen_func(
    q: Tensor, k: Tensor, v: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor, max_seqlen_q,
    max_seqlen_k, dropout_p=0.0, softmax_scale=None, causal=False,
) -> Tensor:  # fmt: skip
    """Attention within sequences that stand one after the other in (tokens, heads, dim).

    cu_seqlens_q, cu_seqlens_k: (sequences + 1,) where they begin and end. The last query of a
    sequence sees all its keys.
    """
    if q.is_cuda:
        scale, short = softmax_scale or q.shape[-1] ** -0.5, -q.shape[-1] % 8
        padded = (pad(x, (0, short)) for x in (q, k, v))  # as the package does
        mixed, *_ = torch.ops.aten._flash_attention_forward(
            *padded, cu_seqlens_q, cu_seqlens_k, int(max_seqlen_q), int(max_seqlen_k), 0.0, causal,
            False, scale=scale,
        )  # fmt: skip
        return mixed[..., : q.shape[-1]]
    queries, keys = (starts.diff().tolist() for starts in (cu_seqlens_q, cu_seqlens_k))
    parts = zip(q.split(queries), k.split(keys), v.split(keys), strict=True)
    return torch.cat([_attention(*part, softmax_scale, causal) for part in parts])


def _attention(q: Tensor, k: Tensor, v: Tensor, scale: float | None, causal: bool) -> Tensor:
    allowed = torch.ones(len(q), len(k), dtype=torch.bool)
    if causal:
        allowed = allowed.tril(len(k) - len(q))
    heads = (x.transpose(0, 1)[None] for x in (q, k, v))
    mixed = scaled_dot_product_attention(*heads, allowed, scale=scale, enable_gqa=True)
    return mixed[0].transpose(0, 1)
