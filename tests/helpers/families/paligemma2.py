"""PaliGemma 2: Gemma 2 as text model, with capped logits and sliding windows."""

from transformers import PreTrainedModel

from helpers.families import paligemma
from helpers.families.case import Case


def build(backend: str) -> PreTrainedModel:
    # sdpa cannot cap logits; transformers refuses to load the model with it.
    return paligemma.build(
        "eager", model_type="gemma2", query_pre_attn_scalar=8, sliding_window=12,
        layer_types=["sliding_attention", "full_attention"] * 3, attn_logit_softcapping=3.0,
    )  # fmt: skip


CASE = Case("paligemma2", build, paligemma.processor, paligemma.PROMPTS)
