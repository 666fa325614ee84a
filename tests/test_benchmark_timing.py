"""The benchmarks time fairly: one task for all, contenders in turn, wrong answers and disturbed blocks left out."""

import numpy as np
import pytest
import torch

from benchmarks.items import ITEMS, Item
from benchmarks.measure import environment, measured
from benchmarks.task import Prepared, make_task
from benchmarks.timing import Block, figure, interleaved
from benchmarks.works import ELMAN, WORKS

TINY = Item("packed training", "gru", 3, 5, 4, 6, 1)


@pytest.fixture(autouse=True)
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_all_contenders_of_an_item_are_given_the_same_task():
    first, second = make_task(TINY), make_task(TINY)
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.weights["weight_hh_l0"], second.weights["weight_hh_l0"])


@pytest.mark.parametrize("item", [item for item in ITEMS.values() if item.packed][::5], ids=lambda item: item.id)
def test_about_55_percent_of_a_packed_batch_is_real_and_its_padding_has_no_gradient(item):
    task = make_task(item)
    assert 0.5 < task.valid < 0.6
    assert task.lengths.max() == item.time
    assert not task.gradient[np.arange(item.time) >= task.lengths[:, None]].any()


def test_an_item_is_measured_with_all_contenders_that_are_there():
    found = measured(TINY, rounds=3, seconds=0.03)
    assert found["left_out"] == {}
    assert set(found["ratios"]) == {"torch packed", "torch padded"}
    ours, theirs = (found["microseconds"][name] for name in (ELMAN, "torch packed"))
    assert found["ratios"]["torch packed"] == pytest.approx(theirs / ours, rel=1e-3)


def test_a_contender_that_answers_otherwise_or_is_not_installed_is_left_out(monkeypatch):
    others = {"wrong": "own:wrong", "absent": "no_such_library:training"}
    contenders = {**WORKS[TINY.work].contenders, **others}
    monkeypatch.setitem(WORKS, TINY.work, WORKS[TINY.work]._replace(contenders=contenders))
    from benchmarks.peers import own

    wrong = Prepared(lambda: None, np.ones_like(make_task(TINY).x))
    monkeypatch.setattr(own, "wrong", lambda task: wrong, raising=False)
    found = measured(TINY, rounds=1, seconds=0.01)
    assert set(found["left_out"]) == {"wrong", "absent"}
    assert "answer is another" in found["left_out"]["wrong"]
    assert "not installed" in found["left_out"]["absent"]


def test_contenders_take_turns():
    order = []
    contenders = {name: Prepared(lambda name=name: order.append(name), None) for name in "ab"}
    blocks = interleaved(contenders, threads=1, rounds=3, seconds=0.006)
    assert [len(found) for found in blocks.values()] == [3, 3]
    turns = [name for name, before in zip(order, [None, *order[:-1]], strict=True) if name != before]
    assert "".join(turns).endswith("ababab")


def test_a_scaled_contender_counts_a_share_of_its_time():
    contenders = {"whole": 1.0, "tenth": 0.1}
    ready = {name: Prepared(lambda: sum(range(20_000)), None, scale=scale) for name, scale in contenders.items()}
    blocks = interleaved(ready, threads=1, rounds=3, seconds=0.05)
    assert figure(blocks["tenth"]).microseconds < figure(blocks["whole"]).microseconds / 2


def test_disturbed_blocks_are_left_out_while_three_calm_ones_are_left():
    calm = [Block(1e-6 * t, False) for t in (3, 1, 2)]
    found = figure([*calm, Block(9e-6, True)])
    assert found.microseconds == pytest.approx(2)
    assert (found.undisturbed, found.sure) == (0.75, True)


def test_where_most_blocks_were_disturbed_the_faster_half_of_all_counts():
    found = figure([Block(1e-6 * t, t != 4) for t in (1, 2, 3, 4, 5, 6)])
    assert found.microseconds == pytest.approx(2)
    assert not found.sure


def test_every_contender_waits_by_the_policy_that_was_asked_for(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    assert "OMP_WAIT_POLICY" not in environment(2)
    assert environment(1, "passive")["OMP_WAIT_POLICY"] == "PASSIVE"
