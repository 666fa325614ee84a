"""TensorBoard, if asked for: the figures of every evaluation as event files."""

from typing import Any

from elman.checks import fail
from elman.errors import DataError, MissingExtraError
from elman.training.progress import Reporter


class EventFiles:
    """Writes TensorBoard event files.

    Args:
        folder: where they go; TensorBoard shows each folder as a line of its own.
        reporter: it shows the command that opens TensorBoard.
        after: steps done before; events beyond them, from a killed process, are not shown.

    Raises:
        DataError: the folder cannot be written.
        MissingExtraError: the package `tensorboard` is not installed.
    """

    def __init__(self, folder: str, reporter: Reporter, after: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("tensorboard", "watch", "train.tensorboard") from None
        try:
            self._writer = SummaryWriter(folder, purge_step=after + 1 if after else None)
        except OSError as error:
            then = "Name another folder."
            fail(
                "train",
                "tensorboard",
                "be a folder that can be written",
                f"{folder}: {error.strerror}",
                then,
                DataError,
            )
        reporter.note(f"watch     tensorboard --logdir {folder}")

    def scored(self, row: dict[str, Any]) -> None:
        """Write the figures of an evaluation, a row of `History.rows`, at its step."""
        for name, value in row.items():
            if name not in ("step", "epoch", "seconds") and value is not None:
                self._writer.add_scalar(name, value, row["step"])
        self._writer.flush()
