"""Noise of training does what its equations say, does nothing in evaluation, and is a function of the seed."""

import math

import numpy as np
import pytest
import torch
from backends_of import needs_kernels

import elman
from elman.cells import GRUCell, LSTMCell
from elman.cells.elman import ElmanState
from elman.cells.lstm import LSTMState
from elman.data import Examples
from elman.fields import Category, Fields
from elman.heads import HEADS
from elman.layers import BACKENDS, LAYERS, TokenEmbedding
from elman.network import Network
from elman.testing import random_batch
from elman.topologies import TOPOLOGIES
from elman.training.evaluate import score

SHARE = 0.3
VARIANCE = SHARE / (1 - SHARE)  # of a mask that is 0 with this share, and otherwise 1 / (1 - SHARE)
ROWS, STEPS, SIZE = 300, 4, 200
LENGTHS = [9, 1, 0, 4, 9]
NOISES = {
    "dropout": {"dropout": 0.3},
    "locked": {"dropout": 0.3, "locked": True},
    "recurrent_dropout": {"recurrent_dropout": 0.3},
    "weight_drop": {"weight_drop": 0.3},
    "zoneout": {"zoneout": 0.3},
}
ALL = {"dropout": 0.3, "locked": True, "recurrent_dropout": 0.3, "weight_drop": 0.3, "zoneout": 0.3}
# Without recurrent weights, or without memory: what such a cell can take is less.
WITHOUT = {
    "mingru": ["recurrent_dropout", "weight_drop"],
    "memoryless": ["recurrent_dropout", "weight_drop", "zoneout"],
}
PAIRS = [(name, noise) for name in LAYERS for noise in NOISES if noise not in WITHOUT.get(name, [])]


@pytest.fixture(autouse=True)
def _chance():
    torch.manual_seed(0)


def mirror(num_layers=1, reads=1.0, remembers=0.0, **options):
    """A linear network without gates: h' = reads * x + remembers * h, so that outputs show what came between."""
    layer = elman.RNN(SIZE, SIZE, num_layers, nonlinearity="identity", bias=False, **options)
    with torch.no_grad():
        for cell in layer.cells():
            cell.weight_ih.copy_(reads * torch.eye(*cell.weight_ih.shape))
            cell.weight_hh.copy_(remembers * torch.eye(SIZE))
    return layer


def assert_share(found, expected):
    """The mean of booleans lies within four standard deviations of what it should be."""
    deviation = math.sqrt(expected * (1 - expected) / found.numel())
    assert abs(float(found.double().mean()) - expected) < 4 * deviation


def assert_mask(mask):
    """(rows, columns) of independent numbers, 0 with the share and 1 / (1 - share) otherwise."""
    assert mask.unique().tolist() == pytest.approx([0, 1 / (1 - SHARE)])
    assert_share(mask == 0, SHARE)
    for axis in (0, 1):  # if they were not independent, sums would vary more, or less
        others = mask.shape[1 - axis]
        sums = mask.double().sum(axis)
        spread = float((sums - mask.shape[axis]).square().mean())
        assert spread == pytest.approx(mask.shape[axis] * VARIANCE, rel=4 * math.sqrt(2 / others))


def seeded(run, *given, **options):
    torch.manual_seed(7)
    return run(*given, **options)


def test_locked_dropout_is_one_mask_a_row_and_feature_for_all_steps():
    ones = torch.ones(ROWS, STEPS, SIZE)
    locked, _ = seeded(mirror(2, dropout=SHARE, locked=True), ones)
    assert_mask(locked[:, 0].detach())
    assert (locked == locked[:, :1]).all()
    free, _ = seeded(mirror(2, dropout=SHARE), ones)
    assert_mask(free.detach().flatten(0, 1))
    deep, _ = mirror(3, dropout=SHARE, locked=True)(ones)
    assert_share(deep[:, 0] == 0, 1 - (1 - SHARE) ** 2)  # each border has a mask of its own


