"""Backtests: forecasts from many origins of a history, compared with its actual values."""

from typing import Any

from elman.checks import check_whole
from elman.data import table_of
from elman.data.requests import Values, row_policy
from elman.forecasting.forecast import windows_of
from elman.inference import evaluate
from elman.metrics import METRICS
from elman.metrics.scores import finite
from elman.model.model import Model
from elman.types import Json


def backtest(model: Model, history: Values, every: int | None = None, bad_rows: str = "refuse") -> list[Json]:
    """Forecast from many origins of a history, and compare each forecast with the actual values.

    The model is not trained on the history. If it was trained on it before, the metrics are not test metrics.

    Args:
        model: trained with `data.horizon`.
        history: as `elman.forecast`.
        every: steps from one origin to the next, counted back from the last; None: the horizon.
        bad_rows: as `elman.forecast`.

    Returns: {"step": 1, "forecasts": n, metric: ...} for each step of the horizon, and at the end "all"; with
        several targets also "column". Metrics are on the scale of the training split; None if undefined.

    Raises:
        ArgumentError: the model was not trained to forecast; use `evaluate` for one that predicts the next step.
        DataError: as `elman.forecast`, or no series is long enough.
    """
    layout = windows_of(model, "backtest")
    horizon = layout.horizon
    every = horizon if every is None else every
    check_whole("backtest", "every", every, low=1)
    bad = row_policy(bad_rows)
    examples = layout.examples(table_of(history, bad), bad, every)
    predictions = evaluate(model.network, examples)
    rows: list[Json] = []
    for name, field in model.fields.targets.items():
        predicted, actual = field.compared(predictions[name].predictions), field.compared(predictions[name].truth)
        steps: list[tuple[Any, slice]] = [(step + 1, slice(step, step + 1)) for step in range(horizon)]
        for step, part in [*steps, ("all", slice(None))]:
            row: Json = {"column": name} if len(model.fields.targets) > 1 else {}
            row |= {"step": step, "forecasts": len(examples)}
            ours, true = [one.part(part) for one in predicted], [one[part] for one in actual]
            wanted = [metric for metric in field.metrics if not METRICS[metric].from_loss]
            rows.append(row | finite({metric: METRICS[metric].score(ours, true) for metric in wanted}))
    model.skipped = bad.summary()
    return rows
