"""One-to-many: a sequence is generated from single values, each symbol the input of the next step."""

from typing import Unpack

from elman.checks import check_choice, check_range, fail
from elman.layers import ContextBridge, Decoder, DecoderState
from elman.topologies.base import AutoregressiveTopology, Encoded, SingleBodyOptions, body_options, check_state_is_read

CONDITIONS = ("both", "state", "step")


class OneToMany(AutoregressiveTopology):
    """A recurrent body that is fed with its own output, and conditioned on single values.

    Args:
        input_size: 0, since no sequence is read.
        single_size: C, features of the encoded single values.
        fed_size: E, features of a symbol that is fed back.
        condition: where the single values enter: "state", the initial state is calculated from them;
            "step", joined to every step; or "both".
        scheduled_sampling: 0 to 1, the fraction of the symbols fed back in training that the network generates itself
            (Bengio et al. 2015, arXiv 1506.03099).
        options: of `SingleBodyOptions`.

    Shape: single (B, C), fed (B, T, E) with lengths (B,) -> steps (B, T, hidden).

    Raises:
        ArgumentError: a size, rate or name that does not fit.

    Example:
        >>> topology = OneToMany(0, 3, 2, hidden=4)
        >>> topology.teacher_forced(Encoded(single=torch.zeros(5, 3)), torch.zeros(5, 7, 2), None).steps.shape
        torch.Size([5, 7, 4])
    """

    name = "one-to-many"

    def __init__(
        self,
        input_size: int,
        single_size: int,
        fed_size: int,
        *,
        condition: str = "both",
        scheduled_sampling: float = 0.0,
        **options: Unpack[SingleBodyOptions],
    ) -> None:
        super().__init__()
        body = body_options(type(self).__name__, SingleBodyOptions, options)
        initial_state = body["initial_state"]
        check_state_is_read(body["cell"], condition)
        check_choice("model", "condition", condition, CONDITIONS)
        check_range("model", "scheduled_sampling", scheduled_sampling, low=0, high=1)
        if single_size and condition != "step" and initial_state != "zero":
            fail("model", "initial_state", f'be zero where condition = "{condition}"', repr(initial_state))
        self.decoder = Decoder(fed_size, context_size=single_size * (condition != "state"), **body)
        self.output_size, self.dropout, self.scheduled_sampling = body["hidden"], body["dropout"], scheduled_sampling
        calculated = single_size and condition != "step"
        self.bridge = ContextBridge(single_size, self.decoder.body) if calculated else None
        self.initial_state_description = (
            "calculated from the single values" if calculated else f"{initial_state} before each row"
        )

    def begin(self, encoded: Encoded, rows: int) -> DecoderState:
        hidden = None
        if self.bridge is not None:
            assert encoded.single is not None
            hidden = self.bridge(encoded.single)
        return self.decoder.start(rows, hidden, encoded.single if self.decoder.context_size else None)
