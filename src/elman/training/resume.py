"""Going on with a training that was stopped or killed, as if it had never been."""

from pathlib import Path

import torch

from elman.checks import fail
from elman.config import RunConfig
from elman.data import BadRows, from_memory, seen_from
from elman.data.requests import Source
from elman.errors import DataError, IntegrityError
from elman.model.build import make_network
from elman.model.load import described
from elman.model.model import Model
from elman.storage import MANIFEST, Directory, claim
from elman.training import Reporter, Saved, Trainer, all_checkpoints, read_checkpoint, refuse_rows
from elman.training.datasets import Tables, make_parts
from elman.training.train import RANDOM_NUMBERS, carry_out

PATHS = ("vectors", "root")  # options of fields


def resume(path: str | Path, table: Source | None = None, reporter: Reporter | None = None) -> Model:
    """Go on with a training that was stopped or killed, bit for bit as if it had never been.

    Paths start from the folder where it was begun; where nothing is there, from the current one.

    Args:
        path: its run directory.
        table: the data, where the training read it from memory.
        reporter: what the person sees; None: nothing.

    Raises:
        ArgumentError: another process trains there, or there is nothing to go on with.
        DataError: the data cannot be read, or is not what training began with.
        IntegrityError: no checkpoint is what was written.
        TrainingError: as `elman.train`.
    """
    reporter = reporter or Reporter(quiet=True)
    if not Path(path).is_dir():
        then = "Name the --out of a training that was stopped."
        fail("resume", "the path", "be a run directory", repr(str(path)), then)
    with claim(path, resume=True):
        found, saved = _newest(Path(path), reporter)
        config = found.config
        trainer = Trainer(**config.train)
        bad = BadRows(config.data.bad_rows == "skip")
        tables = None if table is None else Tables(from_memory(table))
        fields, parts = make_parts(_seen_from(saved.folder, config), tables, trainer.seed, bad, reporter.note)
        if fields.learned() != found.fields.learned():
            refuse_rows("other ones, of which the fields learn something else")
        reporter.note(f"resumed   {path} at step {saved.history.step:,}")
        with RANDOM_NUMBERS, torch.random.fork_rng():
            model = Model(config, fields, make_network(config, fields))
            return carry_out(model, trainer, parts, bad, path, reporter, saved)


def _seen_from(folder: Path, config: RunConfig) -> RunConfig:
    """The configuration of a training that was begun in a folder, with the paths that it has from the current one."""
    if folder == Path.cwd():
        return config
    seen = config.model_copy(deep=True)
    for part in ("source", "valid", "test"):
        named = getattr(seen.data, part)
        if named is not None:
            several = [seen_from(folder, one) for one in ([named] if isinstance(named, str) else named)]
            setattr(seen.data, part, several[0] if isinstance(named, str) else several)
    for options in (*seen.input.values(), *seen.target.values()):
        options |= {name: seen_from(folder, options[name]) for name in PATHS if options.get(name) is not None}
    return seen


def _newest(path: Path, reporter: Reporter) -> tuple[Model, Saved]:
    """The newest checkpoint that verifies, its network without memory; of those that do not, it is said why."""
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
    fail("resume", str(path), "hold a checkpoint that is what was written", "none", "Train anew.", IntegrityError)
