"""Many-to-one: a sequence is read, and one answer is given at its end."""

from typing import Unpack

import torch
from torch import Tensor

from elman.checks import check_choice, fail
from elman.layers import POOLS, AttentionPool, ContextBridge, drop_out
from elman.topologies.base import (
    Encoded,
    Features,
    SequenceTopology,
    SingleBodyOptions,
    body_options,
    check_state_is_read,
    make_body,
)
from elman.types import State

POOLINGS = ("last", *POOLS, "attention")
CONDITIONS = ("step", "state", "end")


class ManyToOne(SequenceTopology):
    """A recurrent body and one vector from it.

    Args:
        input_size: D, features per step of the encoded sequences.
        single_size: C, features of the encoded single values; 0: none.
        bidirectional: read from both ends.
        pooling: "last", the state at the row's end (both directions' true ends when bidirectional); "mean", "max" or
            "attention" over the outputs of all steps.
        condition: where single values enter: "step", joined to every step; "state", the initial state is calculated
            from them; "end", joined to the inputs of the heads. None: "step", where there are any.
        options: of `SingleBodyOptions`; `bptt` not when bidirectional.

    Shape: steps (B, T, D) with lengths (B,), single (B, C) -> single (B, hidden), or (B, 2 hidden) when bidirectional;
        with condition="end" (B, hidden + C).

    Raises:
        ArgumentError: a size, rate or name that does not fit.

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
        bidirectional: bool = False,
        pooling: str = "last",
        condition: str | None = None,
        **options: Unpack[SingleBodyOptions],
    ) -> None:
        super().__init__()
        body = body_options(type(self).__name__, SingleBodyOptions, options)
        initial_state = body["initial_state"]
        check_state_is_read(body["cell"], condition)
        check_choice("model", "pooling", pooling, POOLINGS)
        check_choice("model", "condition", condition or "step", CONDITIONS)
        if condition and not single_size:
            fail("model", "condition", "be left out where no input is a single value", repr(condition))
        if condition == "state" and initial_state != "zero":
            fail("model", "initial_state", 'be zero where condition = "state"', repr(initial_state))
        if condition == "state" and bidirectional:
            fail("model", "condition", "be step or end when bidirectional", "'state'")
        self.condition = condition or "step"
        self.initial_state_description = (
            f"{initial_state} before each row" if condition != "state" else "calculated from the single values"
        )
        own_size = input_size + single_size * (self.condition == "step")
        self.body = make_body(own_size, body, bidirectional=bidirectional)
        self.output_size = self.body.output_size + single_size * (self.condition == "end")
        self.pooling, self.dropout = pooling, body["dropout"]
        self.attention = AttentionPool(self.body.output_size) if pooling == "attention" else None
        self.begin = ContextBridge(single_size, self.body) if self.condition == "state" else None

    def forward(self, encoded: Encoded) -> Features:
        steps, lengths, state = self.conditioned(encoded)
        if self.pooling == "last":
            return self._features(None, self._last(self.body.final_state(steps, state, lengths)), encoded.single)
        outputs, _ = self.body(steps, state, lengths)
        return self._features(None, self._pooled(outputs, lengths), encoded.single)

    def conditioned(self, encoded: Encoded) -> tuple[Tensor, Tensor, State | None]:
        """The steps, their lengths, and the initial state, with single values joined or mapped into them."""
        steps, lengths, single, _ = encoded
        assert steps is not None
        if lengths is None:
            lengths = steps.new_full((steps.shape[0],), steps.shape[1]).long()
        if single is not None and self.condition == "step":
            steps = torch.cat([steps, single[:, None].expand(-1, steps.shape[1], -1)], -1)
        return steps, lengths, self.begin(single) if self.begin is not None else None

    def _last(self, state: State) -> Tensor:
        """The last layer's hidden state, (B, H), or (B, 2H) when bidirectional."""
        return state[0][:, -2 if self.body.bidirectional else -1 :].flatten(1)

    def _pooled(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        if self.attention is not None:
            pooled: Tensor = self.attention(outputs, lengths)
            return pooled
        return POOLS[self.pooling](outputs, lengths)

    def _features(self, steps: Tensor | None, single: Tensor, condition: Tensor | None) -> Features:
        """The inputs of the heads: after dropout, and with single values joined where they enter at the end."""
        single = drop_out(single, self.dropout, self.training)
        if steps is not None:
            steps = drop_out(steps, self.dropout, self.training)
        if condition is None or self.condition != "end":
            return Features(steps, single)
        if steps is not None:
            steps = torch.cat([steps, condition[:, None].expand(-1, steps.shape[1], -1)], -1)
        return Features(steps, torch.cat([single, condition], -1))
