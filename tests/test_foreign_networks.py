"""Networks that nobody here wrote give the same answers and gradients once they are accelerated."""

from importlib.util import find_spec

import pytest
import torch

import elman
from benchmarks.foreign_networks import FOREIGN, PERSIAN, differences, pair

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the packages' own


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_network_answers_the_same_with_the_same_gradients(name):
    foreign = FOREIGN[name]
    if find_spec(foreign.package) is None:
        pytest.skip(f"needs {foreign.package}: make .venv/foreign")
    before, after = pair(foreign)
    answer, gradient = differences(foreign, before, after)
    assert answer <= 1e-5  # of numbers up to 20
    assert gradient <= 1e-4
    assert elman.restore(after) == foreign.recurrent
    with torch.no_grad():
        torch.testing.assert_close(foreign.answer(after), foreign.answer(before), rtol=0, atol=1e-5)


def test_the_words_sound_as_they_did():
    g2p = pytest.importorskip("g2p_fa").G2P_Fa()
    g2p.model.eval()  # its package leaves it in training, with dropout
    before = [g2p(word) for word in PERSIAN.split()]
    assert elman.accelerate(g2p.model).swapped == ["encoder.rnn", "decoder.rnn"]
    assert [g2p(word) for word in PERSIAN.split()] == before
    assert before[0].startswith("sæl")
