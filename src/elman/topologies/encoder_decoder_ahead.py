"""Encoder-decoder ahead: the history is read whole, and every step of the horizon is predicted at once."""

from typing import Unpack

import torch
from torch import Tensor

from elman.checks import check_range, fail
from elman.topologies.base import BodyOptions, Encoded, Features, SequenceTopology, body_options
from elman.topologies.encoder_decoder import EncoderDecoder


class EncoderDecoderAhead(SequenceTopology):
    """Two recurrent bodies: one reads the history, and from its final state the other runs over the horizon:

        x_k = the future covariates of step k, or k / horizon where there are none
        h_k, state_k = decoder([x_k; single values], state_{k-1}),     state_0 = bridge(final state of the encoder)

    No prediction is fed back, so that all steps are predicted at once and errors do not accumulate: MQ-RNN (Wen,
    Torkkola, Narayanaswamy & Madeka 2017, arXiv 1711.11053), with a recurrent decoder in place of two layers. Without
    covariates the number of the step distinguishes the steps, which a state alone would have to count.

    Args:
        input_size: D, features per step of the encoded sequences.
        single_size: C, features of the encoded single values, which are joined to every step of the horizon; 0: none.
        ahead_size: K, future covariates per step; 0: none.
        horizon: steps to predict, at least 1.
        bidirectional, attention: as in `EncoderDecoder`.
        options: of `BodyOptions`, for both bodies. Not the cell memoryless: its decoder would not see the history.

    Shape: steps (B, T, D) with lengths (B,), single (B, C), ahead (B, horizon, K) -> single (B, horizon * hidden), the
        features of each step together.

    Raises:
        ArgumentError: a size, rate or name that does not fit.

    Example:
        >>> topology = EncoderDecoderAhead(3, 0, 2, 24, hidden=4)
        >>> read = Encoded(torch.zeros(5, 6, 3), torch.tensor([6, 1, 2, 3, 4]), ahead=torch.zeros(5, 24, 2))
        >>> topology(read).single.shape
        torch.Size([5, 96])
    """

    name = "encoder-decoder-ahead"
    initial_state_description = "zero in the encoder, its final state in the decoder"

    def __init__(
        self,
        input_size: int,
        single_size: int,
        ahead_size: int,
        horizon: int,
        *,
        bidirectional: bool = False,
        attention: str = "none",
        **options: Unpack[BodyOptions],
    ) -> None:
        super().__init__()
        check_range("model", "horizon", horizon, low=1)
        body = body_options(type(self).__name__, BodyOptions, options)
        if body["cell"] == "memoryless":
            then = "Take another, or many-to-one."
            fail("model", "cell", "read the state where the past comes in by it", "'memoryless'", then)
        self.bodies = EncoderDecoder(
            input_size,
            single_size,
            ahead_size or 1,
            bidirectional=bidirectional,
            attention=attention,
            **body,
        )
        self.horizon, self.output_size = horizon, horizon * self.bodies.output_size

    def forward(self, encoded: Encoded) -> Features:
        assert encoded.steps is not None
        ahead = self._numbers(encoded.steps) if encoded.ahead is None else encoded.ahead
        steps = self.bodies.teacher_forced(encoded, ahead, None).steps
        assert steps is not None
        return Features(single=steps.flatten(1))

    def _numbers(self, like: Tensor) -> Tensor:
        """1 / horizon, 2 / horizon, ..., 1 for each row, (B, horizon, 1)."""
        numbers = torch.arange(1, self.horizon + 1, device=like.device, dtype=like.dtype) / self.horizon
        return numbers[None, :, None].expand(len(like), -1, -1)
