"""Layers without memory: all steps are computed at once."""

from typing import Unpack

from elman.cells import MemorylessCell
from elman.checks import fail, shown
from elman.layers.options import RecurrentOptions
from elman.layers.recurrent import Recurrent

# Options about the state that a step reads, and their only value for a layer without one.
OF_THE_STATE = {
    "initial_state": "zero",
    "recurrent_dropout": 0,
    "weight_drop": 0,
    "zoneout": 0,
}


class Memoryless(Recurrent):
    """Layers of `MemorylessCell`; see `Recurrent` for options, shapes and errors.

    No step reads the state, so that an initial state, recurrent dropout and weight drop would have no effect, and
    zoneout would add a memory: they are refused. Truncating gradients changes nothing.

    Example:
        >>> layer = Memoryless(3, 4)
        >>> outputs, state = layer(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 1, 4]))
    """

    cell_type = MemorylessCell

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, **options: Unpack[RecurrentOptions]
    ) -> None:
        for name, only in OF_THE_STATE.items():
            given = options.get(name, only)
            if given != only:
                must = f"be {shown(only)} for layers without memory"
                fail("Memoryless", name, must, shown(given), "Leave it out, or take another cell.")
        super().__init__(input_size, hidden_size, num_layers, **options)
