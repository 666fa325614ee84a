"""Many-to-one: a sequence is read step by step, and one answer is given at its end."""

from torch import Tensor, nn

from elman.checks import check_choice, check_range
from elman.layers import LAYERS, POOLS, AttentionPool
from elman.topologies.base import Topology

MOST_UNITS, MOST_LAYERS = 1_000_000, 100  # what a configuration from a stranger may ask for
POOLINGS = ("last", *POOLS, "attention")


class ManyToOne(Topology):
    """A recurrent body and one vector from it.

    Args:
        input_size: D, features a step of the encoded input.
        cell: one of `elman.layers.LAYERS`: lstm, gru, mingru, rnn (tanh), rnn-relu, rnn-identity, and with layer
            normalisation lstm-norm, gru-norm.
        hidden: units a layer and direction, 1 to 1,000,000.
        layers: depth, 1 to 100.
        bidirectional: read from both ends.
        dropout: 0 to 1, between layers and before the head.
        locked: between layers one mask of dropout for all steps of a row; for more than one layer.
        recurrent_dropout: 0 to 1, share of the state that the recurrent weights do not see, the same at all steps.
        weight_drop: 0 to 1, share of the recurrent weights that is set to zero.
        zoneout: 0 to 1, share of the state that stays as it was before a step.
        pooling: "last", the state at the row's end (both directions' true ends when bidirectional); "mean", "max" or
            "attention" over the outputs of all steps.
        initial_state: "zero", "random" or "learned".
        backend: "auto" or one of `elman.layers.BACKENDS`.
        memory: "full", or "low": the same gradients with less memory and about a third more time, for long sequences.
        bptt: steps over which the gradient reaches back while training, at least 1, see `elman.layers.Recurrent`; None:
            all. Not when bidirectional.

    See `elman.layers.Recurrent` for the kinds of noise, which of them make training slower, and the initial state.

    Shape: (B, T, D) with lengths (B,) -> (B, hidden), or (B, 2 hidden) when bidirectional.

    Raises:
        ArgumentError: a size, share or name that does not fit.

    Example:
        >>> topology = ManyToOne(3, cell="gru", hidden=4, bidirectional=True, pooling="attention")
        >>> topology(torch.zeros(2, 5, 3), torch.tensor([5, 2])).shape
        torch.Size([2, 8])
    """

    name = "many-to-one"

    def __init__(
        self,
        input_size: int,
        *,
        cell: str = "lstm",
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.3,
        locked: bool = False,
        recurrent_dropout: float = 0.0,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        pooling: str = "last",
        initial_state: str = "zero",
        backend: str = "auto",
        memory: str = "full",
        bptt: int | None = None,
    ) -> None:
        super().__init__()
        check_choice("model", "cell", cell, LAYERS)
        check_choice("model", "pooling", pooling, POOLINGS)
        check_range("model", "hidden", hidden, low=1, high=MOST_UNITS)
        check_range("model", "layers", layers, low=1, high=MOST_LAYERS)
        check_range("model", "dropout", dropout, low=0, high=1)
        self.body = LAYERS[cell](
            input_size,
            hidden,
            layers,
            bidirectional=bidirectional,
            dropout=dropout,
            locked=locked,
            recurrent_dropout=recurrent_dropout,
            weight_drop=weight_drop,
            zoneout=zoneout,
            initial_state=initial_state,
            backend=backend,
            memory=memory,
            bptt=bptt,
        )
        self.output_size, self.pooling, self.dropout = self.body.output_size, pooling, dropout
        self.attention = AttentionPool(self.output_size) if pooling == "attention" else None

    def forward(self, encoded: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            lengths = encoded.new_full((encoded.shape[0],), encoded.shape[1]).long()
        return nn.functional.dropout(self._read(encoded, lengths), self.dropout, self.training)

    def _read(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """One vector a row, before dropout."""
        if self.pooling == "last":  # of the last layer: one direction's state, or both one after the other
            directions = 2 if self.body.bidirectional else 1
            hidden = self.body.final_state(encoded, lengths=lengths)[0]
            return hidden[:, -directions:].flatten(1)
        outputs, _ = self.body(encoded, lengths=lengths)
        if self.attention is not None:
            pooled: Tensor = self.attention(outputs, lengths)
            return pooled
        return POOLS[self.pooling](outputs, lengths)
