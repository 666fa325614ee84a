"""Resume a training that was stopped or killed, as if it had never been."""

from pathlib import Path

import torch

from elman.checks import fail
from elman.config.configuration import RunConfig
from elman.data import from_memory, seen_from
from elman.data.layouts import Tables
from elman.data.requests import Values
from elman.errors import DataError, IntegrityError
from elman.model.build import make_network
from elman.model.load import described
from elman.model.model import Model
from elman.storage import MANIFEST, Directory, all_checkpoints, claim
from elman.training import Reporter, Saved, read_checkpoint, refuse_rows
from elman.training.prepare import prepare
from elman.training.train import RANDOM_NUMBERS, fit

PATHS = ("vectors", "root")  # options of fields


def resume(path: str | Path, table: Values | None = None, reporter: Reporter | None = None) -> Model:
    """Resume a training that was stopped or killed, bit for bit as if it had never been.

    Paths start from the folder where it was begun; where nothing is there, from the current one.

    Args:
        path: its run directory.
        table: the data, where the training read it from memory.
        reporter: what the person sees; None: nothing.

    Raises:
        ArgumentError: another process trains there, or there is nothing to resume.
        DataError: the data cannot be read, or is not what training began with.
        IntegrityError: no checkpoint matches its manifest.
        TrainingError: as `elman.train`.
    """
    reporter = reporter or Reporter(quiet=True)
    if not Path(path).is_dir():
        then = "Name the --out of a training that was stopped."
        fail("resume", "the path", "be a run directory", repr(str(path)), then)
    with claim(path, resume=True):
        found, saved = _newest(Path(path), reporter)
        tables = None if table is None else Tables(from_memory(table))
        prepared = prepare(_seen_from(saved.folder, found.config), tables, reporter.note)
        if prepared.fields.learned() != found.fields.learned():
            refuse_rows("others, from which the fields learn something else")
        reporter.note(f"resumed   {path} at step {saved.history.step:,}")
        with RANDOM_NUMBERS, torch.random.fork_rng():
            model = Model(found.config, prepared.fields, make_network(found.config, prepared.fields))
            return fit(model, prepared, path, reporter, saved)


def _seen_from(folder: Path, config: RunConfig) -> RunConfig:
    """The configuration of a training that was begun in a folder, with the paths that it has from the current one."""
    if folder == Path.cwd():
        return config
    document = config.model_dump()
    data = document["data"]
    for split in ("source", "valid", "test"):
        named = data[split]
        if named is not None:
            data[split] = (
                seen_from(folder, named) if isinstance(named, str) else [seen_from(folder, one) for one in named]
            )
    for options in (*document["input"].values(), *document["target"].values()):
        options |= {name: seen_from(folder, options[name]) for name in PATHS if options.get(name) is not None}
    return RunConfig.model_validate(document)


def _newest(path: Path, reporter: Reporter) -> tuple[Model, Saved]:
    """The newest checkpoint that verifies, its network without memory; of those that do not, a note says why."""
    found = all_checkpoints(path)
    if not found:
        then = "It has ended: see elman info." if (path / MANIFEST).is_file() else "Train anew."
        fail("resume", str(path), "hold a checkpoint", "none", then)
    for folder in found:
        try:
            directory = Directory(folder)
            model = Model(*described(directory))
            averaged = model.config.train.get("average", "none") != "none"
            return model, read_checkpoint(directory, model.network, averaged, model.config.train["batch"])
        except (IntegrityError, DataError) as error:
            reporter.note(f"warning: {error} The checkpoint before it is tried.")
    fail("resume", str(path), "hold a checkpoint that matches its manifest", "none", "Train anew.", IntegrityError)
