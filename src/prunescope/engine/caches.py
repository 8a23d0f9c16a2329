"""The KV cache in arguments and outputs: transformers calls it `cache` from 5.24 on, and
`past_key_values` before; users may go on saying the latter."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from transformers import Cache
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

OLD, NEW = "past_key_values", "cache"
# what the installed transformers calls it
CACHE = NEW if NEW in signature(LlamaDecoderLayer.forward).parameters else OLD


def cache_of(arguments: Mapping[str, Any]) -> Cache | None:
    """The cache among the arguments of a call, or in an output, by either name; None without."""
    return next((arguments[name] for name in (NEW, OLD) if arguments.get(name) is not None), None)
