"""Bridges: a decoder's initial state from an encoder's final state, or from a vector."""

import torch
from torch import Tensor, nn

from elman.cells import check_state, state_names
from elman.checks import check_range, check_shape, fail
from elman.layers.recurrent import Recurrent
from elman.types import State


class Bridge(nn.Module):
    """The final state of an encoder -> the initial state of a decoder.

    Layers are paired from the top down: the last with the last, and so on. Further encoder layers are left out, and
    further decoder layers all begin from the encoder's first. Where the encoder has one direction and the decoder's
    hidden size, a layer begins with its partner's state, unchanged. Otherwise, for each tensor of the state and each
    layer on its own,

        state_l = tanh(W_l [forward; backward] + b_l)

    so that an LSTM's cell state too starts between -1 and 1. Cho et al. 2014 (arXiv 1406.1078) do so with one layer.

    Args:
        encoder: the layers whose final state comes in.
        decoder: the layers that begin with the result, of one direction and of the same kind of cell.

    Shape: the cell's NamedTuple of (B, N_encoder, H_encoder) -> the same of (B, N_decoder, H_decoder).

    Raises:
        ArgumentError: cells whose states differ, a bidirectional decoder, a state of another shape.

    Example:
        >>> from elman.layers import LSTM
        >>> encoder, decoder = LSTM(3, 4, num_layers=2, bidirectional=True), LSTM(3, 5)
        >>> _, final = encoder(torch.zeros(2, 6, 3))
        >>> Bridge(encoder, decoder)(final).cell.shape
        torch.Size([2, 1, 5])
    """

    def __init__(self, encoder: Recurrent, decoder: Recurrent) -> None:
        super().__init__()
        self.state_type = decoder.cell_type.state_type
        if encoder.cell_type.state_type is not self.state_type:
            got = f"{encoder.cell_type.__name__} and {decoder.cell_type.__name__}"
            fail("Bridge", "encoder and decoder", "have the same kind of state", got, "Give both the same cell.")
        if decoder.bidirectional:
            fail("Bridge", "decoder", "have one direction", "a bidirectional one", "Use bidirectional=False.")
        self.directions, self.layers = 2 if encoder.bidirectional else 1, encoder.num_layers
        self.size = encoder.hidden_size
        gap = self.layers - decoder.num_layers
        self.partners = [max(0, layer + gap) for layer in range(decoder.num_layers)]
        unchanged = self.directions == 1 and self.size == decoder.hidden_size
        self.maps = nn.ModuleDict() if unchanged else _maps(self.state_type, decoder, encoder.output_size)

    def forward(self, final: State) -> State:
        sizes = {"N": self.directions * self.layers, "H": self.size}
        check_state("Bridge", final, self.state_type, "B N H", B=final[0].shape[0], **sizes)
        # Both directions of a layer side by side.
        paired = [tensor.reshape(-1, self.layers, self.directions * self.size)[:, self.partners] for tensor in final]
        if not self.maps:
            return self.state_type(*paired)
        each = zip(paired, self.maps.values(), strict=True)
        return self.state_type(*(_mapped(maps, tensor.unbind(1)) for tensor, maps in each))


class ContextBridge(nn.Module):
    """A vector -> the initial state of a decoder, state_l = tanh(W_l v + b_l) for each of its tensors and layers.

    Args:
        size: C, length of the vector, at least 1.
        decoder: the layers that begin with the result, of one direction.

    Shape: (B, C) -> the cell's NamedTuple of (B, N, H).

    Raises:
        ArgumentError: a size below 1, a bidirectional decoder, a vector of another length.

    Example:
        >>> from elman.layers import GRU
        >>> ContextBridge(3, GRU(2, 4, num_layers=2))(torch.zeros(5, 3)).hidden.shape
        torch.Size([5, 2, 4])
    """

    def __init__(self, size: int, decoder: Recurrent) -> None:
        super().__init__()
        check_range("ContextBridge", "size", size, low=1)
        if decoder.bidirectional:
            fail("ContextBridge", "decoder", "have one direction", "a bidirectional one", "Use bidirectional=False.")
        self.size, self.layers, self.state_type = size, decoder.num_layers, decoder.cell_type.state_type
        self.maps = _maps(self.state_type, decoder, size)

    def forward(self, context: Tensor) -> State:
        check_shape("ContextBridge", "context", context.shape, "B C", C=self.size)
        return self.state_type(*(_mapped(maps, [context] * self.layers) for maps in self.maps.values()))


def _maps(state_type: type[State], decoder: Recurrent, size: int) -> nn.ModuleDict:
    """A linear map for each layer of each tensor, under the tensor's name."""
    return nn.ModuleDict(
        {
            name: nn.ModuleList(nn.Linear(size, decoder.hidden_size) for _ in range(decoder.num_layers))
            for name in state_names(state_type)
        }
    )


def _mapped(maps: nn.Module, layers: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    """One (B, size) for each layer -> (B, N, H)."""
    assert isinstance(maps, nn.ModuleList)
    return torch.tanh(torch.stack([linear(layer) for linear, layer in zip(maps, layers, strict=True)], 1))
