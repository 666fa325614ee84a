"""A small field of every kind with values that it holds; nothing here imports torch."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from elman.fields import FIELDS, Field, Frames, Generated, InStep, Single, StepScores, Symbols


class Case(NamedTuple):
    values: list[Any]  # raw cells
    options: Mapping[str, Any] = {}
    place: Mapping[str, Any] = {}  # what its place in the network says of it


RANDOM = np.random.default_rng(0)
CLIPS = [(np.sin(np.arange(2000 + 500 * at) / (2 + at)).astype(np.float32), 8000) for at in range(3)]
COLUMN = [10.0, 12.0, 9.0, 14.0, 11.0, 8.0, 13.0, 10.5]
CASES = {
    "text": Case(["a good day", "a bad day", "good, bad"], {"min_count": 1}),
    "category": Case(["yes", "no", "yes"]),
    "number": Case([1.0, "2.5", 7]),
    "series": Case([[1.0, 2.0, None], [3.0, 1.0]]),
    "lags": Case([COLUMN, COLUMN], {"columns": ["load"]}, {"steps": 3}),
    "known": Case([COLUMN, COLUMN], {"columns": ["price"]}, {"steps": 2}),
    "forecast": Case([np.array(COLUMN)], {}, {"horizon": 2}),
    "tags": Case(["B-x I-x O", "O B-x"]),
    "labels": Case(["a|b", "b", ""]),
    "image": Case([RANDOM.integers(0, 256, (6, 7)), RANDOM.integers(0, 256, (6, 7))], {"size": [6, 7], "channels": 1}),
    "audio": Case(CLIPS, {"rate": 8000, "size": 8}),
    "transcript": Case(["one two", "two"]),
    "notes": Case([[["C5", 1], ["rest", 0.5]], [["D5", 2]]]),
    "roll": Case([[[60, 64], [], [62]], [[60], [62]]]),
}


def fitted(kind: str, generated: bool = False) -> Field:
    """A field that knows its values."""
    case, known = CASES[kind], FIELDS[kind]
    place = {"generated": generated} if issubclass(known, Generated) else case.place
    field = known("column", **place, **case.options)
    values = parsed(field, kind)
    field.fit(Counter(values) if known.fits_on_counts else values)
    return field


def parsed(field: Field, kind: str) -> list[Any]:
    values = CASES[kind].values
    return values if kind == "forecast" else [field.parse(value) for value in values]  # which is fitted on columns


def encoded(field: Field, kind: str) -> list[np.ndarray]:
    values = field.encode_batch(parsed(field, kind))
    return [value[-field.steps :] for value in values] if kind in ("lags", "known") else values


def there_and_back(kind: str) -> None:
    """Fit, encode, learn again from JSON, and decode what a network could give."""
    for generated in (False, True):
        field = fitted(kind, generated)
        values = encoded(field, kind)
        again = type(field)("column", **place_of(field, kind), **CASES[kind].options)
        again.restore(field.learned())
        for one, other in zip(values, encoded(again, kind), strict=True):
            assert np.array_equal(one, other, equal_nan=True)
        assert field.describe() == again.describe()
        if generated or not isinstance(field, Generated):
            decode(field, values)


def place_of(field: Field, kind: str) -> dict[str, Any]:
    return {"generated": field.generated} if isinstance(field, Generated) else CASES[kind].place


def decode(field: Field, values: list[np.ndarray]) -> None:
    """What the user reads of outputs of zeros, and of what is true."""
    if isinstance(field, Symbols):
        assert field.decode_sequence(values[0].tolist())
        assert field.symbols()
    elif isinstance(field, Frames):
        size = {"series": 2 * field.size, "audio": 2 * field.size + 1, "roll": field.size + 1}[field.kind]
        output, uniform = np.zeros((4, size), np.float32), np.full((4, field.uniform_size), 0.3)
        for frames in (field.next_frames(output, None), field.next_frames(output, uniform)):
            assert (frames.shape, frames.dtype) == ((4, field.size), np.float32)
        assert len(field.decode_sequence(values[0])) > 0
        if field.stops:
            assert np.allclose(field.end_probabilities(output), 0.5)
    elif isinstance(field, InStep):
        classes = len(field.labels if field.kind == "tags" else field.vocabulary)
        found, _ = field.decode_steps(StepScores(np.zeros((2, 3, classes), np.float32), np.array([3, 1])))
        assert len(found) == 2
    elif isinstance(field, Single):
        size = {"category": 2, "number": 1, "labels": 2, "forecast": 18}[field.kind]
        output = np.zeros((3, size), np.float32)
        assert len(field.decode(output)) == 3
        field.probabilities(output)
        if field.kind != "forecast":
            assert len(field.decode_target(np.stack(values))) == len(values)
