"""Everything that elman raises on purpose: one tree, so that `except elman.ElmanError` catches all of it.

Every message reads `<where>: <what> must <invariant>, got <value>. <what to do next>.`
"""


class ElmanError(Exception):
    """The root of the tree. The command line prints the message and leaves with `exit_code`."""

    exit_code = 2


class ArgumentError(ElmanError, ValueError):
    """An argument, a flag or a tensor that breaks what the function asks for."""


class ConfigError(ElmanError, ValueError):
    """A configuration key or value that does not exist or does not fit."""


class DataError(ElmanError, ValueError):
    """A file, a row or a cell that cannot be used."""


class BadValueError(DataError):
    """A raw value that its field cannot read; whoever knows the file, line and column says them too."""

    def __init__(self, must: str, got: str) -> None:
        super().__init__(f"must {must}, got {got}")


class NoRowError(DataError):
    """A table of which no row can be used."""


class MissingExtraError(ElmanError, ImportError):
    """An optional package is needed here and is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose}: the package {package!r} must be installed. Run pip install 'elman[{extra}]'.")


class TrainingError(ElmanError, RuntimeError):
    """Training cannot go on: a loss or a gradient that is not finite."""


class IntegrityError(ElmanError):
    """A model directory or the cache is not what was written: a digest, a size or a format that does not agree."""

    exit_code = 3


class Interrupted(ElmanError):  # noqa: N818 - an interruption is not an error of anyone's
    """The user stopped a run (Ctrl-C); what was kept stands in the message."""

    exit_code = 130