def test_recurrent_dropout_is_one_mask_on_the_state_for_all_steps():
    layer = mirror(reads=0.0, remembers=1.0, recurrent_dropout=SHARE)
    ones = ElmanState(torch.ones(ROWS, 1, SIZE))
    outputs, _ = seeded(layer, torch.zeros(ROWS, STEPS, SIZE), ones)
    mask = outputs[:, 0].detach()
    assert_mask(mask)
    for step in range(STEPS):
        torch.testing.assert_close(outputs[:, step], mask ** (step + 1))


def test_a_restart_draws_no_new_mask_and_each_direction_has_its_own():
    layer = mirror(reads=0.0, remembers=1.0, recurrent_dropout=SHARE, initial_state="learned", bidirectional=True)
    torch.nn.init.ones_(layer.initial_hidden)
    reset = torch.ones(ROWS, STEPS, dtype=torch.bool)
    outputs, _ = layer(torch.zeros(ROWS, STEPS, SIZE), reset=reset)
    assert (outputs == outputs[:, :1]).all()
    both = (outputs[..., :SIZE] == 0) & (outputs[..., SIZE:] == 0)
    assert_share(both[:, 0], SHARE**2)


def test_recurrent_dropout_leaves_what_is_carried_past_the_weights():
    x = torch.randn(5, 20, 3)
    lstm, gru = elman.LSTM(3, 8, recurrent_dropout=0.5), elman.GRU(3, 8, recurrent_dropout=0.5)
    with torch.no_grad():
        lstm.bias_ih_l0[:16] = torch.tensor([-200.0, 200.0]).repeat_interleave(8)  # input shut, forget open
        gru.bias_ih_l0[8:16] = 200.0  # the old state stays
    cells = LSTMState(torch.randn(5, 1, 8), torch.randn(5, 1, 8))
    assert torch.equal(lstm(x, cells)[1].cell, cells.cell)
    hidden = elman.cells.GRUState(torch.randn(5, 1, 8))
    torch.testing.assert_close(gru(x, hidden)[1].hidden, hidden.hidden, rtol=0, atol=1e-6)


def test_weight_drop_is_one_mask_on_the_recurrent_weights_for_all_rows_and_steps():
    layer = mirror(reads=0.0, weight_drop=SHARE)
    torch.nn.init.ones_(layer.weight_hh_l0)
    each_unit = torch.eye(SIZE).repeat(2, 1)[:, None]
    outputs, _ = seeded(layer, torch.zeros(2 * SIZE, 2, SIZE), ElmanState(each_unit))
    mask = outputs[:SIZE, 0].detach()  # column j of the weights, in row j
    assert_mask(mask)
    assert torch.equal(outputs[SIZE:, 0], mask)
    torch.testing.assert_close(outputs[:SIZE, 1], mask @ mask)
    outputs[0, 0].sum().backward()
    torch.testing.assert_close(layer.weight_hh_l0.grad[:, 0], mask[0])  # what was dropped learns nothing
    assert not torch.equal(layer(torch.zeros(2 * SIZE, 2, SIZE), ElmanState(each_unit))[0], outputs)


def test_zoneout_keeps_each_number_of_the_state_by_its_own_throw():
    layer = mirror(zoneout=SHARE)
    steps = torch.arange(1.0, 3.0)[None, :, None].expand(ROWS, 2, SIZE)
    outputs, state = seeded(layer, steps)
    first, second = outputs[:, 0].detach(), outputs[:, 1].detach()
    assert_share(first == 0, SHARE)
    assert_share(second == first, SHARE)
    assert_share(second == 0, SHARE**2)
    assert torch.equal(state.hidden[:, 0], second)
    mean = (1 - SHARE) * SHARE + 2 * (1 - SHARE)
    variance = (1 - SHARE) * SHARE + 4 * (1 - SHARE) - mean**2
    assert float(second.mean()) == pytest.approx(mean, abs=4 * math.sqrt(variance / second.numel()))
    assert float(second.var()) == pytest.approx(variance, rel=0.02)
    for sums, count in ((first.sum(0), ROWS), (first.sum(1), SIZE)):
        spread = float((sums - count * (1 - SHARE)).square().mean())
        assert spread == pytest.approx(count * SHARE * (1 - SHARE), rel=4 * math.sqrt(2 / len(sums)))


