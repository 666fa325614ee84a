"""Splits leak nothing, what is learned comes from the training rows only, batches are a function of (seed, epoch)."""

import os
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.data import Examples, in_order_of_length, padding_fraction, shuffled, split_rows
from elman.fields.values.cells import moment


def parts_of(*arguments: object, **options: object) -> list[np.ndarray]:
    """The rows of each part of a split."""
    return [part[np.arange(len(part))] for part in split_rows(*arguments, **options)]


@pytest.mark.parametrize("fractions", [(0.1, 0.1), (0.25, 0.0), (0.0, 0.5)])
def test_a_split_has_its_fractions_every_row_once_and_depends_on_the_seed_only(fractions):
    split = parts_of(200, *fractions, seed=3)

    assert [len(part) for part in split[1:]] == [200 * fraction for fraction in fractions]
    assert sorted(np.concatenate(split)) == list(range(200))
    assert all(np.array_equal(a, b) for a, b in zip(split, parts_of(200, *fractions, seed=3), strict=True))
    assert not np.array_equal(split[0], parts_of(200, *fractions, seed=4)[0])


def test_a_group_is_never_parted():
    groups = np.random.default_rng(0).choice([f"user {number}" for number in range(40)], 300)

    split = parts_of(300, 0.2, 0.2, 0, group=groups.tolist())

    train, valid, test = (set(groups[part]) for part in split)
    assert train | valid | test == set(groups)
    assert len(train) + len(valid) + len(test) == len(set(groups))
    assert (len(valid), len(test)) == (8, 8)


@pytest.mark.parametrize("write", [int, str, lambda day: f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}"])
def test_the_future_never_leaks(write):
    days = np.random.default_rng(0).integers(0, 300, 500)  # several rows a day

    split = parts_of(500, 0.2, 0.2, 0, time=[moment(write(int(day))) for day in days])

    train, valid, test = (days[part] for part in split)
    assert train.max() < valid.min()
    assert valid.max() < test.min()


@pytest.mark.parametrize("cell", ["3/4/2026", "tomorrow", "", None, "nan"])
def test_a_time_that_must_be_guessed_is_no_time(cell):
    with pytest.raises(elman.ElmanError, match=r"a number or a date such as 2026-11-23"):
        moment(cell)


def documents(rows: list[dict], **data: object) -> elman.Model:
    options = {"valid_fraction": 0.2, "test_fraction": 0.2, **data}
    return elman.train(rows, input=["v", "w"] if "id" in data else "text", target="y", data=options, hidden=2, epochs=1,
                       quiet=True)  # fmt: skip


@pytest.mark.parametrize("data", [{}, {"split_time": "t"}, {"split_group": "t"}])
def test_what_is_learned_comes_from_the_training_rows_only(data):
    rows = [{"text": f"word{n % 7} and word{n}", "y": ("no", "yes")[n % 2], "t": n} for n in range(40)]
    by = [row["t"] for row in rows]
    split = parts_of(
        40,
        0.2,
        0.2,
        0,
        [str(value) for value in by] if "split_group" in data else None,
        by if "split_time" in data else None,
    )
    changed = [dict(row) for row in rows]
    for number in np.concatenate(split[1:]):
        changed[number] |= {"text": "other other words words", "y": "yes"}

    before, after = documents(rows, **data), documents(changed, **data)

    assert after.input.learned() == before.input.learned()
    assert after.target.learned() == before.target.learned()
    changed[split[0][0]]["text"] = "other other words words"
    assert documents(changed, **data).input.learned() != before.input.learned()


def test_scalers_come_from_the_training_rows_only():
    rows = [{"id": n, "v": s + n, "w": n * s, "y": n % 2} for n in range(40) for s in range(3)]
    split = parts_of(40, 0.2, 0.2, 0)
    outside = set(np.concatenate(split[1:]).tolist())
    changed = [row | {"v": 1e6, "w": -1e6} if row["id"] in outside else row for row in rows]

    assert documents(changed, id="id").input.learned() == documents(rows, id="id").input.learned()


def test_every_row_stands_in_one_batch_an_epoch_and_the_order_is_a_function_of_seed_and_epoch():
    lengths = np.random.default_rng(0).integers(0, 50, 7001)

    def flat(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in shuffled(lengths, 32, seed, epoch)]

    assert sorted(row for batch in flat(1, 2) for row in batch) == list(range(7001))
    assert flat(1, 2) == flat(1, 2)
    assert flat(1, 2) != flat(1, 3)
    assert flat(1, 2) != flat(2, 2)
    assert sorted(np.concatenate(list(in_order_of_length(lengths, 256)))) == list(range(7001))


def test_a_batch_holds_the_rows_padded_with_zeros_after_their_end():
    rows = [np.arange(1, length + 1) for length in (3, 0, 2)]

    batch = Examples({"x": rows}, {"y": [10, 20, 30]}).batch(np.array([2, 0, 1]))

    assert batch.inputs["x"].values.tolist() == [[1, 2, 0], [1, 2, 3], [0, 0, 0]]
    assert (batch.inputs["x"].lengths.tolist(), batch.targets["y"].values.tolist()) == ([2, 3, 0], [30, 10, 20])
    assert padding_fraction(np.array([3, 0, 2]), [np.array([2, 0, 1])]) == pytest.approx(4 / 9)


def test_padding_of_real_text_is_under_a_tenth():
    path = Path(os.environ.get("ELMAN_DATA", "")) / "sst2" / "stsa.binary.train"
    if not path.is_file():
        pytest.skip("ELMAN_DATA names no folder with sst2/stsa.binary.train")
    lengths = np.array([len(line.split()) - 1 for line in path.read_text(encoding="utf-8").splitlines()])

    assert padding_fraction(lengths, shuffled(lengths, 32, 0, 0)) < 0.1
    assert (
        padding_fraction(lengths, [np.arange(i, i + 32) for i in range(0, len(lengths) - 32, 32)]) > 0.3
    )  # as it stands
