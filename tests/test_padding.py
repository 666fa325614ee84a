"""Padding is never read: what stands in it, and who else is in the batch, changes no answer."""

import pytest
import torch
from backends_of import exact_type, with_backends

from elman.layers import POOLS, AttentionPool
from elman.testing import CELL_CASES, random_batch
from elman.topologies import Encoded, ManyToOne, OneToOne, SequenceTopology
from elman.topologies.many_to_one import POOLINGS

LENGTHS = [9, 1, 0, 4, 9]
POISONS = [float("nan"), float("inf"), 1e30]


def poisoned(x, lengths, poison):
    dirty = x.clone()
    for row, length in enumerate(lengths):
        dirty[row, length:] = poison
    return dirty


def answers_and_gradients(module, x, lengths):
    """All that a run gives: outputs, states, the gradient of every parameter and of the input's real steps."""
    x = x.clone().requires_grad_()
    module.zero_grad()
    result = module(Encoded(x, lengths)).single if isinstance(module, SequenceTopology) else module(x, lengths=lengths)
    outputs = (
        result if isinstance(result, torch.Tensor) else torch.cat([result[0].flatten(), *map(torch.flatten, result[1])])
    )
    outputs.sin().sum().backward()
    return [outputs.detach(), x.grad, *(p.grad for p in module.parameters())]


@pytest.mark.parametrize(("case", "backend"), with_backends(CELL_CASES), ids=str)
@pytest.mark.parametrize("poison", POISONS)
def test_poison_in_the_padding_changes_no_bit(case, poison, backend):
    layer = case.build(backend=backend)
    x, lengths = random_batch(rows=5, steps=9, features=case.input_size, lengths=LENGTHS)

    clean = answers_and_gradients(layer, x, lengths)
    dirty = answers_and_gradients(layer, poisoned(x, LENGTHS, poison), lengths)

    torch.testing.assert_close(dirty, clean, rtol=0, atol=0)


@pytest.mark.parametrize(("case", "backend"), with_backends(CELL_CASES), ids=str)
def test_a_row_answers_the_same_alone(case, backend):
    layer, dtype = case.build(backend=backend), exact_type(case.layer)
    layer.to(dtype)
    x, lengths = random_batch(rows=5, steps=9, features=case.input_size, lengths=[9, 1, 2, 4, 9], dtype=dtype)
    together, state = layer(x, lengths=lengths)
    for row, length in enumerate(lengths):
        alone, own = layer(x[row : row + 1, :length])
        within = 1e-6 * max(1.0, float(alone.detach().abs().max()))  # relu and identity are not bounded
        torch.testing.assert_close(together[row, :length], alone[0], rtol=0, atol=within)
        for tensor, single in zip(state, own, strict=True):
            torch.testing.assert_close(tensor[row], single[0], rtol=0, atol=within)


@pytest.mark.parametrize("case", CELL_CASES, ids=str)
def test_a_row_without_steps_keeps_the_state_it_was_given(case):
    layer = case.build()
    x, lengths = random_batch(rows=5, steps=9, features=case.input_size, lengths=LENGTHS)
    first = layer.cell_type.state_type(*(torch.randn_like(tensor) for tensor in layer.start_state(x)))

    _, state = layer(x, first, lengths=lengths)

    torch.testing.assert_close([tensor[2] for tensor in state], [tensor[2] for tensor in first], rtol=0, atol=0)


@pytest.mark.parametrize("poison", POISONS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
def test_poison_changes_no_bit_of_a_pooled_sequence(pooling, poison, bidirectional):
    torch.manual_seed(0)
    topology = ManyToOne(3, cell="gru", hidden=4, pooling=pooling, bidirectional=bidirectional, dropout=0.0)
    x, lengths = random_batch(rows=5, steps=9, lengths=LENGTHS)

    clean = answers_and_gradients(topology, x, lengths)
    dirty = answers_and_gradients(topology, poisoned(x, LENGTHS, poison), lengths)

    torch.testing.assert_close(dirty, clean, rtol=0, atol=0)


@pytest.mark.parametrize("pooling", POOLS)
def test_poison_changes_no_bit_of_the_baseline(pooling):
    x, lengths = random_batch(rows=5, steps=9, lengths=LENGTHS)
    topology = OneToOne(3, pooling=pooling)

    dirty = topology(Encoded(poisoned(x, LENGTHS, float("nan")), lengths)).single

    torch.testing.assert_close(dirty, topology(Encoded(x, lengths)).single, rtol=0, atol=0)


@pytest.mark.parametrize("pooling", [*POOLS.values(), AttentionPool(3)], ids=[*POOLS, "attention"])
def test_pooling_a_row_alone_gives_what_it_gives_in_a_batch(pooling):
    x, lengths = random_batch(rows=5, steps=9, lengths=[9, 1, 2, 4, 9])
    together = pooling(x, lengths)
    for row, length in enumerate(lengths):
        alone = pooling(x[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-6)


def test_last_pooling_joins_both_directions_true_ends():
    topology = ManyToOne(3, cell="rnn", hidden=4, pooling="last", bidirectional=True, dropout=0.0)
    x, lengths = random_batch(rows=5, steps=9, lengths=[9, 1, 2, 4, 9])
    outputs, _ = topology.body(x, lengths=lengths)

    pooled = topology(Encoded(x, lengths)).single

    for row, length in enumerate(lengths):
        ends = torch.cat([outputs[row, length - 1, :4], outputs[row, 0, 4:]])
        torch.testing.assert_close(pooled[row], ends, rtol=0, atol=1e-6)
