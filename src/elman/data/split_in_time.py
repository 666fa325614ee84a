"""Series in order of time: training, validation and test, of which each is later than the one before it."""

from collections.abc import Sequence

from elman.checks import check_range, fail
from elman.data.table import Table
from elman.data.timeline import Timeline
from elman.errors import ConfigError

Ends = tuple[int, int, int]  # steps of a series after which training, validation and test end


def shares_in_time(given: Sequence[Table | None], valid: float, test: float) -> tuple[float, float]:
    """What share of the training table's series validates and what share tests, at their end.

    Args:
        given: training, validation and test; what is given as a table is not cut off.
        valid, test: the shares that are asked for.

    Raises:
        ConfigError: test rows would be cut off the training table, and so be older than the validation table's.
    """
    shares = valid if given[1] is None else 0.0, test if given[2] is None else 0.0
    check_range("data", "valid_fraction and data.test_fraction together", sum(shares), low=0, high=0.99)
    if given[1] is not None and shares[1]:
        must, then = (
            "be 0 where data.valid is given, which is later",
            "Name data.test too, or set data.test_fraction=0.",
        )
        fail("config", "data.test_fraction", must, f"{shares[1]}", then, ConfigError)
    return shares


def joined_in_time(
    tables: Sequence[dict[str, Timeline] | None], shares: tuple[float, float]
) -> tuple[list[Timeline], list[Ends]]:
    """The series, those of later tables behind those of earlier ones; and where the three parts of each end.

    Args:
        tables: the series by id of training, validation and test, None where a part has no table of its own.
        shares: as `shares_in_time` gives them.

    Raises:
        DataError: a series of a table does not begin after it ended in the table before.
    """
    names = dict.fromkeys(name for table in tables for name in table or {})
    series, borders = [], []
    for name in names:
        lines = [(table or {}).get(name) for table in tables]
        rows = len(lines[0] or ())
        valid, test = (round(rows * share) for share in shares)
        counts = rows - valid - test, len(lines[1] or ()) or valid, len(lines[2] or ()) or test
        whole = None
        for line in lines:
            if line is not None:
                whole = line if whole is None else whole.followed_by(line)
        assert whole is not None
        series.append(whole)
        borders.append((counts[0], counts[0] + counts[1], sum(counts)))
    return series, borders
