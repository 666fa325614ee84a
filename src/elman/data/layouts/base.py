"""What every layout is: how the rows of a table make sequences, decided once and asked everywhere."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from elman.data.batch import Examples
from elman.data.files import File
from elman.data.paths import with_whole_paths
from elman.data.table import BadRows, Table
from elman.fields import Fields

Note = Callable[[str], None]  # takes a line for the person


class Tables(NamedTuple):
    """Data in memory: one table to be split, or splits that were given."""

    train: Table
    valid: Table | None = None
    test: Table | None = None


class Source(NamedTuple):
    """The rows of a split: a table, or files that are larger than is read into memory."""

    table: Table | None  # None: the files are read piece by piece
    files: Sequence[File] = ()  # where the rows come from; none where that is memory


class Sources(NamedTuple):
    """The source of each split; what is not given is split off the training source."""

    train: Source
    valid: Source | None
    test: Source | None

    def tables(self) -> tuple[Table, Table | None, Table | None]:
        """The tables of a layout that reads whole sources."""
        train, valid, test = (None if source is None else source.table for source in self)
        assert train is not None
        return train, valid, test


class Splits(NamedTuple):
    """The examples of each split, None where a split has none."""

    train: Examples
    valid: Examples | None
    test: Examples | None


class Layout(ABC):
    """How rows make sequences.

    Args:
        fields: of the network; `splits` lets them learn.

    Attributes:
        reads_whole: whether all rows of a table are needed together, however large its files are.
        is_stream: whether a source is one sequence that is continued from example to example.
    """

    reads_whole: bool = True
    is_stream: ClassVar[bool] = False

    def __init__(self, fields: Fields) -> None:
        self.fields = fields

    @abstractmethod
    def splits(self, sources: Sources, fractions: tuple[float, float], seed: int, bad: BadRows, note: Note) -> Splits:
        """The examples of the training, validation and test split; the fields learn from the training split.

        Args:
            sources: of each split.
            fractions: of the training source, for validation and for the test; not used where they have a source.
            seed: of a random split.
            bad: what is done with rows that cannot be used.
            note: takes a line for the person.

        Raises:
            ConfigError: settings that contradict the data.
            DataError: data that cannot be used, or a split that would be empty.
        """

    @abstractmethod
    def examples(self, table: Table, bad: BadRows) -> Examples:
        """All examples of a table with their targets, by fitted fields.

        Raises:
            DataError: a row cannot be used and is not to be skipped.
            NoRowError: no row is left.
        """

    @abstractmethod
    def latest(self, table: Table, bad: BadRows) -> Examples:
        """What is to be predicted of each sequence of a table, without targets: the sequence, or the window at its end.

        Raises: as `examples`.
        """

    def prepared(self, table: Table, files: Sequence[File], bad: BadRows) -> Table:
        """A table as `examples` wants it: the paths in it whole, one row a sequence where it is read so."""
        return with_whole_paths(table, self.fields.file_columns(), files)
