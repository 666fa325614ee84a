"""A training of a generated target, cut off in mid-epoch, resumes as if it had not been: no row is carried."""

import pytest
import torch

import elman
from elman.network import own_state
from elman.training.loop import TrainingRun

NAMES = ["anna", "maria", "jo", "jack", "ada"] * 11  # in batches of 32 the last is a short one
TABLE = {"lang": ["it", "en"] * 27 + ["it"], "name": NAMES}
NAME = {"name": {"kind": "text", "tokenizer": "character"}}
TASKS = {
    "one-to-many": {"input": "lang", "target": NAME},
    "next-step": {"input": NAME},
    "encoder-decoder": {"input": {"lang": {"kind": "text", "tokenizer": "character"}}, "target": NAME},
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("cut", [2, 3])
def test_it_ends_with_the_same_bits(tmp_path, monkeypatch, task, cut):
    options = {"hidden": 6, "epochs": 3, "quiet": True, "train": {"checkpoint_steps": 1}, **TASKS[task]}
    table = {"name": NAMES} if task == "next-step" else TABLE
    whole = elman.train(table, **options)
    steps, plain = [], TrainingRun._step

    def step(self, batch):
        steps.append(batch)
        if len(steps) == cut + 1:
            raise SystemExit  # as a kill, which writes nothing
        return plain(self, batch)

    monkeypatch.setattr(TrainingRun, "_step", step)
    with pytest.raises(SystemExit):
        elman.train(table, out=tmp_path / "run", **options)
    monkeypatch.undo()
    resumed = elman.resume(tmp_path / "run", table)

    assert resumed.metrics["test"] == whole.metrics["test"]
    torch.testing.assert_close(own_state(resumed.network), own_state(whole.network), rtol=0, atol=0)
