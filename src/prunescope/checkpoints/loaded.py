"""A loaded model with its processor, family and decoder."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import ProcessorMixin

from prunescope.models import Family, family_of


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that is ready to generate. decoder: its text model, which has `layers`."""

    model: nn.Module
    processor: ProcessorMixin | None
    family: Family
    decoder: nn.Module

    @classmethod
    def of(cls, model: nn.Module, processor: ProcessorMixin | None = None) -> "Loaded":
        """A model of one of the known families; InputError for any other."""
        family = family_of(model)
        return cls(model, processor, family, family.decoder(model))

    @property
    def depth(self) -> int:
        """Number of decoder layers."""
        return len(self.decoder.layers)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.model.device
