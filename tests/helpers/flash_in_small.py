"""What transformers calls of the package flash_attn: on a GPU the same kernels, which PyTorch has,
and on a CPU plain attention."""

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers import modeling_flash_attention_utils as stock


def install(patch) -> None:
    """Let models be loaded with flash_attention_2. patch: of pytest."""
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
    """(b, s, heads, dim) -> the same."""
    sizes = [range(0, (len(each) + 1) * each.shape[1], each.shape[1]) for each in (q, k)]
    starts = [torch.tensor(each, dtype=torch.int32, device=q.device) for each in sizes]
    flat = [each.flatten(0, 1) for each in (q, k, v)]
    most = q.shape[1], k.shape[1]
    return flash_attn_varlen_func(*flat, *starts, *most, 0.0, softmax_scale, causal).view_as(q)


def flash_attn_varlen_func(
    q: Tensor, k: Tensor, v: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor, max_seqlen_q,
    max_seqlen_k, dropout_p=0.0, softmax_scale=None, causal=False,
) -> Tensor:  # fmt: skip
    """(tokens, heads, dim) of sequences one after the other, that begin where `cu_seqlens` says.
    The last query sees all keys of its sequence."""
    if q.is_cuda:
        scale, short = softmax_scale or q.shape[-1] ** -0.5, -q.shape[-1] % 8
        padded = (pad(each, (0, short)) for each in (q, k, v))  # as the package does
        mixed, *_ = torch.ops.aten._flash_attention_forward(
            *padded, cu_seqlens_q, cu_seqlens_k, int(max_seqlen_q), int(max_seqlen_k), 0.0, causal,
            False, scale=scale,
        )  # fmt: skip
        return mixed[..., : q.shape[-1]]
    queries, keys = (each.diff().tolist() for each in (cu_seqlens_q, cu_seqlens_k))
    parts = zip(q.split(queries), k.split(keys), v.split(keys), strict=True)
    return torch.cat([_attention(*each, softmax_scale, causal) for each in parts])


def _attention(q: Tensor, k: Tensor, v: Tensor, scale: float | None, causal: bool) -> Tensor:
    seen = torch.ones(len(q), len(k), dtype=torch.bool)
    if causal:
        seen = seen.tril(len(k) - len(q))
    heads = (each.transpose(0, 1)[None] for each in (q, k, v))
    mixed = scaled_dot_product_attention(*heads, seen, scale=scale, enable_gqa=True)
    return mixed[0].transpose(0, 1)
