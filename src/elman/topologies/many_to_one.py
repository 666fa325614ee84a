"""Many-to-one: a sequence is read step by step, and one answer is given at its end."""

import torch
from torch import Tensor

from elman.checks import check_choice, fail
from elman.layers import LAYERS, POOLS, AttentionPool, ContextBridge, drop_out
from elman.topologies.base import Encoded, Features, Reader, check_body, check_state_is_read
from elman.types import State

POOLINGS = ("last", *POOLS, "attention")
CONDITIONS = ("step", "state", "end")


class ManyToOne(Reader):
    """A recurrent body and one vector from it.

    Args:
        input_size: D, features a step of the encoded sequences.
        single_size: C, features of the encoded single values; 0: none.
        cell: one of `elman.layers.LAYERS`: lstm, gru, mingru, rnn (tanh), rnn-relu, rnn-identity, and with layer
            normalisation lstm-norm, gru-norm; or memoryless, a baseline that knows its own step only.
        hidden: units a layer and direction, 1 to 1,000,000.
        layers: depth, 1 to 100.
        bidirectional: read from both ends.
        dropout: below 1, between layers and before the head.
        locked: between layers one mask of dropout for all steps of a row; for more than one layer.
        recurrent_dropout: below 1, share of the state that the recurrent weights do not see, the same at all steps.
        weight_drop: below 1, share of the recurrent weights that is set to zero.
        zoneout: below 1, share of the state that stays as it was before a step.
        pooling: "last", the state at the row's end (both directions' true ends when bidirectional); "mean", "max" or
            "attention" over the outputs of all steps.
        initial_state: "zero", "random" or "learned".
        backend: "auto" or one of `elman.layers.BACKENDS`.
        memory: "full", or "low": the same gradients with less memory and about a third more time, for long sequences.
        bptt: steps over which the gradient reaches back while training, at least 1, see `elman.layers.Recurrent`; None:
            all. Not when bidirectional.
        condition: where single values come in: "step", joined to every step; "state", the state that a sequence begins
            with is calculated from them; "end", joined to what the heads get. None: "step", where there are any.

    See `elman.layers.Recurrent` for the kinds of noise, which of them make training slower, and the initial state.

    Shape: steps (B, T, D) with lengths (B,), single (B, C) -> single (B, hidden), or (B, 2 hidden) when bidirectional;
        with condition="end" (B, hidden + C).

    Raises:
        ArgumentError: a size, share or name that does not fit.

    Example:
        >>> topology = ManyToOne(3, cell="gru", hidden=4, bidirectional=True, pooling="attention")
        >>> topology(Encoded(torch.zeros(2, 5, 3), torch.tensor([5, 2]))).single.shape
        torch.Size([2, 8])
    """

    name = "many-to-one"

    def __init__(
        self,
        input_size: int,
        single_size: int = 0,
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
        condition: str | None = None,
    ) -> None:
        super().__init__()
        check_body(cell, hidden, layers, dropout)
        check_state_is_read(cell, condition)
        check_choice("model", "pooling", pooling, POOLINGS)
        check_choice("model", "condition", condition or "step", CONDITIONS)
        if condition and not single_size:
            fail("model", "condition", "be left out where no input is a single value", repr(condition))
        if condition == "state" and initial_state != "zero":
            fail("model", "initial_state", 'be zero where condition = "state"', repr(initial_state))
        if condition == "state" and bidirectional:
            fail("model", "condition", "be step or end when bidirectional", "'state'")
        self.condition = condition or "step"
        self.begins = (
            f"{initial_state} before each row" if condition != "state" else "calculated from the single values"
        )
        self.body = LAYERS[cell](
            input_size + single_size * (self.condition == "step"),
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
        self.output_size = self.body.output_size + single_size * (self.condition == "end")
        self.pooling, self.dropout = pooling, dropout
        self.attention = AttentionPool(self.body.output_size) if pooling == "attention" else None
        self.begin = ContextBridge(single_size, self.body) if self.condition == "state" else None

    def forward(self, encoded: Encoded) -> Features:
        steps, lengths, state = self.conditioned(encoded)
        if self.pooling == "last":
            return self._features(None, self._last(self.body.final_state(steps, state, lengths)), encoded.single)
        outputs, _ = self.body(steps, state, lengths)
        return self._features(None, self._pooled(outputs, lengths), encoded.single)

    def conditioned(self, encoded: Encoded) -> tuple[Tensor, Tensor, State | None]:
        """The steps and their lengths, and the state to begin with, as far as single values say."""
        steps, lengths, single, _ = encoded
        assert steps is not None
        if lengths is None:
            lengths = steps.new_full((steps.shape[0],), steps.shape[1]).long()
        if single is not None and self.condition == "step":
            steps = torch.cat([steps, single[:, None].expand(-1, steps.shape[1], -1)], -1)
        return steps, lengths, self.begin(single) if self.begin is not None else None

    def _last(self, state: State) -> Tensor:
        """The last layer's hidden state, (B, H): one direction's, or both one after the other."""
        return state[0][:, -2 if self.body.bidirectional else -1 :].flatten(1)

    def _pooled(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        if self.attention is not None:
            pooled: Tensor = self.attention(outputs, lengths)
            return pooled
        return POOLS[self.pooling](outputs, lengths)

    def _features(self, steps: Tensor | None, single: Tensor, condition: Tensor | None) -> Features:
        """What the heads get: dropout, and behind it the single values where they come at the end."""
        single = drop_out(single, self.dropout, self.training)
        if steps is not None:
            steps = drop_out(steps, self.dropout, self.training)
        if condition is None or self.condition != "end":
            return Features(steps, single)
        if steps is not None:
            steps = torch.cat([steps, condition[:, None].expand(-1, steps.shape[1], -1)], -1)
        return Features(steps, torch.cat([single, condition], -1))
