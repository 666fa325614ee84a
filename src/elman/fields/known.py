"""Known: what is known of the steps ahead before they come, such as a price that is planned or a holiday."""

from typing import Literal

from elman.fields.lags import Lags


class Known(Lags):
    """The T steps that are forecast, C numbers each, as one value of T C numbers; scaled as `Series` is.

    Args:
        name: what messages call it.
        columns: those that are known ahead, one a channel.
        missing: as in `Series`; by default an empty cell is an error, for a plan with a gap is none.

    Example:
        >>> field = Known("known", columns=["price", "holiday"])
        >>> field.steps = 28
        >>> field.encoder().output_size
        56
    """

    kind = "known"

    def __init__(
        self, name: str, *, columns: list[str], missing: Literal["forward", "mean", "refuse"] = "refuse"
    ) -> None:
        super().__init__(name, columns=columns, missing=missing)
