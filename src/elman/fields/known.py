"""Known: what is known of the steps ahead before they come, such as a price that is planned or a holiday."""

from typing import Literal

from torch import nn

from elman.fields.lags import Lags
from elman.fields.series import Channels


class Known(Lags):
    """The T steps that are forecast, C numbers each, scaled as `Series` is: one value of T C numbers, or step by step.

    Args:
        name: what messages call it.
        columns: those that are known ahead, one a channel.
        missing: as in `Series`; by default an empty cell is an error, for a plan with a gap is none.

    Attributes:
        in_steps: whether the network reads it step by step, (B, T, C); set before the encoder is made.

    Example:
        >>> field = Known("known", columns=["price", "holiday"])
        >>> field.steps = 28
        >>> field.encoder().output_size
        56
    """

    kind = "known"
    in_steps = False

    def __init__(
        self, name: str, *, columns: list[str], missing: Literal["forward", "mean", "refuse"] = "refuse"
    ) -> None:
        super().__init__(name, columns=columns, missing=missing)

    def encoder(self) -> nn.Module:
        return Channels(len(self.columns)) if self.in_steps else super().encoder()
