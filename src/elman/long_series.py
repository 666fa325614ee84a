"""Series whose rows are steps, to be gone on with: cut in time for validation and test, into pieces for training."""

from collections.abc import Sequence

import numpy as np

from elman.checks import check_range, fail
from elman.config import RunConfig
from elman.data import BadRows, Examples, Parsed, Table, encode, gather, parse
from elman.errors import ConfigError, DataError
from elman.fields import Fields, Series
from elman.topologies import NextStep

PIECE = 128  # steps of a training row where model.bptt does not say

Three = tuple[Examples, Examples | None, Examples | None]


def goes_on_in_time(config: RunConfig) -> bool:
    """Whether the data are series whose rows are steps, in order of time, and nothing but the next step is told."""
    kinds = [options.get("kind") for options in config.input.values()]
    return config.model.get("topology") == NextStep.name and kinds == [Series.kind] and config.data.time is not None


def long_series(
    config: RunConfig, fields: Fields, given: tuple[Table | None, Table | None, Table | None], bad: BadRows
) -> Three:
    """Training, validation and test of series in the long format; the field learns from the training part.

    Of each series the oldest share trains, the next validates, the newest tests. What trains is cut into pieces, each
    a row that begins with no past; validation and test are read whole.

    Args:
        config: settled.
        fields: with one series that is written, and no input.
        given: tables that were named for each part; the later ones are cut off the first where they are not.
        bad: what is done with rows that cannot be used.

    Raises:
        ConfigError: a split by value.
        DataError: a part that should have steps would have none.
    """
    data = config.data
    if data.split_group is not None or data.split_time is not None:
        then = "The end of each series is the test; leave data.split_group and data.split_time out."
        fail("config", "data.time", "go without a split by value where the next step is told", "one", then, ConfigError)
    whole, valid, test = (
        None if table is None else parse(gather(table, fields, data.id, data.time, bad), fields, bad) for table in given
    )
    assert whole is not None
    fractions = 0.0 if valid else data.valid_fraction, 0.0 if test else data.test_fraction
    check_range("data", "valid_fraction and data.test_fraction together", sum(fractions), low=0, high=0.99)
    train, *later = _cut_in_time(whole, fractions)
    (field,) = fields.targets.values()
    field.fit(_series_of(train))
    pieces = _pieces(train, config.model.get("bptt") or PIECE)
    parts = [pieces, valid or later[0], test or later[1]]
    wanted = True, bool(fractions[0] or valid), bool(fractions[1] or test)
    examples = [encode(part, fields, bad)[1] if wish else None for wish, part in zip(wanted, parts, strict=True)]
    assert examples[0] is not None
    return examples[0], examples[1], examples[2]


def _series_of(parsed: Parsed) -> Sequence[np.ndarray]:
    (series,) = parsed.values.values()
    return series


def _cut_in_time(parsed: Parsed, fractions: tuple[float, float]) -> list[Parsed]:
    """Each series in three: what trains, and these shares of its steps after it; a part of none has no row for it."""
    series, parts = _series_of(parsed), []
    ends = [[len(one) - round(len(one) * share) for one in series] for share in (sum(fractions), fractions[1])]
    borders = [[0] * len(series), *ends, [len(one) for one in series]]
    for share, begins, stops in zip((1 - sum(fractions), *fractions), borders[:-1], borders[1:], strict=True):
        cut = [(row, one[b:e]) for row, one, b, e in zip(parsed.rows, series, begins, stops, strict=True) if b < e]
        if share and not cut:
            steps = f"{sum(map(len, series)):,} steps in {len(series):,} series"
            then = "Add steps, or set data.valid_fraction and data.test_fraction."
            fail("data", parsed.table.source, "have enough steps for every part", steps, then, DataError)
        parts.append(_parsed(parsed, cut))
    return parts


def _pieces(parsed: Parsed, steps: int) -> Parsed:
    """Each series in pieces of so many steps, the last of them shorter."""
    cut = [
        (row, one[begin : begin + steps])
        for row, one in zip(parsed.rows, _series_of(parsed), strict=True)
        for begin in range(0, len(one), steps)
    ]
    return _parsed(parsed, cut)


def _parsed(parsed: Parsed, cut: list[tuple[int, np.ndarray]]) -> Parsed:
    (role,) = parsed.values
    return Parsed(parsed.table, [row for row, _ in cut], {role: [piece for _, piece in cut]})
