"""The KV cache in arguments and outputs of models, under its two names.

transformers calls it `cache` from 5.24 on and `past_key_values` before; users may keep the latter.
"""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from transformers import Cache
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

OLD, NEW = "past_key_values", "cache"
CACHE = NEW if NEW in signature(LlamaDecoderLayer.forward).parameters else OLD  # installed name


def cache_of(arguments: Mapping[str, Any]) -> Cache | None:
    """The KV cache among the arguments or in the output of a call, under either name, or None."""
    return next((arguments[name] for name in (NEW, OLD) if arguments.get(name) is not None), None)
