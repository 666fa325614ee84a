"""Layers without memory, all steps at once: no step waits for another."""

from elman.cells import MemorylessCell
from elman.layers.recurrent import Recurrent


class Memoryless(Recurrent):
    """Layers of `MemorylessCell`; see `Recurrent` for what all layers share, shapes and errors too.

    Example:
        >>> layer = Memoryless(3, 4)
        >>> outputs, state = layer(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 1, 4]))
    """

    cell_type = MemorylessCell
