"""Checkpoints: everything that the next step depends on, so that a resumed training continues bit for bit."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

import safetensors.torch
import torch
from torch import Tensor

from elman.checks import fail
from elman.errors import DataError, ElmanError
from elman.network import Network, carried_like, own_state
from elman.storage import CHECKPOINTS, LOG, Directory, all_checkpoints, step_of, write_directory
from elman.training.history import History
from elman.training.optimizer import trainable
from elman.training.progress import Reporter

CUDA_RANDOM_BYTES = 16  # size of the state of torch's generator on CUDA
KEPT = 2  # the newest checkpoints; each also holds the best weights so far
PROGRESS, STATE = "progress.json", "state.safetensors"


class Saved(NamedTuple):
    """The contents of a checkpoint beside the configuration and the fields."""

    history: History
    tensors: dict[str, Tensor]
    data: str  # the digests of the training and validation rows
    folder: Path  # where training was started, to which the paths of its configuration are relative


class Checkpoints:
    """The checkpoints of a run directory.

    Args:
        run: the run directory.
        description: the files that describe the network, see `Model.description`.
        reporter: it reports a checkpoint that could not be written.
        started_in: the folder where training was started; None: the current one.
    """

    def __init__(
        self, run: Path, description: Mapping[str, bytes], reporter: Reporter, started_in: Path | None = None
    ) -> None:
        self.folder, self.description, self.reporter = run / CHECKPOINTS, description, reporter
        self.started_in = started_in or Path.cwd()

    def begin(self, after: int | None = None) -> None:
        """Remove the checkpoints of another training: all, or those newer than the step from which this one resumes."""
        for path in all_checkpoints(self.folder.parent):
            if after is None or step_of(path) > after:
                shutil.rmtree(path, ignore_errors=True)

    def write(self, history: History, tensors: Mapping[str, Tensor], data: str) -> bool:
        """Write a checkpoint and remove those that are no longer kept; returns whether it could be written.

        If it cannot (disk full, no permission, the folder is gone), a warning is shown, the existing checkpoints stay,
        training continues, and the next checkpoint is tried when it is due.
        """
        files = {
            **self.description,
            PROGRESS: json.dumps({"history": history.to_json(), "data": data, "folder": str(self.started_in)}).encode(),
            STATE: safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}),
        }
        try:
            write_directory(self.folder / f"step-{history.step:09d}", files)
        except ElmanError as error:
            self.reporter.note(
                f"warning: no checkpoint at step {history.step}: {error} Training continues; "
                "earlier checkpoints are kept, and the next one is tried when it is due."
            )
            return False
        for path in all_checkpoints(self.folder.parent)[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)
        return True

    def log(self, history: History) -> None:
        """Write the evaluations so far, for anyone who follows the training; resuming does not read them."""
        partial = self.folder / f"{LOG}.partial"
        with suppress(OSError):  # a failed checkpoint is reported; this needs no second warning
            partial.write_bytes(history.log())
            partial.replace(self.folder / LOG)


def read_checkpoint(directory: Directory, network: Network, averaged: bool, lanes: int) -> Saved:
    """Read a checkpoint and verify every byte.

    Args:
        directory: of the checkpoint.
        network: the network of the checkpoint, on any device; its values are not used.
        averaged: whether the training keeps a mean of the weights.
        lanes: rows of a batch; those of a stream carry their state over.

    Raises:
        IntegrityError: the checkpoint was changed or damaged.
    """
    progress = directory.json(PROGRESS)
    expected = _expected(network, averaged, lanes)
    # Before the first step the optimizer has no state; before the first evaluation no weights are the best.
    optional = [name for name in expected if name.startswith(("optimizer.", "best.", "carried.", "random.cuda"))]
    tensors = directory.tensors(STATE, expected, optional)
    try:
        started_in = Path(progress.get("folder", ""))  # not in older checkpoints
        return Saved(History(**progress["history"]), tensors, str(progress["data"]), started_in.absolute())
    except (LookupError, TypeError) as error:
        directory.refuse(PROGRESS, "hold the history of a training", f"{type(error).__name__}: {error}")


def _expected(network: Network, averaged: bool, lanes: int) -> dict[str, Tensor]:
    """Tensors with the names, shapes and types that a checkpoint of this network may have."""
    copies = ("network", "best", "mean") if averaged else ("network", "best")
    weights = own_state(network)
    expected = {f"{copy}.{name}": tensor for copy in copies for name, tensor in weights.items()}
    for index, parameter in enumerate(trainable(network)):
        expected[f"optimizer.{index}.step"] = torch.empty((), dtype=torch.float32, device="meta")
        expected[f"optimizer.{index}.exp_avg"] = expected[f"optimizer.{index}.exp_avg_sq"] = parameter
    expected |= {f"carried.{name}": tensor for name, tensor in carried_like(network, lanes).items()}
    expected["random.cpu"] = torch.get_rng_state()
    expected["random.cuda"] = torch.empty(CUDA_RANDOM_BYTES, dtype=torch.uint8, device="meta")
    return expected


def refuse_rows(got: str) -> NoReturn:
    """Raise the DataError of a training that is resumed on other rows than its own."""
    then = "Restore the data, or start a new training with --force."
    fail("training", "the rows", "be those that it started with", got, then, DataError)
