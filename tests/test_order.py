"""The order of the rows is a permutation that is calculated: exact, even, a function of its key, resumed anywhere."""

import itertools
import tracemalloc

import numpy as np
import pytest

from elman.data import Permutation, batches_an_epoch, in_order_of_length, padding_fraction, shuffled


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 16, 17, 99, 100, 101, 65_537])
def test_a_permutation_holds_each_number_once_and_its_inverse_undoes_it(size):
    numbers = np.arange(size)

    for key in range(3):
        found = Permutation(size, key)(numbers)
        assert sorted(found) == list(range(size))
        assert np.array_equal(Permutation(size, key).inverse(found), numbers)


def test_a_permutation_of_more_numbers_than_memory_holds():
    order, some = Permutation(10**17, 3, 1), np.random.default_rng(0).integers(0, 10**17, 1000)

    found = order(some)

    assert found.min() >= 0
    assert found.max() < 10**17
    assert np.array_equal(order.inverse(found), some)
    assert np.array_equal(order(some[::-1])[::-1], found)


def test_a_permutation_is_a_function_of_all_of_its_key():
    def order(*key: int) -> list[int]:
        return Permutation(1000, *key)(np.arange(1000)).tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(*key)) for key in [(1, 2), (2, 1), (1, 3), (2**62, 2), (2**62 + 1, 2)]}) == 5


@pytest.mark.parametrize("size", [4, 7, 30])
def test_every_number_goes_everywhere_equally_often(size):
    keys = 4000
    went = np.zeros((size, size))
    for key in range(keys):
        went[np.arange(size), Permutation(size, key)(np.arange(size))] += 1

    expected = keys / size
    square = ((went - expected) ** 2 / expected).sum()

    freedom = (size - 1) ** 2
    assert abs(square - freedom) < 5 * np.sqrt(2 * freedom)  # chi-squared has mean `freedom`, variance twice that


def test_neighbours_do_not_stay_neighbours():
    found = Permutation(100_000, 0)(np.arange(100_000))

    steps = np.diff(found) % 100_000
    assert np.corrcoef(found[:-1], found[1:])[0, 1] == pytest.approx(0, abs=0.02)
    assert np.unique(steps, return_counts=True)[1].max() < 12  # of 100,000 differences, each would come once


@pytest.mark.parametrize("begin", [0, 1, 99, 100, 101, 219, 220])
def test_an_epoch_resumes_at_any_batch_as_if_it_had_begun_there(begin):
    lengths = np.random.default_rng(0).integers(1, 50, 7001)

    whole = [rows.tolist() for rows in shuffled(lengths, 32, 1, 2)]

    assert len(whole) == batches_an_epoch(7001, 32) == 219
    assert [rows.tolist() for rows in shuffled(lengths, 32, 1, 2, begin)] == whole[begin:]


def test_windows_before_the_beginning_are_not_looked_at():
    class OneStepAhead:
        asked = 0

        def __len__(self) -> int:
            return 10**9

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            self.asked += len(rows)
            return rows % 50

    watched = OneStepAhead()
    batches = shuffled(watched, 32, 0, 0, begin=20_000_050)

    assert len(next(batches)) == 32
    assert watched.asked == 3200


def test_twenty_million_rows_are_shuffled_without_an_index():
    class Ones:
        def __len__(self) -> int:
            return 20_000_000

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            return np.ones(len(rows), np.int64)

    tracemalloc.start()
    seen = sum(len(rows) for rows in itertools.islice(shuffled(Ones(), 32, 0, 0), 2000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert seen == 64_000
    assert peak < 2_000_000


def test_rows_of_a_batch_are_of_similar_length_and_batches_are_mixed():
    lengths = np.random.default_rng(0).integers(1, 50, 3200)

    batches = list(shuffled(lengths, 32, 0, 0))

    means = [lengths[rows].mean() for rows in batches]
    assert padding_fraction(lengths, batches) < 0.03
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3


@pytest.mark.parametrize(("size", "window"), [(1, 3200), (256, 3200), (5000, 5000)])
def test_rows_are_scored_in_windows_of_which_one_is_looked_at_at_a_time(size, window):
    asked: list[np.ndarray] = []

    class OneStepAhead:
        def __len__(self) -> int:
            return 12_000

        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            asked.append(rows)
            return rows % 50

    batches = list(in_order_of_length(OneStepAhead(), size))

    assert [len(rows) for rows in asked] == [min(window, 12_000 - begin) for begin in range(0, 12_000, window)]
    assert max(len(rows) for rows in batches) == size
    assert sorted(np.concatenate(batches)) == list(range(12_000))
    if size < window:
        assert padding_fraction(np.arange(12_000) % 50, batches) < 0.07
