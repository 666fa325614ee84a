"""Splits of series in order of time: validation is later than training, and test later than validation."""

from collections.abc import Sequence

from elman.checks import check_range, fail
from elman.data.table import Table
from elman.data.timeline import Timeline
from elman.errors import ConfigError

Ends = tuple[int, int, int]  # steps of a series after which training, validation and test end


def fractions_in_time(given: Sequence[Table | None], valid: float, test: float) -> tuple[float, float]:
    """The fractions of the training table's series for validation and test, at their end.

    Args:
        given: training, validation and test; a split with a table of its own is not taken from the training table.
        valid, test: the requested fractions.

    Raises:
        ConfigError: test rows would be split off the training table, and so be older than the validation table's.
    """
    fractions = valid if given[1] is None else 0.0, test if given[2] is None else 0.0
    check_range("data", "valid_fraction and data.test_fraction together", sum(fractions), low=0, high=0.99)
    if given[1] is not None and fractions[1]:
        must, then = (
            "be 0 if data.valid is given, which is later",
            "Set data.test too, or data.test_fraction=0.",
        )
        fail("config", "data.test_fraction", must, f"{fractions[1]}", then, ConfigError)
    return fractions


def joined_in_time(
    tables: Sequence[dict[str, Timeline] | None], fractions: tuple[float, float]
) -> tuple[list[Timeline], list[Ends]]:
    """The series of all tables, each continued in the later tables; and the ends of its three splits.

    Args:
        tables: the series by id of training, validation and test; None if a split has no table of its own.
        fractions: from `fractions_in_time`.

    Raises:
        DataError: a series does not begin after its end in the table before.
    """
    names = dict.fromkeys(name for table in tables for name in table or {})
    series, ends = [], []
    for name in names:
        lines = [(table or {}).get(name) for table in tables]
        rows = len(lines[0] or ())
        valid, test = (round(rows * fraction) for fraction in fractions)
        counts = rows - valid - test, len(lines[1] or ()) or valid, len(lines[2] or ()) or test
        whole = None
        for line in lines:
            if line is not None:
                whole = line if whole is None else whole.followed_by(line)
        assert whole is not None
        series.append(whole)
        ends.append((counts[0], counts[0] + counts[1], sum(counts)))
    return series, ends
