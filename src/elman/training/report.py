"""What a training reports: what it is about to do, its figures, its log and curves."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec

from elman.data import Examples
from elman.errors import MissingExtraError
from elman.fields import Field
from elman.inference import evaluate
from elman.metrics.scores import finite, scores_of, signatures_of, wants_answers
from elman.model.model import Model
from elman.storage import LOG
from elman.training import History, Reporter, draw_curves
from elman.training.prepare import Prepared
from elman.types import Json


def say_what_is_trained(reporter: Reporter, model: Model, prepared: Prepared) -> None:
    """What was found and is about to be done, before the first step."""
    options = model.config.model
    body = f"{options['cell']} {options['layers']} x {options['hidden']}" if "cell" in options else "no recurrent body"
    both = ", bidirectional" if options.get("bidirectional") else ""
    counts = [
        f"{len(part) if part else 0:,} {name}"
        for part, name in zip(prepared.splits, ("training", "validation", "test"), strict=True)
    ]
    parameters = sum(p.numel() for p in model.network.parameters())
    unit = "chunks" if prepared.layout.is_stream else "rows"
    reporter.note(f"data      {prepared.source}: {', '.join(counts)} {unit}")
    for role, field in model.fields.by_role().items():
        reporter.note(f"{role.partition('.')[0]:9} {field.name}: {field.kind}, {field.describe()}")
    shape = " -> ".join(_shape(side) for side in model.fields.sides if side)
    reporter.note(f"topology  {options['topology']} ({shape}), {body}{both}, {parameters:,} parameters")
    if prepared.bad.count:
        reporter.note(prepared.bad.summary())


def _shape(side: Mapping[str, Field]) -> str:
    """What inputs or targets are, as `sequence` or `sequence + single`."""
    return " + ".join("sequence" if field.is_sequence else "single" for field in side.values())


def metrics_of(model: Model, history: History, test: Examples | None) -> Json:
    best = history.best
    figures: Json = {
        "valid": {key.removeprefix("valid_"): value for key, value in best.items() if key.startswith("valid_")},
        "training": {
            "ended": history.ended,
            "best_epoch": best["epoch"],
            "epochs": history.rows[-1]["epoch"],
            "minutes": round(history.seconds / 60, 3),
            "steps": history.step,
            "padding": round(history.padding, 4),
            "waiting": round(history.waiting, 4),
        },
    }
    signatures: dict[str, str] = {}
    if test is not None:
        predictions = evaluate(model.network, test, wants_answers(model.fields), model.decoding, probabilities=False)
        figures["test"], signatures = scores_of(predictions, model.fields), signatures_of(predictions, model.fields)
    kept = {part: finite(scores) for part, scores in figures.items()}
    return kept | ({"signatures": signatures} if signatures else {})


def artifacts_of(history: History, metric: str, reporter: Reporter) -> dict[str, bytes | Callable[[], bytes]]:
    """The log, and the curves, which are drawn when the model is saved."""
    if find_spec("matplotlib") is None:
        reporter.note(str(MissingExtraError("matplotlib", "plot", "the picture of the curves")))
        return {LOG: history.log()}
    return {LOG: history.log(), "curves.png": partial(draw_curves, history.rows, metric)}
