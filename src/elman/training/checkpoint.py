"""Checkpoints: everything that the next step depends on, so that a training goes on bit for bit where it was."""

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
from elman.storage import CHECKPOINTS, Directory, write_directory
from elman.training.history import History
from elman.training.optimizer import trained
from elman.training.progress import Reporter

CUDA_RANDOM_BYTES = 16  # of torch's generator there
KEPT = 2  # the newest ones; each holds the best weights so far too
LOG = "log.jsonl"
PROGRESS, STATE = "progress.json", "state.safetensors"


class Saved(NamedTuple):
    """What a checkpoint holds beside the configuration and the fields."""

    history: History
    tensors: dict[str, Tensor]
    data: str  # the digests of the training and validation rows
    folder: Path  # where training was begun, from which the paths of its configuration start


class Checkpoints:
    """The checkpoints of a run directory.

    Args:
        run: the run directory.
        description: the files that say what network this is, see `Model.description`.
        reporter: who is told of a checkpoint that could not be written.
        begun: the folder where training was begun; None: the current one.
    """

    def __init__(
        self, run: Path, description: Mapping[str, bytes], reporter: Reporter, begun: Path | None = None
    ) -> None:
        self.folder, self.description, self.reporter = run / CHECKPOINTS, description, reporter
        self.begun = begun or Path.cwd()

    def begin(self, after: int | None = None) -> None:
        """Take away what another training left here: all, or what is newer than the step that is gone on from."""
        for path in all_checkpoints(self.folder.parent):
            if after is None or step_of(path) > after:
                shutil.rmtree(path, ignore_errors=True)

    def write(self, history: History, tensors: Mapping[str, Tensor], data: str) -> bool:
        """Write a checkpoint and remove those that are no longer kept; whether it could be written.

        The rule where it cannot (no room, no permission, the folder is gone): it is said, the ones that are there stay,
        training goes on, and the next one is tried when it is due.
        """
        files = {
            **self.description,
            PROGRESS: json.dumps({"history": history.to_json(), "data": data, "folder": str(self.begun)}).encode(),
            STATE: safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}),
        }
        try:
            write_directory(self.folder / f"step-{history.step:09d}", files)
        except ElmanError as error:
            self.reporter.note(
                f"warning: no checkpoint at step {history.step}: {error} Training goes on; "
                "what was written before is kept, and the next checkpoint is tried when it is due."
            )
            return False
        for path in all_checkpoints(self.folder.parent)[KEPT:]:
            shutil.rmtree(path, ignore_errors=True)
        return True

    def log(self, history: History) -> None:
        """Write the evaluations so far for whoever watches; a resumption does not read them."""
        partial = self.folder / f"{LOG}.partial"
        with suppress(OSError):  # a checkpoint that cannot be written is said; this is not worth a second line
            partial.write_bytes(history.log())
            partial.replace(self.folder / LOG)


def all_checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run directory, the newest first; whether they verify is found when they are read."""
    return sorted((run / CHECKPOINTS).glob("step-*"), key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """The optimiser steps that a checkpoint, by its name, comes after; -1 for a name of no checkpoint."""
    digits = checkpoint.name.removeprefix("step-")
    return int(digits) if digits.isdecimal() else -1


def read_checkpoint(directory: Directory, network: Network, averaged: bool, lanes: int) -> Saved:
    """A checkpoint, every byte of it checked.

    Args:
        directory: the checkpoint's.
        network: the network that it is of, on any device; its values are not looked at.
        averaged: whether a mean of the weights was kept.
        lanes: rows a batch, which of a stream carry their state over.

    Raises:
        IntegrityError: it is not what was written.
    """
    said = directory.json(PROGRESS)
    expected = _expected(network, averaged, lanes)
    # Before the first step the optimiser has no state; before the first evaluation no weights are the best.
    optional = [name for name in expected if name.startswith(("optimiser.", "best.", "carried.", "random.cuda"))]
    tensors = directory.tensors(STATE, expected, optional)
    try:
        begun = Path(said.get("folder", ""))  # older checkpoints do not say it
        return Saved(History(**said["history"]), tensors, str(said["data"]), begun.absolute())
    except (LookupError, TypeError) as error:
        directory.refuse(PROGRESS, "hold the history of a training", f"{type(error).__name__}: {error}")


def _expected(network: Network, averaged: bool, lanes: int) -> dict[str, Tensor]:
    """Tensors of the names, shapes and types that a checkpoint of this network may have."""
    parts = ("network", "best", "mean") if averaged else ("network", "best")
    weights = own_state(network)
    found = {f"{part}.{name}": tensor for part in parts for name, tensor in weights.items()}
    for index, parameter in enumerate(trained(network)):
        found[f"optimiser.{index}.step"] = torch.empty((), dtype=torch.float32, device="meta")
        found[f"optimiser.{index}.exp_avg"] = found[f"optimiser.{index}.exp_avg_sq"] = parameter
    found |= {f"carried.{name}": tensor for name, tensor in carried_like(network, lanes).items()}
    found["random.cpu"] = torch.get_rng_state()
    found["random.cuda"] = torch.empty(CUDA_RANDOM_BYTES, dtype=torch.uint8, device="meta")
    return found


def refuse_rows(got: str) -> NoReturn:
    """Raise the DataError of a training that is gone on with on other rows than its own."""
    then = "Bring the data back as it was, or train anew with --force."
    fail("training", "the rows", "be those that it began with", got, then, DataError)
