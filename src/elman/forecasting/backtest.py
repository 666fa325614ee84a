"""How a model would have done along a history: forecasts from many places of it, held against what came."""

from typing import Any

from elman.checks import check_whole
from elman.data import table_of
from elman.data.layouts.windows import all_windows
from elman.data.requests import Source, row_policy
from elman.forecasting.forecast import horizon_of
from elman.inference import judge
from elman.metrics import METRICS
from elman.metrics.scores import finite
from elman.model.model import Model
from elman.types import Json


def backtest(model: Model, history: Source, every: int | None = None, bad_rows: str = "refuse") -> list[Json]:
    """How a model would have done along a history: it forecasts from many places, and is held against what came.

    Nothing is learned from the history; if the model was trained on it, these are no test figures.

    Args:
        model: trained with `data.horizon`.
        history: as `elman.forecast`.
        every: steps from one forecast to the next, the newest included; None: as many as are forecast.
        bad_rows: as `elman.forecast`.

    Returns: {"step": 1, "forecasts": n, metric: ...} a step ahead, and at the end "all" of them; with several targets
        "column" too. Metrics are on the scale of the training split; None is one that is not defined.

    Raises:
        ArgumentError: the model was not trained to forecast; one that tells the next step is scored by `evaluate`.
        DataError: as `elman.forecast`, or no series is long enough.
    """
    horizon = horizon_of(model, "backtest")
    every = horizon if every is None else every
    check_whole("backtest", "every", every, low=1)
    bad = row_policy(bad_rows)
    examples, _ = all_windows(model.config, model.fields, table_of(history, bad), bad, every)
    judged = judge(model.network, examples)
    rows: list[Json] = []
    for name, field in model.fields.targets.items():
        said, is_so = field.compared(judged[name].predictions), field.compared(judged[name].truth)
        steps: list[tuple[Any, slice]] = [(step + 1, slice(step, step + 1)) for step in range(horizon)]
        for step, part in [*steps, ("all", slice(None))]:
            row: Json = {"column": name} if len(model.fields.targets) > 1 else {}
            row |= {"step": step, "forecasts": len(examples)}
            told, true = [one.part(part) for one in said], [one[part] for one in is_so]
            wanted = [metric for metric in field.metrics if not METRICS[metric].from_loss]
            rows.append(row | finite({metric: METRICS[metric].score(told, true) for metric in wanted}))
    model.skipped = bad.summary()
    return rows
