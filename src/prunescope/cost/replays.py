"""Side information of methods that are run once, on one batch, without stored records."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from prunescope.checkpoints.loaded import Loaded
from prunescope.cost.timed_decoding import prefill
from prunescope.evaluation.side_information import SideInformation, replayed
from prunescope.methods import Method
from prunescope.pruning import prune

if TYPE_CHECKING:
    from datasets import Dataset


@torch.inference_mode()
def side_information_of(
    loaded: Loaded, inputs: Mapping[str, Any], batch: "Dataset", methods: Mapping[str, Method]
) -> SideInformation:
    """Side information for `prune`: boxes of the batch, and the tokens that replayed methods keep.

    Replayed methods are run to learn their tokens. inputs: the batch's prompts.
    """
    side = SideInformation()
    for source in sorted({replayed(method) for method in methods.values()} - {None}):
        method = methods[source]
        with prune(loaded.model, method, **side.of(method, batch)) as trace:
            prefill(loaded.model, inputs)
        side.remember(source, batch["id"][:], trace.kept[-1])
    return side
