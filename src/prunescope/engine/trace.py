"""What a prefill kept."""

from torch import LongTensor

from prunescope.engine.segments import Segment


class Trace:
    """What happened in the latest prefill."""

    def __init__(self, layers: list[int], depth: int):
        self.layers, self.depth = layers, depth
        self.segments: list[Segment] = []  # before the first stage, after it, ...

    def segment_of(self, layer: int) -> int:
        """Which segment decoder layer `layer` sees."""
        return sum(start <= layer for start in self.layers)

    @property
    def kept(self) -> list[list[LongTensor]]:
        """Per stage and example: sorted raster indices of the visual tokens left, counted over
        all images of the example."""
        return [
            [row[row >= 0].sort().values.cpu() for row in each.raster] for each in self.segments[1:]
        ]

    @property
    def kv_lengths(self) -> list[list[int]]:
        """Per decoder layer and example: tokens in the KV cache when decoding starts (of which a
        layer with a sliding window keeps the last)."""
        if not self.segments:
            return []
        lengths = [each.valid.sum(1).tolist() for each in self.segments]
        return [lengths[self.segment_of(layer)] for layer in range(self.depth)]
