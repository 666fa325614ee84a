"""Encoder-decoder: a sequence is read whole, and another, of its own length, is generated."""

from typing import Unpack

import torch

from elman.checks import check_choice, check_range
from elman.layers import ATTENTIONS, Bridge, Decoder, DecoderState, drop_out
from elman.topologies.base import AutoregressiveTopology, BodyOptions, Encoded, body_options, make_body


class EncoderDecoder(AutoregressiveTopology):
    """Two recurrent bodies: an encoder, and a decoder that begins from its final state, with attention to its outputs.

    Sutskever, Vinyals & Le 2014 (arXiv 1409.3215) without attention; Bahdanau, Cho & Bengio 2014 (arXiv 1409.0473) and
    Luong, Pham & Manning 2015 (arXiv 1508.04025) with it.

    Args:
        input_size: D, features per step of the encoded sequences.
        single_size: C, features of the encoded single values, which are joined to every step of the decoder; 0: none.
        fed_size: E, features of a symbol that is fed back.
        bidirectional: the encoder reads from both ends, each direction of the hidden size.
        attention: "none", "additive" or "dot" (scaled), see `elman.layers.Decoder`.
        input_feeding: the attentional vector of a step is an input of the next; training is several times slower.
        scheduled_sampling: as in `OneToMany`.
        options: of `BodyOptions`, for both bodies; dropout acts on the encoder's outputs too.

    Shape: steps (B, S, D) with lengths (B,), single (B, C), fed (B, T, E) with lengths (B,) -> steps (B, T, hidden).

    Raises:
        ArgumentError: a size, rate or name that does not fit.

    Example:
        >>> topology = EncoderDecoder(3, 0, 2, hidden=4)
        >>> read = Encoded(torch.zeros(5, 6, 3), torch.tensor([6, 1, 2, 3, 4]))
        >>> topology.teacher_forced(read, torch.zeros(5, 7, 2), None).steps.shape
        torch.Size([5, 7, 4])
    """

    name = "encoder-decoder"
    initial_state_description = "zero in the encoder, its final state in the decoder"

    def __init__(
        self,
        input_size: int,
        single_size: int,
        fed_size: int,
        *,
        bidirectional: bool = True,
        attention: str = "dot",
        input_feeding: bool = False,
        scheduled_sampling: float = 0.0,
        **options: Unpack[BodyOptions],
    ) -> None:
        super().__init__()
        body = body_options(type(self).__name__, BodyOptions, options)
        check_choice("model", "attention", attention, ("none", *ATTENTIONS))
        check_range("model", "scheduled_sampling", scheduled_sampling, low=0, high=1)
        self.encoder = make_body(input_size, body, bidirectional=bidirectional)
        self.decoder = Decoder(
            fed_size,
            context_size=single_size,
            memory_size=0 if attention == "none" else self.encoder.output_size,
            attention=attention,
            input_feeding=input_feeding,
            **body,
        )
        self.bridge = Bridge(self.encoder, self.decoder.body)
        self.output_size, self.dropout, self.scheduled_sampling = body["hidden"], body["dropout"], scheduled_sampling

    def begin(self, encoded: Encoded, rows: int) -> DecoderState:
        steps, lengths, single, _ = encoded
        assert steps is not None
        outputs, final = self.encoder(steps, lengths=lengths)
        hidden = self.bridge(final)
        if self.decoder.attention is None:
            return self.decoder.start(rows, hidden, single)
        outputs = drop_out(outputs, self.dropout, self.training)
        if lengths is None:
            lengths = torch.full((rows,), steps.shape[1], device=steps.device)
        return self.decoder.start(rows, hidden, single, outputs, lengths)
