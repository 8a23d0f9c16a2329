"""The record of a prefill: the tokens that each stage kept."""

from torch import LongTensor

from prunescope.engine.segments import Segment


class Trace:
    """The record of the latest prefill.

    layers: decoder layer of each stage; depth: number of decoder layers.
    """

    def __init__(self, layers: list[int], depth: int):
        self.layers, self.depth = layers, depth
        self.segments: list[Segment] = []  # the whole prompt, then what each stage left

    def segment_of(self, layer: int) -> int:
        """Index of the segment that decoder layer `layer` sees."""
        return sum(start <= layer for start in self.layers)

    @property
    def kept(self) -> list[list[LongTensor]]:
        """Sorted raster indices of the visual tokens left, `kept[stage][example]`.

        Indices count over all images of the example.
        """
        return [
            [row[row >= 0].sort().values.cpu() for row in segment.raster]
            for segment in self.segments[1:]
        ]

    @property
    def kv_lengths(self) -> list[list[int]]:
        """Tokens in the KV cache when decoding starts, `kv_lengths[layer][example]`.

        A layer with a sliding window keeps only the last of them.
        """
        if not self.segments:
            return []
        lengths = [segment.valid.sum(1).tolist() for segment in self.segments]
        return [lengths[self.segment_of(layer)] for layer in range(self.depth)]