def test_zoneout_throws_for_the_cell_state_and_for_the_hidden_state():
    layer = elman.LSTM(3, SIZE, zoneout=SHARE)
    x = torch.randn(ROWS, 1, 3)
    _, state = layer(x)
    stays = [tensor == 0 for tensor in state]
    for tensor in stays:
        assert_share(tensor, SHARE)
    assert_share(stays[0] & stays[1], SHARE**2)
    layer.zoneout = 0.0
    _, moved = layer(x)  # what did not stay is what the step makes of the old state, cell state and all
    for tensor, stay, new in zip(state, stays, moved, strict=True):
        torch.testing.assert_close(tensor, new.masked_fill(stay, 0))


@pytest.mark.parametrize("noise", ["recurrent_dropout", "zoneout", "all"])
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "lstm-norm", "gru-norm"])
def test_gradients_under_noise_are_those_of_finite_differences(name, noise):
    layer = LAYERS[name](2, 3, 2, bidirectional=noise == "all", **(ALL if noise == "all" else NOISES[noise])).double()
    x, lengths = random_batch(3, 3, 2, lengths=[3, 0, 2], dtype=torch.float64)
    names = list(dict(layer.named_parameters()))

    def run(x, *values):
        torch.manual_seed(0)
        weights = dict(zip(names, values, strict=True))
        outputs, final = torch.func.functional_call(layer, weights, (x,), {"lengths": lengths})
        return outputs, *final

    values = [p.detach().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(run, (x.requires_grad_(), *values), fast_mode=True)


@pytest.mark.parametrize(("name", "noise"), PAIRS)
def test_in_evaluation_a_layer_is_the_one_without_the_option_to_the_bit(name, noise, monkeypatch):
    noisy = LAYERS[name](3, 4, 2, bidirectional=True, **NOISES[noise])
    plain = LAYERS[name](3, 4, 2, bidirectional=True)
    assert list(noisy.state_dict()) == list(plain.state_dict())
    noisy.load_state_dict(plain.state_dict())
    x, lengths = random_batch(5, 9, lengths=LENGTHS)
    used = watch(monkeypatch)

    answers = {}
    for layer in (noisy, plain):
        layer.eval()
        before = torch.get_rng_state()
        outputs, final = layer(x, lengths=lengths)
        assert torch.equal(torch.get_rng_state(), before)  # nothing was drawn
        answers[layer] = [outputs, *final]
    assert used[: len(used) // 2] == used[len(used) // 2 :]
    assert all(torch.equal(a, b) for a, b in zip(*answers.values(), strict=True))

    assert not torch.equal(noisy.train()(x, lengths=lengths)[0], answers[noisy][0])


def watch(monkeypatch):
    """The names of the backends that run from now on, a list that grows."""
    used = []
    for name, backend in list(BACKENDS.items()):
        monkeypatch.setitem(
            BACKENDS, name, backend._replace(run=lambda *a, n=name, b=backend: used.append(n) or b.run(*a))
        )
    return used


@pytest.mark.parametrize(("name", "noise"), PAIRS)
def test_poison_in_the_padding_changes_no_bit_of_training(name, noise):
    layer = LAYERS[name](3, 4, 2, bidirectional=True, **NOISES[noise])
    x, lengths = random_batch(5, 9, lengths=LENGTHS)
    padding = (torch.arange(9) >= lengths[:, None])[..., None]
    found = []
    for given in (x, x.masked_fill(padding, torch.nan)):
        given = given.clone().requires_grad_()
        layer.zero_grad()
        outputs, final = seeded(layer, given, lengths=lengths)
        (outputs.sin().sum() + final[0].sum()).backward()
        found.append([outputs.detach(), given.grad, *(p.grad for p in layer.parameters())])
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)
    assert (found[0][0].masked_select(padding) == 0).all()


@needs_kernels
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_weight_drop_and_locked_dropout_keep_the_kernels_and_answer_as_the_reference(name, monkeypatch):
    noise = {"weight_drop": 0.4, "dropout": 0.3, "locked": True}
    fast, slow = (LAYERS[name](3, 8, 2, **noise, backend=backend) for backend in ("auto", "reference"))
    slow.load_state_dict(fast.state_dict())
    x, lengths = random_batch(5, 9, lengths=LENGTHS)
    used = watch(monkeypatch)
    found = []
    for layer in (fast, slow):
        outputs, final = seeded(layer, x, lengths=lengths)
        layer.eval()(x)  # another call before the way back changes nothing
        outputs.sin().sum().backward()
        found.append([outputs, *final, *(p.grad for p in layer.parameters())])
    assert used[:2] == ["fused"] * 2
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("noise", ["recurrent_dropout", "zoneout"])
@pytest.mark.parametrize("backend", ["fused", "by_hand", "torch"])
def test_a_named_backend_that_cannot_says_why_and_runs_in_evaluation(backend, noise):
    layer, x = elman.GRU(3, 4, backend=backend, **NOISES[noise]), torch.zeros(2, 5, 3)
    with pytest.raises(ValueError, match=f"backend '{backend}'.*recurrent_dropout and zoneout change every step"):
        layer(x)
    if BACKENDS[backend].refuses(layer.cells()[0], x, None) is None:
        assert layer.eval()(x)[0].shape == (2, 5, 4)


def test_vector_dropout_takes_whole_vectors_the_same_wherever_a_token_stands():
    embedding = TokenEmbedding(ROWS, SIZE, vectors=torch.ones(ROWS, SIZE), vector_dropout=SHARE)
    ids = torch.arange(ROWS).repeat(2, 1)
    found = torch.stack([seeded(embedding, ids), *(embedding(ids) for _ in range(100))])
    assert (found == found[:, :1]).all()  # of the first row of the batch
    assert (found == found[..., :1]).all()
    assert_mask(found[:, 0, :, 0].detach())
    assert torch.equal(embedding.eval()(ids), torch.ones(2, ROWS, SIZE))


def fitted(**options):
    field = Category("label", **options)
    field.fit(["a", "b", "a"] if options.get("head") == "sigmoid" else ["a", "b", "c", "a"])
    return field


@pytest.mark.parametrize("weights", ["none", "balanced"])
@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_label_smoothing_is_the_loss_against_the_smoothed_truth_and_evaluation_is_without(head, weights):
    plain, smooth = (fitted(head=head, class_weights=weights, label_smoothing=share) for share in (0.0, SHARE))
    output = torch.randn(6, 1 if head == "sigmoid" else 3)
    logits = torch.cat([torch.zeros_like(output), output], 1) if head == "sigmoid" else output
    classes = logits.shape[1]
    target = torch.arange(6) % classes
    truth = (1 - SHARE) * torch.eye(classes)[target] + SHARE / classes
    expected = -(truth * logits.log_softmax(1)).sum(1)
    scale = plain.weights()
    expected = expected if scale is None else expected * torch.from_numpy(scale)[target]
    smoothed, sharp = (HEADS["category"](field, 5) for field in (smooth, plain))
    torch.testing.assert_close(smoothed.training_loss(output, target), expected)
    assert torch.equal(smoothed.loss(output, target), sharp.loss(output, target))
    assert torch.equal(sharp.training_loss(output, target), sharp.loss(output, target))


def test_a_network_lowers_the_smoothed_loss_and_shows_the_other():
    field = fitted(label_smoothing=SHARE)
    network = Network(Fields({"x": field}, {"y": field}), "one-to-one", {})
    values = [np.array(index) for index in range(3)]
    examples = Examples({"x": values}, {"y": values})
    batch, ids = examples.batch(np.arange(3)), torch.arange(3)
    (head,) = network.heads
    output = head(network(batch).single).detach()
    torch.testing.assert_close(network.train().loss(batch).rows, head.training_loss(output, ids))
    torch.testing.assert_close(network.eval().loss(batch).rows, head.loss(output, ids))
    assert score(network, examples)["loss"] == pytest.approx(float(head.loss(output, ids).mean()))


RANDOM = np.random.default_rng(0)
TABLE = {
    "text": [" ".join(RANDOM.choice(["good", "bad", "fine", "poor"], 5)) for _ in range(60)],
    "label": list(RANDOM.choice(["yes", "no"], 60)),
}
TRAININGS = {
    "locked": {"model": {"locked": True}},
    "recurrent_dropout": {"model": {"recurrent_dropout": 0.3}},
    "weight_drop": {"model": {"weight_drop": 0.3}},
    "zoneout": {"model": {"zoneout": 0.3}},
    "vector_dropout": {"input": {"text": {"vector_dropout": 0.3}}},
    "label_smoothing": {"target": {"label": {"label_smoothing": 0.3}}},
    "lstm-norm": {"model": {"cell": "lstm-norm"}},
}


@pytest.mark.parametrize("option", TRAININGS)
def test_a_seed_gives_the_same_bits_and_another_seed_others(option, threads):
    given = {"input": "text", "target": "label"} | TRAININGS[option]
    given["model"] = {"layers": 2, "hidden": 40, "dropout": 0.3, **given.get("model", {})}
    first, again, other = (
        elman.train(TABLE, **given, epochs=2, seed=seed, quiet=True).network.state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("name", ["lstm", "gru-norm"])
def test_a_layer_under_noise_compiles_as_one_graph(name):
    layer = LAYERS[name](3, 4, 2, **ALL)
    x, lengths = random_batch(3, 2, lengths=[2, 1, 2])
    torch.compiler.reset()  # forget the cases before, or their number ends compilation
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    for mode in (True, False):
        layer.train(mode)
        expected = seeded(layer, x, lengths=lengths)
        torch.testing.assert_close(seeded(compiled, x, lengths=lengths), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: elman.LSTM(3, 4, recurrent_dropout=1.5), r"LSTM: recurrent_dropout must .* below 1, got 1"),
        (lambda: elman.LSTM(3, 4, weight_drop=-0.1), r"LSTM: weight_drop must be a fraction, .* below 1, got -0\.1"),
        (lambda: elman.GRU(3, 4, zoneout=math.nan), r"GRU: zoneout must be a fraction, .* below 1, got nan"),
        (lambda: elman.GRU(3, 4, dropout=0.5, locked=True), r"locked must go with dropout between layers, got num"),
        (lambda: elman.GRU(3, 4, 2, locked=True), r"got num_layers=2 and dropout=0\.0\. Set both, or leave locked out"),
        (lambda: elman.MinGRU(3, 4, recurrent_dropout=0.5), r"MinGRU: recurrent_dropout must be 0 for a cell with"),
        (lambda: elman.MinGRU(3, 4, weight_drop=0.5), r"weight_drop must be 0 for a cell without weight_hh, got 0\.5"),
        (lambda: elman.Memoryless(3, 4, initial_state="learned"), r"initial_state must be 'zero' for layers without"),
        (lambda: elman.Memoryless(3, 4, zoneout=0.1), r"Memoryless: zoneout must be 0 for layers without memory"),
        (lambda: elman.Memoryless(3, 4, weight_drop=0.1), r"weight_drop must be 0 for layers without .* another cell"),
        (lambda: TOPOLOGIES["many-to-one"](3, 2, cell="memoryless", condition="state"), r"condition must be another"),
        (lambda: TOPOLOGIES["one-to-many"](0, 2, 3, cell="memoryless", condition="state"), r"which reads no state"),
        (lambda: TokenEmbedding(3, 4, vector_dropout=2), r"TokenEmbedding: vector_dropout must .* below 1"),
        (lambda: elman.fields.Text("x", vector_dropout=2.0), r"x: vector_dropout must .* below 1, got 2\.0"),
        (lambda: Category("x", label_smoothing=1.1), r"x: label_smoothing must be a fraction, .* below 1, got 1\.1"),
        (lambda: elman.LayerNormGRU(3, 1), r"LayerNormGRUCell: hidden_size must be at least 2, got 1"),
        (lambda: elman.LayerNormLSTM(3, 1), r"LayerNormLSTMCell: hidden_size must be at least 2, got 1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(elman.ElmanError, match=message):
        call()


@pytest.mark.parametrize("cell", [LSTMCell, GRUCell])
def test_a_cell_that_lends_a_tensor_keeps_its_own(cell):
    mine = cell(3, 4)
    other = mine.with_weights(weight_hh=torch.zeros_like(mine.weight_hh))
    assert (other.weight_hh == 0).all()
    assert (mine.weight_hh != 0).any()
    assert other.weight_ih is mine.weight_ih
    assert len(list(mine.parameters())) == 4
