"""The exceptions of elman, in one tree, so that `except elman.ElmanError` catches all of them.

Every message reads `<where>: <what> must <invariant>, got <value>. <what to do next>.`
"""


class ElmanError(Exception):
    """The root of the tree. The command line prints the message and exits with `exit_code`."""

    exit_code = 2


class ArgumentError(ElmanError, ValueError):
    """An argument, a flag or a tensor that violates the requirements of a function."""


class ConfigError(ElmanError, ValueError):
    """A configuration key that does not exist, or a value that is not valid."""


class DataError(ElmanError, ValueError):
    """A file, a row or a cell that cannot be used."""


class BadValueError(DataError):
    """A raw value that its field cannot parse; callers that know the file, line and column add them."""

    def __init__(self, must: str, got: str) -> None:
        super().__init__(f"must {must}, got {got}")


class NoRowError(DataError):
    """A table without a usable row."""


class MissingExtraError(ElmanError, ImportError):
    """An optional package that is needed is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose}: the package {package!r} must be installed. Run pip install 'elman[{extra}]'.")


class TrainingError(ElmanError, RuntimeError):
    """Training cannot continue: a loss or a gradient is not finite."""


class IntegrityError(ElmanError):
    """A model directory or the cache was changed or damaged: a digest, a size or a format does not match."""

    exit_code = 3


class Interrupted(ElmanError):  # noqa: N818 - an interruption is not an error of anyone's
    """The user stopped a run (Ctrl-C); the message says what was kept."""

    exit_code = 130
