"""Known: future covariates, what is known of the steps ahead, such as a planned price or a holiday."""

from typing import Literal

from elman.fields.lags import Lags


class Known(Lags):
    """The T steps that are forecast, C numbers each, scaled as `Series` is: one value of T C numbers, or step by step.

    Args:
        name: what messages call it.
        steps: T.
        stepwise: whether the network reads it step by step, (B, T, C).
        columns: the columns that are known in advance, one a channel.
        missing: as in `Series`; by default an empty cell is an error, for a plan has no gaps.

    Example:
        >>> Known("known", 28, columns=["price", "holiday"]).describe()
        '28 steps of ...'
    """

    kind = "known"
    past_columns = ()

    def __init__(
        self,
        name: str,
        steps: int = 1,
        stepwise: bool = False,
        *,
        columns: list[str],
        missing: Literal["forward", "mean", "refuse"] = "refuse",
    ) -> None:
        super().__init__(name, steps, columns=columns, missing=missing)
        self.stepwise = stepwise
