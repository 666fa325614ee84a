"""From tables whose rows are steps to windows: cut in order of time for training, at the end to forecast from there."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.checks import fail
from elman.config import RunConfig
from elman.data import BadRows, Table, Timeline, WindowExamples, joined_in_time, shares_in_time, timelines
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields import Field, Fields, Forecast, Known, Lags, Series
from elman.fields.values.cells import is_blank

SHOWN = 5  # series that a message names
Given = tuple[Table, Table | None, Table | None]
Ends = tuple[int, int, int]  # of the parts of a series
Wrong = dict[int, tuple[str, BadValueError]]  # by the step, the column and what is wrong with its cell
Windows = tuple[WindowExamples, WindowExamples | None, WindowExamples | None]


def window_parts(
    config: RunConfig, fields: Fields, given: Given, bad: BadRows, note: Callable[[str], None], fit: bool = True
) -> Windows:
    """Training, validation and test in order of time, each series by itself; the fields learn from the training rows.

    A window belongs to the part that holds all the steps it forecasts; its past may reach into the part before. Where
    parts are given as tables, the later ones go on with the series of the earlier ones.

    Args:
        config: settled.
        fields: of the configuration.
        given: training, validation and test; what is not given is cut off the end of the training table's series.
        bad: what is done with rows that cannot be used.
        note: takes a line for the person.
        fit: let the fields learn; they have learned already if not.

    Raises:
        ConfigError: fractions that cannot be.
        DataError: rows that cannot be used, or a part without a window.
    """
    shares = shares_in_time(given, config.data.valid_fraction, config.data.test_fraction)
    tables = [None if table is None else _timelines(config, fields, table, bad) for table in given]
    series, borders = joined_in_time(tables, shares)
    parts, short = _origins_of_parts(config, given, shares, series, borders)
    if fit:
        for field in fields.by_role().values():
            _learn(field, [_values(field, line, slice(0, ends[0])) for line, ends in zip(series, borders, strict=True)])
    wrong = [_unknown(fields, line) for line in series]
    if any(wrong):
        borders = [_less_before(ends, steps) for ends, steps in zip(borders, wrong, strict=True)]
        series = [_without(line, steps, bad) for line, steps in zip(series, wrong, strict=True)]
        parts, short = _origins_of_parts(config, given, shares, series, borders)
    _say_short(short, series, config, note)
    encoded = _encoded(fields, series)
    train, valid, test = (_examples(config, fields, series, encoded, rows) if len(rows) else None for rows in parts)
    for name, field in fields.targets.items():
        if valid is None and isinstance(field, Forecast) and field.calibrate:
            then = "Leave it out, or set data.valid_fraction."
            fail("config", f"target.{name}.calibrate", "have a validation part", "none", then, ConfigError)
    assert train is not None
    return train, valid, test


def _origins_of_parts(
    config: RunConfig, given: Given, shares: tuple[float, float], series: Sequence[Timeline], borders: Sequence[Ends]
) -> tuple[list[np.ndarray], list[Timeline]]:
    """The first forecast steps of each part's windows, where all series stand one after the other; and the series that
    are too short to learn from.

    Raises:
        DataError: a part that is wanted has no window.
    """
    (window, horizon), starts = _sizes(config), _starts(series)
    parts: list[np.ndarray] = []
    short: list[Timeline] = []
    for part in range(3):
        begins = [0 if part == 0 else ends[part - 1] for ends in borders]
        every = config.data.every if part == 0 else 1
        origins = [
            start + _origins(begin, ends[part], window, horizon, every)
            for start, begin, ends in zip(starts, begins, borders, strict=True)
        ]
        if part == 0:
            short = [line for line, own in zip(series, origins, strict=True) if not len(own)]
        wanted = part == 0 or given[part] is not None or shares[part - 1] > 0
        rows = np.concatenate([np.zeros(0, np.int64), *origins])
        if wanted and not len(rows):
            name = ("training", "validation", "test")[part]
            must = f"have {horizon} rows to forecast in the {name} part, and {window} before them"
            got = f"at most {max(map(len, series), default=0):,} in all"
            then = "Give more rows, or set data.window, data.horizon, data.valid_fraction and data.test_fraction."
            fail(given[0].source, "a series", must, got, then, DataError)
        parts.append(rows)
    return parts, short


def all_windows(
    config: RunConfig, fields: Fields, table: Table, bad: BadRows, every: int = 1
) -> tuple[WindowExamples, list[Timeline]]:
    """Every window of a table, or every so many steps one, the newest of each series included; and its series.

    Raises:
        DataError: rows that cannot be used, or no window.
    """
    window, horizon = _sizes(config)
    found = _timelines(config, fields, table, bad).values()
    series = [_without(line, _unknown(fields, line), bad) for line in found]
    lines = zip(_starts(series), series, strict=True)
    each = [start + _origins(0, len(line), window, horizon, every) for start, line in lines]
    origins = np.concatenate(each) if each else np.zeros(0, np.int64)
    if not len(origins):
        most = max(map(len, series), default=0)
        must = f"have {window} rows to read and {horizon} that were forecast"
        fail(table.source, "a series", must, f"at most {most:,}", "Give more rows.", DataError)
    return _examples(config, fields, series, _encoded(fields, series), origins), series


def last_windows(
    config: RunConfig, fields: Fields, table: Table, bad: BadRows
) -> tuple[WindowExamples, list[tuple[Timeline, int]]]:
    """The window at the end of each series of a table; and the series, each with the step that is forecast first.

    A series ends with the last row that has a value of a target; rows after it say what is known ahead, and their other
    cells may be empty.

    Raises:
        DataError: rows that cannot be used, a series that is too short or whose known columns do not reach far enough.
    """
    window, horizon = _sizes(config)
    told = [name for name in fields.targets if name in table.columns]
    known = any(isinstance(field, Known) for field in fields.inputs.values())
    if known and len(told) < len(fields.targets):
        table.column(next(name for name in fields.targets if name not in told))  # which says that it is missing
    chosen: list[tuple[Timeline, int]] = []
    for found in _timelines(config, fields, table, bad, told, blanks=True).values():
        line = _without(found, _blank(found, found.known_until(told)), bad)
        line = _without(line, _unknown(fields, line, line.known_until(told)), bad)
        origin = line.known_until(told)
        whose = f" in the series {line.name!r}" if line.name else ""
        if origin < window:
            must = f"must be {window} rows before the forecast{whose}"
            bad.found(f"{table.source}: there {must}, got {origin}", "Give a longer history")
        elif known and len(line) < origin + horizon:
            must = f"must be {horizon} rows after the last value{whose}, which say what is known ahead"
            bad.found(
                f"{table.source}: there {must}, got {len(line) - origin}", "Add such rows (the target's cells empty)"
            )
        else:
            chosen.append((line, origin))
    if not chosen:
        fail(table.source, "the table", "have a series that can be forecast", "none", error=DataError)
    series = [line for line, _ in chosen]
    ends = [origin for _, origin in chosen]
    encoded = _encoded(fields, series, ends, targets=False)
    return _examples(config, fields, series, encoded, np.array(_starts(series)) + ends), chosen


def _blank(line: Timeline, end: int) -> Wrong:
    """The steps before `end` of which a cell is empty that must not be."""
    found: Wrong = {}
    for name, values in line.columns.items():
        if not isinstance(values, np.ndarray):
            found |= {step: (name, cell) for step, cell in enumerate(values[:end]) if isinstance(cell, BadValueError)}
    return found


def _unknown(fields: Fields, line: Timeline, end: int | None = None) -> Wrong:
    """The steps before `end` that have a value which its field has not learned, such as a class."""
    found: Wrong = {}
    for name, field in fields.inputs.items():
        for step, value in enumerate([] if columns_of(field) else line.columns[name][:end]):
            try:
                field.encode(value)
            except BadValueError as error:
                found[step] = name, error
    return found


def _without(line: Timeline, wrong: Wrong, bad: BadRows) -> Timeline:
    """The series less the steps that are wrong, as far as they may be left out."""
    for step, (name, error) in sorted(wrong.items()):
        bad.found(f"{line.place(step)}: column {name!r} {error}")
    return line.take([step for step in range(len(line)) if step not in wrong]) if wrong else line


def _less_before(ends: Ends, wrong: Wrong) -> Ends:
    """Where the parts of a series end without its wrong steps."""
    train, valid, test = (end - sum(step < end for step in wrong) for end in ends)
    return train, valid, test


def _sizes(config: RunConfig) -> tuple[int, int]:
    assert config.data.window is not None
    assert config.data.horizon is not None
    return config.data.window, config.data.horizon


def _timelines(
    config: RunConfig,
    fields: Fields,
    table: Table,
    bad: BadRows,
    targets: Sequence[str] | None = None,
    blanks: bool = False,
) -> dict[str, Timeline]:
    """The series of a table, with the columns of all inputs and of the targets, or of these only.

    With `blanks` an empty cell is no bad row: where it must not be empty the error stands in its place.
    """
    numbers = [column for field in fields.inputs.values() for column in columns_of(field)]
    numbers += list(fields.targets) if targets is None else targets
    parsed = {
        name: _or_blank(field.parse) if blanks else field.parse
        for name, field in fields.inputs.items()
        if not columns_of(field)
    }
    return timelines(table, numbers, parsed, config.data.id, config.data.time, bad)


def _or_blank(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def parsed(raw: Any) -> Any:
        try:
            return parse(raw)
        except BadValueError as error:
            if is_blank(raw):
                return error
            raise

    return parsed


def columns_of(field: Field) -> list[str]:
    """The columns of numbers that an input is made of; none of one that is a value of another kind."""
    return list(field.columns or ()) if isinstance(field, Series | Lags) else []


def _values(field: Field, line: Timeline, steps: slice) -> Any:
    """What a field learns from or encodes of a series."""
    if isinstance(field, Forecast):
        return line.columns[field.name][steps]
    columns = columns_of(field)
    return line.numbers(columns)[steps] if columns else line.columns[field.name][steps]


def _learn(field: Field, values: list[Any]) -> None:
    if isinstance(field, Forecast) or columns_of(field):
        field.fit([value for value in values if len(value)])
        return
    flat = [value for part in values for value in part]
    field.fit(Counter(flat) if field.fits_on_counts else flat)


def _encoded(
    fields: Fields, series: Sequence[Timeline], ends: Sequence[int] | None = None, targets: bool = True
) -> Mapping[str, np.ndarray]:
    """All series one after the other, encoded, by role.

    Where `ends` are given, what is not known ahead is encoded up to there only, and zero after it.
    """
    found: dict[str, np.ndarray] = {}
    for role, field in fields.by_role(targets).items():
        until = [None] * len(series) if ends is None or isinstance(field, Known) else ends
        found[role] = np.concatenate([_encode(field, line, end) for line, end in zip(series, until, strict=True)])
    return found


def _starts(series: Sequence[Timeline]) -> list[int]:
    """Where each series begins, where all stand one after the other."""
    starts: list[int] = np.cumsum([0, *map(len, series)])[:-1].tolist()
    return starts


def _encode(field: Field, line: Timeline, end: int | None) -> np.ndarray:
    """A series encoded, (T, ...), zero from the step `end` on."""
    known = _encode_known(field, line, _values(field, line, slice(end)))
    rest = np.zeros((len(line) - len(known), *known.shape[1:]), known.dtype)
    return np.concatenate([known, rest])


def _encode_known(field: Field, line: Timeline, values: Any) -> np.ndarray:
    if isinstance(field, Series | Lags):
        gaps = np.isnan(values)
        if field.missing == "refuse" and gaps.any():
            step, channel = (int(place) for place in np.argwhere(gaps)[0])
            then = "Fill the cell, or set missing to forward or mean."
            fail(
                line.place(step), f"column {columns_of(field)[channel]!r}", "hold a number", "nothing", then, DataError
            )
        return field.encode(values)
    return field.encode(values) if isinstance(field, Forecast) else np.array(field.encode_batch(values))


def _origins(begin: int, end: int, window: int, horizon: int, every: int) -> np.ndarray:
    """The first forecast steps of the windows whose forecast steps all lie in `begin` to `end`, the newest included."""
    first, last = max(begin, window), end - horizon
    return np.arange(last, first - 1, -every, dtype=np.int64)[::-1]


def _examples(
    config: RunConfig,
    fields: Fields,
    series: Sequence[Timeline],
    encoded: Mapping[str, np.ndarray],
    origins: np.ndarray,
) -> WindowExamples:
    window, horizon = _sizes(config)
    past: dict[str, np.ndarray] = {}
    ahead: dict[str, np.ndarray] = {}
    at: dict[str, np.ndarray] = {}
    for name, field in fields.inputs.items():
        kind = ahead if isinstance(field, Known) else past if columns_of(field) else at
        kind[name] = encoded[f"input.{name}"]
    targets = {name: encoded[f"target.{name}"] for name in fields.targets if f"target.{name}" in encoded}

    starts = _starts(series)

    def place(step: int) -> str:
        number = int(np.searchsorted(starts, step, side="right")) - 1
        return series[number].place(step - starts[number])

    flat = {name for name, field in fields.inputs.items() if isinstance(field, Lags)}
    return WindowExamples(past, ahead, at, targets or None, origins, window, horizon, place, flat)


def _say_short(
    short: Sequence[Timeline], series: Sequence[Timeline], config: RunConfig, note: Callable[[str], None]
) -> None:
    """Which series are too short to learn from; where all are, that is an error, which says so."""
    if not short or len(short) == len(series):
        return
    names = ", ".join(line.name for line in short[:SHOWN]) + (", ..." if len(short) > SHOWN else "")
    window, horizon = _sizes(config)
    least = f"{window} + {horizon} rows in the training part"
    note(f"windows   {len(short)} of {len(series)} series have fewer than {least} and teach nothing: {names}")
