"""Messages for a person, on standard error: notes, what was learned, what to type next."""

from __future__ import annotations  # so that the types below need no torch

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from elman.errors import Interrupted

if TYPE_CHECKING:
    from elman.model.model import Model


def note(text: str) -> None:
    """Print to standard error, unless the text is empty."""
    if text:
        print(text, file=sys.stderr)


def say_trained(model: Model, out: Path, note: Callable[[str], None]) -> None:
    """Say what was learned, where it stands and what to type next; raise `Interrupted` if training can be resumed."""
    from elman.metrics.scores import leading_metric

    metric = leading_metric(model.fields)
    figures = [
        f"{name} {_figure(model.metrics[split][metric])}"
        for split, name in (("valid", "validation"), ("test", "test"))
        if model.metrics.get(split)
    ]
    training = model.metrics["training"]
    note(
        f"\nlearned   {metric}: {', '.join(figures) or 'not measured'} (best at epoch {training['best_epoch']:.4g}, "
        f"{training['minutes']:.2g} minutes)"
    )
    note(f"written   {out}")
    note(f"next      {next_command(model, out)}")
    if training["ended"] == "interrupted":
        done = f"training was interrupted at step {training['steps']:,}; {out} has the best weights so far."
        raise Interrupted(f"{done} Resume with: elman train --resume {out}")


def _figure(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"


def next_command(model: Model, out: Path) -> str:
    """The command that shows best what a trained model does."""
    from elman.fields import Category, Series
    from elman.fields.values.files import EXAMPLES
    from elman.topologies import NextStep, OneToMany

    run = shlex.quote(str(out))
    if model.config.data.horizon is not None:
        return f"elman forecast {run} history.csv --plot forecast.png"
    if isinstance(model.network.topology, NextStep) and isinstance(model.target, Series):
        return f"elman detect {run} new.csv"
    if isinstance(model.network.topology, NextStep) and model.target.kind in ("notes", "roll"):
        return f"elman generate {run} --prompt opening.mid --out sample"
    if isinstance(model.network.topology, NextStep):
        return f'elman generate {run} --prompt "some text"'
    example = "--data new.csv"
    if len(model.fields.inputs) == 1 and model.input.kind == "text":
        example = '"some text"'
    elif len(model.fields.inputs) == 1 and isinstance(model.input, Category):
        example = shlex.quote(str(model.input.labels()[0]))
    elif len(model.fields.inputs) == 1 and model.input.kind in EXAMPLES:
        return f"elman predict {run} {EXAMPLES[model.input.kind]}"
    verb = "generate" if isinstance(model.network.topology, OneToMany) else "predict"
    return f"elman {verb} {run} {example}"
